/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's accesses. What is asked of a private one (C=1), in this order:
 * the page is assigned to this ASID at this address and not immutable, nested
 * and RMP page sizes agree, it is validated, the VMPL may do it. A shared one
 * (C=0) may write what nobody is assigned. Fetches are private always.
 *
 * Example: the target is a 2M Guest-Valid page and the nested mapping is by 4K.
 * A read exits with #NPF and
 *   info 1  P|U, RMP (31), final address (32), ENC (34), SIZEM (35)
 *   info 2  the guest physical address without the C-bit.
 */
#include "guest.h"

#define NPF_PRIVATE (PF_P | PF_U | PF_RMP | NPF_FINAL | NPF_ENC)
#define NPF_SHARED  (PF_P | PF_U | PF_RMP | NPF_FINAL)
#define RW          (PTE_P | PTE_W | PTE_U)
#define RESERVED    (1ull << 50)
#define NO_C        GUEST_SHARED_VA
#define PASSES      (-1ull)
#define BY_WALK     0x80000000ull   /* through the target */

static const struct access_row {
    const char *name;
    enum page_state state;
    bool large, npt_large;
    const u8 *op;
    u64 window;             /* 0: private */
    u64 npf;                /* info 1 of #NPF */
    u64 vc;                 /* or error code of #VC; neither: it passes */
    u64 open_vc;            /* instead, where immutable pages are open */
    /* What is changed of a good target */
    u32 asid;
    u64 gpa, npt;
} access_rows[] = {
    { "read", GUEST_VALID, 0, 0, op_read },
    { "write", GUEST_VALID, 0, 0, op_write },
    { "fetch", GUEST_VALID, 0, 0, op_jump },
    { "read of 2M", GUEST_VALID, 1, 1, op_read },
    { "write of 2M", GUEST_VALID, 1, 1, op_write },
    { "fetch of 2M", GUEST_VALID, 1, 1, op_jump },

    { "read", HYPERVISOR, 0, 0, op_read, 0, NPF_PRIVATE },
    { "write", HYPERVISOR, 0, 0, op_write, 0, NPF_PRIVATE | PF_W },
    { "fetch", HYPERVISOR, 0, 0, op_jump, 0, NPF_PRIVATE | PF_I },
    { "read by 2M", HYPERVISOR, 0, 1, op_read, 0, NPF_PRIVATE },
    { "read", RECLAIM, 0, 0, op_read, 0, NPF_PRIVATE },
    { "read", FIRMWARE, 0, 0, op_read, 0, NPF_PRIVATE },
    { "read", PRE_GUEST, 0, 0, op_read, 0, NPF_PRIVATE,
      .open_vc = VC_NOT_VALIDATED },
    { "read", PRE_SWAP, 0, 0, op_read, 0, NPF_PRIVATE, .open_vc = PASSES },
    { "write", PRE_SWAP, 0, 0, op_write, 0, NPF_PRIVATE | PF_W,
      .open_vc = PASSES },
    { "read, another ASID", GUEST_VALID, 0, 0, op_read, 0, NPF_PRIVATE,
      .asid = 2 },
    { "read, another GPA", GUEST_VALID, 0, 0, op_read, 0, NPF_PRIVATE,
      .gpa = GUEST_TARGET + PAGE_2M },
    { "read of 2M, another ASID", GUEST_VALID, 1, 1, op_read, 0, NPF_PRIVATE,
      .asid = 2 },
    { "read of 2M, another GPA", GUEST_VALID, 1, 1, op_read, 0, NPF_PRIVATE,
      .gpa = GUEST_TARGET + PAGE_2M },

    { "read of 2M by 4K", GUEST_VALID, 1, 0, op_read, 0,
      NPF_PRIVATE | NPF_SIZEM },
    { "write of 2M by 4K", GUEST_VALID, 1, 0, op_write, 0,
      NPF_PRIVATE | NPF_SIZEM | PF_W },
    { "read of 4K by 2M", GUEST_VALID, 0, 1, op_read, 0,
      NPF_PRIVATE | NPF_SIZEM },
    { "size before validated", GUEST_INVALID, 1, 0, op_read, 0,
      NPF_PRIVATE | NPF_SIZEM },
    { "owner before size", GUEST_VALID, 1, 0, op_read, 0, NPF_PRIVATE,
      .asid = 2 },

    { "read", GUEST_INVALID, 0, 0, op_read, 0, 0, VC_NOT_VALIDATED },
    { "write", GUEST_INVALID, 0, 0, op_write, 0, 0, VC_NOT_VALIDATED },
    { "fetch", GUEST_INVALID, 0, 0, op_jump, 0, 0, VC_NOT_VALIDATED },
    { "read of 2M", GUEST_INVALID, 1, 1, op_read, 0, 0, VC_NOT_VALIDATED },

    { "read, not mapped", GUEST_VALID, 0, 0, op_read, 0,
      PF_U | NPF_FINAL | NPF_ENC, .npt = RW },
    { "write, not mapped", GUEST_VALID, 0, 0, op_write, 0,
      PF_U | PF_W | NPF_FINAL | NPF_ENC, .npt = RW },
    { "write, mapped read-only", GUEST_VALID, 0, 0, op_write, 0,
      PF_P | PF_U | PF_W | NPF_FINAL | NPF_ENC, .npt = PTE_W },
    { "read, reserved bit in the nested table", GUEST_VALID, 0, 0, op_read, 0,
      0, VC_NPF, .npt = RESERVED },

    { "shared read", HYPERVISOR, 0, 0, op_read, NO_C },
    { "shared write", HYPERVISOR, 0, 0, op_write, NO_C },
    { "shared write by 2M", HYPERVISOR, 0, 1, op_write, NO_C },
    { "shared write", GUEST_VALID, 0, 0, op_write, NO_C, NPF_SHARED | PF_W },
    { "shared write", GUEST_INVALID, 0, 0, op_write, NO_C, NPF_SHARED | PF_W },
    { "shared write", FIRMWARE, 0, 0, op_write, NO_C, NPF_SHARED | PF_W },
    { "shared write", RECLAIM, 0, 0, op_write, NO_C, NPF_SHARED | PF_W },
    { "shared write, 2M", GUEST_VALID, 1, 1, op_write, NO_C,
      NPF_SHARED | PF_W },
    { "shared fetch", HYPERVISOR, 0, 0, op_jump, NO_C, NPF_PRIVATE | PF_I },
    { "shared read, not mapped", HYPERVISOR, 0, 0, op_read, NO_C,
      PF_U | NPF_FINAL, .npt = RW },
    { "shared read, reserved bit in the nested table", HYPERVISOR, 0, 0,
      op_read, NO_C, 0, VC_NPF, .npt = RESERVED },

    { "walk through the target", GUEST_VALID, 0, 0, op_read, BY_WALK },
    { "walk through the target", HYPERVISOR, 0, 0, op_read, BY_WALK,
      PF_P | PF_U | PF_RMP | NPF_WALK | NPF_ENC },
    { "walk through the target, another ASID", GUEST_VALID, 0, 0, op_read,
      BY_WALK, PF_P | PF_U | PF_RMP | NPF_WALK | NPF_ENC, .asid = 2 },
    { "walk through the target, not mapped", GUEST_VALID, 0, 0, op_read,
      BY_WALK, PF_U | NPF_WALK | NPF_ENC, .npt = RW },
    { "walk through the target", GUEST_INVALID, 0, 0, op_read, BY_WALK, 0,
      VC_NOT_VALIDATED },
};

