/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RMPUPDATE. First its operands, then every transition between page states.
 */
#include "rmp.h"

#define ANY_GPA     0x40000000ull
#define BEYOND      (-1ull)     /* the first page without an entry */
#define UNMAPPED    (1ull << 46)

/*
 * Operands. Example: "2M over an assigned 4K page in the middle": page 256 of
 * a fresh region is a guest's, the update names the region's first page with
 * size 2M, the answer is FAIL_OVERLAP and page 256 is as it was.
 */
static const struct operand_row {
    const char *name;
    enum page_state before;     /* of the page at @page, 4K unless @large */
    bool large;
    int page;
    u64 offset;                 /* of the update's address in the region */
    struct update update;
    u64 code;
} operand_rows[] = {
    { "4K at a 4K page", .offset = PAGE_4K,
      .update = { ANY_GPA, 1, 0, 0, 0, 1 } },
    { "2M at a 2M page", .update = { ANY_GPA, 1, 1, 0, 0, 1 } },
    { "4K not aligned to 4K", .offset = 8,
      .update = { ANY_GPA, 1, 0, 0, 0, 1 }, .code = FAIL_INPUT },
    { "2M not aligned to 2M", .offset = PAGE_4K,
      .update = { ANY_GPA, 1, 1, 0, 0, 1 }, .code = FAIL_INPUT },
    { "page without an entry", .offset = BEYOND,
      .update = { ANY_GPA, 1, 0, 0, 0, 1 }, .code = FAIL_INPUT },
    { "reserved byte set", .update = { ANY_GPA, 1, 0, 0, 1, 1 },
      .code = FAIL_INPUT },
    { "largest ASID", .update = { ANY_GPA, 1, 0, 0, 0, -1u } },
    { "ASID above the largest", .update = { ANY_GPA, 1, 0, 0, 0, -2u },
      .code = FAIL_INPUT },
    { "GPA not aligned to 4K", .update = { ANY_GPA + 8, 1, 0, 0, 0, 1 },
      .code = FAIL_INPUT },
    { "GPA of a 2M page not aligned to 2M",
      .update = { ANY_GPA + PAGE_4K, 1, 1, 0, 0, 1 }, .code = FAIL_INPUT },
    { "GPA beyond 51 bits", .update = { 1ull << 51, 1, 0, 0, 0, 1 },
      .code = FAIL_INPUT },
    { "2M over an assigned 4K page at the front", GUEST_VALID, false, 0,
      .update = { ANY_GPA, 1, 1, 0, 0, 1 }, .code = FAIL_OVERLAP },
    { "2M over an assigned 4K page in the middle", GUEST_VALID, false, 256,
      .update = { ANY_GPA, 1, 1, 0, 0, 1 }, .code = FAIL_OVERLAP },
    { "2M over an assigned 4K page at the end", RECLAIM, false, 511,
      .update = { ANY_GPA, 1, 1, 0, 0, 1 }, .code = FAIL_OVERLAP },
    { "2M unassign over an assigned 4K page", GUEST_VALID, false, 7,
      .update = { .large = 1 }, .code = FAIL_OVERLAP },
    { "4K assign at the front of a 2M page", GUEST_VALID, true, 0,
      .update = { ANY_GPA, 1, 0, 0, 0, 1 }, .code = FAIL_OVERLAP },
    { "4K assign inside a 2M page", GUEST_VALID, true, 0,
      .offset = 3 * PAGE_4K, .update = { ANY_GPA, 1, 0, 0, 0, 1 },
      .code = FAIL_OVERLAP },
    { "4K unassign at the front of a 2M page", GUEST_VALID, true, 0,
      .code = FAIL_OVERLAP },
    { "4K unassign inside a 2M page", GUEST_VALID, true, 0,
      .offset = 511 * PAGE_4K, .code = FAIL_OVERLAP },
    { "4K beside an assigned 4K page", GUEST_VALID, false, 4,
      .offset = 5 * PAGE_4K, .update = { ANY_GPA, 1, 0, 0, 0, 1 } },
};

static void operand_row(int row)
{
    const struct operand_row *r = &operand_rows[row];
    struct update u = r->update;
    u64 region = arena_region();
    u64 page = region + r->page * PAGE_4K;
    u64 spa = r->offset == BEYOND ? rmp_covered() : region + r->offset;
    struct trap t;

    row_name("%s", r->name);
    page_make(page, r->before, r->large);
    if (u.asid > 1) {
        u.asid = u.asid == -1u ? snp_max_asid() : snp_max_asid() + 1;
    }
    t = rmpupdate(spa, &u);
    want("vector", t.vector, DONE);
    want("code", t.rax, r->code);
    if (r->code || page != spa) {
        want_state(page, r->before, r->large);
    }
}

/* An operand that cannot be read changes nothing */
static void unreadable_row(void)
{
    u64 spa = arena_region();
    struct trap t = run(op_rmpupdate, spa, UNMAPPED, 0);

    row_name("operand in a page that is not there");
    want_trap(&t, PF, 0);
    want("CR2", t.cr2, UNMAPPED);
    want_state(spa, HYPERVISOR, false);
}

