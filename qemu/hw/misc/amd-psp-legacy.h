/*
 * AMD secure processor: SEV and SEV-ES guests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_AMD_PSP_LEGACY_H
#define HW_MISC_AMD_PSP_LEGACY_H

#include "amd-psp-crypto.h"

#define LEGACY_POLICY_NODBG  (1u << 0)
#define LEGACY_POLICY_NOKS   (1u << 1)
#define LEGACY_POLICY_ES     (1u << 2)
#define LEGACY_POLICY_MAJOR(p) (((p) >> 16) & 0xff)
#define LEGACY_POLICY_MINOR(p) (((p) >> 24) & 0xff)

/* Release every guest and its ASID */
void psp_legacy_free_all(PSPState *s);

/* The guest that the handle at offset 0 of the buffer names */
PSPLegacyGuest *psp_legacy_guest(PSPReq *req, uint32_t *status);

/*
 * The transport keys that the guest's owner wrapped for this platform;
 * BAD_MEASUREMENT or INVALID_CERTIFICATE if they do not unwrap.
 */
uint32_t psp_session_open(PSPState *s, PSPLegacyGuest *g, uint64_t dh_paddr,
                          uint32_t dh_len, uint64_t session_paddr,
                          uint32_t session_len);

/* Sign with the platform endorsement key, in the firmware's format */
#define PSP_CERT_SIG (2 * PSP_ECC_FIELD)
void psp_pek_sign(PSPState *s, const void *data, size_t len,
                  uint8_t sig[PSP_CERT_SIG]);

#endif
