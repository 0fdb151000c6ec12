/*
 * SEV-SNP host emulation: the page-state instructions
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RMPUPDATE, PSMASH and RMPREAD for the host; PVALIDATE, RMPADJUST and
 * RMPQUERY for the guest. The rules are in snp-rules.c, here are operands,
 * privilege and flags.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "exec/helper-proto.h"
#include "exec/cpu_ldst.h"
#include "exec/cputlb.h"
#include "tcg/helper-tcg.h"
#include "hw/i386/snp-host.h"
#include "target/i386/snp-rmp.h"
#include "snp-tcg.h"
#include "trace.h"

/* The code in EAX, and the flags that follow it; CF is PVALIDATE's */
static void set_result(CPUX86State *env, uint32_t code, bool carry)
{
    uint32_t flags = cpu_cc_compute_all(env) & ~(CC_C | CC_Z);

    env->regs[R_EAX] = code;
    CC_SRC = flags | (carry ? CC_C : 0) | (code ? 0 : CC_Z);
    CC_OP = CC_OP_EFLAGS;
}

static void check_privilege(CPUX86State *env, bool exists, uintptr_t ra)
{
    if (!exists) {
        raise_exception_ra(env, EXCP06_ILLOP, ra);
    }
    if (env->hflags & HF_CPL_MASK) {
        raise_exception_err_ra(env, EXCP0D_GPF, 0, ra);
    }
}

/* Instructions of the host exist outside guests once SNP is enabled */
static void check_host(CPUX86State *env, uintptr_t ra)
{
    check_privilege(env, !(env->hflags & HF_GUEST_MASK) &&
                         (env->snp.syscfg & SNP_SYSCFG_SNP_EN), ra);
}

static void check_guest(CPUX86State *env, uintptr_t ra)
{
    check_privilege(env, env->snp.guest & SNP_GUEST_SNP, ra);
}

/* Both are of the memory operand, little endian */
#define UPDATE_ASSIGNED     (1ull << 0)
#define UPDATE_LARGE        (1ull << 8)
#define UPDATE_IMMUTABLE    (1ull << 16)
#define UPDATE_RESERVED     0xfffefefeull
#define UPDATE_ASID_SHIFT   32

void helper_rmpupdate(CPUX86State *env)
{
    uintptr_t ra = GETPC();
    uint64_t gpa, word;
    SNPUpdate req;

    check_host(env, ra);
    gpa = cpu_ldq_data_ra(env, env->regs[R_ECX], ra);
    word = cpu_ldq_data_ra(env, env->regs[R_ECX] + 8, ra);
    req = (SNPUpdate) {
        .gpa = gpa,
        .asid = word >> UPDATE_ASID_SHIFT,
        .assigned = word & UPDATE_ASSIGNED,
        .large = word & UPDATE_LARGE,
        .immutable = word & UPDATE_IMMUTABLE,
        .reserved = word & UPDATE_RESERVED,
    };
    set_result(env, snp_rmp_update(env->regs[R_EAX], &req), false);
}

void helper_psmash(CPUX86State *env)
{
    check_host(env, GETPC());
    set_result(env, snp_rmp_psmash(env->regs[R_EAX]), false);
}

#define READ_REGION_ASSIGNED (1ull << 9)

void helper_rmpread(CPUX86State *env)
{
    uintptr_t ra = GETPC();
    SNPHostState *host = snp_host_get();
    hwaddr spa = env->regs[R_EAX] & -SNP_PAGE_SIZE;
    uint64_t word;
    SNPRmpEntry e;

    check_privilege(env, !(env->hflags & HF_GUEST_MASK) &&
                         host->format != SNP_RMP_RAW, ra);
    snp_count(SNP_COUNT_RMPREAD);
    if (!snp_rmp_get(spa, &e)) {
        set_result(env, SNP_FAIL_INPUT, false);
        return;
    }
    word = (e.assigned ? UPDATE_ASSIGNED : 0) |
           (e.large ? UPDATE_LARGE : 0) |
           (snp_rmp_region_has_assigned(spa) ? READ_REGION_ASSIGNED : 0) |
           (e.immutable ? UPDATE_IMMUTABLE : 0) |
           (uint64_t)e.asid << UPDATE_ASID_SHIFT;
    cpu_stq_data_ra(env, env->regs[R_ECX], e.gpa, ra);
    cpu_stq_data_ra(env, env->regs[R_ECX] + 8, word, ra);
    set_result(env, SNP_OK, false);
}

/* What an instruction of the guest asks for, and what it gets */
typedef struct GuestRequest {
    CPUX86State *env;
    SNPGuestPage page;
    /* PVALIDATE */
    bool validate;
    bool changed;
    /* RMPADJUST and RMPQUERY */
    uint8_t target;
    uint8_t perms;
    bool vmsa;
    SNPVerdict verdict;
    SNPCode code;
} GuestRequest;

/*
 * Find the page of the operand; false when the operand itself is wrong. The
 * offset into the 4K page does not count: OVMF names a page by any byte of it.
 */
