/*
 * TDX host emulation: entry into a TD and exits from it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A TD runs with the flags of an SVM guest with nested paging, so that the
 * translator emits checks of intercepts and the MMU walks in two stages; what
 * SVM would do then is diverted to here. An exit leaves the translation block
 * as an exception of its own; the change of worlds happens outside of any
 * block, under QEMU's lock, and forgets all translations.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "cpu.h"
#include "exec/cputlb.h"
#include "exec/exec-all.h"
#include "exec/helper-proto.h"
#include "tcg/helper-tcg.h"
#include "hw/i386/tdx-host.h"
#include "target/i386/tdx-td.h"
#include "tdx-tcg.h"
#include "tdx-world.h"
#include "trace.h"

#define SVM_BIT(code)   (1ull << ((code) - SVM_EXIT_INTR))

/* Of SVM's intercepts those that end in tdx_filter_vmexit() */
#define TD_INTERCEPTS   (SVM_BIT(SVM_EXIT_INTR) | SVM_BIT(SVM_EXIT_NMI) | \
                         SVM_BIT(SVM_EXIT_HLT) | SVM_BIT(SVM_EXIT_INVD) | \
                         SVM_BIT(SVM_EXIT_WBINVD) | SVM_BIT(SVM_EXIT_RDPMC) | \
                         SVM_BIT(SVM_EXIT_MONITOR) | SVM_BIT(SVM_EXIT_MWAIT) | \
                         SVM_BIT(SVM_EXIT_SHUTDOWN))

#define INTR_INFO_VALID     (1u << 31)
#define INTR_INFO_NMI       (2u << 8 | EXCP02_NMI)

/* Flags of a CPU that runs a TD: interrupts are the host's whatever IF says */
#define TD_HFLAGS2          (HF2_NPT_MASK | HF2_VINTR_MASK | HF2_HIF_MASK)

static unsigned lp_of(CPUX86State *env)
{
    return env_cpu(env)->cpu_index;
}

static TdxWorld *td_world(CPUX86State *env)
{
    return env->tdx.vp->context;
}

/* What a TDVMCALL shared comes back by the same registers */
static void share_registers(uint64_t *to, const uint64_t *from, uint64_t mask)
{
    for (int i = 0; i < TDX_NR_REGS; i++) {
        if (mask & 1ull << i) {
            to[i] = from[i];
        }
    }
}

static void start(CPUX86State *env, TdxVp *vp)
{
    const TdxStart how = {
        .rcx = vp->init_rcx,
        .index = vp->index,
        .address_bits = vp->td->gpaw52 ? 52 : 48,
        .xfam = vp->td->params.xfam,
    };

    vp->context = g_new0(TdxWorld, 1);
    tdx_world_start(env, &how);
}

static void resume(CPUX86State *env)
{
    TdxWorld *td = td_world(env);

    if (td->vmcall_mask) {
        share_registers(td->regs, env->tdx.host->regs, td->vmcall_mask);
        td->regs[R_EAX] = TDX_SUCCESS;
        td->vmcall_mask = 0;
    }
    tdx_world_load(env, td);
}

/* An exit came between an event and its handler: once more */
static void deliver_again(CPUX86State *env)
{
    TdxEvent event = td_world(env)->event;

    if (event.valid) {
        td_world(env)->event.valid = false;
        do_interrupt_all(env_archcpu(env), event.vector, event.is_int,
                         event.error_code, event.next_eip, event.is_hw);
        env->old_exception = -1;
    }
}

void tdx_enter(CPUX86State *env)
{
    TdxVp *vp = tdx_host_get()->module.lps[lp_of(env)].vp;

    if (!env->tdx.host) {
        env->tdx.host = g_new0(TdxWorld, 1);
    }
    tdx_world_save(env, env->tdx.host);
    env->tdx.vp = vp;
    if (vp->context) {
        resume(env);
    } else {
        start(env, vp);
    }
    env->hflags |= HF_GUEST_MASK;
    env->hflags2 |= TD_HFLAGS2;
    env->intercept = TD_INTERCEPTS;
    env->tsc_offset = vp->td->tsc_offset;
    tlb_flush(env_cpu(env));
    trace_tdx_enter(lp_of(env), vp->tdvpr, env->eip);
    deliver_again(env);
}

/* Registers that a host finds changed after any exit */
static void clobber_host(CPUX86State *env, uint64_t xfam)
{
    tdx_world_reset_fpu(env);
    env->xcr0 = (xfam & CPUID_XSTATE_XCR0_MASK) | XSTATE_FP_MASK;
    env->xss = 0;
    env->pkru = 0;
    env->star = env->lstar = env->kernelgsbase = env->tsc_aux = 0;
    env->fmask = 0x20200;
    cpu_sync_bndcs_hflags(env);
    cpu_sync_avx_hflag(env);
}

