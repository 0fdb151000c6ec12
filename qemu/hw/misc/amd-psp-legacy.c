/*
 * AMD secure processor: launch and life of SEV and SEV-ES guests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * UNINIT --LAUNCH_START--> LUPDATE --MEASURE--> LSECRET --FINISH--> RUNNING
 * The states of migration are in amd-psp-migrate.c.
 *
 * Memory is kept as the guest sees it, so that encrypting in place leaves
 * the bytes alone; what counts here is order, ownership and the digest.
 */
#include "qemu/osdep.h"
#include "crypto/random.h"
#include "hw/i386/snp-host.h"
#include "qapi/error.h"
#include "amd-psp-legacy.h"
#include "amd-psp-mem.h"
#include "trace.h"

#define CRYPT_ALIGN   16
#define MEASURE_SIZE  48
#define MEASURE_NONCE 16
#define MEASURE_LABEL 0x04

static void guest_free(PSPState *s, PSPLegacyGuest *g)
{
    psp_asid_put(s, g->asid);
    g_free(g->ld);
    g_hash_table_remove(s->legacy, GUINT_TO_POINTER(g->handle));
}

void psp_legacy_free_all(PSPState *s)
{
    g_autoptr(GList) guests = g_hash_table_get_values(s->legacy);

    for (GList *g = guests; g; g = g->next) {
        guest_free(s, g->data);
    }
}

PSPLegacyGuest *psp_legacy_guest(PSPReq *req, uint32_t *status)
{
    PSPLegacyGuest *g = g_hash_table_lookup(req->psp->legacy,
                                    GUINT_TO_POINTER(psp_r32(req, 0)));

    *status = g ? PSP_SUCCESS : PSP_INVALID_GUEST;
    return g;
}

PSPLegacyGuest *psp_legacy_guest_in(PSPReq *req, PSPLegacyState state,
                                    uint32_t *status)
{
    PSPLegacyGuest *g = psp_legacy_guest(req, status);

    if (g && g->state != state) {
        *status = PSP_INVALID_GUEST_STATE;
    }
    return *status ? NULL : g;
}

PSPLegacyGuest *psp_active_guest(PSPReq *req, PSPLegacyState state,
                                 uint32_t *status)
{
    PSPLegacyGuest *g = psp_legacy_guest_in(req, state, status);

    if (g && !g->asid) {
        *status = PSP_INACTIVE;
    }
    return *status ? NULL : g;
}

static uint32_t check_policy(PSPState *s, uint32_t policy)
{
    uint32_t need = LEGACY_POLICY_MAJOR(policy) << 8 |
                    LEGACY_POLICY_MINOR(policy);

    if (need > (s->api_major << 8 | s->api_minor) ||
        ((policy & LEGACY_POLICY_ES) && !s->sev_es)) {
        return PSP_POLICY_FAILURE;
    }
    return PSP_SUCCESS;
}

/* A handle in the request asks for the keys of that guest */
static uint32_t share_keys(PSPReq *req, PSPLegacyGuest *g)
{
    uint32_t status;
    PSPLegacyGuest *from = psp_legacy_guest(req, &status);

    if (!from) {
        return status;
    }
    if ((from->policy | g->policy) & LEGACY_POLICY_NOKS) {
        return PSP_POLICY_FAILURE;
    }
    memcpy(g->tek, from->tek, sizeof(g->tek));
    memcpy(g->tik, from->tik, sizeof(g->tik));
    return PSP_SUCCESS;
}

/* Who launches a guest may do without a session, who receives one may not */
static uint32_t start_keys(PSPReq *req, PSPLegacyGuest *g, bool launch)
{
    uint32_t session_len = psp_r32(req, 32);

    if (psp_r32(req, 0)) {
        return share_keys(req, g);
    }
    if (session_len || !launch) {
        return psp_session_open(req->psp, g, psp_addr(req, 8),
                                psp_r32(req, 16), psp_addr(req, 24),
                                session_len);
    }
    return PSP_SUCCESS;
}

