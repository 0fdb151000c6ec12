/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host may do to a page of each state. The rule: reads and fetches
 * always, writes to pages that nobody is assigned; a write by a 2M mapping is
 * a write to all of its 2M.
 *
 * Example: page 5 of a region is Guest-Valid. "write" by a 4K mapping of it is
 * #PF with error code P|W|RMP = 0x80000003, "write by 2M mapping, neighbour"
 * to page 6 too, while "write, neighbour" by a 4K mapping of page 6 passes.
 */
#include "rmp.h"

#define TARGET      5
#define RW          (PTE_P | PTE_W)
#define RWU         (PTE_P | PTE_W | PTE_U)

static const struct access {
    const char *name;
    const u8 *op;
    bool user, by_2m, neighbour;
    u64 error;              /* when the page is assigned; zero: passes */
} accesses[] = {
    { "read",                     op_read },
    { "read at CPL 3",            op_read,  true },
    { "read by 2M mapping",       op_read,  false, true },
    { "fetch",                    op_jump },
    { "write",                    op_write, false, false, false,
      PF_P | PF_W | PF_RMP },
    { "write at CPL 3",           op_write, true,  false, false,
      PF_P | PF_W | PF_U | PF_RMP },
    { "read and write",           op_rmw,   false, false, false,
      PF_P | PF_W | PF_RMP },
    { "write by 2M mapping",      op_write, false, true, false,
      PF_P | PF_W | PF_RMP },
    { "write, neighbour",         op_write, false, false, true },
    { "write by 2M mapping, neighbour",
                                  op_write, false, true,  true,
      PF_P | PF_W | PF_RMP },
};

static const struct target {
    enum page_state state;
    bool large;
} targets[] = {
    { HYPERVISOR }, { HV_FIXED }, { FIRMWARE }, { RECLAIM }, { CONTEXT },
    { METADATA }, { PRE_GUEST }, { PRE_SWAP }, { GUEST_INVALID },
    { GUEST_VALID }, { GUEST_VMSA }, { FIRMWARE, true }, { RECLAIM, true },
    { PRE_GUEST, true }, { GUEST_INVALID, true }, { GUEST_VALID, true },
};

/* One region for each target serves all accesses: none of them changes it */
static u64 target_region(unsigned i)
{
    static u64 regions[ARRAY_SIZE(targets)];
    const struct target *t = &targets[i];
    u64 page;

    if (!regions[i]) {
        regions[i] = arena_region();
        page = regions[i] + (t->large ? 0 : TARGET * PAGE_4K);
        /* What op_jump executes: INT of TRAP_DONE */
        *(u16 *)(regions[i] + TARGET * PAGE_4K) = 0x80cd;
        page_make(page, t->state, t->large);
    }
    return regions[i];
}

static bool faults(const struct target *t, const struct access *a)
{
    if (t->state == HYPERVISOR || t->state == HV_FIXED || !a->error) {
        /* In a 2M page the neighbour is no other page */
        return t->large && a->op == op_write;
    }
    return true;
}

static void host_row(int row)
{
    const struct access *a = &accesses[row % ARRAY_SIZE(accesses)];
    unsigned i = row / ARRAY_SIZE(accesses);
    const struct target *target = &targets[i];
    u64 spa = target_region(i) + (TARGET + a->neighbour) * PAGE_4K;
    u64 va = a->by_2m ? map_2m(spa, RWU) : map_4k(spa, RWU);
    u64 value = *(u64 *)spa;
    struct trap t;

    row_name("%s of %s, %s", a->name, state_names[target->state],
             target->large ? "2M" : "4K");
    t = a->user ? run_user(a->op, va, value, 0) : run(a->op, va, value, 0);
    if (faults(target, a)) {
        want_trap(&t, PF, a->error ? a->error : PF_P | PF_W | PF_RMP);
        want("CR2", t.cr2, va);
    } else {
        want("vector", t.vector, DONE);
    }
}

const struct suite suite_host = {
    "host", ARRAY_SIZE(targets) * ARRAY_SIZE(accesses), host_row,
};

/*
 * Rights in time: the TLB is warm from the step before. A letter is a step:
 *   a, A  assign the page, the whole 2M, to the guest    i  make it immutable
 *   u, U  unassign                                        s  PSMASH
 *   r     read by 4K       w, W, G  write by 4K, 2M, 1G
 * After r, w, W and G comes + for "passes" or - for "faults". Rows with G use
 * the gigabyte above 4G, where no other row's pages are.
 *
 * Example: "w+ a w- r+ u w+".
 */
static const char *const right_rows[] = {
    "w+ a w- r+ u w+",
    "W+ a W- w- u W+ w+",
    "w+ A w- W- U w+ W+",
    "A w- s w- u w+ W-",
    "a w- i w- r+",
    "r+ a r+ w- u r+ w+",
    "G+ a G- w- u G+",
    "G+ A G- U G+",
};

#define HIGH_PAGE   0x101000000ull

static bool passes(const u8 *op, u64 va, u64 value)
{
    struct trap t = run(op, va, value, 0);

    if (t.vector == PF) {
        want("error code", t.error, PF_P | PF_W | PF_RMP);
    }
    return t.vector == DONE;
}

static void right_step(char step, u64 spa)
{
    switch (step) {
    case 'a':
    case 'A':
        assign(spa, TEST_GPA(spa), TEST_ASID, step == 'A');
        break;
    case 'u':
    case 'U':
        unassign(spa, step == 'U');
        break;
    case 'i':
        want("code", rmpupdate(spa, &(struct update) { TEST_GPA(spa), 1, 0, 1,
                                                       0, TEST_ASID }).rax, 0);
        break;
    case 's':
        want("code", run(op_psmash, spa, 0, 0).rax, OK);
        break;
    }
}

static void right_row(int row)
{
    const char *steps = right_rows[row];
    u64 spa = steps[0] == 'G' ? HIGH_PAGE : arena_region();
    u64 by_4k = map_4k(spa, RW), by_2m = map_2m(spa, RW);
    u64 by_1g = map_1g(spa, RW);

    row_name("%s", steps);
    for (const char *s = steps; *s; s++) {
        if (*s == 'r' || *s == 'w' || *s == 'W' || *s == 'G') {
            const char name[] = { *s, 0 };
            bool passed = passes(*s == 'r' ? op_read : op_write,
                                 *s == 'G' ? by_1g :
                                 *s == 'W' ? by_2m : by_4k, 0);

            want(name, passed, *++s == '+');
        } else {
            right_step(*s, spa);
        }
    }
}

const struct suite suite_rights = {
    "rights", ARRAY_SIZE(right_rows), right_row,
};
