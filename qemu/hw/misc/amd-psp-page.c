/*
 * AMD secure processor: commands on the state of pages
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * PAGE_RECLAIM    Firmware, Metadata, Reclaim -> Reclaim
 *                 Pre-Guest -> Guest-Invalid, Pre-Swap -> Guest-Valid
 * PAGE_SET_STATE  Hypervisor, Firmware, HV-Fixed -> HV-Fixed
 * PAGE_MD_INIT    Firmware -> Metadata
 * PAGE_MOVE       source Pre-Guest, Pre-Swap, Metadata or Context; the
 *                 destination, a Firmware page, takes over its state and the
 *                 source becomes Firmware
 * PAGE_UNSMASH    512 entries of 4K -> one of 2M, in the state they were in
 */
#include "qemu/osdep.h"
#include "amd-psp-mem.h"
#include "trace.h"

#define SIZE_2M 1u

/* The address and the size that reclaim and unsmash pack into one quad */
static uint32_t packed_page(PSPReq *req, uint64_t *paddr, bool *large,
                            SNPRmpEntry *e)
{
    uint64_t val = psp_addr(req, 0);

    *large = val & SIZE_2M;
    *paddr = val & ~1ull;
    if (*paddr & ((*large ? PSP_HUGE_SIZE : PSP_PAGE_SIZE) - 1)) {
        return PSP_INVALID_ADDRESS;
    }
    return psp_page(*paddr, e);
}

/* The state of a page once the firmware lets go of it */
static bool reclaim(SNPRmpEntry *e)
{
    switch (snp_rmp_state(e)) {
    case SNP_PAGE_FIRMWARE:
    case SNP_PAGE_METADATA:
    case SNP_PAGE_RECLAIM: {
        bool large = e->large;

        *e = psp_page_plain(SNP_PAGE_RECLAIM);
        e->large = large;
        return true;
    }
    case SNP_PAGE_PRE_GUEST:
    case SNP_PAGE_PRE_SWAP:
        e->immutable = false;
        return true;
    default:
        return false;
    }
}

uint32_t psp_snp_page_reclaim(PSPReq *req)
{
    uint64_t paddr;
    SNPRmpEntry e;
    bool large;
    uint32_t status = packed_page(req, &paddr, &large, &e);

    if (status) {
        return status;
    }
    if (e.assigned && e.large != large) {
        return PSP_INVALID_PAGE_SIZE;
    }
    if (!reclaim(&e)) {
        trace_amd_psp_page_state(paddr, snp_page_state_name(snp_rmp_state(&e)),
                                 "reclaimable");
        return PSP_INVALID_PAGE_STATE;
    }
    psp_page_set(paddr, &e);
    return PSP_SUCCESS;
}

static bool unsmash_state(const SNPRmpEntry *e)
{
    SNPPageState state = snp_rmp_state(e);

    return state == SNP_PAGE_PRE_GUEST || state == SNP_PAGE_PRE_SWAP;
}

/* Whether entry @i continues the 2M page that @first begins */
static bool unsmash_continues(const SNPRmpEntry *first, const SNPRmpEntry *e,
                              uint64_t i)
{
    return snp_rmp_state(e) == snp_rmp_state(first) && !e->large &&
           !e->vmsa && e->asid == first->asid &&
           e->gpa == first->gpa + i * PSP_PAGE_SIZE &&
           !memcmp(e->perms, first->perms, sizeof(e->perms));
}

uint32_t psp_snp_page_unsmash(PSPReq *req)
{
    uint64_t paddr;
    SNPRmpEntry first, e;
    bool large;
    uint32_t status = packed_page(req, &paddr, &large, &first);

    if (status) {
        return status;
    }
    if (!large || first.large) {
        return PSP_INVALID_PAGE_SIZE;
    }
    if (!unsmash_state(&first) || first.vmsa) {
        return PSP_INVALID_PAGE_STATE;
    }
    if (first.gpa & (PSP_HUGE_SIZE - 1)) {
        return PSP_INVALID_PAGE_STATE;
    }
    for (uint64_t i = 1; i < PSP_HUGE_PAGES; i++) {
        status = psp_page(paddr + i * PSP_PAGE_SIZE, &e);
        if (status) {
            return status;
        }
        if (!unsmash_continues(&first, &e, i)) {
            return PSP_INVALID_PAGE_STATE;
        }
    }
    first.large = true;
    psp_page_set(paddr, &first);
    return PSP_SUCCESS;
}

