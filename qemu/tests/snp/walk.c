/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's page walks: setting A or D in a table is a write to the table's
 * page.
 *
 * Example: the table is in a Guest-Invalid page and maps a Hypervisor page with
 * A clear. A read of the mapped page faults with the RMP bit and the entry's A
 * stays clear; with A set in advance the same read passes.
 */
#include "guest.h"

static const struct walk_row {
    const char *name;
    enum page_state table;
    u64 flags;              /* of the entry, next to P and W */
    const u8 *op;
    bool faults;
} walk_rows[] = {
    { "read sets A in a Hypervisor page", HYPERVISOR, 0, op_read, false },
    { "write sets A and D in a Hypervisor page", HYPERVISOR, 0, op_write,
      false },
    { "read, A set, Guest-Invalid table", GUEST_INVALID, PTE_A, op_read,
      false },
    { "write, A and D set, Guest-Invalid table", GUEST_INVALID, PTE_A | PTE_D,
      op_write, false },
    { "read, A clear, Guest-Invalid table", GUEST_INVALID, 0, op_read, true },
    { "write, D clear, Guest-Invalid table", GUEST_INVALID, PTE_A, op_write,
      true },
    { "read, A clear, Firmware table", FIRMWARE, 0, op_read, true },
    { "read, A clear, Reclaim table", RECLAIM, 0, op_read, true },
};

static void walk_row(int row)
{
    const struct walk_row *r = &walk_rows[row];
    u64 table = arena_region(), page = arena_region();
    u64 pte = page | PTE_P | PTE_W | r->flags;
    u64 set = PTE_A | (r->op == op_write ? PTE_D : 0);
    struct trap t;

    row_name("%s", r->name);
    *(u64 *)table = pte;
    page_make(table, r->table, false);
    t = run(r->op, map_table(table), 0, 0);
    if (r->faults) {
        want("vector", t.vector, PF);
        want("RMP bit", t.error & PF_RMP, PF_RMP);
        want("entry", *(volatile u64 *)table, pte);
    } else {
        want("vector", t.vector, DONE);
        want("entry", *(volatile u64 *)table, pte | set);
    }
}

const struct suite suite_walk = {
    "walk", ARRAY_SIZE(walk_rows), walk_row,
};

/*
 * The same for nested tables, which are the host's: the guest's access exits
 * with #NPF and the RMP bit.
 */
static const struct nested_row {
    const char *name;
    enum page_state table;
    u64 flags;
    const u8 *op;
    bool faults;
} nested_rows[] = {
    { "read sets A in a Hypervisor page", HYPERVISOR, 0, op_read, false },
    { "write sets A and D in a Hypervisor page", HYPERVISOR, 0, op_write,
      false },
    { "write, A and D set, Firmware table", FIRMWARE, PTE_A | PTE_D, op_write,
      false },
    { "read, A clear, Firmware table", FIRMWARE, 0, op_read, true },
    { "write, D clear, Guest-Invalid table", GUEST_INVALID, PTE_A, op_write,
      true },
};

static void nested_row(int row)
{
    const struct nested_row *r = &nested_rows[row];
    u64 table = arena_region();
    u64 set = PTE_A | (r->op == op_write ? PTE_D : 0);
    u64 pte;
    struct turn t;

    row_name("nested, %s", r->name);
    guest_init();
    target_make(GUEST_VALID, false, false);
    pte = guest_target | PTE_P | PTE_W | PTE_U | r->flags;
    *(u64 *)table = pte;
    page_make(table, r->table, false);
    target_table(table);
    t = guest_op(0, r->op, GUEST_TARGET, 0, 0);
    if (r->faults) {
        want("exit", t.exit, EXIT_NPF);
        want("RMP bit", t.info1 & PF_RMP, PF_RMP);
        want("entry", *(volatile u64 *)table, pte);
    } else {
        want_guest_trap(&t, DONE, 0);
        want("entry", *(volatile u64 *)table, pte | set);
    }
}

const struct suite suite_nested_walk = {
    "walk", ARRAY_SIZE(nested_rows), nested_row,
};
