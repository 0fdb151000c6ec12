/*
 * AMD secure processor: thin wrappers over nettle and hogweed
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/iov.h"
#include "crypto/random.h"
#include "qapi/error.h"
#include <nettle/aes.h>
#include <nettle/bignum.h>
#include <nettle/ctr.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <nettle/gcm.h>
#include <nettle/hkdf.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include "amd-psp-crypto.h"

void psp_sha384(const void *data, size_t len, uint8_t out[PSP_SHA384])
{
    struct sha384_ctx ctx;

    sha384_init(&ctx);
    sha384_update(&ctx, len, data);
    sha384_digest(&ctx, PSP_SHA384, out);
}

static void hash(size_t size, const void *data, size_t len,
                 uint8_t out[PSP_SHA384])
{
    struct sha256_ctx ctx;

    if (size == PSP_SHA384) {
        psp_sha384(data, len, out);
        return;
    }
    sha256_init(&ctx);
    sha256_update(&ctx, len, data);
    sha256_digest(&ctx, PSP_SHA256, out);
}

static void hmac_key(struct hmac_sha384_ctx *ctx, const void *key, size_t len)
{
    hmac_sha384_set_key(ctx, len, key);
}

void psp_derive(const void *key, size_t key_len, const char *purpose,
                const void *data, size_t data_len, void *out, size_t len)
{
    g_autoptr(GByteArray) info = g_byte_array_new();
    struct hmac_sha384_ctx ctx;
    uint8_t prk[PSP_SHA384];

    g_byte_array_append(info, (const uint8_t *)purpose, strlen(purpose) + 1);
    g_byte_array_append(info, data, data_len);

    hmac_key(&ctx, TYPE_AMD_PSP, strlen(TYPE_AMD_PSP));
    hkdf_extract(&ctx, (nettle_hash_update_func *)hmac_sha384_update,
                 (nettle_hash_digest_func *)hmac_sha384_digest,
                 sizeof(prk), key_len, key, prk);
    hmac_key(&ctx, prk, sizeof(prk));
    hkdf_expand(&ctx, (nettle_hash_update_func *)hmac_sha384_update,
                (nettle_hash_digest_func *)hmac_sha384_digest, sizeof(prk),
                info->len, info->data, len, out);
}

void psp_hmac_sha256(const void *key, size_t key_len, const struct iovec *iov,
                     size_t niov, uint8_t out[PSP_SHA256])
{
    struct hmac_sha256_ctx ctx;

    hmac_sha256_set_key(&ctx, key_len, key);
    for (size_t i = 0; i < niov; i++) {
        hmac_sha256_update(&ctx, iov[i].iov_len, iov[i].iov_base);
    }
    hmac_sha256_digest(&ctx, PSP_SHA256, out);
}

static void gcm_start(struct gcm_aes256_ctx *ctx, const uint8_t *key,
                      const uint8_t *iv, const void *aad, size_t aad_len)
{
    gcm_aes256_set_key(ctx, key);
    gcm_aes256_set_iv(ctx, PSP_GCM_IV, iv);
    gcm_aes256_update(ctx, aad_len, aad);
}

void psp_gcm_encrypt(const uint8_t key[PSP_GCM_KEY],
                     const uint8_t iv[PSP_GCM_IV],
                     const void *aad, size_t aad_len,
                     void *data, size_t len, uint8_t tag[PSP_GCM_TAG])
{
    struct gcm_aes256_ctx ctx;

    gcm_start(&ctx, key, iv, aad, aad_len);
    gcm_aes256_encrypt(&ctx, len, data, data);
    gcm_aes256_digest(&ctx, PSP_GCM_TAG, tag);
}

bool psp_gcm_decrypt(const uint8_t key[PSP_GCM_KEY],
                     const uint8_t iv[PSP_GCM_IV],
                     const void *aad, size_t aad_len,
                     void *data, size_t len, const uint8_t tag[PSP_GCM_TAG])
{
    struct gcm_aes256_ctx ctx;
    uint8_t own[PSP_GCM_TAG];

    gcm_start(&ctx, key, iv, aad, aad_len);
    gcm_aes256_decrypt(&ctx, len, data, data);
    gcm_aes256_digest(&ctx, PSP_GCM_TAG, own);
    if (!memeql_sec(own, tag, PSP_GCM_TAG)) {
        memset(data, 0, len);
        return false;
    }
    return true;
}

void psp_ctr(const uint8_t key[16], const uint8_t iv[16], void *data,
             size_t len)
{
    struct aes128_ctx aes;
    uint8_t ctr[16];

    memcpy(ctr, iv, sizeof(ctr));
    aes128_set_encrypt_key(&aes, key);
    ctr_crypt(&aes, (nettle_cipher_func *)aes128_encrypt, sizeof(ctr), ctr,
              len, data, data);
}

static void random_bytes(void *ctx, size_t len, uint8_t *dst)
{
    qcrypto_random_bytes(dst, len, &error_abort);
}

static bool scalar_load(struct ecc_scalar *scalar, const uint8_t *num)
{
    mpz_t z;
    bool ok;

    nettle_mpz_init_set_str_256_u(z, PSP_ECC_SIZE, num);
    ecc_scalar_init(scalar, nettle_get_secp_384r1());
    ok = ecc_scalar_set(scalar, z);
    mpz_clear(z);
    return ok;
}

static bool point_load(struct ecc_point *point, const PSPPoint *pub)
{
    mpz_t x, y;
    bool ok;

    nettle_mpz_init_set_str_256_u(x, PSP_ECC_SIZE, pub->x);
    nettle_mpz_init_set_str_256_u(y, PSP_ECC_SIZE, pub->y);
    ecc_point_init(point, nettle_get_secp_384r1());
    ok = ecc_point_set(point, x, y);
    mpz_clear(x);
    mpz_clear(y);
    return ok;
}

static void point_store(const struct ecc_point *point, PSPPoint *pub)
{
    mpz_t x, y;

    mpz_init(x);
    mpz_init(y);
    ecc_point_get(point, x, y);
    nettle_mpz_get_str_256(PSP_ECC_SIZE, pub->x, x);
    nettle_mpz_get_str_256(PSP_ECC_SIZE, pub->y, y);
    mpz_clear(x);
    mpz_clear(y);
}

void psp_ecc_scalar(const void *seed, size_t len, const char *purpose,
                    const void *data, size_t data_len,
                    uint8_t scalar[PSP_ECC_SIZE])
{
    g_autofree uint8_t *info = g_malloc0(data_len + 1);
    struct ecc_scalar probe;
    bool ok;

    /* All but one of 2^190 strings are in range: count until one is */
    memcpy(info + 1, data, data_len);
    do {
        psp_derive(seed, len, purpose, info, data_len + 1, scalar,
                   PSP_ECC_SIZE);
        ok = scalar_load(&probe, scalar);
        ecc_scalar_clear(&probe);
        info[0]++;
    } while (!ok);
}