static void operand_or_unreadable_row(int row)
{
    if (row < (int)ARRAY_SIZE(operand_rows)) {
        operand_row(row);
    } else {
        unreadable_row();
    }
}

const struct suite suite_operands = {
    "rmpupdate", ARRAY_SIZE(operand_rows) + 1, operand_or_unreadable_row,
};

/*
 * Transitions. Each request is tried on a page of each state, at 4K and 2M.
 * Example: "same guest page, immutable", which repeats the guest's ASID and
 * address, makes Guest-Valid into Pre-Swap and keeps permissions. Without the
 * immutable bit it assigns the page anew: validated and permissions are lost.
 * Guest-Invalid becomes Pre-Guest by it; a page that is immutable already
 * refuses it with FAIL_PERMISSION like everything else.
 */
static const struct request {
    const char *name;
    struct update update;
    bool own_gpa;               /* GPA is TEST_GPA, plus what .update says */
    enum page_state makes;      /* of a page whose owner changes */
    bool keeps;                 /* what the guest did to its page stays */
    bool repeats;               /* by the quirk it stays here, too */
} requests[] = {
    { "unassign", { }, false, HYPERVISOR },
    { "unassign, immutable set", { .immutable = 1 }, false, HYPERVISOR },
    { "unassign, ASID set", { .asid = 1 }, false, HYPERVISOR },
    { "reclaim", { .assigned = 1 }, false, RECLAIM },
    { "firmware", { .assigned = 1, .immutable = 1 }, false, FIRMWARE },
    { "metadata", { .assigned = 1, .immutable = 1 }, true, METADATA },
    { "same guest page", { .assigned = 1, .asid = TEST_ASID }, true,
      GUEST_INVALID, .repeats = true },
    { "same guest page, immutable",
      { .assigned = 1, .asid = TEST_ASID, .immutable = 1 }, true, PRE_GUEST,
      true },
    { "another GPA", { .gpa = PAGE_2M, .assigned = 1, .asid = TEST_ASID },
      true, GUEST_INVALID },
    { "another GPA, immutable",
      { .gpa = PAGE_2M, .assigned = 1, .asid = TEST_ASID, .immutable = 1 },
      true, PRE_GUEST },
    { "another ASID", { .assigned = 1, .asid = 2 }, true, UNKNOWN },
};

#define PERMS_SOME  0x0103070f

static const enum page_state befores[] = {
    HYPERVISOR, HV_FIXED, FIRMWARE, RECLAIM, CONTEXT, METADATA, PRE_GUEST,
    PRE_SWAP, GUEST_INVALID, GUEST_VALID, GUEST_VMSA,
};

static bool is_guest(enum page_state state)
{
    return state == GUEST_INVALID || state == GUEST_VALID ||
           state == GUEST_VMSA;
}

static bool is_immutable(enum page_state state)
{
    return state == HV_FIXED || state == FIRMWARE || state == CONTEXT ||
           state == METADATA || state == PRE_GUEST || state == PRE_SWAP;
}

static bool keeps(enum page_state before, const struct request *r)
{
    return is_guest(before) && (r->keeps || (r->repeats && repeat_keeps));
}

static enum page_state after(enum page_state before, const struct request *r)
{
    if (!keeps(before, r)) {
        return r->makes;
    }
    if (r->repeats) {
        return before;
    }
    return before == GUEST_VALID ? PRE_SWAP :
           before == GUEST_VMSA ? VMSA_SWAP : PRE_GUEST;
}

static void want_perms(u64 spa, const struct request *r,
                       enum page_state before)
{
    struct entry e = entry_read(spa);

    if (r->update.asid && r->update.assigned) {
        want("permissions", e.perms, keeps(before, r) ? PERMS_SOME
                                                      : PERMS_NEW);
        want("ASID", e.asid, r->update.asid);
    }
}

static void update_row(int row)
{
    const struct request *r = &requests[row / 2 % ARRAY_SIZE(requests)];
    enum page_state before = befores[row / 2 / ARRAY_SIZE(requests)];
    bool large = row & 1;
    u64 spa = arena_region();
    struct update u = r->update;
    struct entry e;
    struct trap t;

    row_name("%s of %s, %s", r->name, state_names[before], large ? "2M" : "4K");
    page_make(spa, before, large);
    if (is_guest(before)) {
        e = entry_read(spa);
        e.perms = PERMS_SOME;
        entry_poke(spa, &e, large);
    }
    u.large = large;
    u.gpa += r->own_gpa ? TEST_GPA(spa) : 0;
    t = rmpupdate(spa, &u);
    want("vector", t.vector, DONE);
    want("code", t.rax, is_immutable(before) ? FAIL_PERMISSION : OK);
    if (is_immutable(before)) {
        want_state(spa, before, large);
        return;
    }
    want_perms(spa, r, before);
    if (r->makes != UNKNOWN) {
        want_state(spa, after(before, r), large);
    } else {
        want("validated", entry_read(spa).validated, false);
    }
    if (u.assigned) {
        want("GPA", entry_read(spa).gpa, u.gpa);
    }
}

const struct suite suite_update = {
    "transition", 2 * ARRAY_SIZE(befores) * ARRAY_SIZE(requests), update_row,
};
