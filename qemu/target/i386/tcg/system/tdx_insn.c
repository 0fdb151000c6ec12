/*
 * TDX host emulation: the instructions of VMX and SEAM that a TD needs
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VMXON, VMXOFF, INVEPT and SEAMCALL. The other instructions of VMX do not
 * exist: there are no guests but TDs.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "cpu.h"
#include "exec/helper-proto.h"
#include "exec/cpu_ldst.h"
#include "exec/exec-all.h"
#include "tcg/helper-tcg.h"
#include "hw/i386/tdx-host.h"
#include "tdx-tcg.h"
#include "trace.h"

#define VMX_FLAGS (CC_C | CC_P | CC_A | CC_Z | CC_S | CC_O)

/* VMsucceed clears all flags, VMfailInvalid sets CF, VMfailValid ZF */
static void set_result(CPUX86State *env, int flag)
{
    CC_SRC = (cpu_cc_compute_all(env) & ~VMX_FLAGS) | flag;
    CC_OP = CC_OP_EFLAGS;
}

/* Of all these instructions: protected mode, not compatibility mode, ring 0 */
static void check_mode(CPUX86State *env, bool exists, uintptr_t ra)
{
    if (!exists || !(env->cr[0] & CR0_PE_MASK) || (env->eflags & VM_MASK) ||
        (env->efer & MSR_EFER_LMA && !(env->hflags & HF_CS64_MASK))) {
        raise_exception_ra(env, EXCP06_ILLOP, ra);
    }
    if (env->hflags & HF_CPL_MASK) {
        raise_exception_err_ra(env, EXCP0D_GPF, 0, ra);
    }
}

/* In VMX operation, and not in a TD */
static bool is_vmx_root(CPUX86State *env)
{
    return env->tdx.vmx_root && !env->tdx.vp;
}

static bool vmxon_region_good(CPUX86State *env, uint64_t pa)
{
    TdxModule *m = &tdx_host_get()->module;
    uint64_t basic = 0;
    uint32_t revision;

    tdx_rdmsr(env, MSR_IA32_VMX_BASIC, &basic);
    return tdx_pa_valid(m, pa, TDX_PAGE_SIZE) &&
           tdx_read(m, pa, &revision, sizeof(revision)) &&
           le32_to_cpu(revision) == (basic & 0x7fffffff);
}

void helper_vmxon(CPUX86State *env, target_ulong operand)
{
    const uint64_t enabled = FEATURE_CONTROL_LOCKED |
                             FEATURE_CONTROL_VMXON_ENABLED_OUTSIDE_SMX;
    uintptr_t ra = GETPC();
    uint64_t pa;

    check_mode(env, env->cr[4] & CR4_VMXE_MASK && !env->tdx.vp, ra);
    if (!env->tdx.vmx_root &&
        ((env->tdx.feature_control & enabled) != enabled ||
         !(env->cr[0] & CR0_PG_MASK) || !(env->cr[0] & CR0_NE_MASK))) {
        raise_exception_err_ra(env, EXCP0D_GPF, 0, ra);
    }
    pa = cpu_ldq_data_ra(env, operand, ra);
    if (env->tdx.vmx_root || !vmxon_region_good(env, pa)) {
        set_result(env, CC_C);
        return;
    }
    env->tdx.vmx_root = true;
    env->tdx.vmxon_ptr = pa;
    trace_tdx_vmx(env_cpu(env)->cpu_index, "on");
    set_result(env, 0);
}

void helper_vmxoff(CPUX86State *env)
{
    check_mode(env, is_vmx_root(env), GETPC());
    env->tdx.vmx_root = false;
    trace_tdx_vmx(env_cpu(env)->cpu_index, "off");
    set_result(env, 0);
}

/* A change of worlds flushes the TLB, so no translation of a TD is left here */
void helper_invept(CPUX86State *env, target_ulong type, target_ulong operand)
{
    uintptr_t ra = GETPC();

    check_mode(env, is_vmx_root(env), ra);
    cpu_ldq_data_ra(env, operand, ra);
    if (cpu_ldq_data_ra(env, operand + 8, ra) || type < 1 || type > 2) {
        set_result(env, CC_C);
        return;
    }
    set_result(env, 0);
}

/* 64 bytes at once as far as one CPU's TLB can tell */
void helper_movdir64b(CPUX86State *env, target_ulong to, target_ulong from)
{
    uintptr_t ra = GETPC();
    uint64_t data[8];

    if (to & 63) {
        raise_exception_err_ra(env, EXCP0D_GPF, 0, ra);
    }
    for (int i = 0; i < ARRAY_SIZE(data); i++) {
        data[i] = cpu_ldq_data_ra(env, from + 8 * i, ra);
    }
    for (int i = 0; i < ARRAY_SIZE(data); i++) {
        cpu_stq_data_ra(env, to + 8 * i, data[i], ra);
    }
}

void helper_seamcall(CPUX86State *env, int insn_len)
{
    uintptr_t ra = GETPC();

    check_mode(env, is_vmx_root(env) && (env->efer & MSR_EFER_LMA), ra);
    env->tdx.insn_len = insn_len;
    env_cpu(env)->exception_index = EXCP_SEAMCALL;
    cpu_loop_exit_restore(env_cpu(env), ra);
}

void helper_tdcall(CPUX86State *env, int insn_len)
{
    uintptr_t ra = GETPC();

    check_mode(env, env->tdx.vp && (env->efer & MSR_EFER_LMA), ra);
    env->tdx.insn_len = insn_len;
    env_cpu(env)->exception_index = EXCP_TDCALL;
    cpu_loop_exit_restore(env_cpu(env), ra);
}

/* Bit 63 of RAX calls the loader of the module, which is not there */
static bool nobody_answers(CPUX86State *env, const TDXHostState *host)
{
    return !host->loaded || env->regs[R_EAX] >> 63;
}

void tdx_do_seamcall(CPUX86State *env)
{
    TDXHostState *host = tdx_host_get();
    unsigned lp = env_cpu(env)->cpu_index;
    uint64_t leaf = env->regs[R_EAX];
    uint64_t status;

    QEMU_BUILD_BUG_ON(sizeof(env->regs[0]) != sizeof(uint64_t));
    QEMU_BUILD_BUG_ON(CPU_NB_REGS < TDX_NR_REGS);
    env->eip += env->tdx.insn_len;
    if (nobody_answers(env, host)) {
        trace_tdx_seamcall_unanswered(lp, leaf);
        set_result(env, CC_C);
        return;
    }
    trace_tdx_seamcall(lp, leaf, env->regs[R_ECX], env->regs[R_EDX],
                       env->regs[R_R8], env->regs[R_R9]);
    status = tdx_seamcall(&host->module, lp, env->regs);
    trace_tdx_seamret(lp, leaf, status, env->regs[R_ECX], env->regs[R_EDX],
                      env->regs[R_R8]);
    set_result(env, 0);
    if (host->module.lps[lp].vp) {
        tdx_enter(env);
    }
}

void tdx_check_cr4(CPUX86State *env, target_ulong val, uintptr_t ra)
{
    uint64_t must = env->tdx.vmx_root ? CR4_VMXE_MASK : 0;
    uint64_t must_not = cr4_reserved_bits(env);

    if (!env->tdx.present) {
        return;
    }
    /* To a TD it is as if there was no VMX */
    if (env->tdx.vp) {
        must = CR4_MCE_MASK;
        must_not |= CR4_VMXE_MASK | CR4_SMXE_MASK;
    }
    if (val & must_not || ~val & must) {
        raise_exception_err_ra(env, EXCP0D_GPF, 0, ra);
    }
}