void psp_ecc_public(const uint8_t scalar[PSP_ECC_SIZE], PSPPoint *pub)
{
    struct ecc_scalar n;
    struct ecc_point p;

    g_assert(scalar_load(&n, scalar));
    ecc_point_init(&p, nettle_get_secp_384r1());
    ecc_point_mul_g(&p, &n);
    point_store(&p, pub);
    ecc_point_clear(&p);
    ecc_scalar_clear(&n);
}

void psp_ecdsa_sign(const uint8_t scalar[PSP_ECC_SIZE], size_t hash_size,
                    const void *data, size_t len, PSPSignature *sig)
{
    uint8_t digest[PSP_SHA384];
    struct dsa_signature rs;
    struct ecc_scalar n;

    hash(hash_size, data, len, digest);
    g_assert(scalar_load(&n, scalar));
    dsa_signature_init(&rs);
    ecdsa_sign(&n, NULL, random_bytes, hash_size, digest, &rs);
    nettle_mpz_get_str_256(PSP_ECC_SIZE, sig->r, rs.r);
    nettle_mpz_get_str_256(PSP_ECC_SIZE, sig->s, rs.s);
    dsa_signature_clear(&rs);
    ecc_scalar_clear(&n);
}

bool psp_ecdsa_verify(const PSPPoint *pub, size_t hash_size,
                      const void *data, size_t len, const PSPSignature *sig)
{
    uint8_t digest[PSP_SHA384];
    struct dsa_signature rs;
    struct ecc_point p;
    bool ok;

    hash(hash_size, data, len, digest);
    dsa_signature_init(&rs);
    nettle_mpz_set_str_256_u(rs.r, PSP_ECC_SIZE, sig->r);
    nettle_mpz_set_str_256_u(rs.s, PSP_ECC_SIZE, sig->s);
    ok = point_load(&p, pub) && ecdsa_verify(&p, hash_size, digest, &rs);
    ecc_point_clear(&p);
    dsa_signature_clear(&rs);
    return ok;
}

bool psp_ecdh(const uint8_t scalar[PSP_ECC_SIZE], const PSPPoint *pub,
              uint8_t secret[PSP_ECC_SIZE])
{
    struct ecc_scalar n;
    struct ecc_point p;
    PSPPoint shared;
    bool ok = point_load(&p, pub);

    if (ok) {
        g_assert(scalar_load(&n, scalar));
        ecc_point_mul(&p, &n, &p);
        point_store(&p, &shared);
        memcpy(secret, shared.x, PSP_ECC_SIZE);
        ecc_scalar_clear(&n);
    }
    ecc_point_clear(&p);
    return ok;
}

void psp_field(uint8_t field[PSP_ECC_FIELD], const uint8_t num[PSP_ECC_SIZE])
{
    memset(field, 0, PSP_ECC_FIELD);
    for (int i = 0; i < PSP_ECC_SIZE; i++) {
        field[i] = num[PSP_ECC_SIZE - 1 - i];
    }
}

void psp_unfield(uint8_t num[PSP_ECC_SIZE], const uint8_t *field)
{
    for (int i = 0; i < PSP_ECC_SIZE; i++) {
        num[i] = field[PSP_ECC_SIZE - 1 - i];
    }
}
