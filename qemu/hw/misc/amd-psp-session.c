/*
 * AMD secure processor: the owner's session with a SEV guest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The owner agrees on a secret with the platform's DH key, wraps two
 * transport keys with it and authenticates the policy:
 *   Z   = ECDH(owner, PDH)
 *   M   = KDF(Z, "sev-master-secret", nonce)
 *   KEK = KDF(M, "sev-kek"),  KIK = KDF(M, "sev-kik")
 *   session = nonce | CTR(KEK, iv, TEK | TIK) | iv | HMAC(KIK, wrapped)
 *             | HMAC(TIK, policy)
 */
#include "qemu/osdep.h"
#include "crypto/random.h"
#include "qapi/error.h"
#include <nettle/memops.h>
#include "amd-psp-certs.h"
#include "amd-psp-keys.h"
#include "amd-psp-legacy.h"
#include "amd-psp-mem.h"

#define SESSION_NONCE      0x00
#define SESSION_WRAPPED    0x10
#define SESSION_IV         0x30
#define SESSION_MAC        0x40
#define SESSION_POLICY_MAC 0x60

#define KEY_BYTES 16

/* Counter mode of SP 800-108, one round: all keys here have 128 bits */
static void kdf(const void *key, size_t key_len, const char *label,
                const void *context, size_t context_len,
                uint8_t out[KEY_BYTES])
{
    uint32_t one = cpu_to_le32(1), bits = cpu_to_le32(KEY_BYTES * 8);
    uint8_t zero = 0, mac[PSP_SHA256];
    struct iovec iov[] = {
        { &one, sizeof(one) }, { (char *)label, strlen(label) },
        { &zero, 1 }, { (void *)context, context_len },
        { &bits, sizeof(bits) },
    };

    psp_hmac_sha256(key, key_len, iov, ARRAY_SIZE(iov), mac);
    memcpy(out, mac, KEY_BYTES);
}

static void make_mac(const uint8_t *key, const void *data, size_t len,
                     uint8_t mac[PSP_SHA256])
{
    struct iovec iov = { (void *)data, len };

    psp_hmac_sha256(key, KEY_BYTES, &iov, 1, mac);
}

static bool mac_matches(const uint8_t *key, const void *data, size_t len,
                        const uint8_t *mac)
{
    uint8_t own[PSP_SHA256];

    make_mac(key, data, len, own);
    return memeql_sec(own, mac, PSP_SHA256);
}

/* The keys that wrap keys, from what both sides share and the nonce */
static void wrapping_keys(const uint8_t *z, const uint8_t *nonce,
                          uint8_t kek[KEY_BYTES], uint8_t kik[KEY_BYTES])
{
    uint8_t m[KEY_BYTES];

    kdf(z, PSP_ECC_SIZE, "sev-master-secret", nonce, KEY_BYTES, m);
    kdf(m, sizeof(m), "sev-kek", NULL, 0, kek);
    kdf(m, sizeof(m), "sev-kik", NULL, 0, kik);
}

static uint32_t unwrap(PSPLegacyGuest *g, const uint8_t *z, uint8_t *session)
{
    uint8_t kek[KEY_BYTES], kik[KEY_BYTES];
    uint8_t *wrapped = session + SESSION_WRAPPED;
    uint32_t policy = cpu_to_le32(g->policy);

    wrapping_keys(z, session + SESSION_NONCE, kek, kik);
    if (!mac_matches(kik, wrapped, 2 * KEY_BYTES, session + SESSION_MAC)) {
        return PSP_BAD_MEASUREMENT;
    }
    psp_ctr(kek, session + SESSION_IV, wrapped, 2 * KEY_BYTES);
    memcpy(g->tek, wrapped, KEY_BYTES);
    memcpy(g->tik, wrapped + KEY_BYTES, KEY_BYTES);
    if (!mac_matches(g->tik, &policy, sizeof(policy),
                     session + SESSION_POLICY_MAC)) {
        return PSP_POLICY_FAILURE;
    }
    return PSP_SUCCESS;
}

uint32_t psp_session_open(PSPState *s, PSPLegacyGuest *g, uint64_t dh_paddr,
                          uint32_t dh_len, uint64_t session_paddr,
                          uint32_t session_len)
{
    uint8_t cert[PSP_CERT_SIZE], session[PSP_SESSION_SIZE], z[PSP_ECC_SIZE];
    PSPPoint owner;
    uint32_t status;

    if (session_len < PSP_SESSION_SIZE || dh_len < PSP_CERT_SIZE) {
        return PSP_INVALID_LEN;
    }
    status = psp_mem_read(dh_paddr, cert, sizeof(cert));
    if (!status) {
        status = psp_mem_read(session_paddr, session, sizeof(session));
    }
    if (status) {
        return status;
    }
    if (!psp_cert_key(cert, &owner) || !psp_ecdh(s->keys->pdh, &owner, z)) {
        return PSP_INVALID_CERTIFICATE;
    }
    return unwrap(g, z, session);
}