static void to_host(CPUX86State *env)
{
    TdxVp *vp = env->tdx.vp;
    uint64_t xfam = vp->td->params.xfam;

    tdx_world_save(env, vp->context);
    tdx_world_load(env, env->tdx.host);
    clobber_host(env, xfam);
    env->hflags &= ~HF_GUEST_MASK;
    env->hflags2 &= ~TD_HFLAGS2;
    env->intercept = 0;
    env->tsc_offset = 0;
    env->tdx.vp = NULL;
    tlb_flush(env_cpu(env));
    tdx_vp_exit(&tdx_host_get()->module, lp_of(env));
}

/* The results of VP.ENTER: all general registers but RSP and RBP */
static void set_results(CPUX86State *env, uint64_t status,
                        const uint64_t *shared, uint64_t mask)
{
    for (int i = 0; i < TDX_NR_REGS; i++) {
        if (i != R_ESP && i != R_EBP) {
            env->regs[i] = 0;
        }
    }
    if (shared) {
        share_registers(env->regs, shared, mask);
    }
    env->regs[R_EAX] = status;
}

static void exit_async(CPUX86State *env, const TDXExit *e, uint32_t intr_info)
{
    uint64_t fatal = e->reason == TDX_EXIT_TRIPLE_FAULT ? TDX_NON_RECOVERABLE_TD
                                                        : TDX_SUCCESS;

    trace_tdx_exit(lp_of(env), env->tdx.vp->tdvpr, e->reason, e->qualification,
                   e->extended, e->gpa, env->eip);
    to_host(env);
    set_results(env, fatal | e->reason, NULL, 0);
    env->regs[R_ECX] = e->qualification;
    env->regs[R_EDX] = e->extended;
    env->regs[R_R8] = e->gpa;
    env->regs[R_R9] = intr_info;
}

static void exit_vmcall(CPUX86State *env, uint64_t mask)
{
    uint64_t regs[TDX_NR_REGS];

    memcpy(regs, env->regs, sizeof(regs));
    trace_tdx_vmcall(lp_of(env), env->tdx.vp->tdvpr, regs[R_R10], regs[R_R11],
                     regs[R_R12], regs[R_R13]);
    td_world(env)->vmcall_mask = mask;
    to_host(env);
    set_results(env, TDX_SUCCESS | TDX_EXIT_TDCALL, regs, mask);
    env->regs[R_ECX] = mask;
}

/* The vector is acknowledged here; false when there is none any more */
static bool take_interrupt(CPUX86State *env, uint32_t *intr_info)
{
    int vector;

    env_cpu(env)->interrupt_request &= ~CPU_INTERRUPT_HARD;
    vector = cpu_get_pic_interrupt(env);
    *intr_info = INTR_INFO_VALID | vector;
    return vector >= 0;
}

void tdx_do_exit(CPUX86State *env)
{
    const TDXExit e = env->tdx.exit;
    uint32_t intr_info = 0;

    switch (e.reason) {
    case TDX_EXIT_INTERRUPT:
        if (!take_interrupt(env, &intr_info)) {
            return;
        }
        break;
    case TDX_EXIT_EXCEPTION_NMI:
        env_cpu(env)->interrupt_request &= ~CPU_INTERRUPT_NMI;
        env->hflags2 |= HF2_NMI_MASK;
        intr_info = INTR_INFO_VALID | INTR_INFO_NMI;
        break;
    case TDX_EXIT_TRIPLE_FAULT:
        env->tdx.vp->td->fatal = true;
        break;
    }
    exit_async(env, &e, intr_info);
}

void tdx_do_tdcall(CPUX86State *env)
{
    TdxModule *m = &tdx_host_get()->module;
    uint64_t leaf = env->regs[R_EAX];
    uint64_t rcx = env->regs[R_ECX];
    TdxTdExit out = { .reason = TDX_EXIT_NONE };

    tdx_tdcall(m, lp_of(env), env->regs, &out);
    trace_tdx_tdcall(lp_of(env), leaf, rcx, env->regs[R_EAX], out.reason);
    switch (out.reason) {
    case TDX_EXIT_NONE:
        env->eip += env->tdx.insn_len;
        break;
    case TDX_EXIT_TDCALL:
        env->eip += env->tdx.insn_len;
        exit_vmcall(env, out.mask);
        break;
    case TDX_EXIT_INTERRUPT:
        /* Executed again behind the interrupt, which exits by itself */
        break;
    default: {
        const TDXExit e = {
            out.reason, out.qualification, out.extended, out.gpa
        };

        exit_async(env, &e, 0);
    }
    }
}

void tdx_leave(CPUX86State *env, const TDXExit *e, uintptr_t ra)
{
    CPUState *cs = env_cpu(env);

    cpu_restore_state(cs, ra);
    env->tdx.exit = *e;
    cs->exception_index = EXCP_TD_EXIT;
    /* The first fault is found again by the next entry */
    env->old_exception = -1;
    cpu_loop_exit(cs);
}

bool tdx_do_interrupt(CPUX86State *env, int excp)
{
    switch (excp) {
    case EXCP_SEAMCALL:
        tdx_do_seamcall(env);
        return true;
    case EXCP_TDCALL:
        tdx_do_tdcall(env);
        return true;
    case EXCP_TD_EXIT:
        tdx_do_exit(env);
        return true;
    default:
        return false;
    }
}
