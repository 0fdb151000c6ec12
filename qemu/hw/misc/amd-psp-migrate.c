/*
 * AMD secure processor: migration of SEV and SEV-ES guests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RUNNING --SEND_START--> SUPDATE --FINISH--> SENT, or CANCEL back to RUNNING
 * UNINIT --RECEIVE_START--> RUPDATE --FINISH--> RUNNING
 *
 * The sender plays the part that the owner plays at a launch: it makes a
 * session for the receiver's DH key, whose certificates it has checked. The
 * vendor's part of the chain exists on hardware only and is not looked at.
 */
#include "qemu/osdep.h"
#include "crypto/random.h"
#include "qapi/error.h"
#include "amd-psp-certs.h"
#include "amd-psp-legacy.h"
#include "amd-psp-mem.h"
#include "trace.h"

#define CRYPT_ALIGN 16

/* SEND_START */
#define START_POLICY      4
#define START_PDH         8
#define START_PDH_LEN     16
#define START_CHAIN       24
#define START_CHAIN_LEN   32
#define START_SESSION     56
#define START_SESSION_LEN 64

/* SEND_UPDATE_* and RECEIVE_UPDATE_* */
#define UPDATE_HDR        8
#define UPDATE_HDR_LEN    16
#define UPDATE_GUEST      24
#define UPDATE_GUEST_LEN  32
#define UPDATE_TRANS      40
#define UPDATE_TRANS_LEN  48

/* The receiver's PDH certificate, once its chain is found good */
static uint32_t read_peer(PSPReq *req, uint32_t policy,
                          uint8_t pdh[PSP_CERT_SIZE])
{
    g_autofree uint8_t *chain = g_malloc(PSP_CHAIN_SIZE);
    uint32_t status;

    if (psp_r32(req, START_PDH_LEN) < PSP_CERT_SIZE ||
        psp_r32(req, START_CHAIN_LEN) < PSP_CHAIN_SIZE) {
        return PSP_INVALID_LEN;
    }
    status = psp_mem_read(psp_addr(req, START_PDH), pdh, PSP_CERT_SIZE);
    if (!status) {
        status = psp_mem_read(psp_addr(req, START_CHAIN), chain,
                              PSP_CHAIN_SIZE);
    }
    return status ? status : psp_chain_check(req->psp, policy, pdh, chain);
}

uint32_t psp_send_start(PSPReq *req)
{
    uint8_t pdh[PSP_CERT_SIZE], session[PSP_SESSION_SIZE];
    uint32_t status;
    PSPLegacyGuest *g = psp_legacy_guest_in(req, PSP_LEGACY_RUNNING, &status);

    if (!g) {
        return status;
    }
    if (g->policy & LEGACY_POLICY_NOSEND) {
        return PSP_POLICY_FAILURE;
    }
    psp_w32(req, START_POLICY, g->policy);
    status = psp_legacy_answer(req, START_SESSION, START_SESSION_LEN,
                               PSP_SESSION_SIZE);
    if (!status) {
        status = read_peer(req, g->policy, pdh);
    }
    if (status) {
        return status;
    }
    if (!psp_session_make(req->psp, g, pdh, session)) {
        return PSP_INVALID_CERTIFICATE;
    }
    g->state = PSP_LEGACY_SUPDATE;
    trace_amd_psp_legacy_guest(g->handle, g->policy, "is being sent");
    return psp_mem_write(psp_addr(req, START_SESSION), session,
                         sizeof(session));
}

/* What packets of data and of a VMSA have in common */
static uint32_t check_update(PSPReq *req, PSPPacketLabel label)
{
    uint64_t guest = psp_addr(req, UPDATE_GUEST);
    uint32_t len = psp_r32(req, UPDATE_GUEST_LEN);

    if (!len || len > PSP_PACKET_MAX || len % CRYPT_ALIGN ||
        psp_r32(req, UPDATE_HDR_LEN) < PSP_PACKET_HDR ||
        psp_r32(req, UPDATE_TRANS_LEN) < len) {
        return PSP_INVALID_LEN;
    }
    if (label == PSP_PACKET_VMSA && len != PSP_PAGE_SIZE) {
        return PSP_INVALID_LEN;
    }
    if (guest % (label == PSP_PACKET_VMSA ? PSP_PAGE_SIZE : CRYPT_ALIGN)) {
        return PSP_INVALID_ADDRESS;
    }
    return PSP_SUCCESS;
}

static PSPLegacyGuest *update_guest(PSPReq *req, PSPLegacyState state,
                                    PSPPacketLabel label, uint32_t *status)
{
    PSPLegacyGuest *g = psp_active_guest(req, state, status);

    if (g && label == PSP_PACKET_VMSA && !(g->policy & LEGACY_POLICY_ES)) {
        *status = PSP_POLICY_FAILURE;
    }
    return *status ? NULL : g;
}

