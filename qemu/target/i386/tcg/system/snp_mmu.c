/*
 * SEV-SNP host emulation: checks when a translation enters the TLB
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A translation is checked once, when it is filled in; whatever could take
 * rights away flushes every TLB. The fast path of a page that the RMP says
 * nothing about is one load of a counter for its 2M region.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "exec/page-protection.h"
#include "tcg/helper-tcg.h"
#include "hw/i386/snp-crypt.h"
#include "hw/i386/snp-host.h"
#include "target/i386/snp-rmp.h"
#include "snp-tcg.h"
#include "trace.h"

static hwaddr ciphertext_of(hwaddr paddr, const SNPRmpEntry *e)
{
    if (!e->asid) {
        return paddr;
    }
    snp_count(SNP_COUNT_FILL_HOST_CIPHERTEXT);
    return paddr | SNP_CIPHERTEXT_BIT;
}

/*
 * Who is no owner of the page may read it, as ciphertext, and may not write
 * it. Through a large mapping nobody writes a region with an assigned page.
 */
static bool fill_foreign(hwaddr *paddr, int *prot, bool large, bool store)
{
    SNPRmpEntry e;

    if (!snp_rmp_region_has_assigned(*paddr)) {
        return true;
    }
    snp_count(SNP_COUNT_FILL_HOST_CHECKED);
    snp_rmp_get(*paddr, &e);
    if (!e.assigned && !large) {
        return true;
    }
    if (store) {
        snp_count(e.assigned ? SNP_COUNT_HOST_FAULT
                             : SNP_COUNT_HOST_FAULT_LARGE);
        return false;
    }
    *prot &= ~PAGE_WRITE;
    *paddr = ciphertext_of(*paddr, &e);
    return true;
}

bool snp_fill_host(CPUX86State *env, hwaddr *paddr, int *prot, bool large,
                   MMUAccessType access)
{
    bool ok = fill_foreign(paddr, prot, large, access == MMU_DATA_STORE);

    if (!ok) {
        trace_snp_host_fault(env_cpu(env)->cpu_index, *paddr, env->eip);
    }
    return ok;
}

static SNPAccess nested_access(CPUX86State *env, MMUAccessType access)
{
    switch (access) {
    case MMU_DATA_STORE:
        return SNP_ACCESS_WRITE;
    case MMU_INST_FETCH:
        return (env->hflags & HF_CPL_MASK) == 3 ? SNP_ACCESS_EXEC_USER
                                                : SNP_ACCESS_EXEC_SUPER;
    default:
        return SNP_ACCESS_READ;
    }
}

/*
 * The rights that the RMP leaves to the running VMPL. Which of the two execute
 * permissions counts is decided when the guest's own translation is filled.
 */
static int vmpl_prot(CPUX86State *env, const SNPRmpEntry *e)
{
    uint8_t perms = e->perms[env->snp.vmpl];

    return (perms & SNP_PERM_R ? PAGE_READ : 0) |
           (perms & SNP_PERM_W ? PAGE_WRITE : 0) |
           (perms & (SNP_PERM_UX | SNP_PERM_SX) ? PAGE_EXEC : 0);
}

uint64_t snp_denied_bits(SNPVerdict verdict)
{
    switch (verdict) {
    case SNP_DENY_SIZE:
        snp_count(SNP_COUNT_NPF_SIZEM);
        return SNP_NPF_RMP | SNP_NPF_SIZEM;
    case SNP_DENY_VALIDATED:
        snp_count(SNP_COUNT_NOT_VALIDATED);
        return SNP_NPF_NOT_VALIDATED;
    case SNP_DENY_VMPL:
        snp_count(SNP_COUNT_NPF_VMPL);
        return SNP_NPF_RMP | SNP_NPF_VMPL;
    default:
        snp_count(SNP_COUNT_NPF_RMP);
        return SNP_NPF_RMP;
    }
}

static uint64_t nested_denied(CPUX86State *env, SNPVerdict verdict,
                              const SNPGuestAccess *a, hwaddr spa)
{
    trace_snp_guest_fault(env_cpu(env)->cpu_index, a->gpa, spa, a->private,
                          a->access, verdict);
    return snp_denied_bits(verdict);
}

