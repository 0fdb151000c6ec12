/*
 * AMD secure processor: keys of the chip
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Everything follows from the property "seed", so that two runs with one
 * seed are the same chip.
 */
#ifndef HW_MISC_AMD_PSP_KEYS_H
#define HW_MISC_AMD_PSP_KEYS_H

#include "amd-psp-crypto.h"

#define PSP_CHIP_ID 64

struct PSPKeys {
    uint8_t secret[PSP_SHA384];
    uint8_t chip_id[PSP_CHIP_ID];
    uint8_t vcek[PSP_ECC_SIZE];         /* of vcek_tcb */
    uint64_t vcek_tcb;
    uint8_t pek[PSP_ECC_SIZE], pdh[PSP_ECC_SIZE];
    uint32_t pek_count, pdh_count;
};

/* Derive the keys and, with the property "export", write the public ones */
PSPKeys *psp_keys_new(PSPState *s, Error **errp);
void psp_keys_free(PSPKeys *keys);

/* The signing key of attestation reports for a TCB version */
const uint8_t *psp_vcek(PSPState *s, uint64_t tcb);

/* A new PEK with a new PDH, or a new PDH alone */
void psp_pek_renew(PSPKeys *keys);
void psp_pdh_renew(PSPKeys *keys);

#endif
