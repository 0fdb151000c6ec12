/*
 * TDX host emulation: CPUID, model-specific registers and reset of a CPU
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The CPU has VMX as far as software that runs TDs and no other guests sees
 * it: the capability registers tell what KVM asks for, and of the instructions
 * there are VMXON, VMXOFF, INVEPT and SEAMCALL.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "cpu.h"
#include "hw/i386/tdx-host.h"

#define MSR_IA32_MKTME_KEYID_PARTITIONING 0x87
#define MSR_IA32_TME_ACTIVATE   0x982

#define CPUID_7_0_ECX_TME       (1u << 13)

/* Locked and enabled; how wide a KeyID is */
#define TME_ACTIVE              (3 | (uint64_t)TDX_KEYID_BITS << 32)

/* What silicon that can do TDX is not vulnerable to */
#define NOT_VULNERABLE          (MSR_ARCH_CAP_RDCL_NO | \
                                 MSR_ARCH_CAP_SKIP_L1DFL_VMENTRY | \
                                 MSR_ARCH_CAP_MDS_NO | \
                                 MSR_ARCH_CAP_PSCHANGE_MC_NO | \
                                 MSR_ARCH_CAP_TAA_NO | \
                                 MSR_ARCH_CAP_SBDR_SSDP_NO | \
                                 MSR_ARCH_CAP_FBSDP_NO | \
                                 MSR_ARCH_CAP_PSDP_NO)

/* 64G without the KeyID */
#define LEAST_PHYS_BITS         (36 + TDX_KEYID_BITS)

#define FEATURE_CONTROL_KNOWN   (FEATURE_CONTROL_LOCKED | \
                                 FEATURE_CONTROL_VMXON_ENABLED_OUTSIDE_SMX | \
                                 FEATURE_CONTROL_LMCE)

/* Bits that must be 1 in the lower half, bits that may be in the upper half */
#define CTLS(must, may) ((must) | (uint64_t)((must) | (may)) << 32)

#define PIN_MUST        0x00000016
#define PIN_MAY         (1u << 0 /* external interrupts */ | \
                         1u << 3 /* NMI */ | \
                         1u << 5 /* virtual NMI */ | \
                         1u << 7 /* posted interrupts */)
#define PROC_MUST       0x0401e172
#define PROC_MAY        0xfff9fffe      /* all but tertiary controls */
#define PROC2_MAY       (1u << 1 /* EPT */ | \
                         1u << 3 /* RDTSCP */ | \
                         1u << 4 /* x2APIC */ | \
                         1u << 6 /* WBINVD */ | \
                         1u << 7 /* unrestricted guest */ | \
                         1u << 8 /* APIC registers */ | \
                         1u << 9 /* virtual interrupts */)
#define EXIT_MUST       0x00036dff
#define EXIT_MAY        (1u << 2 /* debug controls */ | \
                         1u << 9 /* 64-bit host */ | \
                         1u << 15 /* acknowledge interrupts */ | \
                         1u << 18 | 1u << 19 /* PAT */ | \
                         1u << 20 | 1u << 21 /* EFER */)
#define ENTRY_MUST      0x000011ff
#define ENTRY_MAY       (1u << 2 /* debug controls */ | \
                         1u << 9 /* IA-32e mode */ | \
                         1u << 14 /* PAT */ | 1u << 15 /* EFER */)

#define EPT_EXECUTE_ONLY        (1ull << 0)
#define EPT_4_LEVELS            (1ull << 6)
#define EPT_WB                  (1ull << 14)
#define EPT_2M                  (1ull << 16)
#define EPT_1G                  (1ull << 17)
#define EPT_INVEPT              (1ull << 20)
#define EPT_ACCESSED_DIRTY      (1ull << 21)
#define EPT_INVEPT_SINGLE       (1ull << 25)
#define EPT_INVEPT_GLOBAL       (1ull << 26)

/* Fixed bits of VMX operation: 1 in CR0_MUST and CR4_MUST, any below _MAY */
#define CR0_MUST        (CR0_PE_MASK | CR0_NE_MASK | CR0_PG_MASK)
#define CR4_MUST        CR4_VMXE_MASK

bool tdx_cpu_realize(X86CPU *cpu, Error **errp)
{
    CPUX86State *env = &cpu->env;

    if (!tdx_host_get()) {
        return true;
    }
    if (!IS_INTEL_CPU(env) || !(env->features[FEAT_8000_0001_EDX] &
                                CPUID_EXT2_LM)) {
        error_setg(errp, "x-tdx-host: needs a 64-bit Intel CPU model, for "
                   "example -cpu GraniteRapids");
        return false;
    }
    if (env->features[FEAT_8000_0001_ECX] & CPUID_EXT3_SVM) {
        error_setg(errp, "x-tdx-host: a CPU with VMX has no SVM; add svm=off");
        return false;
    }
    if (!cpu->phys_bits) {
        cpu->phys_bits = TDX_PHYS_BITS;
    }
    if (cpu->phys_bits < LEAST_PHYS_BITS) {
        error_setg(errp, "x-tdx-host: phys-bits must be at least %d, of which "
                   "%d are the KeyID", LEAST_PHYS_BITS, TDX_KEYID_BITS);
        return false;
    }
    /* A TDX host is bare metal to its kernel */
    env->features[FEAT_1_ECX] &= ~CPUID_EXT_HYPERVISOR;
    env->features[FEAT_1_ECX] |= CPUID_EXT_VMX;
    env->features[FEAT_1_EDX] |= CPUID_SS;
    env->features[FEAT_7_0_ECX] |= CPUID_7_0_ECX_MOVDIR64B | CPUID_7_0_ECX_TME;
    env->features[FEAT_7_0_EDX] |= CPUID_7_0_EDX_ARCH_CAPABILITIES;
    env->cpuid_level = MAX(env->cpuid_level, 7);
    env->tdx.present = true;
    return true;
}

