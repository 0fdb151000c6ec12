/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rights of one turn are no rights of the next. VMRUN is asked not to flush
 * the TLB (tlb_ctl 0), so that what the first turn's accesses left there is
 * there in the second's.
 *
 * Example: VMPL0 writes to the target, of which VMPL1 has R. Then VMPL1 writes
 * to it: #NPF with the RMP and VMPL bits, as if VMPL0 had never run.
 */
#include "guest.h"

#define NPF_PRIVATE (PF_P | PF_U | PF_RMP | NPF_FINAL | NPF_ENC)

struct act {
    int vmpl;
    const u8 *op;
    bool user;
    u64 rcx, rdx;
};

static void no_flush(int row)
{
    (void)row;
    AT32(guest_vmcb, VMCB_TLB) = 0;
}

static struct turn turn(const struct act *a)
{
    u64 vmsa = vmsa_make(a->vmpl, a->op, GUEST_TARGET,
                         a->op == op_write ? 0x80cd : a->rcx, a->rdx);

    if (a->user) {
        vmsa_to_user(vmsa);
    }
    vmsa_close(vmsa);
    return guest_run_edited(vmsa, no_flush, 0);
}

static void target_unassign(void)
{
    unassign(guest_target, false);
}

static void must_be_ok(const struct act *a)
{
    struct turn t = turn(a);

    want_guest_trap(&t, DONE, 0);
    want("code", t.trap.rax, OK);
}

static void target_rescind(void)
{
    must_be_ok(&(struct act) { 0, op_pvalidate });
}

static void target_read_only(void)
{
    must_be_ok(&(struct act) { 0, op_rmpadjust, .rdx = 1 | PERM_R << 8 });
}

static const struct leak_row {
    const char *name;
    u32 perms;              /* of the VMPLs from 1 on */
    struct act first;
    void (*between)(void);
    struct act second;
    u64 npf;                /* of the second; or */
    u64 vc;
} leak_rows[] = {
    { "write at VMPL0, at VMPL1", PERM_R << 8, { 0, op_write }, NULL,
      { 1, op_write }, NPF_PRIVATE | NPF_VMPL | PF_W },
    { "write at VMPL1, at VMPL0", PERM_ALL << 8, { 1, op_write }, NULL,
      { 0, op_write } },
    { "fetch at VMPL0, at VMPL1", PERM_R << 8, { 0, op_jump }, NULL,
      { 1, op_jump }, NPF_PRIVATE | NPF_VMPL | PF_I },
    { "read at VMPL0, at VMPL3", 0, { 0, op_read }, NULL, { 3, op_read },
      NPF_PRIVATE | NPF_VMPL },
    { "supervisor fetch, user fetch", (PERM_R | PERM_SX) << 8, { 1, op_jump },
      NULL, { 1, op_jump, true }, NPF_PRIVATE | NPF_VMPL | PF_I },
    { "user fetch, supervisor fetch", (PERM_R | PERM_UX) << 8,
      { 1, op_jump, true }, NULL, { 1, op_jump },
      NPF_PRIVATE | NPF_VMPL | PF_I },
    { "read, unassign, read", 0, { 0, op_read }, target_unassign,
      { 0, op_read }, NPF_PRIVATE },
    { "read, rescind, read", 0, { 0, op_read }, target_rescind,
      { 0, op_read }, 0, VC_NOT_VALIDATED },
    { "supervisor fetch and user fetch in one turn",
      (PERM_R | PERM_W | PERM_SX) << 8, { 0, op_nop }, NULL,
      { 1, op_jump_both }, NPF_PRIVATE | NPF_VMPL | PF_I },
    { "the same with UX", PERM_ALL << 8, { 0, op_nop }, NULL,
      { 1, op_jump_both } },
    { "read, rescind and read in one turn", 0, { 0, op_nop }, NULL,
      { 0, op_rescind }, 0, VC_NOT_VALIDATED },
    { "write at VMPL1, RMPADJUST to R, write", (PERM_R | PERM_W) << 8,
      { 1, op_write }, target_read_only, { 1, op_write },
      NPF_PRIVATE | NPF_VMPL | PF_W },
};

static void leak_row(int row)
{
    const struct leak_row *r = &leak_rows[row];
    struct entry e;
    struct turn t;

    row_name("%s", r->name);
    guest_init();
    target_make(GUEST_VALID, false, false);
    e = entry_read(guest_target);
    e.perms = PERM_ALL | r->perms;
    entry_poke(guest_target, &e, false);
    /* Made for another target, entries of before do not count as a leak */
    t = guest_op(0, op_nop, 0, 0, 0);
    t = turn(&r->first);
    want_guest_trap(&t, DONE, 0);
    if (r->between) {
        r->between();
    }
    t = turn(&r->second);
    if (r->npf) {
        want_exit(&t, EXIT_NPF, r->npf, GUEST_TARGET);
    } else if (r->vc) {
        want_guest_trap(&t, VC, r->vc);
    } else {
        want_guest_trap(&t, DONE, 0);
    }
}

const struct suite suite_leak = { "leak", ARRAY_SIZE(leak_rows), leak_row };
