/*
 * AMD secure processor: certificates in the SEV format
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * PDH is signed by PEK; PEK by OCA and CEK; OCA by itself; CEK by nobody,
 * because the vendor's key that signs it exists on hardware only.
 */
#include "qemu/osdep.h"
#include "amd-psp-certs.h"
#include "amd-psp-keys.h"
#include "amd-psp-legacy.h"
#include "amd-psp-mem.h"

#define CERT_VERSION   0x000
#define CERT_API_MAJOR 0x004
#define CERT_API_MINOR 0x005
#define CERT_USAGE     0x008
#define CERT_ALGO      0x00c
#define CERT_KEY       0x010
#define   KEY_CURVE      0x000
#define   KEY_QX         0x004
#define   KEY_QY         0x04c
#define CERT_SIGNED    0x414        /* what the signatures cover ends here */
#define CERT_SIG(i)    (0x414 + (i) * 0x208)
#define   SIG_USAGE      0x000
#define   SIG_ALGO       0x004
#define   SIG_VALUE      0x008

#define USAGE_OCA      0x1001
#define USAGE_PEK      0x1002
#define USAGE_PDH      0x1003
#define USAGE_CEK      0x1004
#define USAGE_NONE     0x1000
#define ALGO_NONE      0x000
#define ALGO_ECDSA     0x002        /* with SHA-256 */
#define ALGO_ECDH      0x003
#define CURVE_P384     2

bool psp_cert_key(const uint8_t cert[PSP_CERT_SIZE], PSPPoint *pub)
{
    const uint8_t *key = cert + CERT_KEY;

    if (ldl_le_p(key + KEY_CURVE) != CURVE_P384) {
        return false;
    }
    psp_unfield(pub->x, key + KEY_QX);
    psp_unfield(pub->y, key + KEY_QY);
    return true;
}

static void begin(PSPState *s, uint8_t *cert, uint32_t usage,
                  const uint8_t *scalar)
{
    PSPPoint pub;

    memset(cert, 0, PSP_CERT_SIZE);
    stl_le_p(cert + CERT_VERSION, 1);
    cert[CERT_API_MAJOR] = s->api_major;
    cert[CERT_API_MINOR] = s->api_minor;
    stl_le_p(cert + CERT_USAGE, usage);
    stl_le_p(cert + CERT_ALGO, usage == USAGE_PDH ? ALGO_ECDH : ALGO_ECDSA);
    psp_ecc_public(scalar, &pub);
    stl_le_p(cert + CERT_KEY + KEY_CURVE, CURVE_P384);
    psp_field(cert + CERT_KEY + KEY_QX, pub.x);
    psp_field(cert + CERT_KEY + KEY_QY, pub.y);
    for (int i = 0; i < 2; i++) {
        stl_le_p(cert + CERT_SIG(i) + SIG_USAGE, USAGE_NONE);
        stl_le_p(cert + CERT_SIG(i) + SIG_ALGO, ALGO_NONE);
    }
}

static void sign_raw(const uint8_t *scalar, const void *data, size_t len,
                     uint8_t sig[PSP_CERT_SIG])
{
    PSPSignature rs;

    psp_ecdsa_sign(scalar, PSP_SHA256, data, len, &rs);
    psp_field(sig, rs.r);
    psp_field(sig + PSP_ECC_FIELD, rs.s);
}

void psp_pek_sign(PSPState *s, const void *data, size_t len,
                  uint8_t sig[PSP_CERT_SIG])
{
    sign_raw(s->keys->pek, data, len, sig);
}

static void sign(uint8_t *cert, int slot, uint32_t usage,
                 const uint8_t *scalar)
{
    uint8_t *sig = cert + CERT_SIG(slot);

    stl_le_p(sig + SIG_USAGE, usage);
    stl_le_p(sig + SIG_ALGO, ALGO_ECDSA);
    sign_raw(scalar, cert, CERT_SIGNED, sig + SIG_VALUE);
}

static void authority(PSPState *s, const char *name, uint8_t *scalar)
{
    psp_ecc_scalar(s->keys->secret, sizeof(s->keys->secret), name, NULL, 0,
                   scalar);
}

static void make_chain(PSPState *s, uint8_t chain[PSP_CHAIN_SIZE])
{
    uint8_t *pek = chain, *oca = pek + PSP_CERT_SIZE;
    uint8_t *cek = oca + PSP_CERT_SIZE;
    uint8_t oca_key[PSP_ECC_SIZE], cek_key[PSP_ECC_SIZE];

    authority(s, "OCA", oca_key);
    authority(s, "CEK", cek_key);
    begin(s, pek, USAGE_PEK, s->keys->pek);
    sign(pek, 0, USAGE_OCA, oca_key);
    sign(pek, 1, USAGE_CEK, cek_key);
    begin(s, oca, USAGE_OCA, oca_key);
    sign(oca, 0, USAGE_OCA, oca_key);
    begin(s, cek, USAGE_CEK, cek_key);
}