void tdx_cpu_reset(CPUX86State *env)
{
    if (tdx_host_get()) {
        env->tdx = (TDXCPUState) { .present = true, .host = env->tdx.host };
    }
}

static uint64_t vmx_basic(void)
{
    const uint64_t revision = 0x54445801;
    const uint64_t region = TDX_PAGE_SIZE << 32;
    const uint64_t write_back = 6ull << 50;
    const uint64_t exit_tells_ins_outs = 1ull << 54;
    /* The current VMCS survives SEAMRET: an erratum of some CPUs */
    const uint64_t seamret_keeps_vmcs = 1ull << 60;

    return revision | region | write_back | exit_tells_ins_outs |
           seamret_keeps_vmcs;
}

static bool read_capability(CPUX86State *env, uint32_t msr, uint64_t *val)
{
    switch (msr) {
    case MSR_IA32_VMX_BASIC:
        *val = vmx_basic();
        return true;
    case MSR_IA32_VMX_PINBASED_CTLS:
        *val = CTLS(PIN_MUST, PIN_MAY);
        return true;
    case MSR_IA32_VMX_PROCBASED_CTLS:
        *val = CTLS(PROC_MUST, PROC_MAY);
        return true;
    case MSR_IA32_VMX_PROCBASED_CTLS2:
        *val = CTLS(0, PROC2_MAY);
        return true;
    case MSR_IA32_VMX_EXIT_CTLS:
        *val = CTLS(EXIT_MUST, EXIT_MAY);
        return true;
    case MSR_IA32_VMX_ENTRY_CTLS:
        *val = CTLS(ENTRY_MUST, ENTRY_MAY);
        return true;
    case MSR_IA32_VMX_CR0_FIXED0:
        *val = CR0_MUST;
        return true;
    case MSR_IA32_VMX_CR0_FIXED1:
        *val = UINT32_MAX;
        return true;
    case MSR_IA32_VMX_CR4_FIXED0:
        *val = CR4_MUST;
        return true;
    case MSR_IA32_VMX_CR4_FIXED1:
        *val = ~cr4_reserved_bits(env);
        return true;
    case MSR_IA32_VMX_EPT_VPID_CAP:
        *val = EPT_EXECUTE_ONLY | EPT_4_LEVELS | EPT_WB | EPT_2M | EPT_1G |
               EPT_INVEPT | EPT_ACCESSED_DIRTY | EPT_INVEPT_SINGLE |
               EPT_INVEPT_GLOBAL;
        return true;
    default:
        *val = 0;
        return msr >= MSR_IA32_VMX_BASIC && msr <= MSR_IA32_VMX_VMFUNC;
    }
}

bool tdx_rdmsr(CPUX86State *env, uint32_t msr, uint64_t *val)
{
    TDXHostState *host = tdx_host_get();

    if (!env->tdx.present) {
        return false;
    }
    switch (msr) {
    case MSR_IA32_FEATURE_CONTROL:
        *val = env->tdx.feature_control;
        return true;
    case MSR_IA32_MKTME_KEYID_PARTITIONING:
        *val = host->module.opt.mktme_keyids |
               (uint64_t)host->module.opt.tdx_keyids << 32;
        return true;
    case MSR_IA32_TME_ACTIVATE:
        *val = TME_ACTIVE;
        return true;
    case MSR_IA32_ARCH_CAPABILITIES:
        *val = NOT_VULNERABLE;
        return true;
    default:
        return read_capability(env, msr, val) ||
               tdx_window_read(host, msr, val);
    }
}

TDXMsrResult tdx_wrmsr(CPUX86State *env, uint32_t msr, uint64_t val)
{
    uint64_t ignored;

    if (!env->tdx.present) {
        return TDX_MSR_NOT_OURS;
    }
    switch (msr) {
    case MSR_IA32_FEATURE_CONTROL:
        if (env->tdx.feature_control & FEATURE_CONTROL_LOCKED ||
            val & ~(uint64_t)FEATURE_CONTROL_KNOWN) {
            return TDX_MSR_FAULT;
        }
        env->tdx.feature_control = val;
        return TDX_MSR_DONE;
    case MSR_IA32_MKTME_KEYID_PARTITIONING:
    case MSR_IA32_TME_ACTIVATE:
    case MSR_IA32_ARCH_CAPABILITIES:
        return TDX_MSR_FAULT;
    default:
        if (msr >= TDX_MSR_COUNT && msr <= TDX_MSR_LAST) {
            return tdx_window_write(tdx_host_get(), msr, val) ? TDX_MSR_DONE
                                                              : TDX_MSR_FAULT;
        }
        return read_capability(env, msr, &ignored) ? TDX_MSR_FAULT
                                                   : TDX_MSR_NOT_OURS;
    }
}
