/*
 * SEV, SEV-ES and SEV-SNP guests: entry, exits and VMGEXIT
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "exec/helper-proto.h"
#include "tcg/helper-tcg.h"
#include "hw/i386/snp-host.h"
#include "target/i386/sev-vmsa.h"
#include "target/i386/snp-rmp.h"
#include "snp-tcg.h"
#include "trace.h"

#define ALLOWED_FEATURES_VALID (1ull << 63)

static uint64_t vmcb_read(CPUX86State *env, size_t offset)
{
    return x86_ldq_phys(env_cpu(env), env->vm_vmcb + offset);
}

#define VMCB_READ(env, field) \
    vmcb_read(env, offsetof(struct vmcb, control.field))

/* Whether the RMP says that the page is a save area of this guest */
static bool vmsa_page_is_ours(CPUX86State *env, hwaddr pa, bool snp)
{
    SNPRmpEntry e;

    if (!snp_enabled_any()) {
        return !snp;
    }
    snp_rmp_get(pa, &e);
    if (!snp) {
        return !e.assigned || !e.asid;
    }
    return e.assigned && e.vmsa && e.validated && !e.immutable &&
           e.asid == env->snp.asid;
}

/* The reason for which VMRUN refuses the save area, or NULL */
static const char *vmsa_problem(CPUX86State *env, hwaddr pa, const SEVVmsa *v)
{
    uint64_t allowed = VMCB_READ(env, allowed_sev_features);
    uint64_t features;

    if (!v || (pa & ~TARGET_PAGE_MASK)) {
        return "address";
    }
    features = ldq_le_p(&v->sev_features);
    if ((features & SEV_FEATURE_SNP) &&
        !(env->snp.syscfg & SNP_SYSCFG_SNP_EN)) {
        return "SNP not enabled";
    }
    if (!vmsa_page_is_ours(env, pa, features & SEV_FEATURE_SNP)) {
        return "page state";
    }
    if (!(ldq_le_p(&v->efer) & MSR_EFER_SVME)) {
        return "EFER.SVME";
    }
    if ((allowed & ALLOWED_FEATURES_VALID) && (features & ~allowed)) {
        x86_stq_phys(env_cpu(env), env->vm_vmcb +
                     offsetof(struct vmcb, control.guest_sev_features),
                     features);
        return "features";
    }
    return NULL;
}

/* SEV-ES: find and check the save area; the guest is loaded later */
static const char *enter_es(CPUX86State *env)
{
    hwaddr pa = VMCB_READ(env, vmsa_pa);
    SEVVmsa *v = snp_host_ram_ptr(pa & TARGET_PAGE_MASK);
    const char *problem = vmsa_problem(env, pa, v);

    if (problem) {
        return problem;
    }
    if (!snp_rmp_hold(pa)) {
        return "save area in use";
    }
    env->snp.vmsa = pa;
    env->snp.vmsa_host = v;
    env->snp.sev_features = ldq_le_p(&v->sev_features);
    env->snp.vmpl = 0;
    env->snp.host_ghcb = env->snp.ghcb;
    env->snp.ghcb = VMCB_READ(env, ghcb_gpa);
    env->snp.guest = SNP_GUEST_SEV | SNP_GUEST_ES;
    snp_count(SNP_COUNT_VMRUN_ES);
    if (env->snp.sev_features & SEV_FEATURE_SNP) {
        env->snp.vmpl = v->vmpl & (SNP_VMPLS - 1);
        env->snp.guest |= SNP_GUEST_SNP;
        snp_count(SNP_COUNT_VMRUN_SNP);
    }
    return NULL;
}

static const char *enter_sev(CPUX86State *env, uint64_t misc_ctl)
{
    SNPHostState *host = snp_host_get();
    uint32_t asid = env->snp.asid;

    if (!(env->snp.syscfg & SNP_SYSCFG_MEM_ENCRYPT)) {
        return "SYSCFG.MEM_ENCRYPT";
    }
    if (asid > host->max_asid) {
        return "ASID";
    }
    if (!(misc_ctl & SVM_SEV_ES_ENABLED)) {
        env->snp.guest = SNP_GUEST_SEV;
        env->snp.sev_features = 0;
        return asid > host->max_es_asid ? NULL : "ASID of SEV-ES";
    }
    if (!(misc_ctl & SVM_NPT_ENABLED)) {
        return "nested paging off";
    }
    return asid <= host->max_es_asid ? enter_es(env) : "ASID of SEV";
}