/* Both lengths are answered, so that a caller can ask for them with zero */
uint32_t psp_pdh_cert_export(PSPReq *req)
{
    PSPState *s = req->psp;
    uint32_t pdh_len = psp_r32(req, 8), chain_len = psp_r32(req, 24);
    uint64_t pdh_paddr = psp_addr(req, 0), chain_paddr = psp_addr(req, 16);
    uint8_t pdh[PSP_CERT_SIZE];
    g_autofree uint8_t *chain = g_malloc(PSP_CHAIN_SIZE);
    uint32_t status;

    psp_w32(req, 8, PSP_CERT_SIZE);
    psp_w32(req, 24, PSP_CHAIN_SIZE);
    if (pdh_len < PSP_CERT_SIZE || chain_len < PSP_CHAIN_SIZE) {
        return PSP_INVALID_LEN;
    }
    status = psp_legacy_output(s, pdh_paddr, PSP_CERT_SIZE);
    if (!status) {
        status = psp_legacy_output(s, chain_paddr, PSP_CHAIN_SIZE);
    }
    if (status) {
        return status;
    }
    begin(s, pdh, USAGE_PDH, s->keys->pdh);
    sign(pdh, 0, USAGE_PEK, s->keys->pek);
    make_chain(s, chain);
    psp_mem_write(chain_paddr, chain, PSP_CHAIN_SIZE);
    return psp_mem_write(pdh_paddr, pdh, sizeof(pdh));
}

/* A request is the certificate without signatures */
uint32_t psp_pek_csr(PSPReq *req)
{
    uint32_t status = psp_legacy_answer(req, 0, 8, PSP_CERT_SIZE);
    uint8_t cert[PSP_CERT_SIZE];

    if (status) {
        return status;
    }
    begin(req->psp, cert, USAGE_PEK, req->psp->keys->pek);
    return psp_mem_write(psp_addr(req, 0), cert, sizeof(cert));
}

/* The platform owns itself: no other owner is taken on */
uint32_t psp_pek_cert_import(PSPReq *req)
{
    if (psp_r32(req, 8) < PSP_CERT_SIZE || psp_r32(req, 24) < PSP_CERT_SIZE) {
        return PSP_INVALID_LEN;
    }
    return PSP_ALREADY_OWNED;
}

uint32_t psp_pek_gen(PSPReq *req)
{
    psp_pek_renew(req->psp->keys);
    return PSP_SUCCESS;
}

uint32_t psp_pdh_gen(PSPReq *req)
{
    psp_pdh_renew(req->psp->keys);
    return PSP_SUCCESS;
}

/* Whether the signature in @slot of @cert is that of the key in @by */
static bool signed_by(const uint8_t *cert, int slot, const uint8_t *by,
                      uint32_t usage)
{
    const uint8_t *sig = cert + CERT_SIG(slot);
    PSPSignature rs;
    PSPPoint pub;

    if (ldl_le_p(by + CERT_USAGE) != usage ||
        ldl_le_p(sig + SIG_USAGE) != usage ||
        ldl_le_p(sig + SIG_ALGO) != ALGO_ECDSA || !psp_cert_key(by, &pub)) {
        return false;
    }
    psp_unfield(rs.r, sig + SIG_VALUE);
    psp_unfield(rs.s, sig + SIG_VALUE + PSP_ECC_FIELD);
    return psp_ecdsa_verify(&pub, PSP_SHA256, cert, CERT_SIGNED, &rs);
}

static bool is_own_authority(PSPState *s, const uint8_t *oca)
{
    uint8_t scalar[PSP_ECC_SIZE];
    PSPPoint own, other;

    authority(s, "OCA", scalar);
    psp_ecc_public(scalar, &own);
    return psp_cert_key(oca, &other) && !memcmp(&own, &other, sizeof(own));
}

uint32_t psp_chain_check(PSPState *s, uint32_t policy, const uint8_t *pdh,
                         const uint8_t *chain)
{
    const uint8_t *pek = chain, *oca = pek + PSP_CERT_SIZE;
    const uint8_t *cek = oca + PSP_CERT_SIZE;

    if (ldl_le_p(pdh + CERT_USAGE) != USAGE_PDH ||
        !signed_by(pdh, 0, pek, USAGE_PEK) ||
        !signed_by(pek, 0, oca, USAGE_OCA) ||
        !signed_by(pek, 1, cek, USAGE_CEK) ||
        !signed_by(oca, 0, oca, USAGE_OCA)) {
        return PSP_INVALID_CERTIFICATE;
    }
    if ((policy & LEGACY_POLICY_DOMAIN) && !is_own_authority(s, oca)) {
        return PSP_POLICY_FAILURE;
    }
    return PSP_SUCCESS;
}

#define REPORT_NONCE  0x00
#define REPORT_DIGEST 0x10
#define REPORT_POLICY 0x30
#define REPORT_USAGE  0x34
#define REPORT_ALGO   0x38
#define REPORT_SIG    0x40
#define REPORT_SIZE   (REPORT_SIG + PSP_CERT_SIG)

/* The older attestation: digest and policy under the PEK */
uint32_t psp_attestation_report(PSPReq *req)
{
    uint32_t status;
    uint8_t report[REPORT_SIZE] = { 0 };
    PSPLegacyGuest *g = psp_legacy_guest(req, &status);

    if (!g) {
        return status;
    }
    if (g->state < PSP_LEGACY_LSECRET) {
        return PSP_INVALID_GUEST_STATE;
    }
    status = psp_legacy_answer(req, 8, 32, REPORT_SIZE);
    if (status) {
        return status;
    }
    memcpy(report + REPORT_NONCE, req->buf + 16, 16);
    memcpy(report + REPORT_DIGEST, g->digest, sizeof(g->digest));
    stl_le_p(report + REPORT_POLICY, g->policy);
    stl_le_p(report + REPORT_USAGE, USAGE_PEK);
    stl_le_p(report + REPORT_ALGO, ALGO_ECDSA);
    psp_pek_sign(req->psp, report, REPORT_POLICY + 4, report + REPORT_SIG);
    return psp_mem_write(psp_addr(req, 8), report, sizeof(report));
}
