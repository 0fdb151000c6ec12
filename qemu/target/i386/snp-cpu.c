/*
 * SEV-SNP host emulation: CPUID, model-specific registers and reset of a CPU
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qapi/error.h"
#include "cpu.h"
#include "hw/i386/snp-host.h"
#include "target/i386/snp-rmp.h"
#include "trace.h"

#define MSR_K8_HWCR             0xc0010015
#define MSR_VM_PAGE_FLUSH       0xc001011e
#define MSR_AMD64_GHCB          0xc0010130
#define MSR_AMD64_SEV_STATUS    0xc0010131
#define MSR_AMD64_RMP_BASE      0xc0010132
#define MSR_AMD64_RMP_END       0xc0010133
#define MSR_AMD64_RMP_CFG       0xc0010136

#define HWCR_SMMLOCK            (1ull << 0)
#define HWCR_TSC_FREQ_SEL       (1ull << 24)

/* CPUID 8000_001F */
#define SEV_EAX_SEV             (1u << 1)
#define SEV_EAX_PAGE_FLUSH      (1u << 2)
#define SEV_EAX_ES              (1u << 3)
#define SEV_EAX_SNP             (1u << 4)
#define SEV_EAX_VMPL            (1u << 5)
#define SEV_EAX_COHERENT        (1u << 10)
#define SEV_EAX_RMPREAD         (1u << 21)
#define SEV_EAX_SEGMENTED       (1u << 23)
#define SEV_EBX_NO_EVICTION     (1u << 31)

#define SVM_FEATURES_NEEDED     (CPUID_SVM_NPT | CPUID_SVM_LBRV | \
                                 CPUID_SVM_NRIPSAVE | CPUID_SVM_FLUSHASID | \
                                 CPUID_SVM_DECODEASSIST)

bool snp_cpu_realize(X86CPU *cpu, Error **errp)
{
    CPUX86State *env = &cpu->env;

    if (!snp_host_get()) {
        return true;
    }
    if (!IS_AMD_CPU(env)) {
        error_setg(errp, "x-snp-host: needs an AMD CPU model, for example "
                   "-cpu EPYC-Milan");
        return false;
    }
    if (!cpu->phys_bits) {
        cpu->phys_bits = SNP_PHYS_BITS;
    }
    if (cpu->phys_bits > SNP_CBIT_POS - 1) {
        error_setg(errp, "x-snp-host: phys-bits must be at most %d, below the "
                   "C-bit", SNP_CBIT_POS - 1);
        return false;
    }
    /* An SNP host is bare metal to its kernel */
    env->features[FEAT_1_ECX] &= ~CPUID_EXT_HYPERVISOR;
    env->features[FEAT_8000_0001_ECX] |= CPUID_EXT3_SVM;
    env->features[FEAT_SVM] |= SVM_FEATURES_NEEDED;
    env->cpuid_xlevel = MAX(env->cpuid_xlevel, 0x80000025);
    /* A Linux guest of SNP wants it, unless the user wants it off */
    if ((env->features[FEAT_1_ECX] & CPUID_EXT_XSAVE) &&
        !(env->user_features[FEAT_XSAVE] & CPUID_XSAVE_XSAVEC)) {
        env->features[FEAT_XSAVE] |= CPUID_XSAVE_XSAVEC;
    }
    env->snp.present = true;
    return true;
}

void snp_cpu_reset(CPUX86State *env)
{
    if (!snp_host_get()) {
        return;
    }
    env->snp = (SNPCPUState) {
        .present = true,
        .syscfg = SNP_SYSCFG_MEM_ENCRYPT,
        .hwcr = HWCR_SMMLOCK | HWCR_TSC_FREQ_SEL,
    };
}

static void cpuid_sev(SNPHostState *host, uint32_t *eax, uint32_t *ebx,
                      uint32_t *ecx, uint32_t *edx)
{
    *eax = SEV_EAX_SEV | SEV_EAX_PAGE_FLUSH | SEV_EAX_ES | SEV_EAX_SNP |
           SEV_EAX_VMPL | SEV_EAX_COHERENT;
    if (host->format != SNP_RMP_RAW) {
        *eax |= SEV_EAX_RMPREAD;
    }
    if (host->format == SNP_RMP_SEGMENTED) {
        *eax |= SEV_EAX_SEGMENTED;
    }
    *ebx = SNP_CBIT_POS | SNP_REDUCED_PHYS_BITS << 6 | SNP_VMPLS << 12 |
           SEV_EBX_NO_EVICTION;
    *ecx = host->max_asid;
    *edx = host->max_es_asid + 1;
}