static uint32_t send_packet(PSPReq *req, PSPLegacyGuest *g,
                            PSPPacketLabel label)
{
    uint32_t len = psp_r32(req, UPDATE_GUEST_LEN), status;
    g_autofree uint8_t *data = g_malloc(len);
    uint8_t hdr[PSP_PACKET_HDR] = { 0 };

    status = psp_mem_read(psp_addr(req, UPDATE_GUEST), data, len);
    if (status) {
        return status;
    }
    qcrypto_random_bytes(hdr + PSP_PACKET_IV, PSP_PACKET_MAC - PSP_PACKET_IV,
                         &error_abort);
    psp_ctr(g->tek, hdr + PSP_PACKET_IV, data, len);
    psp_packet_mac(g, label, hdr, data, len, len, hdr + PSP_PACKET_MAC);
    psp_mem_write(psp_addr(req, UPDATE_HDR), hdr, sizeof(hdr));
    return psp_mem_write(psp_addr(req, UPDATE_TRANS), data, len);
}

/* Both lengths are answered; without data, what the largest packet needs */
static uint32_t send_update(PSPReq *req, PSPPacketLabel label)
{
    uint32_t len = psp_r32(req, UPDATE_GUEST_LEN), status;
    PSPLegacyGuest *g = update_guest(req, PSP_LEGACY_SUPDATE, label, &status);

    if (!g) {
        return status;
    }
    status = check_update(req, label);
    psp_w32(req, UPDATE_HDR_LEN, PSP_PACKET_HDR);
    psp_w32(req, UPDATE_TRANS_LEN, len ? len : PSP_PACKET_MAX);
    if (!status) {
        status = psp_legacy_output(req->psp, psp_addr(req, UPDATE_HDR),
                                   PSP_PACKET_HDR);
    }
    if (!status) {
        status = psp_legacy_output(req->psp, psp_addr(req, UPDATE_TRANS), len);
    }
    return status ? status : send_packet(req, g, label);
}

uint32_t psp_send_update_data(PSPReq *req)
{
    return send_update(req, PSP_PACKET_DATA);
}

uint32_t psp_send_update_vmsa(PSPReq *req)
{
    return send_update(req, PSP_PACKET_VMSA);
}

static uint32_t go_on(PSPReq *req, PSPLegacyState from, PSPLegacyState to,
                      const char *what)
{
    uint32_t status;
    PSPLegacyGuest *g = psp_legacy_guest_in(req, from, &status);

    if (g) {
        g->state = to;
        memset(g->tek, 0, sizeof(g->tek));
        memset(g->tik, 0, sizeof(g->tik));
        trace_amd_psp_legacy_guest(g->handle, g->policy, what);
    }
    return status;
}

uint32_t psp_send_finish(PSPReq *req)
{
    return go_on(req, PSP_LEGACY_SUPDATE, PSP_LEGACY_SENT, "sent");
}

uint32_t psp_send_cancel(PSPReq *req)
{
    return go_on(req, PSP_LEGACY_SUPDATE, PSP_LEGACY_RUNNING, "stays here");
}

uint32_t psp_receive_start(PSPReq *req)
{
    return psp_guest_start(req, PSP_LEGACY_RUPDATE);
}

static uint32_t receive_update(PSPReq *req, PSPPacketLabel label)
{
    uint32_t len = psp_r32(req, UPDATE_GUEST_LEN), status;
    PSPLegacyGuest *g = update_guest(req, PSP_LEGACY_RUPDATE, label, &status);
    g_autofree uint8_t *data = NULL;
    uint8_t hdr[PSP_PACKET_HDR];

    if (!g) {
        return status;
    }
    status = check_update(req, label);
    if (!status && psp_r32(req, UPDATE_TRANS_LEN) != len) {
        status = PSP_INVALID_LEN;
    }
    if (!status) {
        status = psp_legacy_output(req->psp, psp_addr(req, UPDATE_GUEST), len);
    }
    if (!status) {
        status = psp_mem_read(psp_addr(req, UPDATE_HDR), hdr, sizeof(hdr));
    }
    if (status) {
        return status;
    }
    data = g_malloc(len);
    status = psp_mem_read(psp_addr(req, UPDATE_TRANS), data, len);
    if (!status) {
        status = psp_packet_open(g, label, hdr, data, len, len);
    }
    return status ? status : psp_mem_write(psp_addr(req, UPDATE_GUEST), data,
                                           len);
}

uint32_t psp_receive_update_data(PSPReq *req)
{
    return receive_update(req, PSP_PACKET_DATA);
}

uint32_t psp_receive_update_vmsa(PSPReq *req)
{
    return receive_update(req, PSP_PACKET_VMSA);
}

uint32_t psp_receive_finish(PSPReq *req)
{
    return go_on(req, PSP_LEGACY_RUPDATE, PSP_LEGACY_RUNNING, "received");
}
