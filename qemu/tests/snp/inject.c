/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults that the machine injects. The suite runs alone, on a machine told to
 * fail each point once, the first time that it comes there:
 *
 *   x-snp-inject=rmpupdate-overlap+rmpupdate-inuse+psmash-inuse+pvalidate-size
 *
 * Example: the first RMPUPDATE of a Hypervisor page answers FAIL_OVERLAP and
 * changes nothing, the second FAIL_INUSE, the third does its work.
 */
#include "guest.h"

static const struct inject_row {
    const char *name;
    const u8 *op;
    u64 code;
    enum page_state after;
} inject_rows[] = {
    { "RMPUPDATE, overlap", op_rmpupdate, FAIL_OVERLAP, HYPERVISOR },
    { "RMPUPDATE, in use", op_rmpupdate, FAIL_INUSE, HYPERVISOR },
    { "RMPUPDATE", op_rmpupdate, OK, GUEST_INVALID },
    { "PSMASH, in use", op_psmash, FAIL_INUSE, GUEST_VALID },
    { "PSMASH", op_psmash, OK, GUEST_VALID },
    { "PVALIDATE of 4K", op_pvalidate, OK, GUEST_VALID },
    { "PVALIDATE, size", op_pvalidate, FAIL_SIZE, GUEST_INVALID },
    { "PVALIDATE", op_pvalidate, OK, GUEST_VALID },
};

static void inject_host(const struct inject_row *r)
{
    u64 spa = arena_region();
    struct update u = { TEST_GPA(spa), 1, 0, 0, 0, TEST_ASID };
    bool smash = r->op == op_psmash;
    struct trap t;

    if (smash) {
        page_make(spa, GUEST_VALID, true);
    }
    t = run(r->op, spa, (u64)&u, 0);
    want("vector", t.vector, DONE);
    want("code", t.rax, r->code);
    want_state(spa, r->after, smash && r->code);
}

static void inject_guest(int row)
{
    const struct inject_row *r = &inject_rows[row];
    bool large = row != 5;
    struct turn t;

    guest_init();
    target_make(GUEST_INVALID, large, large);
    t = guest_op(0, r->op, GUEST_TARGET, large, 1);
    want_guest_trap(&t, DONE, 0);
    want("code", t.trap.rax, r->code);
    want_state(guest_target, r->after, large);
}

static void inject_row(int row)
{
    row_name("%s", inject_rows[row].name);
    if (!snp_enabled()) {
        snp_enable();
    }
    if (inject_rows[row].op == op_pvalidate) {
        inject_guest(row);
    } else {
        inject_host(&inject_rows[row]);
    }
}

const struct suite suite_inject = {
    "inject", ARRAY_SIZE(inject_rows), inject_row,
};
