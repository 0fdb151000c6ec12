/*
 * TDX host emulation: state and hooks of one CPU
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Embedded in CPUX86State among what INIT preserves.
 */
#ifndef TARGET_I386_TDX_CPU_H
#define TARGET_I386_TDX_CPU_H

/* Raised where TCG must leave the translation block for a change of worlds */
#define EXCP_SEAMCALL   0x110
#define EXCP_TDCALL     0x111
#define EXCP_TD_EXIT    0x112

/* An exit of a TD to the host: what VP.ENTER returns */
typedef struct TDXExit {
    uint32_t reason;
    uint64_t qualification;
    uint64_t extended;
    uint64_t gpa;
} TDXExit;

typedef struct TDXCPUState {
    bool present;               /* the machine emulates a TDX host */
    bool vmx_root;              /* VMXON was executed */
    uint8_t insn_len;           /* of the instruction behind EXCP_* */
    uint64_t feature_control;
    uint64_t vmxon_ptr;

    struct TdxVp *vp;           /* the TD's processor that runs here */
    struct TdxWorld *host;      /* what the host has meanwhile */
    TDXExit exit;               /* under way, with EXCP_TD_EXIT */
} TDXCPUState;

/* CPU features and limits of a TDX host; false and @errp when impossible */
bool tdx_cpu_realize(ArchCPU *cpu, Error **errp);
void tdx_cpu_reset(CPUArchState *env);

/* Registers that only a TDX host has; false when the register is not one */
bool tdx_rdmsr(CPUArchState *env, uint32_t msr, uint64_t *val);

typedef enum TDXMsrResult {
    TDX_MSR_NOT_OURS,
    TDX_MSR_DONE,
    TDX_MSR_FAULT,
} TDXMsrResult;
TDXMsrResult tdx_wrmsr(CPUArchState *env, uint32_t msr, uint64_t val);

#endif