uint32_t psp_guest_start(PSPReq *req, PSPLegacyState state)
{
    PSPState *s = req->psp;
    g_autofree PSPLegacyGuest *g = g_new0(PSPLegacyGuest, 1);
    uint32_t status;

    g->policy = psp_r32(req, 4);
    status = check_policy(s, g->policy);
    if (!status) {
        status = start_keys(req, g, state == PSP_LEGACY_LUPDATE);
    }
    if (status) {
        return status;
    }
    g->handle = s->next_handle++;
    g->state = state;
    g->ld = g_new(struct sha256_ctx, 1);
    sha256_init(g->ld);
    psp_w32(req, 0, g->handle);
    trace_amd_psp_legacy_guest(g->handle, g->policy, "started");
    g_hash_table_insert(s->legacy, GUINT_TO_POINTER(g->handle), g);
    g = NULL;
    return PSP_SUCCESS;
}

uint32_t psp_launch_start(PSPReq *req)
{
    return psp_guest_start(req, PSP_LEGACY_LUPDATE);
}

uint32_t psp_activate(PSPReq *req)
{
    PSPState *s = req->psp;
    SNPHostState *host = snp_host_get();
    uint32_t max_es = host ? host->max_es_asid : PSP_ASID_MAX - 1;
    uint32_t max = host ? host->max_asid : PSP_ASID_MAX - 1;
    uint32_t asid = psp_r32(req, 4), status;
    PSPLegacyGuest *g = psp_legacy_guest(req, &status);

    if (!g) {
        return status;
    }
    if (g->asid) {
        return PSP_ACTIVE;
    }
    if (g->policy & LEGACY_POLICY_ES) {
        status = psp_asid_take(s, asid, s->max_snp_asid + 1, max_es);
    } else {
        status = psp_asid_take(s, asid, host ? max_es + 1 : 1, max);
    }
    if (!status) {
        g->asid = asid;
    }
    return status;
}

uint32_t psp_deactivate(PSPReq *req)
{
    uint32_t status;
    PSPLegacyGuest *g = psp_legacy_guest(req, &status);

    if (g) {
        psp_asid_put(req->psp, g->asid);
        g->asid = 0;
    }
    return status;
}

uint32_t psp_decommission(PSPReq *req)
{
    uint32_t status;
    PSPLegacyGuest *g = psp_legacy_guest(req, &status);

    if (!g) {
        return status;
    }
    if (g->asid) {
        return PSP_ACTIVE;
    }
    trace_amd_psp_legacy_guest(g->handle, g->policy, "decommissioned");
    guest_free(req->psp, g);
    return PSP_SUCCESS;
}

uint32_t psp_guest_status(PSPReq *req)
{
    uint32_t status;
    PSPLegacyGuest *g = psp_legacy_guest(req, &status);

    if (g) {
        psp_w32(req, 4, g->policy);
        psp_w32(req, 8, g->asid);
        psp_w8(req, 12, g->state);
    }
    return status;
}

/* Measure memory in pieces of a page */
static uint32_t measure(PSPLegacyGuest *g, uint64_t paddr, uint32_t len)
{
    uint8_t buf[PSP_PAGE_SIZE];

    while (len) {
        uint32_t part = MIN(len, sizeof(buf));
        uint32_t status = psp_mem_read(paddr, buf, part);

        if (status) {
            return status;
        }
        sha256_update(g->ld, part, buf);
        paddr += part;
        len -= part;
    }
    return PSP_SUCCESS;
}

static uint32_t check_span(PSPState *s, uint64_t paddr, uint32_t len)
{
    if (!len || len % CRYPT_ALIGN) {
        return PSP_INVALID_LEN;
    }
    if (paddr % CRYPT_ALIGN) {
        return PSP_INVALID_ADDRESS;
    }
    return psp_legacy_output(s, paddr, len);
}

uint32_t psp_launch_update_data(PSPReq *req)
{
    uint64_t paddr = psp_addr(req, 8);
    uint32_t len = psp_r32(req, 16), status;
    PSPLegacyGuest *g = psp_active_guest(req, PSP_LEGACY_LUPDATE, &status);

    if (!g) {
        return status;
    }
    status = check_span(req->psp, paddr, len);
    return status ? status : measure(g, paddr, len);
}