/* A page of an SNP guest by its own mapping: the RMP must name the guest */
static uint64_t fill_private(CPUX86State *env, hwaddr gpa, hwaddr *paddr,
                             int *prot, bool large, MMUAccessType access)
{
    SNPGuestAccess a = {
        .gpa = gpa & -SNP_PAGE_SIZE,
        .asid = env->snp.asid,
        .vmpl = env->snp.vmpl,
        .private = true,
        .npt_large = large,
        .immutable_open = snp_host_get()->immutable_open,
        .access = nested_access(env, access),
    };
    SNPRmpEntry e;
    SNPVerdict verdict;

    snp_rmp_get(*paddr, &e);
    verdict = snp_rule_guest(&e, &a);
    if (verdict != SNP_ALLOW) {
        return nested_denied(env, verdict, &a, *paddr);
    }
    snp_count(large ? SNP_COUNT_FILL_GUEST_2M : SNP_COUNT_FILL_GUEST_4K);
    *prot &= vmpl_prot(env, &e);
    return 0;
}

uint64_t snp_fill_nested(CPUX86State *env, hwaddr gpa, bool private,
                         hwaddr *paddr, int *prot, bool large,
                         MMUAccessType access)
{
    if (private && (env->snp.guest & SNP_GUEST_SNP)) {
        return fill_private(env, gpa, paddr, prot, large, access);
    }
    if (!fill_foreign(paddr, prot, large, access == MMU_DATA_STORE)) {
        return SNP_NPF_RMP;
    }
    return 0;
}

hwaddr snp_guest_leaf(CPUX86State *env, hwaddr gpa, int pg_mode,
                      MMUAccessType access, int *prot)
{
    const hwaddr cbit = snp_guest_cbit(env);

    if (!cbit || (gpa & cbit)) {
        return gpa;
    }
    if (!(pg_mode & PG_MODE_PG) || !(pg_mode & PG_MODE_PAE)) {
        return gpa | cbit;
    }
    if (access == MMU_INST_FETCH) {
        *prot &= PAGE_EXEC;
        return gpa | cbit;
    }
    *prot &= ~PAGE_EXEC;
    return gpa;
}

void snp_nested_to_guest(CPUX86State *env, uint64_t error_code, uintptr_t ra)
{
    if (error_code & SNP_NPF_NOT_VALIDATED) {
        snp_raise_vc(env, SVM_EXIT_NOT_VALIDATED, ra);
    }
    if ((env->snp.guest & SNP_GUEST_ES) && (error_code & PG_ERROR_RSVD_MASK)) {
        snp_raise_vc(env, SVM_EXIT_NPF, ra);
    }
}

uint64_t snp_check_fetch(CPUX86State *env, hwaddr gpa, hwaddr paddr,
                         bool user, MMUAccessType access, int *prot)
{
    SNPGuestAccess a = {
        .gpa = gpa & ~SNP_CBIT & -SNP_PAGE_SIZE,
        .vmpl = env->snp.vmpl,
        .private = true,
        .access = user ? SNP_ACCESS_EXEC_USER : SNP_ACCESS_EXEC_SUPER,
    };
    SNPRmpEntry e;

    if (!env->snp.vmpl || !(gpa & SNP_CBIT)) {
        return 0;
    }
    snp_rmp_get(paddr, &e);
    if (e.perms[a.vmpl] & (user ? SNP_PERM_UX : SNP_PERM_SX)) {
        return 0;
    }
    *prot &= ~PAGE_EXEC;
    if (access != MMU_INST_FETCH) {
        return 0;
    }
    return nested_denied(env, SNP_DENY_VMPL, &a, paddr) | SNP_NPF_ENC |
           PG_ERROR_P_MASK | PG_ERROR_U_MASK | PG_ERROR_I_D_MASK;
}

bool snp_walk_refused(CPUX86State *env, int ptw_idx, hwaddr table)
{
    if (likely(!env->snp.present) || ptw_idx != MMU_PHYS_IDX ||
        snp_rmp_host_may_write(table)) {
        return false;
    }
    snp_count(SNP_COUNT_HOST_FAULT);
    trace_snp_host_fault(env_cpu(env)->cpu_index, table, env->eip);
    return true;
}
