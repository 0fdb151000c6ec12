/*
 * AMD secure processor: identity block of a guest and its signatures
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's owner signs the block with the ID key; an author may sign the
 * ID key. The report names both keys by their SHA-384.
 */
#include "qemu/osdep.h"
#include "amd-psp-crypto.h"
#include "amd-psp-idblock.h"
#include "amd-psp-mem.h"

#define BLOCK_SIZE      0x60
#define BLOCK_FAMILY    0x30
#define BLOCK_IMAGE     0x40
#define BLOCK_VERSION   0x50
#define BLOCK_SVN       0x54
#define BLOCK_POLICY    0x58

#define AUTH_SIZE       0x1000
#define AUTH_ID_ALGO    0x00
#define AUTH_KEY_ALGO   0x04
#define AUTH_BLOCK_SIG  0x40
#define AUTH_ID_KEY     0x240
#define AUTH_ID_SIG     0x680
#define AUTH_AUTHOR     0x880

#define KEY_SIZE        0x404
#define KEY_QX          0x04
#define KEY_QY          0x4c
#define CURVE_P384      2
#define ALGO_ECDSA_P384 1

static bool signed_by(const uint8_t *key, const uint8_t *sig,
                      const void *data, size_t len)
{
    PSPSignature rs;
    PSPPoint pub;

    if (ldl_le_p(key) != CURVE_P384) {
        return false;
    }
    psp_unfield(pub.x, key + KEY_QX);
    psp_unfield(pub.y, key + KEY_QY);
    psp_unfield(rs.r, sig);
    psp_unfield(rs.s, sig + PSP_ECC_FIELD);
    return psp_ecdsa_verify(&pub, PSP_SHA384, data, len, &rs);
}

static uint32_t check_block(const PSPContext *ctx, const uint8_t *block)
{
    if (memcmp(block, ctx->digest, PSP_SHA384)) {
        return PSP_BAD_MEASUREMENT;
    }
    if (ldq_le_p(block + BLOCK_POLICY) != ctx->policy) {
        return PSP_POLICY_FAILURE;
    }
    return ldl_le_p(block + BLOCK_VERSION) == 1 ? PSP_SUCCESS
                                                : PSP_INVALID_PARAM;
}

static uint32_t check_auth(const uint8_t *block, const uint8_t *auth,
                           bool author)
{
    if (ldl_le_p(auth + AUTH_ID_ALGO) != ALGO_ECDSA_P384 ||
        (author && ldl_le_p(auth + AUTH_KEY_ALGO) != ALGO_ECDSA_P384)) {
        return PSP_INVALID_PARAM;
    }
    if (!signed_by(auth + AUTH_ID_KEY, auth + AUTH_BLOCK_SIG, block,
                   BLOCK_SIZE)) {
        return PSP_BAD_SIGNATURE;
    }
    if (author && !signed_by(auth + AUTH_AUTHOR, auth + AUTH_ID_SIG,
                             auth + AUTH_ID_KEY, KEY_SIZE)) {
        return PSP_BAD_SIGNATURE;
    }
    return PSP_SUCCESS;
}

uint32_t psp_id_block(PSPContext *ctx, uint64_t block_paddr,
                      uint64_t auth_paddr, bool author)
{
    uint8_t block[BLOCK_SIZE], auth[AUTH_SIZE];
    uint32_t status = psp_mem_read(block_paddr, block, sizeof(block));

    if (!status) {
        status = psp_mem_read(auth_paddr, auth, sizeof(auth));
    }
    if (!status) {
        status = check_block(ctx, block);
    }
    if (!status) {
        status = check_auth(block, auth, author);
    }
    if (status) {
        return status;
    }
    ctx->id_block = true;
    ctx->auth_key = author;
    ctx->guest_svn = ldl_le_p(block + BLOCK_SVN);
    memcpy(ctx->family_id, block + BLOCK_FAMILY, sizeof(ctx->family_id));
    memcpy(ctx->image_id, block + BLOCK_IMAGE, sizeof(ctx->image_id));
    psp_sha384(auth + AUTH_ID_KEY, KEY_SIZE, ctx->id_key_digest);
    if (author) {
        psp_sha384(auth + AUTH_AUTHOR, KEY_SIZE, ctx->author_key_digest);
    }
    return PSP_SUCCESS;
}