uint32_t psp_launch_update_vmsa(PSPReq *req)
{
    uint64_t paddr = psp_addr(req, 8);
    uint32_t len = psp_r32(req, 16), status;
    PSPLegacyGuest *g = psp_active_guest(req, PSP_LEGACY_LUPDATE, &status);

    if (!g) {
        return status;
    }
    if (!(g->policy & LEGACY_POLICY_ES)) {
        return PSP_POLICY_FAILURE;
    }
    if (len != PSP_PAGE_SIZE) {
        return PSP_INVALID_LEN;
    }
    if (paddr & ~PSP_PAGE_MASK) {
        return PSP_INVALID_ADDRESS;
    }
    status = psp_legacy_output(req->psp, paddr, len);
    return status ? status : measure(g, paddr, len);
}

/* HMAC over what the owner knows, with the integrity key of the session */
static void make_measurement(PSPState *s, PSPLegacyGuest *g,
                             uint8_t out[MEASURE_SIZE])
{
    uint8_t head[8] = { MEASURE_LABEL, s->api_major, s->api_minor, s->build };
    uint8_t *nonce = out + PSP_SHA256;
    struct iovec iov[] = {
        { head, sizeof(head) }, { g->digest, sizeof(g->digest) },
        { nonce, MEASURE_NONCE },
    };

    sha256_digest(g->ld, sizeof(g->digest), g->digest);
    stl_le_p(head + 4, g->policy);
    qcrypto_random_bytes(nonce, MEASURE_NONCE, &error_abort);
    psp_hmac_sha256(g->tik, sizeof(g->tik), iov, ARRAY_SIZE(iov), out);
    memcpy(g->measurement, out, PSP_SHA256);
}

uint32_t psp_launch_measure(PSPReq *req)
{
    uint32_t status;
    uint8_t out[MEASURE_SIZE];
    PSPLegacyGuest *g = psp_active_guest(req, PSP_LEGACY_LUPDATE, &status);

    if (!g) {
        return status;
    }
    status = psp_legacy_answer(req, 8, 16, MEASURE_SIZE);
    if (status) {
        return status;
    }
    make_measurement(req->psp, g, out);
    g->state = PSP_LEGACY_LSECRET;
    return psp_mem_write(psp_addr(req, 8), out, sizeof(out));
}

uint32_t psp_launch_finish(PSPReq *req)
{
    uint32_t status;
    PSPLegacyGuest *g = psp_active_guest(req, PSP_LEGACY_LSECRET, &status);

    if (g) {
        g->state = PSP_LEGACY_RUNNING;
    }
    return status;
}

static uint32_t copy(uint64_t dst, uint64_t src, uint32_t len)
{
    uint8_t buf[PSP_PAGE_SIZE];
    uint32_t status = PSP_SUCCESS;

    while (len && !status) {
        uint32_t part = MIN(len, sizeof(buf));

        status = psp_mem_read(src, buf, part);
        if (!status) {
            status = psp_mem_write(dst, buf, part);
        }
        src += part;
        dst += part;
        len -= part;
    }
    return status;
}

/* Source and destination may lie anywhere in a page, in units of 16 bytes */
static uint32_t debug_copy(PSPReq *req)
{
    uint64_t src = psp_addr(req, 8), dst = psp_addr(req, 16);
    uint32_t len = psp_r32(req, 24), status;
    PSPLegacyGuest *g = psp_legacy_guest(req, &status);

    if (!g) {
        return status;
    }
    if (g->policy & LEGACY_POLICY_NODBG) {
        return PSP_POLICY_FAILURE;
    }
    if (src % CRYPT_ALIGN) {
        return PSP_INVALID_ADDRESS;
    }
    status = check_span(req->psp, dst, len);
    return status ? status : copy(dst, src, len);
}

uint32_t psp_dbg_decrypt(PSPReq *req)
{
    return debug_copy(req);
}

uint32_t psp_dbg_encrypt(PSPReq *req)
{
    return debug_copy(req);
}