void snp_cpu_cpuid(CPUX86State *env, uint32_t index, uint32_t count,
                   uint32_t *eax, uint32_t *ebx, uint32_t *ecx, uint32_t *edx)
{
    SNPHostState *host = snp_host_get();

    if (!host) {
        return;
    }
    switch (index) {
    case 0xD:
        if (count == 1 && (*eax & CPUID_XSAVE_XSAVEC)) {
            *ebx = xsave_area_size(env->xcr0, true);
        }
        break;
    case 0x8000000A:
        *ebx = host->max_asid + 1;
        break;
    case 0x8000001F:
        cpuid_sev(host, eax, ebx, ecx, edx);
        break;
    case 0x80000025:
        if (host->format == SNP_RMP_SEGMENTED) {
            *eax = SNP_SEGMENT_SHIFT | SNP_SEGMENT_SHIFT << 6;
            *ebx = SNP_RMP_SEGMENTS;
        }
        break;
    }
}

static uint64_t sev_status(CPUX86State *env)
{
    if (!(env->snp.guest & SNP_GUEST_SEV)) {
        return 0;
    }
    return 1 | (env->snp.guest & SNP_GUEST_ES ? 2 : 0) |
           env->snp.sev_features << 2;
}

bool snp_msr_never_exits(CPUX86State *env, uint32_t msr)
{
    return env->snp.guest && msr == MSR_AMD64_SEV_STATUS;
}

bool snp_rdmsr(CPUX86State *env, uint32_t msr, uint64_t *val)
{
    SNPHostState *host = snp_host_get();

    if (!env->snp.present) {
        return false;
    }
    switch (msr) {
    case MSR_AMD64_SYSCFG:
        *val = env->snp.syscfg;
        return true;
    case MSR_K8_HWCR:
        *val = env->snp.hwcr;
        return true;
    case MSR_AMD64_GHCB:
        *val = env->snp.ghcb;
        return true;
    case MSR_AMD64_SEV_STATUS:
        *val = sev_status(env);
        return true;
    case MSR_AMD64_RMP_BASE:
        *val = host->rmp_base;
        return true;
    case MSR_AMD64_RMP_END:
        /* The segment table says what a segmented RMP covers */
        *val = host->format == SNP_RMP_SEGMENTED ? 0 : host->rmp_end;
        return true;
    case MSR_AMD64_RMP_CFG:
        *val = host->rmp_cfg;
        return true;
    default:
        return false;
    }
}

/* Bits of SYSCFG that, once set, only reset or the firmware clears */
static void write_syscfg(CPUX86State *env, uint64_t val)
{
    const uint64_t sticky = SNP_SYSCFG_MEM_ENCRYPT | SNP_SYSCFG_SNP_EN |
                            SNP_SYSCFG_VMPL_EN;
    const uint64_t writable = sticky | SNP_SYSCFG_FIXDRAM | SNP_SYSCFG_MFDM;
    SNPHostState *host = snp_host_get();
    uint64_t old = env->snp.syscfg;

    env->snp.syscfg = (old & sticky) | (val & writable);
    trace_snp_syscfg(env_cpu(env)->cpu_index, old, env->snp.syscfg);
    if (~old & env->snp.syscfg & SNP_SYSCFG_SNP_EN) {
        if (!qatomic_read(&host->enforced)) {
            snp_rmp_rescan();
            qatomic_set(&host->enforced, true);
        }
        snp_tlb_flush_all();
    }
}

static bool is_canonical(CPUX86State *env, uint64_t val)
{
    int shift = 64 - cpu_x86_virtual_addr_width(env);

    return (int64_t)(val << shift) >> shift == val;
}

SNPMsrResult snp_wrmsr(CPUX86State *env, uint32_t msr, uint64_t val)
{
    if (!env->snp.present) {
        return SNP_MSR_NOT_OURS;
    }
    switch (msr) {
    case MSR_AMD64_SYSCFG:
        write_syscfg(env, val);
        return SNP_MSR_DONE;
    case MSR_K8_HWCR:
        env->snp.hwcr = val | (env->snp.hwcr & HWCR_SMMLOCK);
        return SNP_MSR_DONE;
    case MSR_AMD64_GHCB:
        env->snp.ghcb = val;
        return SNP_MSR_DONE;
    case MSR_IA32_SYSENTER_ESP:
        env->sysenter_esp = (uint32_t)val;
        return SNP_MSR_DONE;
    case MSR_IA32_SYSENTER_EIP:
        env->sysenter_eip = (uint32_t)val;
        return SNP_MSR_DONE;
    case MSR_VM_PAGE_FLUSH:
        return SNP_MSR_DONE;
    case MSR_FSBASE:
    case MSR_GSBASE:
    case MSR_KERNELGSBASE:
    case MSR_LSTAR:
    case MSR_CSTAR:
        return is_canonical(env, val) ? SNP_MSR_NOT_OURS : SNP_MSR_FAULT;
    case MSR_AMD64_SEV_STATUS:
    case MSR_AMD64_RMP_BASE:
    case MSR_AMD64_RMP_END:
    case MSR_AMD64_RMP_CFG:
        return SNP_MSR_FAULT;
    default:
        return SNP_MSR_NOT_OURS;
    }
}