uint32_t psp_snp_page_set_state(PSPReq *req)
{
    uint64_t list = psp_addr(req, 8);
    uint32_t status;

    if (psp_r32(req, 0) < req->len) {
        return PSP_INVALID_LEN;
    }
    status = psp_fix_list(req->psp, list, false);
    if (!status) {
        psp_fix_list(req->psp, list, true);
        snp_tlb_flush_all();
    }
    return status;
}

/* Metadata names its owner by the guest's context */
uint32_t psp_snp_page_md_init(PSPReq *req)
{
    uint64_t paddr = psp_addr(req, 8);
    uint8_t zero[PSP_PAGE_SIZE] = { 0 };
    uint32_t status;
    PSPContext *ctx = psp_context(req->psp, psp_addr(req, 0), &status);
    SNPRmpEntry e;

    if (!ctx) {
        return status;
    }
    status = psp_page_in(paddr, SNP_PAGE_FIRMWARE, &e);
    if (status) {
        return status;
    }
    e = psp_page_plain(SNP_PAGE_METADATA);
    e.gpa = ctx->paddr;
    psp_mem_write(paddr, zero, sizeof(zero));
    psp_page_set(paddr, &e);
    return PSP_SUCCESS;
}

static bool movable(PSPState *s, const PSPContext *ctx, const SNPRmpEntry *e,
                    uint64_t src)
{
    switch (snp_rmp_state(e)) {
    case SNP_PAGE_PRE_GUEST:
    case SNP_PAGE_PRE_SWAP:
        return ctx->asid && e->asid == ctx->asid;
    case SNP_PAGE_METADATA:
        return e->gpa == ctx->paddr;
    case SNP_PAGE_CONTEXT:
        return src == ctx->paddr;
    default:
        return false;
    }
}

static uint32_t check_move(PSPReq *req, PSPContext *ctx, uint64_t src,
                           uint64_t dst, SNPRmpEntry *e)
{
    bool large = psp_r32(req, 8) & SIZE_2M;
    SNPRmpEntry to;
    uint32_t status = psp_page(src, e);

    if (status || src & ~PSP_PAGE_MASK) {
        return PSP_INVALID_ADDRESS;
    }
    if (!movable(req->psp, ctx, e, src)) {
        return PSP_INVALID_PAGE_STATE;
    }
    if (e->large != large) {
        return PSP_INVALID_PAGE_SIZE;
    }
    status = psp_page_in(dst, SNP_PAGE_FIRMWARE, &to);
    if (!status && to.large != large) {
        status = PSP_INVALID_PAGE_SIZE;
    }
    return status;
}

/* The context of a moved context page is found under its new address */
static void rekey_context(PSPState *s, PSPContext *ctx, uint64_t dst)
{
    g_hash_table_steal(s->contexts, &ctx->paddr);
    ctx->paddr = dst;
    g_hash_table_insert(s->contexts, &ctx->paddr, ctx);
}

uint32_t psp_snp_page_move(PSPReq *req)
{
    uint64_t src = psp_addr(req, 16), dst = psp_addr(req, 24);
    SNPRmpEntry e, gone = psp_page_plain(SNP_PAGE_FIRMWARE);
    g_autofree uint8_t *buf = g_malloc(PSP_HUGE_SIZE);
    uint32_t status;
    PSPContext *ctx = psp_context(req->psp, psp_addr(req, 0), &status);
    uint64_t size;

    if (!ctx) {
        return status;
    }
    status = check_move(req, ctx, src, dst, &e);
    if (status) {
        return status;
    }
    gone.large = e.large;
    size = e.large ? PSP_HUGE_SIZE : PSP_PAGE_SIZE;
    status = psp_mem_read(src, buf, size);
    if (status) {
        return status;
    }
    psp_page_set(dst, &e);
    psp_mem_write(dst, buf, size);
    if (snp_rmp_state(&e) == SNP_PAGE_CONTEXT) {
        rekey_context(req->psp, ctx, dst);
    }
    psp_page_set(src, &gone);
    return PSP_SUCCESS;
}
