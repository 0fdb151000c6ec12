/*
 * AMD secure processor: launch of an SNP guest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * INIT --LAUNCH_START--> LAUNCH --LAUNCH_UPDATE*--> --LAUNCH_FINISH--> RUNNING
 */
#include "qemu/osdep.h"
#include "hw/boards.h"
#include "amd-psp-digest.h"
#include "amd-psp-idblock.h"
#include "amd-psp-mem.h"
#include "trace.h"

#define POLICY_MINOR(p)     ((p) & 0xff)
#define POLICY_MAJOR(p)     (((p) >> 8) & 0xff)
#define POLICY_SMT          (1ull << 16)
#define POLICY_MUST_BE_ONE  (1ull << 17)
#define POLICY_MIGRATE_MA   (1ull << 18)
#define POLICY_DEBUG        (1ull << 19)
#define POLICY_KNOWN        MAKE_64BIT_MASK(0, 26)

#define START_MA            (1u << 0)
#define START_IMI           (1u << 1)

#define UPDATE_2M(x)        ((x) & 1)
#define UPDATE_TYPE(x)      (((x) >> 1) & 7)
#define UPDATE_IMI(x)       (((x) >> 4) & 1)
#define UPDATE_RESERVED     (~0x1fu)

#define FINISH_ID_BLOCK     (1u << 0)
#define FINISH_AUTH_KEY     (1u << 1)
#define FINISH_NO_VCEK      (1u << 2)

static uint32_t check_policy(PSPState *s, uint64_t policy)
{
    uint32_t need = POLICY_MAJOR(policy) << 8 | POLICY_MINOR(policy);

    if (!(policy & POLICY_MUST_BE_ONE) || policy & ~POLICY_KNOWN) {
        return PSP_INVALID_PARAM;
    }
    if (need > (s->api_major << 8 | s->api_minor)) {
        return PSP_POLICY_FAILURE;
    }
    if (!(policy & POLICY_SMT) && current_machine->smp.threads > 1) {
        return PSP_POLICY_FAILURE;
    }
    return PSP_SUCCESS;
}

static uint32_t check_migration_agent(PSPReq *req, uint64_t policy)
{
    uint32_t status = PSP_SUCCESS;

    if (psp_r32(req, 24) & START_MA) {
        if (!(policy & POLICY_MIGRATE_MA)) {
            return PSP_POLICY_FAILURE;
        }
        psp_context_in(req, 16, PSP_GUEST_RUNNING, &status);
    }
    return status;
}

uint32_t psp_snp_launch_start(PSPReq *req)
{
    uint64_t policy = psp_r64(req, 8);
    uint32_t flags = psp_r32(req, 24), status;
    PSPContext *ctx = psp_context_in(req, 0, PSP_GUEST_INIT, &status);

    if (!ctx) {
        return status;
    }
    status = check_policy(req->psp, policy);
    if (!status) {
        status = check_migration_agent(req, policy);
    }
    if (status) {
        return status;
    }
    ctx->policy = policy;
    ctx->ma_paddr = flags & START_MA ? psp_addr(req, 16) : 0;
    ctx->imi = flags & START_IMI;
    ctx->tsc_khz = psp_r32(req, 28);
    memcpy(ctx->gosvw, req->buf + 32, sizeof(ctx->gosvw));
    ctx->launch_tcb = req->psp->tcb;
    ctx->state = PSP_GUEST_LAUNCH;
    return PSP_SUCCESS;
}

typedef struct Update {
    PSPContext *ctx;
    uint64_t paddr;
    PSPPageInfo info;
    bool large;
    SNPRmpEntry e;
} Update;

static uint32_t check_update(PSPReq *req, Update *up)
{
    uint32_t flags = psp_r32(req, 8), status;
    const uint8_t *perms = req->buf + 25;

    *up = (Update) {
        .paddr = psp_addr(req, 16),
        .large = UPDATE_2M(flags),
        .info.type = UPDATE_TYPE(flags),
        .info.imi = UPDATE_IMI(flags),
        .info.perms = { SNP_PERM_ALL, perms[0], perms[1], perms[2] },
    };
    up->ctx = psp_context_in(req, 0, PSP_GUEST_LAUNCH, &status);
    if (!up->ctx) {
        return status;
    }
    if (!up->ctx->asid) {
        return PSP_INACTIVE;
    }
    if (flags & UPDATE_RESERVED || !up->info.type ||
        up->info.type > PSP_PAGE_CPUID ||
        (perms[0] | perms[1] | perms[2]) & ~SNP_PERM_ALL ||
        (up->info.imi && !up->ctx->imi)) {
        return PSP_INVALID_PARAM;
    }
    if (up->large && up->info.type != PSP_PAGE_NORMAL &&
        up->info.type != PSP_PAGE_ZERO &&
        up->info.type != PSP_PAGE_UNMEASURED) {
        return PSP_INVALID_PAGE_SIZE;
    }
    return PSP_SUCCESS;
}

/* The target must be the guest's own page, still immutable */
static uint32_t check_target(Update *up)
{
    uint64_t size = up->large ? PSP_HUGE_SIZE : PSP_PAGE_SIZE;
    uint32_t status;

    if (up->paddr & (size - 1)) {
        return PSP_INVALID_ADDRESS;
    }
    status = psp_page_in(up->paddr, SNP_PAGE_PRE_GUEST, &up->e);
    if (status) {
        return status;
    }
    if (up->e.asid != up->ctx->asid) {
        return PSP_INVALID_PAGE_OWNER;
    }
    return up->e.large == up->large ? PSP_SUCCESS : PSP_INVALID_PAGE_SIZE;
}

