/*
 * The reverse map table (RMP) of SEV-SNP: entries and rules
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Functions of their arguments only, so that a table of cases tests them
 * without a machine. The order of the checks within each rule is part of it:
 * software tells one refusal from another by it.
 */
#include "qemu/osdep.h"
#include "target/i386/snp-rmp.h"

#define RMP_ASSIGNED    (1ull << 0)
#define RMP_LARGE       (1ull << 1)
#define RMP_IMMUTABLE   (1ull << 2)
#define RMP_GPA_MASK    0x0007fffffffff000ull
#define RMP_ASID_SHIFT  51
#define RMP_ASID_MASK   0x3ffull
#define RMP_VMSA        (1ull << 61)
#define RMP_VALIDATED   (1ull << 62)

SNPRmpEntry snp_rmp_decode(uint64_t low, uint64_t high)
{
    SNPRmpEntry e = {
        .assigned = low & RMP_ASSIGNED,
        .large = low & RMP_LARGE,
        .immutable = low & RMP_IMMUTABLE,
        .vmsa = low & RMP_VMSA,
        .validated = low & RMP_VALIDATED,
        .asid = (low >> RMP_ASID_SHIFT) & RMP_ASID_MASK,
        .gpa = low & RMP_GPA_MASK,
    };

    for (int i = 0; i < SNP_VMPLS; i++) {
        e.perms[i] = high >> (8 * i);
    }
    return e;
}

void snp_rmp_encode(const SNPRmpEntry *e, uint64_t *low, uint64_t *high)
{
    *low = (e->assigned ? RMP_ASSIGNED : 0) |
           (e->large ? RMP_LARGE : 0) |
           (e->immutable ? RMP_IMMUTABLE : 0) |
           (e->vmsa ? RMP_VMSA : 0) |
           (e->validated ? RMP_VALIDATED : 0) |
           (e->gpa & RMP_GPA_MASK) |
           ((e->asid & RMP_ASID_MASK) << RMP_ASID_SHIFT);
    *high = 0;
    for (int i = 0; i < SNP_VMPLS; i++) {
        *high |= (uint64_t)e->perms[i] << (8 * i);
    }
}

SNPPageState snp_rmp_state(const SNPRmpEntry *e)
{
    if (!e->assigned) {
        return e->immutable ? SNP_PAGE_HV_FIXED : SNP_PAGE_HYPERVISOR;
    }
    if (e->asid) {
        if (e->immutable) {
            return e->validated ? SNP_PAGE_PRE_SWAP : SNP_PAGE_PRE_GUEST;
        }
        return e->validated ? SNP_PAGE_GUEST_VALID : SNP_PAGE_GUEST_INVALID;
    }
    if (e->validated || (e->vmsa && !e->immutable)) {
        return SNP_PAGE_UNKNOWN;
    }
    if (!e->immutable) {
        return SNP_PAGE_RECLAIM;
    }
    if (e->vmsa) {
        return SNP_PAGE_CONTEXT;
    }
    return e->gpa ? SNP_PAGE_METADATA : SNP_PAGE_FIRMWARE;
}

const char *snp_page_state_name(SNPPageState state)
{
    static const char *const names[] = {
        [SNP_PAGE_HYPERVISOR] = "Hypervisor",
        [SNP_PAGE_HV_FIXED] = "HV-Fixed",
        [SNP_PAGE_FIRMWARE] = "Firmware",
        [SNP_PAGE_RECLAIM] = "Reclaim",
        [SNP_PAGE_CONTEXT] = "Context",
        [SNP_PAGE_METADATA] = "Metadata",
        [SNP_PAGE_PRE_GUEST] = "Pre-Guest",
        [SNP_PAGE_PRE_SWAP] = "Pre-Swap",
        [SNP_PAGE_GUEST_INVALID] = "Guest-Invalid",
        [SNP_PAGE_GUEST_VALID] = "Guest-Valid",
        [SNP_PAGE_UNKNOWN] = "Unknown",
    };

    return names[MIN(state, SNP_PAGE_UNKNOWN)];
}

static bool update_is_valid(const SNPUpdate *req, uint64_t spa,
                            uint32_t max_asid)
{
    uint64_t size = req->large ? SNP_LARGE_SIZE : SNP_PAGE_SIZE;

    if (req->reserved || (spa & (size - 1))) {
        return false;
    }
    if (!req->assigned) {
        return true;
    }
    return req->asid <= max_asid && !(req->gpa & (size - 1)) &&
           !(req->gpa & ~(RMP_GPA_MASK));
}

/*
 * A request that at most adds the immutable bit keeps what the guest did. One
 * that adds nothing repeats the assignment, and the rules say what comes of it.
 */
static bool update_keeps_owner(const SNPRmpEntry *old, const SNPUpdate *req,
                               const SNPUpdateRules *rules)
{
    return old->assigned && req->assigned &&
           (req->immutable || rules->repeat_keeps) &&
           old->asid == req->asid && old->gpa == req->gpa &&
           old->large == req->large;
}

