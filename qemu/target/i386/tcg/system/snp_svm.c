/*
 * SEV-SNP host emulation: what real SVM reports and TCG's did not
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "exec/helper-proto.h"
#include "exec/cputlb.h"
#include "exec/cpu_ldst.h"
#include "tcg/helper-tcg.h"
#include "hw/i386/snp-host.h"
#include "snp-tcg.h"

#define MAX_INSN 15

uint64_t snp_cr3_reserved(CPUX86State *env)
{
    uint64_t reserved = ~0ull << env_archcpu(env)->phys_bits;

    return env->snp.guest & SNP_GUEST_SEV ? reserved & ~SNP_CBIT : reserved;
}

void snp_raise_bad_cr3(CPUX86State *env, uintptr_t ra)
{
    if (env->snp.present) {
        raise_exception_err_ra(env, EXCP0D_GPF, 0, ra);
    }
    cpu_vmexit(env, SVM_EXIT_ERR, 0, ra);
}

/* Exits at an instruction, which has been noted; others report no next RIP */
static bool exit_is_insn(uint64_t code)
{
    switch (code) {
    case SVM_EXIT_READ_CR0 ... SVM_EXIT_WRITE_DR7 + 8:
    case SVM_EXIT_EXCP_BASE + EXCP03_INT3:
    case SVM_EXIT_EXCP_BASE + EXCP04_INTO:
    case SVM_EXIT_CR0_SEL_WRITE ... SVM_EXIT_MSR:
    case SVM_EXIT_VMRUN ... SVM_EXIT_XSETBV:
    case SVM_EXIT_WRITE_TRAP_EFER ... SVM_EXIT_WRITE_TRAP_CR0 + 15:
    case SVM_EXIT_IDLE_HLT:
    case SVM_EXIT_VMGEXIT:
        return true;
    default:
        return false;
    }
}

static bool exit_has_operand(uint64_t code)
{
    return code <= SVM_EXIT_WRITE_DR7 + 8 || code == SVM_EXIT_SWINT ||
           code == SVM_EXIT_INVLPG;
}

/* The bytes at RIP, as far as they can be fetched without a fault */
static int fetch_insn(CPUX86State *env, uint8_t bytes[MAX_INSN])
{
    CPUState *cs = env_cpu(env);
    int idx = cpu_mmu_index(cs, true);
    vaddr pc = env->eip + env->segs[R_CS].base;
    void *host;
    int n = 0;

    while (n < MAX_INSN) {
        vaddr at = env->hflags & HF_CS64_MASK ? pc + n : (uint32_t)(pc + n);
        int room = MIN(MAX_INSN - n, -(at | TARGET_PAGE_MASK));
        int flags = probe_access_flags(env, at, 0, MMU_INST_FETCH, idx, true,
                                       &host, 0);

        if ((flags & TLB_INVALID_MASK) || !host) {
            break;
        }
        memcpy(bytes + n, host, room);
        n += room;
    }
    return n;
}

static void store_insn(CPUX86State *env)
{
    CPUState *cs = env_cpu(env);
    hwaddr at = env->vm_vmcb + offsetof(struct vmcb, control.insn_len);
    uint8_t bytes[MAX_INSN];
    int n = fetch_insn(env, bytes);

    x86_stb_phys(cs, at, n);
    for (int i = 0; i < n; i++) {
        x86_stb_phys(cs, at + 1 + i, bytes[i]);
    }
}

uint64_t snp_before_vmexit(CPUX86State *env, uint64_t code, uint64_t info_1)
{
    CPUState *cs = env_cpu(env);
    uint64_t next_rip = 0;

    if (!env->snp.present) {
        return info_1;
    }
    snp_filter_vmexit(env, code);
    if (code == SVM_EXIT_NPF) {
        snp_count(SNP_COUNT_VMEXIT_NPF);
    }
    if (exit_is_insn(code) && env->snp.next_rip - env->eip - 1 < MAX_INSN) {
        next_rip = env->snp.next_rip;
    }
    x86_stq_phys(cs, env->vm_vmcb + offsetof(struct vmcb, control.next_rip),
                 next_rip);
    x86_stb_phys(cs, env->vm_vmcb + offsetof(struct vmcb, control.insn_len), 0);
    if (code == SVM_EXIT_NPF || code == SVM_EXIT_EXCP_BASE + EXCP0E_PAGE) {
        store_insn(env);
    }
    return exit_has_operand(code) ? env->snp.operand : info_1;
}

/* INT n, and INT3 and INTO as exceptions, return behind the instruction */
void snp_inject_soft(CPUX86State *env, int vector)
{
    bool exception = !env->exception_is_int;

    if (!env->snp.present || (exception && vector != EXCP03_INT3 &&
                              vector != EXCP04_INTO)) {
        return;
    }
    env->exception_is_int = 1;
    env->exception_next_eip =
        x86_ldq_phys(env_cpu(env), env->vm_vmcb +
                     offsetof(struct vmcb, control.next_rip));
}

/* DR7.GD comes before an intercept of the debug register, as faults do */
void helper_snp_check_gd(CPUX86State *env)
{
    if (env->dr[7] & DR7_GD) {
        env->dr[7] &= ~DR7_GD;
        env->dr[6] |= DR6_BD;
        raise_exception_ra(env, EXCP01_DB, GETPC());
    }
}

void snp_check_double_fault(CPUX86State *env, int intno, uintptr_t ra)
{
    if (env->snp.present && intno == EXCP08_DBLE) {
        cpu_svm_check_intercept_param(env, SVM_EXIT_EXCP_BASE + intno, 0, ra);
    }
}