void snp_vmrun_enter(CPUX86State *env, uint64_t misc_ctl, uint32_t asid,
                     uintptr_t ra)
{
    const char *problem;

    if (!env->snp.present) {
        return;
    }
    snp_count(SNP_COUNT_VMRUN);
    env->snp.guest = 0;
    env->snp.asid = asid;
    if (!(misc_ctl & SVM_SEV_ENABLED)) {
        return;
    }
    problem = enter_sev(env, misc_ctl);
    if (problem) {
        env->snp.guest = 0;
        trace_snp_vmrun_refused(env_cpu(env)->cpu_index, problem);
        snp_strict("VMRUN of an SEV guest refused: %s", problem);
        cpu_vmexit(env, SVM_EXIT_ERR, 0, ra);
    }
}

#define INT_STATE_GUEST_IF 2

bool snp_store_vmsa(CPUX86State *env)
{
    CPUState *cs = env_cpu(env);
    hwaddr int_state = env->vm_vmcb + offsetof(struct vmcb, control.int_state);

    if (env->snp.present) {
        snp_count(SNP_COUNT_VMEXIT);
    }
    if (!(env->snp.guest & SNP_GUEST_ES)) {
        return false;
    }
    sev_es_store_guest(env);
    x86_stl_phys(cs, int_state, x86_ldl_phys(cs, int_state) |
                 (env->eflags & IF_MASK ? INT_STATE_GUEST_IF : 0));
    x86_stq_phys(cs, env->vm_vmcb + offsetof(struct vmcb, control.ghcb_gpa),
                 env->snp.ghcb);
    return true;
}

void snp_after_vmexit(CPUX86State *env)
{
    if (env->snp.guest & SNP_GUEST_ES) {
        sev_es_load_host(env);
        snp_rmp_release(env->snp.vmsa);
        env->snp.vmsa_host = NULL;
        env->snp.ghcb = env->snp.host_ghcb;
    }
    env->snp.guest = 0;
    env->snp.vmpl = 0;
    env->snp.asid = 0;
}

void snp_raise_vc(CPUX86State *env, uint64_t code, uintptr_t ra)
{
    snp_count(SNP_COUNT_VC);
    trace_snp_vc(env_cpu(env)->cpu_index, code, env->eip);
    raise_exception_err_ra(env, EXCP_VC, code, ra);
}

/*
 * Exits that a guest with an encrypted state takes to the host. All others
 * are #VC in the guest, which decides what the host gets to see.
 */
static bool exit_is_automatic(uint64_t code)
{
    switch (code) {
    case SVM_EXIT_EXCP_BASE + EXCP12_MCHK:
    case SVM_EXIT_INTR ... SVM_EXIT_VINTR:
    case SVM_EXIT_PAUSE:
    case SVM_EXIT_HLT:
    case SVM_EXIT_SHUTDOWN:
    case SVM_EXIT_WRITE_TRAP_EFER ... SVM_EXIT_WRITE_TRAP_CR0 + 15:
    case SVM_EXIT_IDLE_HLT:
    case SVM_EXIT_NPF:
    case SVM_EXIT_VMGEXIT:
    case (uint64_t)SVM_EXIT_ERR:
        return true;
    default:
        return false;
    }
}

void snp_filter_vmexit(CPUX86State *env, uint64_t code)
{
    if ((env->snp.guest & SNP_GUEST_ES) && !exit_is_automatic(code)) {
        snp_raise_vc(env, code, 0);
    }
    env->snp.exit_code = code;
}

void snp_cr_written(CPUX86State *env, uint64_t code, uint64_t value,
                    uintptr_t ra)
{
    if ((env->snp.guest & SNP_GUEST_ES) && cpu_svm_has_intercept(env, code)) {
        cpu_vmexit(env, code, value, ra);
    }
}

void helper_vmgexit(CPUX86State *env)
{
    uintptr_t ra = GETPC();

    if (!(env->snp.guest & SNP_GUEST_ES)) {
        cpu_svm_check_intercept_param(env, SVM_EXIT_VMMCALL, 0, ra);
        raise_exception_ra(env, EXCP06_ILLOP, ra);
    }
    snp_count(SNP_COUNT_VMGEXIT);
    trace_snp_vmgexit(env_cpu(env)->cpu_index, env->snp.ghcb, env->eip);
    cpu_vmexit(env, SVM_EXIT_VMGEXIT, 0, ra);
}
