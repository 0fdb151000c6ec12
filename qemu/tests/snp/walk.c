/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's page walks: setting A or D in a table is a write to the table's
 * page.
 *
 * Example: the table is in a Guest-Invalid page and maps a Hypervisor page with
 * A clear. A read of the mapped page faults with the RMP bit and the entry's A
 * stays clear; with A set in advance the same read passes.
 */
#include "rmp.h"

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
