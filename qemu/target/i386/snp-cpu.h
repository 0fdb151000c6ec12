/*
 * SEV-SNP host emulation: state and hooks of one CPU
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Embedded in CPUX86State among what INIT preserves, because the machine's
 * configuration registers survive it.
 */
#ifndef TARGET_I386_SNP_CPU_H
#define TARGET_I386_SNP_CPU_H

#define MSR_AMD64_SYSCFG        0xc0010010
#define SNP_SYSCFG_FIXDRAM      (1ull << 18)
#define SNP_SYSCFG_MFDM         (1ull << 19)
#define SNP_SYSCFG_MEM_ENCRYPT  (1ull << 23)
#define SNP_SYSCFG_SNP_EN       (1ull << 24)
#define SNP_SYSCFG_VMPL_EN      (1ull << 25)

#define SNP_CBIT_POS            51
#define SNP_CBIT                (1ull << SNP_CBIT_POS)
#define SNP_REDUCED_PHYS_BITS   5
#define SNP_PHYS_BITS           48

/* VMM communication */
#define EXCP_VC                 29

/* What kind of guest runs: a superset is always set with its subsets */
#define SNP_GUEST_SEV           1
#define SNP_GUEST_ES            2
#define SNP_GUEST_SNP           4

typedef struct SNPCPUState {
    bool present;               /* the machine emulates an SNP host */
    uint64_t syscfg;
    uint64_t hwcr;
    uint64_t ghcb;              /* MSR GHCB, of the host or the guest */

    /* The running guest; zero in the host */
    uint32_t guest;             /* SNP_GUEST_* */
    uint32_t asid;
    uint8_t vmpl;
    uint64_t sev_features;      /* of the VMSA */
    hwaddr vmsa;                /* physical address, held */
    void *vmsa_host;            /* the same, while a guest is loaded */
    uint64_t exit_code;         /* of the exit under way */
    uint64_t host_pat;
    uint64_t host_ghcb;

    /* Upper bits of the error code of the last nested fault */
    uint64_t nested_error;
    /* Set by instructions that may be intercepted, ahead of the check */
    target_ulong next_rip;
    uint64_t operand;
} SNPCPUState;

/* CPU features and limits of an SNP host; false and @errp when impossible */
bool snp_cpu_realize(ArchCPU *cpu, Error **errp);
void snp_cpu_reset(CPUArchState *env);

/* Complete the answer of CPUID for the leaves that SNP changes */
void snp_cpu_cpuid(CPUArchState *env, uint32_t index, uint32_t count,
                   uint32_t *eax, uint32_t *ebx, uint32_t *ecx, uint32_t *edx);

/* A double fault can be intercepted like any exception */
void snp_check_double_fault(CPUArchState *env, int intno, uintptr_t ra);

/* A register that the guest reads without the host's consent */
bool snp_msr_never_exits(CPUArchState *env, uint32_t msr);

/* Registers that only an SNP host has; false when the register is not one */
bool snp_rdmsr(CPUArchState *env, uint32_t msr, uint64_t *val);

typedef enum SNPMsrResult {
    SNP_MSR_NOT_OURS,
    SNP_MSR_DONE,
    SNP_MSR_FAULT,
} SNPMsrResult;
SNPMsrResult snp_wrmsr(CPUArchState *env, uint32_t msr, uint64_t val);

#endif