static bool guest_operand(CPUX86State *env, GuestRequest *r, SNPOperand *op,
                          uintptr_t ra)
{
    target_ulong gva = env->regs[R_EAX] & -SNP_PAGE_SIZE;
    uint64_t size = env->regs[R_ECX];
    uint64_t mask;

    if (size > 1) {
        return false;
    }
    mask = size ? SNP_LARGE_SIZE - 1 : SNP_PAGE_SIZE - 1;
    if (gva & mask) {
        return false;
    }
    snp_translate_operand(env, gva, op, ra);
    if (op->gpa & mask) {
        return false;
    }
    r->env = env;
    r->page = (SNPGuestPage) {
        .gpa = op->gpa & -SNP_PAGE_SIZE,
        .asid = env->snp.asid,
        .vmpl = env->snp.vmpl,
        .large = size,
        .npt_large = op->npt_large,
    };
    return true;
}

static bool do_pvalidate(SNPRmpEntry *e, void *opaque)
{
    GuestRequest *r = opaque;

    r->verdict = snp_rule_pvalidate(e, &r->page, r->validate, &r->code,
                                    &r->changed);
    e->validated ^= r->changed;
    return r->changed;
}

void helper_pvalidate(CPUX86State *env)
{
    uintptr_t ra = GETPC();
    GuestRequest r = { .validate = env->regs[R_EDX] & 1 };
    SNPOperand op;

    check_guest(env, ra);
    if (env->snp.vmpl) {
        raise_exception_err_ra(env, EXCP0D_GPF, 0, ra);
    }
    if (!guest_operand(env, &r, &op, ra)) {
        set_result(env, SNP_FAIL_INPUT, false);
        return;
    }
    snp_count(r.page.large ? SNP_COUNT_PVALIDATE_2M : SNP_COUNT_PVALIDATE);
    if (r.page.large && snp_inject(SNP_INJECT_PVALIDATE_SIZE)) {
        r.code = SNP_FAIL_SIZEMISMATCH;
    } else {
        snp_rmp_change(op.spa, do_pvalidate, &r);
    }
    trace_snp_pvalidate(op.gpa, op.spa, r.page.large, r.validate, r.verdict,
                        r.code, r.changed);
    if (r.verdict != SNP_ALLOW) {
        snp_operand_denied(env, &op, snp_denied_bits(r.verdict), ra);
    }
    if (r.code) {
        snp_count(SNP_COUNT_PVALIDATE_FAIL);
    }
    if (r.changed && !r.validate) {
        snp_tlb_flush_all();
    }
    set_result(env, r.code, !r.code && !r.changed);
}

static bool do_rmpadjust(SNPRmpEntry *e, void *opaque)
{
    GuestRequest *r = opaque;

    r->verdict = snp_rule_rmpadjust(e, &r->page, r->target, r->perms, r->vmsa,
                                    &r->code);
    if (r->verdict != SNP_ALLOW || r->code) {
        return false;
    }
    e->perms[r->target] = r->perms;
    e->vmsa = r->vmsa;
    return true;
}

void helper_rmpadjust(CPUX86State *env)
{
    uintptr_t ra = GETPC();
    uint64_t attr = env->regs[R_EDX];
    GuestRequest r = {
        .target = attr & 0xff,
        .perms = (attr >> 8) & 0xff,
        .vmsa = (attr >> 16) & 1,
    };
    SNPOperand op;

    check_guest(env, ra);
    snp_count(SNP_COUNT_RMPADJUST);
    if ((attr >> 17) || !guest_operand(env, &r, &op, ra)) {
        set_result(env, SNP_FAIL_INPUT, false);
        return;
    }
    snp_rmp_change(op.spa, do_rmpadjust, &r);
    trace_snp_rmpadjust(op.gpa, op.spa, r.target, r.perms, r.vmsa, r.verdict,
                        r.code);
    if (r.verdict != SNP_ALLOW) {
        snp_operand_denied(env, &op, snp_denied_bits(r.verdict), ra);
    }
    if (r.code) {
        snp_count(SNP_COUNT_RMPADJUST_FAIL);
    } else {
        snp_tlb_flush_all();
    }
    set_result(env, r.code, false);
}

void helper_rmpquery(CPUX86State *env)
{
    uintptr_t ra = GETPC();
    GuestRequest r = { .target = env->regs[R_ECX] & 0xff };
    SNPOperand op;
    SNPRmpEntry e;

    check_guest(env, ra);
    snp_count(SNP_COUNT_RMPQUERY);
    env->regs[R_ECX] = 0;
    if (r.target >= SNP_VMPLS || !guest_operand(env, &r, &op, ra)) {
        set_result(env, SNP_FAIL_INPUT, false);
        return;
    }
    if (r.target < env->snp.vmpl) {
        set_result(env, SNP_FAIL_PERMISSION, false);
        return;
    }
    snp_rmp_get(op.spa, &e);
    if (!e.assigned || e.asid != r.page.asid || e.gpa != r.page.gpa) {
        snp_operand_denied(env, &op, snp_denied_bits(SNP_DENY_RMP), ra);
    }
    env->regs[R_ECX] = e.large;
    env->regs[R_EDX] = e.perms[r.target] << 8 | e.vmsa << 16;
    set_result(env, SNP_OK, false);
}
