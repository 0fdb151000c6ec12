/*
 * AMD secure processor: the ciphers, hashes and curve it uses
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Byte strings of numbers are big-endian here; the firmware's structures
 * hold them little-endian in 72 bytes, which psp_field() converts.
 */
#ifndef HW_MISC_AMD_PSP_CRYPTO_H
#define HW_MISC_AMD_PSP_CRYPTO_H

#include <nettle/sha2.h>
#include "amd-psp-int.h"

#define PSP_GCM_KEY 32
#define PSP_GCM_IV  12
#define PSP_GCM_TAG 16

void psp_sha384(const void *data, size_t len, uint8_t out[PSP_SHA384]);

/* HKDF-SHA-384: @out from @key, bound to the purpose and the given data */
void psp_derive(const void *key, size_t key_len, const char *purpose,
                const void *data, size_t data_len, void *out, size_t len);

void psp_hmac_sha256(const void *key, size_t key_len, const struct iovec *iov,
                     size_t niov, uint8_t out[PSP_SHA256]);

/* AES-256-GCM; decryption returns false, and no plaintext, on a wrong tag */
void psp_gcm_encrypt(const uint8_t key[PSP_GCM_KEY],
                     const uint8_t iv[PSP_GCM_IV],
                     const void *aad, size_t aad_len,
                     void *data, size_t len, uint8_t tag[PSP_GCM_TAG]);
bool psp_gcm_decrypt(const uint8_t key[PSP_GCM_KEY],
                     const uint8_t iv[PSP_GCM_IV],
                     const void *aad, size_t aad_len,
                     void *data, size_t len, const uint8_t tag[PSP_GCM_TAG]);

/* AES-128-CTR, in place */
void psp_ctr(const uint8_t key[16], const uint8_t iv[16], void *data,
             size_t len);

typedef struct PSPPoint {
    uint8_t x[PSP_ECC_SIZE], y[PSP_ECC_SIZE];
} PSPPoint;

typedef struct PSPSignature {
    uint8_t r[PSP_ECC_SIZE], s[PSP_ECC_SIZE];
} PSPSignature;

/* P-384: a private scalar out of a seed, and what is done with it */
void psp_ecc_scalar(const void *seed, size_t len, const char *purpose,
                    const void *data, size_t data_len,
                    uint8_t scalar[PSP_ECC_SIZE]);
void psp_ecc_public(const uint8_t scalar[PSP_ECC_SIZE], PSPPoint *pub);
/* The hash is named by its size: SHA-256 in certificates, else SHA-384 */
void psp_ecdsa_sign(const uint8_t scalar[PSP_ECC_SIZE], size_t hash_size,
                    const void *data, size_t len, PSPSignature *sig);
bool psp_ecdsa_verify(const PSPPoint *pub, size_t hash_size,
                      const void *data, size_t len, const PSPSignature *sig);

/* Shared secret of ECDH; false if @pub is not on the curve */
bool psp_ecdh(const uint8_t scalar[PSP_ECC_SIZE], const PSPPoint *pub,
              uint8_t secret[PSP_ECC_SIZE]);

/* Between big-endian numbers and the firmware's 72-byte fields */
void psp_field(uint8_t field[PSP_ECC_FIELD], const uint8_t num[PSP_ECC_SIZE]);
void psp_unfield(uint8_t num[PSP_ECC_SIZE], const uint8_t *field);

#endif