SNPCode snp_rule_rmpupdate(const SNPRmpEntry *old, const SNPUpdate *req,
                           uint64_t spa, const SNPUpdateRules *rules,
                           SNPRmpEntry *new)
{
    if (!update_is_valid(req, spa, rules->max_asid)) {
        return SNP_FAIL_INPUT;
    }
    if (old->immutable) {
        return SNP_FAIL_PERMISSION;
    }
    if (!req->assigned) {
        *new = (SNPRmpEntry) { };
        return SNP_OK;
    }
    if (update_keeps_owner(old, req, rules)) {
        *new = *old;
        new->immutable = req->immutable;
        return SNP_OK;
    }
    *new = (SNPRmpEntry) {
        .assigned = true,
        .large = req->large,
        .immutable = req->immutable,
        .asid = req->asid,
        .gpa = req->gpa,
        .perms = { SNP_PERM_ALL },
    };
    return SNP_OK;
}

SNPCode snp_rule_psmash(const SNPRmpEntry *old, uint64_t spa)
{
    if ((spa & (SNP_LARGE_SIZE - 1)) || !old->assigned || !old->large) {
        return SNP_FAIL_INPUT;
    }
    return old->immutable ? SNP_FAIL_PERMISSION : SNP_OK;
}

bool snp_rule_host_write(const SNPRmpEntry *e)
{
    return !e->assigned;
}

static uint8_t access_perm(SNPAccess access)
{
    switch (access) {
    case SNP_ACCESS_WRITE:
        return SNP_PERM_W;
    case SNP_ACCESS_EXEC_USER:
        return SNP_PERM_UX;
    case SNP_ACCESS_EXEC_SUPER:
        return SNP_PERM_SX;
    default:
        return SNP_PERM_R;
    }
}

/* Whether the page is the guest's, at this address */
static bool guest_owns(const SNPRmpEntry *e, uint32_t asid, uint64_t gpa)
{
    return e->assigned && e->asid == asid && e->gpa == gpa;
}

SNPVerdict snp_rule_guest(const SNPRmpEntry *e, const SNPGuestAccess *a)
{
    if (!a->private) {
        return a->access == SNP_ACCESS_WRITE && e->assigned ? SNP_DENY_RMP
                                                            : SNP_ALLOW;
    }
    if (!guest_owns(e, a->asid, a->gpa) ||
        (e->immutable && !a->immutable_open)) {
        return SNP_DENY_RMP;
    }
    if (e->large != a->npt_large) {
        return SNP_DENY_SIZE;
    }
    if (!e->validated) {
        return SNP_DENY_VALIDATED;
    }
    if (!(e->perms[a->vmpl] & access_perm(a->access))) {
        return SNP_DENY_VMPL;
    }
    return SNP_ALLOW;
}

/*
 * What PVALIDATE, RMPADJUST and RMPQUERY check first: ownership, then size.
 * A 2M request on 4K pages is a code to the guest, which then goes by 4K; a
 * 4K request on a 2M page is a fault to the host, which then splits it.
 */
static SNPVerdict guest_page_check(const SNPRmpEntry *e, const SNPGuestPage *p,
                                   SNPCode *code)
{
    *code = SNP_OK;
    if (!guest_owns(e, p->asid, p->gpa) || e->immutable) {
        return SNP_DENY_RMP;
    }
    if (p->large) {
        if (!e->large || !p->npt_large) {
            *code = SNP_FAIL_SIZEMISMATCH;
        }
        return SNP_ALLOW;
    }
    return e->large ? SNP_DENY_SIZE : SNP_ALLOW;
}

SNPVerdict snp_rule_pvalidate(const SNPRmpEntry *e, const SNPGuestPage *p,
                              bool validate, SNPCode *code, bool *changed)
{
    SNPVerdict verdict = guest_page_check(e, p, code);

    *changed = verdict == SNP_ALLOW && *code == SNP_OK &&
               e->validated != validate;
    return verdict;
}

SNPVerdict snp_rule_rmpadjust(const SNPRmpEntry *e, const SNPGuestPage *p,
                              uint8_t target_vmpl, uint8_t perms, bool vmsa,
                              SNPCode *code)
{
    SNPVerdict verdict;

    *code = SNP_FAIL_INPUT;
    if (target_vmpl >= SNP_VMPLS || (perms & ~SNP_PERM_ALL)) {
        return SNP_ALLOW;
    }
    *code = SNP_FAIL_PERMISSION;
    if (target_vmpl <= p->vmpl) {
        return SNP_ALLOW;
    }
    verdict = guest_page_check(e, p, code);
    if (verdict != SNP_ALLOW || *code != SNP_OK) {
        return verdict;
    }
    if (!e->validated) {
        return SNP_DENY_VALIDATED;
    }
    if ((perms & ~e->perms[p->vmpl]) || (p->vmpl && (vmsa || e->vmsa))) {
        *code = SNP_FAIL_PERMISSION;
    }
    return SNP_ALLOW;
}