bool psp_session_make(PSPState *s, PSPLegacyGuest *g, const uint8_t *peer,
                      uint8_t session[PSP_SESSION_SIZE])
{
    uint8_t z[PSP_ECC_SIZE], kek[KEY_BYTES], kik[KEY_BYTES];
    uint8_t *wrapped = session + SESSION_WRAPPED;
    uint32_t policy = cpu_to_le32(g->policy);
    PSPPoint pub;

    if (!psp_cert_key(peer, &pub) || !psp_ecdh(s->keys->pdh, &pub, z)) {
        return false;
    }
    /* Nonce, transport keys and IV; only the keys do not stay as they are */
    qcrypto_random_bytes(session, SESSION_MAC, &error_abort);
    memcpy(g->tek, wrapped, KEY_BYTES);
    memcpy(g->tik, wrapped + KEY_BYTES, KEY_BYTES);
    wrapping_keys(z, session + SESSION_NONCE, kek, kik);
    psp_ctr(kek, session + SESSION_IV, wrapped, 2 * KEY_BYTES);
    make_mac(kik, wrapped, 2 * KEY_BYTES, session + SESSION_MAC);
    make_mac(g->tik, &policy, sizeof(policy), session + SESSION_POLICY_MAC);
    return true;
}

void psp_packet_mac(PSPLegacyGuest *g, PSPPacketLabel label,
                    const uint8_t *hdr, const uint8_t *data,
                    uint32_t guest_len, uint32_t len, uint8_t mac[PSP_SHA256])
{
    uint8_t first = label;
    uint32_t lens[2] = { cpu_to_le32(guest_len), cpu_to_le32(len) };
    struct iovec iov[] = {
        { &first, 1 }, { (void *)hdr, PSP_PACKET_MAC }, { lens, sizeof(lens) },
        { (void *)data, len }, { g->measurement, sizeof(g->measurement) },
    };
    size_t n = ARRAY_SIZE(iov) - (label == PSP_PACKET_SECRET ? 0 : 1);

    psp_hmac_sha256(g->tik, sizeof(g->tik), iov, n, mac);
}

uint32_t psp_packet_open(PSPLegacyGuest *g, PSPPacketLabel label,
                         const uint8_t *hdr, uint8_t *data, uint32_t guest_len,
                         uint32_t len)
{
    uint8_t own[PSP_SHA256];

    if (ldl_le_p(hdr + PSP_PACKET_FLAGS)) {
        return PSP_INVALID_PARAM;
    }
    psp_packet_mac(g, label, hdr, data, guest_len, len, own);
    if (!memeql_sec(own, hdr + PSP_PACKET_MAC, PSP_SHA256)) {
        return PSP_BAD_MEASUREMENT;
    }
    psp_ctr(g->tek, hdr + PSP_PACKET_IV, data, len);
    return PSP_SUCCESS;
}

static uint32_t check_secret(PSPReq *req, PSPLegacyGuest **g)
{
    uint32_t hdr_len = psp_r32(req, 16), guest_len = psp_r32(req, 32);
    uint32_t len = psp_r32(req, 48), status;

    *g = psp_legacy_guest(req, &status);
    if (!*g) {
        return status;
    }
    if ((*g)->state != PSP_LEGACY_LSECRET) {
        return PSP_INVALID_GUEST_STATE;
    }
    if (!(*g)->asid) {
        return PSP_INACTIVE;
    }
    if (hdr_len < PSP_PACKET_HDR || !len || len > PSP_PACKET_MAX || len % 16 ||
        guest_len != len) {
        return PSP_INVALID_LEN;
    }
    return psp_legacy_output(req->psp, psp_addr(req, 24), guest_len);
}

uint32_t psp_launch_secret(PSPReq *req)
{
    uint8_t hdr[PSP_PACKET_HDR];
    uint32_t len = psp_r32(req, 48), status;
    g_autofree uint8_t *data = NULL;
    PSPLegacyGuest *g;

    status = check_secret(req, &g);
    if (!status) {
        status = psp_mem_read(psp_addr(req, 8), hdr, sizeof(hdr));
    }
    if (status) {
        return status;
    }
    data = g_malloc(len);
    status = psp_mem_read(psp_addr(req, 40), data, len);
    if (status) {
        return status;
    }
    status = psp_packet_open(g, PSP_PACKET_SECRET, hdr, data,
                             psp_r32(req, 32), len);
    return status ? status : psp_mem_write(psp_addr(req, 24), data, len);
}
