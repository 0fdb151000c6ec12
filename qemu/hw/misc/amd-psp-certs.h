/*
 * AMD secure processor: certificates in the SEV format
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_AMD_PSP_CERTS_H
#define HW_MISC_AMD_PSP_CERTS_H

#include "amd-psp-crypto.h"

#define PSP_CERT_SIZE 0x824

/* The P-384 public key of a certificate; false if it holds none */
bool psp_cert_key(const uint8_t cert[PSP_CERT_SIZE], PSPPoint *pub);

#endif
