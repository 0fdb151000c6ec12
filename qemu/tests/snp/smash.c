/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PSMASH and RMPREAD.
 *
 * Example: a 2M Guest-Valid page at GPA g becomes 512 pages of 4K, page i at
 * g + i * 4K, all validated and with the permissions of the 2M page. A second
 * PSMASH of the same region finds 4K pages and is refused.
 */
#include "rmp.h"

#define PERMS_SOME  0x0103070f
#define BEYOND      (-1ull)

static const struct smash_row {
    const char *name;
    enum page_state before;
    bool large;
    u64 offset;
    u64 code;
} smash_rows[] = {
    { "2M Guest-Valid",         GUEST_VALID,   true },
    { "2M Guest-Invalid",       GUEST_INVALID, true },
    { "2M Reclaim",             RECLAIM,       true },
    { "2M Pre-Guest",           PRE_GUEST,     true,  0, FAIL_PERMISSION },
    { "2M Pre-Swap",            PRE_SWAP,      true,  0, FAIL_PERMISSION },
    { "2M Firmware",            FIRMWARE,      true,  0, FAIL_PERMISSION },
    { "Hypervisor",             HYPERVISOR,    true,  0, FAIL_INPUT },
    { "4K Guest-Valid",         GUEST_VALID,   false, 0, FAIL_INPUT },
    { "not aligned to 2M",      GUEST_VALID,   true,  PAGE_4K, FAIL_INPUT },
    { "page without an entry",  HYPERVISOR,    true,  BEYOND, FAIL_BADADDR },
};

static void want_smashed(u64 spa, enum page_state state)
{
    static const int pages[] = { 0, 1, 255, 256, 511 };

    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        u64 page = spa + pages[i] * PAGE_4K;
        struct entry e = entry_read(page);

        want_state(page, state, false);
        if (state != RECLAIM) {
            want("GPA", e.gpa, TEST_GPA(page));
            want("ASID", e.asid, TEST_ASID);
            want("permissions", e.perms, PERMS_SOME);
        }
    }
}

static void smash_row(int row)
{
    const struct smash_row *r = &smash_rows[row];
    u64 region = arena_region();
    u64 spa = r->offset == BEYOND ? rmp_covered() : region + r->offset;
    struct trap t;
    struct entry e;

    row_name("%s", r->name);
    page_make(region, r->before, r->large);
    if (r->before == GUEST_VALID || r->before == GUEST_INVALID) {
        e = entry_read(region);
        e.perms = PERMS_SOME;
        entry_poke(region, &e, r->large);
    }
    t = run(op_psmash, spa, 0, 0);
    want("vector", t.vector, DONE);
    want("code", t.rax, r->code);
    if (r->code) {
        want_state(region, r->before, r->large);
    } else {
        want_smashed(region, r->before);
        /* Refused the second time: there is nothing left to split */
        want("code of the second", run(op_psmash, spa, 0, 0).rax, FAIL_INPUT);
    }
}

const struct suite suite_smash = {
    "psmash", ARRAY_SIZE(smash_rows), smash_row,
};

/*
 * RMPREAD, where the processor has it; #UD where it has not.
 *
 * Example: of a 4K Pre-Guest page it answers its GPA, assigned, size 0,
 * immutable and its ASID, in the layout of RMPUPDATE's operand.
 */
static const struct read_row {
    enum page_state state;
    bool large;
} read_rows[] = {
    { HYPERVISOR, false }, { FIRMWARE, false }, { RECLAIM, false },
    { PRE_GUEST, false }, { GUEST_INVALID, false }, { GUEST_VALID, false },
    { PRE_GUEST, true }, { GUEST_VALID, true },
};

static void read_row(int row)
{
    const struct read_row *r = &read_rows[row];
    u64 spa = arena_region();
    struct update answer;
    struct entry e;
    struct trap t;

    row_name("RMPREAD of %s, %s", state_names[r->state],
             r->large ? "2M" : "4K");
    page_make(spa, r->state, r->large);
    memset(&answer, 0xff, sizeof(answer));
    t = run(op_rmpread, spa, (u64)&answer, 0);
    want("vector", t.vector, snp_has_rmpread() ? DONE : UD);
    if (!snp_has_rmpread()) {
        return;
    }
    e = entry_read(spa);
    want("code", t.rax, OK);
    want("GPA", answer.gpa, e.gpa);
    want("assigned", answer.assigned, e.assigned);
    want("size", answer.large & 1, r->large);
    want("immutable", answer.immutable, e.immutable);
    want("ASID", answer.asid, e.asid);
}

const struct suite suite_rmpread = {
    "rmpread", ARRAY_SIZE(read_rows), read_row,
};
