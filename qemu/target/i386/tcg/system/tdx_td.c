/*
 * TDX host emulation: what a TD does that is not its own to do
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Some of it is an exit to the host, some the TD is told of by #VE so that it
 * asks the host itself, some is a fault.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "exec/exec-all.h"
#include "exec/helper-proto.h"
#include "tcg/helper-tcg.h"
#include "target/i386/tdx-td.h"
#include "tdx-tcg.h"
#include "tdx-world.h"

void tdx_raise_ve(CPUX86State *env, const TdxVeReason *why, uintptr_t ra)
{
    TdxVeInfo *ve = &env->tdx.vp->ve;

    if (ve->valid) {
        raise_exception_err_ra(env, EXCP08_DBLE, 0, ra);
    }
    *ve = (TdxVeInfo) {
        .valid = true,
        .reason = why->reason,
        .qualification = why->qualification,
        .gpa = why->gpa,
        .insn_len = why->insn_len,
    };
    raise_exception_ra(env, TDX_EXCP_VE, ra);
}

/* Instructions that the TD is told of, so that it asks the host itself */
static const struct {
    uint32_t code;
    TdxVeReason why;
} ve_insns[] = {
    { SVM_EXIT_HLT,     { TDX_EXIT_HLT, 1 } },
    { SVM_EXIT_INVD,    { TDX_EXIT_INVD, 2 } },
    { SVM_EXIT_WBINVD,  { TDX_EXIT_WBINVD, 2 } },
    { SVM_EXIT_RDPMC,   { TDX_EXIT_RDPMC, 2 } },
    { SVM_EXIT_MONITOR, { TDX_EXIT_MONITOR, 3 } },
    { SVM_EXIT_MWAIT,   { TDX_EXIT_MWAIT, 3 } },
};

void tdx_filter_vmexit(CPUX86State *env, uint64_t code, uintptr_t ra)
{
    TDXExit e = { };

    if (!env->tdx.vp) {
        return;
    }
    for (int i = 0; i < ARRAY_SIZE(ve_insns); i++) {
        if (ve_insns[i].code == code) {
            tdx_raise_ve(env, &ve_insns[i].why, ra);
        }
    }
    switch (code) {
    case SVM_EXIT_INTR:
        e.reason = TDX_EXIT_INTERRUPT;
        break;
    case SVM_EXIT_NMI:
        e.reason = TDX_EXIT_EXCEPTION_NMI;
        break;
    case SVM_EXIT_SHUTDOWN:
        e.reason = TDX_EXIT_TRIPLE_FAULT;
        break;
    default:
        /* A control register's reserved bit, a bad CR3 */
        raise_exception_err_ra(env, EXCP0D_GPF, 0, ra);
    }
    tdx_leave(env, &e, ra);
}

/* @param is 0 in, 2 string, 3 repeated, 6:4 size in bytes, as SVM has it */
void tdx_filter_io(CPUX86State *env, uint32_t port, uint32_t param, int len,
                   uintptr_t ra)
{
    uint32_t size = extract32(param, 4, 3);
    TdxVeReason why = {
        .reason = TDX_EXIT_IO,
        .insn_len = len,
        .qualification = (size - 1) | (param & SVM_IOIO_TYPE_MASK) << 3 |
                         (param & SVM_IOIO_STR_MASK ? 1 << 4 : 0) |
                         (param & SVM_IOIO_REP_MASK ? 1 << 5 : 0) |
                         (uint64_t)port << 16,
    };

    if (env->tdx.vp) {
        tdx_raise_ve(env, &why, ra);
    }
}

/* Registers that are swapped with the world: the TD has its own */
static bool msr_is_native(uint32_t msr)
{
    switch (msr) {
    case MSR_IA32_TSC:
    case MSR_IA32_SYSENTER_CS:
    case MSR_IA32_SYSENTER_ESP:
    case MSR_IA32_SYSENTER_EIP:
    case MSR_PAT:
    case MSR_EFER:
    case MSR_STAR:
    case MSR_LSTAR:
    case MSR_CSTAR:
    case MSR_FMASK:
    case MSR_FSBASE:
    case MSR_GSBASE:
    case MSR_KERNELGSBASE:
    case MSR_TSC_AUX:
    case MSR_IA32_XSS:
        return true;
    default:
        return false;
    }
}

void tdx_filter_msr(CPUX86State *env, uint32_t msr, bool write, uintptr_t ra)
{
    const TdxVeReason why = {
        .reason = write ? TDX_EXIT_WRMSR : TDX_EXIT_RDMSR,
        .insn_len = 2,
    };

    if (!env->tdx.vp) {
        return;
    }
    /* A TD's clock is the module's */
    if (write && msr == MSR_IA32_TSC) {
        raise_exception_err_ra(env, EXCP0D_GPF, 0, ra);
    }
    if (!msr_is_native(msr)) {
        tdx_raise_ve(env, &why, ra);
    }
}

/* Exit qualification of an EPT violation */
#define EPT_ACCESS_READ     (1ull << 0)
#define EPT_ACCESS_WRITE    (1ull << 1)
#define EPT_ACCESS_FETCH    (1ull << 2)
#define EPT_ALLOWED_SHIFT   3
#define EPT_LINEAR_VALID    (1ull << 7)
#define EPT_LINEAR_FINAL    (1ull << 8)

static uint64_t ept_qualification(int access, uint8_t allowed, bool of_walk)
{
    uint64_t q = EPT_LINEAR_VALID | (of_walk ? 0 : EPT_LINEAR_FINAL) |
                 (uint64_t)allowed << EPT_ALLOWED_SHIFT;

    switch (access) {
    case MMU_DATA_STORE:
        return q | EPT_ACCESS_WRITE;
    case MMU_INST_FETCH:
        return q | EPT_ACCESS_FETCH;
    default:
        return q | EPT_ACCESS_READ;
    }
}

void tdx_ept_fault(CPUX86State *env, uint64_t gpa, int access, bool of_walk,
                   uintptr_t ra)
{
    uint64_t shared = tdx_shared_bit(env->tdx.vp->td);
    TdxEptResult r;
    TdxEptFault fault = tdx_ept_translate(env, gpa, access, &r);
    uint64_t qualification = ept_qualification(access, r.allowed, of_walk);
    TDXExit e = {
        .reason = TDX_EXIT_EPT_VIOLATION,
        .qualification = qualification,
        .extended = r.extended,
        .gpa = gpa & shared ? gpa : gpa & -TDX_PAGE_SIZE,
    };

    if (fault == TDX_EPT_VE) {
        const TdxVeReason why = {
            .reason = TDX_EXIT_EPT_VIOLATION,
            .qualification = qualification,
            .gpa = gpa,
        };

        tdx_raise_ve(env, &why, ra);
    }
    if (fault == TDX_EPT_MISCONFIGURED) {
        e.reason = TDX_EXIT_EPT_MISCONFIG;
        e.qualification = 0;
    }
    /* If the host mended it meanwhile, the exit is one too many and harmless */
    tdx_leave(env, &e, ra);
}

bool tdx_event_begins(CPUX86State *env, int vector, bool is_int,
                      int error_code, target_ulong next_eip, bool is_hw)
{
    TdxWorld *world;

    if (!env->tdx.vp) {
        return false;
    }
    world = env->tdx.vp->context;
    world->event = (TdxEvent) {
        true, is_int, is_hw, vector, error_code, next_eip
    };
    return true;
}

bool tdx_event_done(CPUX86State *env)
{
    TdxWorld *world;

    if (!env->tdx.vp) {
        return false;
    }
    world = env->tdx.vp->context;
    world->event.valid = false;
    return true;
}