/* Turn what the host left in the page into what the guest will find there */
static uint32_t make_content(Update *up, uint64_t paddr, uint8_t *page)
{
    uint32_t status = psp_mem_read_host(paddr, page, PSP_PAGE_SIZE);

    if (status) {
        return status;
    }
    switch (up->info.type) {
    case PSP_PAGE_ZERO:
        memset(page, 0, PSP_PAGE_SIZE);
        break;
    case PSP_PAGE_SECRETS:
        psp_fill_secrets(up->ctx, page);
        break;
    case PSP_PAGE_CPUID:
        status = psp_check_cpuid(page);
        if (status) {
            /* The host is to read the corrections once it has the page back */
            psp_page_write_host(paddr, page);
        }
        return status;
    default:
        break;
    }
    return PSP_SUCCESS;
}

static uint32_t update_pages(Update *up)
{
    uint8_t page[PSP_PAGE_SIZE];

    for (unsigned i = 0; i < (up->large ? PSP_HUGE_PAGES : 1); i++) {
        uint64_t paddr = up->paddr + i * PSP_PAGE_SIZE;
        uint32_t status = make_content(up, paddr, page);

        if (status) {
            return status;
        }
        up->info.gpa = up->e.gpa + i * PSP_PAGE_SIZE;
        psp_digest_extend(up->ctx->digest, &up->info, page);
        if (up->info.imi) {
            psp_digest_extend(up->ctx->imd, &up->info, page);
        }
        psp_mem_write(paddr, page, sizeof(page));
    }
    return PSP_SUCCESS;
}

uint32_t psp_snp_launch_update(PSPReq *req)
{
    Update up;
    uint32_t status = check_update(req, &up);

    if (!status) {
        status = check_target(&up);
    }
    if (!status) {
        status = update_pages(&up);
    }
    if (status) {
        return status;
    }
    up.e.immutable = false;
    up.e.validated = true;
    up.e.vmsa = up.info.type == PSP_PAGE_VMSA;
    memcpy(up.e.perms, up.info.perms, sizeof(up.e.perms));
    up.ctx->vmsas += up.e.vmsa;
    psp_page_set(up.paddr, &up.e);
    return PSP_SUCCESS;
}

uint32_t psp_snp_launch_finish(PSPReq *req)
{
    uint8_t flags = req->buf[24];
    uint32_t status;
    PSPContext *ctx = psp_context_in(req, 0, PSP_GUEST_LAUNCH, &status);

    if (!ctx) {
        return status;
    }
    if (flags & ~(FINISH_ID_BLOCK | FINISH_AUTH_KEY | FINISH_NO_VCEK) ||
        (flags & FINISH_AUTH_KEY && !(flags & FINISH_ID_BLOCK))) {
        return PSP_INVALID_PARAM;
    }
    if (!ctx->asid) {
        return PSP_INACTIVE;
    }
    if (flags & FINISH_ID_BLOCK) {
        status = psp_id_block(ctx, psp_addr(req, 8), psp_addr(req, 16),
                              flags & FINISH_AUTH_KEY);
        if (status) {
            return status;
        }
    }
    ctx->vcek_disabled = flags & FINISH_NO_VCEK;
    memcpy(ctx->host_data, req->buf + 32, sizeof(ctx->host_data));
    ctx->state = PSP_GUEST_RUNNING;
    memcpy(req->psp->launch_digest, ctx->digest, sizeof(ctx->digest));
    trace_amd_psp_context(ctx->paddr, "launched");
    return PSP_SUCCESS;
}

/* Both directions need the DEBUG policy and a page of the guest */
static uint32_t check_debug(PSPReq *req, uint64_t guest_page)
{
    uint32_t status;
    PSPContext *ctx = psp_context(req->psp, psp_addr(req, 0), &status);
    SNPRmpEntry e;

    if (!ctx) {
        return status;
    }
    if (!(ctx->policy & POLICY_DEBUG)) {
        return PSP_POLICY_FAILURE;
    }
    status = psp_page(guest_page, &e);
    if (status) {
        return status;
    }
    return ctx->asid && e.assigned && e.asid == ctx->asid
           ? PSP_SUCCESS : PSP_INVALID_PAGE_OWNER;
}

static uint32_t copy_page(uint64_t src, uint64_t dst)
{
    uint8_t page[PSP_PAGE_SIZE];
    uint32_t status = psp_mem_read(src, page, sizeof(page));

    return status ? status : psp_mem_write(dst, page, sizeof(page));
}

/* Plain content in an output page, or the reverse */
static uint32_t debug_copy(PSPReq *req, bool decrypt)
{
    uint64_t src = psp_addr(req, 8), dst = psp_addr(req, 16);
    uint32_t status;

    if ((src | dst) & ~PSP_PAGE_MASK) {
        return PSP_INVALID_ADDRESS;
    }
    status = check_debug(req, decrypt ? src : dst);
    if (!status && decrypt) {
        status = psp_output(req->psp, dst, PSP_PAGE_SIZE);
    }
    return status ? status : copy_page(src, dst);
}

uint32_t psp_snp_dbg_decrypt(PSPReq *req)
{
    return debug_copy(req, true);
}

uint32_t psp_snp_dbg_encrypt(PSPReq *req)
{
    return debug_copy(req, false);
}
