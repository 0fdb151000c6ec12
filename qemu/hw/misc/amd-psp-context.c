/*
 * AMD secure processor: SNP guest contexts and the ownership of ASIDs
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The memory key of an ASID outlives its guest: pages that still belong to the
 * ASID are taken away under it, and only the next ACTIVATE replaces it.
 *
 * ASIDs:  free --ACTIVATE--> owned --DEACTIVATE--> dirty --DF_FLUSH--> free
 */
#include "qemu/osdep.h"
#include "crypto/random.h"
#include "qapi/error.h"
#include "hw/i386/snp-crypt.h"
#include "hw/i386/snp-host.h"
#include "amd-psp-mem.h"
#include "trace.h"

uint32_t psp_asid_take(PSPState *s, uint32_t asid, uint32_t first,
                       uint32_t last)
{
    if (asid < first || asid > last || asid >= PSP_ASID_MAX) {
        return PSP_INVALID_ASID;
    }
    if (s->asid_owned[asid]) {
        return PSP_ASID_OWNED;
    }
    if (s->asid_dirty[asid]) {
        return PSP_DFFLUSH_REQUIRED;
    }
    s->asid_owned[asid] = true;
    return PSP_SUCCESS;
}

void psp_asid_put(PSPState *s, uint32_t asid)
{
    if (asid) {
        s->asid_owned[asid] = false;
        s->asid_dirty[asid] = true;
    }
}

void psp_asid_flush(PSPState *s)
{
    memset(s->asid_dirty, 0, sizeof(s->asid_dirty));
}

PSPContext *psp_context(PSPState *s, uint64_t paddr, uint32_t *status)
{
    PSPContext *ctx = NULL;
    SNPRmpEntry e;

    *status = psp_page_in(paddr, SNP_PAGE_CONTEXT, &e);
    if (!*status) {
        ctx = g_hash_table_lookup(s->contexts, &paddr);
        *status = ctx ? PSP_SUCCESS : PSP_INVALID_GUEST;
    }
    return ctx;
}

PSPContext *psp_context_in(PSPReq *req, unsigned off, PSPGuestState state,
                           uint32_t *status)
{
    PSPContext *ctx = psp_context(req->psp, psp_addr(req, off), status);

    if (ctx && ctx->state != state) {
        *status = PSP_INVALID_GUEST_STATE;
        return NULL;
    }
    return ctx;
}

static void context_secrets(PSPContext *ctx)
{
    qcrypto_random_bytes(ctx->report_id, sizeof(ctx->report_id),
                         &error_abort);
    qcrypto_random_bytes(ctx->vek, sizeof(ctx->vek), &error_abort);
    qcrypto_random_bytes(ctx->vmpck, sizeof(ctx->vmpck), &error_abort);
    qcrypto_random_bytes(ctx->oek, sizeof(ctx->oek), &error_abort);
}

uint32_t psp_snp_gctx_create(PSPReq *req)
{
    uint64_t paddr = psp_addr(req, 0);
    PSPContext *ctx;
    SNPRmpEntry e;
    uint32_t status = psp_page_in(paddr, SNP_PAGE_FIRMWARE, &e);

    if (status) {
        return status;
    }
    ctx = g_new0(PSPContext, 1);
    ctx->paddr = paddr;
    context_secrets(ctx);
    g_hash_table_insert(req->psp->contexts, &ctx->paddr, ctx);
    e = psp_page_plain(SNP_PAGE_CONTEXT);
    psp_page_set(paddr, &e);
    trace_amd_psp_context(paddr, "created");
    return PSP_SUCCESS;
}

uint32_t psp_snp_decommission(PSPReq *req)
{
    uint64_t paddr = psp_addr(req, 0);
    uint32_t status;
    PSPContext *ctx = psp_context(req->psp, paddr, &status);
    SNPRmpEntry e = psp_page_plain(SNP_PAGE_FIRMWARE);

    if (!ctx) {
        return status;
    }
    psp_asid_put(req->psp, ctx->asid);
    g_hash_table_remove(req->psp->contexts, &paddr);
    psp_page_set(paddr, &e);
    trace_amd_psp_context(paddr, "decommissioned");
    return PSP_SUCCESS;
}

static uint32_t activate(PSPState *s, PSPContext *ctx, uint32_t asid)
{
    uint32_t last = s->max_snp_asid ?: snp_host_get()->max_es_asid;
    uint32_t status;

    if (ctx->state == PSP_GUEST_INIT) {
        return PSP_INVALID_GUEST_STATE;
    }
    if (ctx->asid) {
        return ctx->asid == asid ? PSP_SUCCESS : PSP_ACTIVE;
    }
    status = psp_asid_take(s, asid, 1, last);
    if (!status) {
        ctx->asid = asid;
        snp_key_set(asid, ctx->vek);
    }
    return status;
}

uint32_t psp_snp_activate(PSPReq *req)
{
    uint32_t status;
    PSPContext *ctx = psp_context(req->psp, psp_addr(req, 0), &status);

    return ctx ? activate(req->psp, ctx, psp_r32(req, 8)) : status;
}

/* The list of core complexes to activate on makes no difference here */
uint32_t psp_snp_activate_ex(PSPReq *req)
{
    uint32_t status;
    PSPContext *ctx = psp_context(req->psp, psp_addr(req, 8), &status);

    if (psp_r32(req, 0) < req->len) {
        return PSP_INVALID_LEN;
    }
    return ctx ? activate(req->psp, ctx, psp_r32(req, 16)) : status;
}

/* Answer: policy u64, asid u32, state u8 in a Firmware page */
uint32_t psp_snp_guest_status(PSPReq *req)
{
    uint64_t out = psp_addr(req, 8);
    uint8_t buf[32] = { 0 };
    uint32_t status;
    PSPContext *ctx = psp_context(req->psp, psp_addr(req, 0), &status);

    if (!ctx) {
        return status;
    }
    status = psp_output(req->psp, out, sizeof(buf));
    if (status) {
        return status;
    }
    stq_le_p(buf, ctx->policy);
    stl_le_p(buf + 8, ctx->asid);
    buf[12] = ctx->state;
    return psp_mem_write(out, buf, sizeof(buf));
}