/* Through the target goes the second entry of its page, to the report */
static u64 address(const struct access_row *r)
{
    return r->window + (r->window == BY_WALK ? PAGE_2M : GUEST_TARGET);
}

static void access_row(int row)
{
    const struct access_row *r = &access_rows[row];
    /* What a page's own bytes are: a write must not change the code in it */
    struct turn t;

    row_name("%s, %s", r->name, state_names[r->state]);
    guest_init();
    target_make(r->state, r->large, r->npt_large);
    if (r->asid || r->gpa) {
        target_move(r->gpa ? r->gpa : GUEST_TARGET,
                    r->asid ? r->asid : TEST_ASID, r->large);
    }
    if (r->npt) {
        target_map(RW ^ r->npt, r->npt_large);
    }
    t = guest_op(0, r->op, address(r), 0x80cd, 0);
    if (immutable_open && r->open_vc) {
        want_guest_trap(&t, r->open_vc == PASSES ? DONE : VC,
                        r->open_vc == PASSES ? 0 : r->open_vc);
    } else if (r->npf) {
        /* Whether a walk's own accesses are writes is the processor's */
        t.info1 &= r->window == BY_WALK ? ~PF_W : -1ull;
        want_exit(&t, EXIT_NPF, r->npf,
                  GUEST_TARGET + (r->window == BY_WALK ? 8 : 0));
    } else if (r->vc) {
        want_guest_trap(&t, VC, r->vc);
    } else {
        want_guest_trap(&t, DONE, 0);
    }
}

const struct suite suite_guest = {
    "guest", ARRAY_SIZE(access_rows), access_row,
};

/*
 * Every VMPL with every permission. VMPL0 has all of them from the start, so
 * the rows are for the other three.
 *
 * Example: VMPL2 has R|SX of the target. Its kernel may read and fetch; a write
 * exits with #NPF and VMPL (36), and so does a fetch of its user program.
 */
static const u8 vmpl_perms[] = {
    0, PERM_R, PERM_R | PERM_W, PERM_R | PERM_SX, PERM_R | PERM_UX, PERM_ALL,
};

static const struct vmpl_access {
    const char *name;
    const u8 *op;
    bool user;
    u8 needs;
    u64 bits;
} vmpl_accesses[] = {
    { "read", op_read, false, PERM_R },
    { "write", op_write, false, PERM_W, PF_W },
    { "supervisor fetch", op_jump, false, PERM_SX, PF_I },
    { "user fetch", op_jump, true, PERM_UX, PF_I },
};

static void vmpl_row(int row)
{
    const struct vmpl_access *a = &vmpl_accesses[row % 4];
    u8 perms = vmpl_perms[row / 4 % ARRAY_SIZE(vmpl_perms)];
    int vmpl = 1 + row / 4 / (int)ARRAY_SIZE(vmpl_perms);
    struct entry e;
    struct turn t;
    u64 vmsa;

    row_name("%s at VMPL%d with permissions %d", a->name, vmpl, perms);
    guest_init();
    target_make(GUEST_VALID, false, false);
    e = entry_read(guest_target);
    e.perms = PERM_ALL | (u32)perms << 8 * vmpl;
    entry_poke(guest_target, &e, false);
    vmsa = vmsa_make(vmpl, a->op, GUEST_TARGET, 0x80cd, 0);
    if (a->user) {
        vmsa_to_user(vmsa);
    }
    vmsa_close(vmsa);
    t = guest_run(vmsa);
    if (perms & a->needs) {
        want_guest_trap(&t, DONE, 0);
    } else {
        want_exit(&t, EXIT_NPF, NPF_PRIVATE | NPF_VMPL | a->bits,
                  GUEST_TARGET);
    }
}

const struct suite suite_vmpl = {
    "vmpl", (VMPLS - 1) * ARRAY_SIZE(vmpl_perms) * ARRAY_SIZE(vmpl_accesses),
    vmpl_row,
};
