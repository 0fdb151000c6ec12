/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page states. The names are the firmware interface's; which bits of an entry
 * make them is the table states[], read together with entry_state().
 */
#include "rmp.h"

#define RMP_BOOKKEEPING     0x4000
#define RMP_CFG_SEGMENTED   1
#define ENTRY_GPA           0x0007fffffffff000ull
#define CPUID_SEV           0x8000001f
#define CPUID_EAX_RMPREAD   (1u << 21)

/* The update that comes nearest to a state, and what only a poke adds */
static const struct {
    struct update update;
    bool own_gpa;           /* the update's GPA is TEST_GPA */
    bool immutable, vmsa, validated;
} states[PAGE_STATES] = {
    [HYPERVISOR] = { },
    [HV_FIXED] = { .immutable = true },
    [FIRMWARE] = { { .assigned = 1, .immutable = 1 } },
    [RECLAIM] = { { .assigned = 1 } },
    [CONTEXT] = { { .assigned = 1 }, .immutable = true, .vmsa = true },
    [METADATA] = { { .assigned = 1, .immutable = 1 }, .own_gpa = true },
    [PRE_GUEST] = { { .assigned = 1, .immutable = 1, .asid = TEST_ASID },
                    .own_gpa = true },
    [PRE_SWAP] = { { .assigned = 1, .asid = TEST_ASID },
                   .own_gpa = true, .immutable = true, .validated = true },
    [GUEST_INVALID] = { { .assigned = 1, .asid = TEST_ASID },
                        .own_gpa = true },
    [GUEST_VALID] = { { .assigned = 1, .asid = TEST_ASID },
                      .own_gpa = true, .validated = true },
    [GUEST_VMSA] = { { .assigned = 1, .asid = TEST_ASID },
                     .own_gpa = true, .vmsa = true, .validated = true },
    [VMSA_SWAP] = { { .assigned = 1, .asid = TEST_ASID }, .own_gpa = true,
                    .immutable = true, .vmsa = true, .validated = true },
};

const char *const state_names[] = {
    "Hypervisor", "HV-Fixed", "Firmware", "Reclaim", "Context", "Metadata",
    "Pre-Guest", "Pre-Swap", "Guest-Invalid", "Guest-Valid", "VMSA",
    "VMSA-Pre-Swap", "unknown",
};

bool snp_enabled(void)
{
    return rdmsr(MSR_SYSCFG) & SYSCFG_SNP_EN;
}

void snp_enable(void)
{
    wrmsr(MSR_SYSCFG, rdmsr(MSR_SYSCFG) | SYSCFG_MFDM);
    wrmsr(MSR_SYSCFG, rdmsr(MSR_SYSCFG) | SYSCFG_SNP_EN | SYSCFG_VMPL_EN);
}

bool snp_has_rmpread(void)
{
    u32 reg[4];

    cpuid(CPUID_SEV, reg);
    return reg[0] & CPUID_EAX_RMPREAD;
}

bool snp_is_segmented(void)
{
    return rdmsr(MSR_RMP_CFG) & RMP_CFG_SEGMENTED;
}

u32 snp_max_asid(void)
{
    u32 reg[4];

    cpuid(CPUID_SEV, reg);
    return reg[3] - 1;
}

static u64 *entry_at(u64 spa)
{
    u64 base = rdmsr(MSR_RMP_BASE) + RMP_BOOKKEEPING;
    u64 cfg = rdmsr(MSR_RMP_CFG);
    int shift = cfg >> 8 & 63;

    if (cfg & RMP_CFG_SEGMENTED) {
        base = ((u64 *)base)[spa >> shift] & 0xffffffff00000ull;
        spa &= (1ull << shift) - 1;
    }
    return (u64 *)(base + spa / PAGE_4K * 16);
}

u64 rmp_covered(void)
{
    u64 base = rdmsr(MSR_RMP_BASE), end = rdmsr(MSR_RMP_END);
    u64 covered = (end + 1 - base - RMP_BOOKKEEPING) / 16 * PAGE_4K;

    if (snp_is_segmented()) {
        covered = (((u64 *)(base + RMP_BOOKKEEPING))[0] & 0xfffff) << 30;
    }
    if (covered < ARENA_END) {
        die("the RMP covers 0x%lx bytes; is its segment table filled?",
            covered);
    }
    return covered;
}

struct trap rmpupdate(u64 spa, const struct update *u)
{
    return run(op_rmpupdate, spa, (u64)u, 0);
}

/* Part of a row's preparation: the row fails when it does */
static void must_update(u64 spa, const struct update *u)
{
    struct trap t = rmpupdate(spa, u);

    want("vector of preparing", t.vector, DONE);
    want("code of preparing", t.rax, OK);
}

void assign(u64 spa, u64 gpa, u32 asid, bool large)
{
    must_update(spa, &(struct update) {
        .gpa = gpa, .assigned = 1, .large = large, .asid = asid,
    });
}

void unassign(u64 spa, bool large)
{
    must_update(spa, &(struct update) { .large = large });
}

struct entry entry_read(u64 spa)
{
    const volatile u64 *raw = entry_at(spa);
    u64 low = raw[0];

    return (struct entry) {
        .assigned = low & 1,
        .large = low >> 1 & 1,
        .immutable = low >> 2 & 1,
        .gpa = low & ENTRY_GPA,
        .asid = low >> 51 & 0x3ff,
        .vmsa = low >> 61 & 1,
        .validated = low >> 62 & 1,
        .perms = raw[1],
    };
}

void entry_poke(u64 spa, const struct entry *e, bool large)
{
    for (int i = 0; i < (large ? 512 : 1); i++, spa += PAGE_4K) {
        volatile u64 *raw = entry_at(spa);

        raw[1] = e->perms;
        raw[0] = (raw[0] & ~(1ull << 2 | 3ull << 61)) |
                 (u64)e->immutable << 2 | (u64)e->vmsa << 61 |
                 (u64)e->validated << 62;
    }
    flush_tlb();
}

void entry_store(u64 spa, u64 low, u64 high)
{
    entry_at(spa)[1] = high;
    entry_at(spa)[0] = low;
}

enum page_state entry_state(const struct entry *e)
{
    for (int i = 0; i < PAGE_STATES; i++) {
        const struct update *u = &states[i].update;

        if (e->assigned == u->assigned && e->asid == u->asid &&
            e->immutable == (states[i].immutable || u->immutable) &&
            e->vmsa == states[i].vmsa &&
            e->validated == states[i].validated &&
            (e->asid || !e->gpa == !states[i].own_gpa)) {
            return i;
        }
    }
    return UNKNOWN;
}

void page_make_at(u64 spa, enum page_state state, bool large, u64 gpa)
{
    struct update u = states[state].update;
    struct entry e;

    if (u.assigned) {
        u.gpa = states[state].own_gpa ? gpa : 0;
        u.large = large;
        must_update(spa, &u);
    }
    e = entry_read(spa);
    e.vmsa = states[state].vmsa;
    e.validated = states[state].validated;
    if (states[state].immutable || e.vmsa || e.validated) {
        e.immutable |= states[state].immutable;
        entry_poke(spa, &e, large);
    }
}

void want_state(u64 spa, enum page_state state, bool large)
{
    struct entry e = entry_read(spa);

    want_text("state", state_names[entry_state(&e)], state_names[state]);
    if (states[state].update.assigned) {
        want("2M", e.large, large);
    }
}
