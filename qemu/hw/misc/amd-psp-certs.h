/*
 * AMD secure processor: certificates in the SEV format
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_AMD_PSP_CERTS_H
#define HW_MISC_AMD_PSP_CERTS_H

#include "amd-psp-crypto.h"

#define PSP_CERT_SIZE 0x824

/* PEK, OCA and CEK, in this order */
#define PSP_CHAIN_SIZE (3 * PSP_CERT_SIZE)

/* The P-384 public key of a certificate; false if it holds none */
bool psp_cert_key(const uint8_t cert[PSP_CERT_SIZE], PSPPoint *pub);

/*
 * Whether @pdh is a platform's by its chain: INVALID_CERTIFICATE, or
 * POLICY_FAILURE if the policy wants a platform of the same owner.
 */
uint32_t psp_chain_check(PSPState *s, uint32_t policy, const uint8_t *pdh,
                         const uint8_t *chain);

#endif
