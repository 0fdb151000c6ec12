/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's page-state instructions: PVALIDATE, RMPADJUST, RMPQUERY.
 */
#include "guest.h"

#define NPF_PRIVATE (PF_P | PF_U | PF_RMP | NPF_FINAL | NPF_ENC)
#define CF          true
#define UNMAPPED    0xc0000000ull   /* 3 GiB: not in the guest's tables */

/*
 * PVALIDATE. Example: the target is a 4K Guest-Invalid page. The first
 * PVALIDATE answers 0 with CF clear and the page is Guest-Valid; a second
 * finds nothing to change and answers 0 with CF set.
 */
static const struct validate_row {
    const char *name;
    enum page_state state;
    bool large, npt_large;
    u64 rcx, rdx;           /* size, validate */
    u64 code;
    bool carry;
    enum page_state after;
    /* Or what it comes to instead of a code */
    u64 npf;
    u64 vector;
    /* What differs from the plain case */
    u64 offset;
    u32 asid;
    int vmpl;
    bool user;
} validate_rows[] = {
    { "4K", GUEST_INVALID, 0, 0, 0, 1, OK, 0, GUEST_VALID },
    { "4K again", GUEST_VALID, 0, 0, 0, 1, OK, CF, GUEST_VALID },
    { "4K away", GUEST_VALID, 0, 0, 0, 0, OK, 0, GUEST_INVALID },
    { "4K away again", GUEST_INVALID, 0, 0, 0, 0, OK, CF, GUEST_INVALID },
    { "2M", GUEST_INVALID, 1, 1, 1, 1, OK, 0, GUEST_VALID },
    { "2M again", GUEST_VALID, 1, 1, 1, 1, OK, CF, GUEST_VALID },
    { "2M away", GUEST_VALID, 1, 1, 1, 0, OK, 0, GUEST_INVALID },
    { "2M away again", GUEST_INVALID, 1, 1, 1, 0, OK, CF, GUEST_INVALID },
    { "2M of a 4K page", GUEST_INVALID, 0, 0, 1, 1, FAIL_SIZE, 0,
      GUEST_INVALID },
    { "2M of a 4K page mapped by 2M", GUEST_INVALID, 0, 1, 1, 1, FAIL_SIZE, 0,
      GUEST_INVALID },
    { "4K of a 2M page", GUEST_INVALID, 1, 1, 0, 1, .after = GUEST_INVALID,
      .npf = NPF_PRIVATE | NPF_SIZEM },
    { "4K of a 2M page mapped by 4K", GUEST_INVALID, 1, 0, 0, 1,
      .after = GUEST_INVALID, .npf = NPF_PRIVATE | NPF_SIZEM },
    { "2M not aligned", GUEST_INVALID, 1, 1, 1, 1, FAIL_INPUT, 0,
      GUEST_INVALID, .offset = PAGE_4K },
    { "4K by its last byte", GUEST_INVALID, 0, 0, 0, 1, OK, 0, GUEST_VALID,
      .offset = PAGE_4K - 1 },
    { "2M by a byte of its first 4K", GUEST_INVALID, 1, 1, 1, 1, OK, 0,
      GUEST_VALID, .offset = 8 },
    { "4K", HYPERVISOR, 0, 0, 0, 1, .after = HYPERVISOR,
      .npf = NPF_PRIVATE },
    { "2M", HYPERVISOR, 0, 1, 1, 1, .after = HYPERVISOR, .npf = NPF_PRIVATE },
    { "4K", RECLAIM, 0, 0, 0, 1, .after = RECLAIM, .npf = NPF_PRIVATE },
    { "4K", PRE_GUEST, 0, 0, 0, 1, .after = PRE_GUEST, .npf = NPF_PRIVATE },
    { "4K of another ASID", GUEST_INVALID, 0, 0, 0, 1, .after = UNKNOWN,
      .npf = NPF_PRIVATE, .asid = 2 },
    { "at VMPL1", GUEST_INVALID, 0, 0, 0, 1, .after = GUEST_INVALID,
      .vector = GP, .vmpl = 1 },
    { "at VMPL2", GUEST_INVALID, 0, 0, 0, 1, .after = GUEST_INVALID,
      .vector = GP, .vmpl = 2 },
    { "of 2M at VMPL1", GUEST_INVALID, 1, 1, 1, 1, .after = GUEST_INVALID,
      .vector = GP, .vmpl = 1 },
    { "at VMPL3", GUEST_INVALID, 0, 0, 0, 1, .after = GUEST_INVALID,
      .vector = GP, .vmpl = 3 },
    { "at CPL 3", GUEST_INVALID, 0, 0, 0, 1, .after = GUEST_INVALID,
      .vector = GP, .user = true },
    { "no translation", GUEST_INVALID, 0, 0, 0, 1, .after = GUEST_INVALID,
      .vector = PF, .offset = UNMAPPED },
};

static struct turn op_at(const u8 *op, int vmpl, bool user, u64 rax, u64 rcx,
                         u64 rdx)
{
    u64 vmsa = vmsa_make(vmpl, op, rax, rcx, rdx);

    if (user) {
        vmsa_to_user(vmsa);
    }
    vmsa_close(vmsa);
    return guest_run(vmsa);
}

/* An instruction that must fault: by exit, or in the guest */
static bool want_fault(struct turn *t, u64 npf, u64 vector)
{
    if (npf) {
        /* Whether it counts as a write is the processor's */
        t->info1 &= ~PF_W;
        want_exit(t, EXIT_NPF, npf, GUEST_TARGET);
    } else if (vector) {
        want("exit", t->exit, EXIT_VMGEXIT);
        want("guest's vector", t->trap.vector, vector);
    }
    return npf || vector;
}

static void validate_row(int row)
{
    const struct validate_row *r = &validate_rows[row];
    struct turn t;

    row_name("PVALIDATE %s, %s", r->name, state_names[r->state]);
    guest_init();
    target_make(r->state, r->large, r->npt_large);
    if (r->asid) {
        target_move(GUEST_TARGET, r->asid, r->large);
    }
    t = op_at(op_pvalidate, r->vmpl, r->user, GUEST_TARGET + r->offset, r->rcx,
              r->rdx);
    if (!want_fault(&t, r->npf, r->vector)) {
        want_guest_trap(&t, DONE, 0);
        want("code", t.trap.rax, r->code);
        if (r->code == OK) {
            want("CF", t.trap.rflags & RFLAGS_CF, r->carry);
        }
    }
    if (r->after != UNKNOWN) {
        want_state(guest_target, r->after, r->large);
    }
}

const struct suite suite_pvalidate = {
    "pvalidate", ARRAY_SIZE(validate_rows), validate_row,
};

/*
 * RMPADJUST. RDX: VMPL, permissions << 8, VMSA << 16.
 *
 * Example: the target gives everything to VMPL0, R|W to VMPL1. VMPL1 grants R
 * to VMPL2: code 0. VMPL1 grants R|SX to VMPL2: it has no SX itself, so
 * FAIL_PERMISSION, and the entry stays as it is.
 */
#define GRANT(vmpl, perms)  ((vmpl) | (perms) << 8)
#define AS_VMSA             (1 << 16)
#define RW                  (PERM_R | PERM_W)
#define PERMS_BEFORE        (PERM_ALL | RW << 8)

static const struct adjust_row {
    const char *name;
    enum page_state state;
    bool large, npt_large;
    int vmpl;
    u64 rcx, rdx;
    u64 code;
    u32 perms;              /* afterwards */
    u64 npf;
    u64 vector, error;
    bool vmsa;              /* afterwards */
    bool user;
    u64 offset;
} adjust_rows[] = {
    { "VMPL0 grants R to VMPL1", GUEST_VALID, 0, 0, 0, 0, GRANT(1, PERM_R), OK,
      PERM_ALL | PERM_R << 8 },
    { "VMPL0 grants all to VMPL2", GUEST_VALID, 0, 0, 0, 0,
      GRANT(2, PERM_ALL), OK, PERMS_BEFORE | PERM_ALL << 16 },
    { "VMPL0 grants UX to VMPL3", GUEST_VALID, 0, 0, 0, 0, GRANT(3, PERM_UX),
      OK, PERMS_BEFORE | PERM_UX << 24 },
    { "VMPL0 takes all from VMPL1", GUEST_VALID, 0, 0, 0, 0, GRANT(1, 0), OK,
      PERM_ALL },
    { "VMPL0 grants to itself", GUEST_VALID, 0, 0, 0, 0, GRANT(0, PERM_R),
      FAIL_PERMISSION, PERMS_BEFORE },
    { "VMPL1 grants R to VMPL2", GUEST_VALID, 0, 0, 1, 0, GRANT(2, PERM_R), OK,
      PERMS_BEFORE | PERM_R << 16 },
    { "VMPL1 grants what it has not", GUEST_VALID, 0, 0, 1, 0,
      GRANT(2, PERM_R | PERM_SX), FAIL_PERMISSION, PERMS_BEFORE },
    { "VMPL1 grants to itself", GUEST_VALID, 0, 0, 1, 0, GRANT(1, PERM_R),
      FAIL_PERMISSION, PERMS_BEFORE },
    { "VMPL1 grants to VMPL0", GUEST_VALID, 0, 0, 1, 0, GRANT(0, PERM_R),
      FAIL_PERMISSION, PERMS_BEFORE },
    { "VMPL1 grants R of 2M to VMPL3", GUEST_VALID, 1, 1, 1, 1,
      GRANT(3, PERM_R), OK, PERMS_BEFORE | PERM_R << 24 },
    { "VMPL2 grants what it has not", GUEST_VALID, 0, 0, 2, 0,
      GRANT(3, PERM_R), FAIL_PERMISSION, PERMS_BEFORE },
    { "VMPL2 grants nothing to VMPL3", GUEST_VALID, 0, 0, 2, 0, GRANT(3, 0),
      OK, PERMS_BEFORE },
    { "VMPL3 grants to VMPL3", GUEST_VALID, 0, 0, 3, 0, GRANT(3, 0),
      FAIL_PERMISSION, PERMS_BEFORE },
    { "no such VMPL", GUEST_VALID, 0, 0, 0, 0, GRANT(4, PERM_R), FAIL_INPUT,
      PERMS_BEFORE },
    { "no such permission", GUEST_VALID, 0, 0, 0, 0, GRANT(1, 0x10),
      FAIL_INPUT, PERMS_BEFORE },
    { "VMPL0 makes a VMSA", GUEST_VALID, 0, 0, 0, 0, GRANT(1, 0) | AS_VMSA, OK,
      PERM_ALL, .vmsa = true },
    { "VMPL0 unmakes a VMSA", GUEST_VMSA, 0, 0, 0, 0, GRANT(1, 0), OK,
      PERM_ALL },
    { "VMPL1 makes a VMSA", GUEST_VALID, 0, 0, 1, 0, GRANT(2, 0) | AS_VMSA,
      FAIL_PERMISSION, PERMS_BEFORE },
    { "2M", GUEST_VALID, 1, 1, 0, 1, GRANT(1, PERM_R), OK,
      PERM_ALL | PERM_R << 8 },
    { "2M of a 4K page", GUEST_VALID, 0, 0, 0, 1, GRANT(1, PERM_R), FAIL_SIZE,
      PERMS_BEFORE },
    { "4K of a 2M page", GUEST_VALID, 1, 1, 0, 0, GRANT(1, PERM_R),
      .perms = PERMS_BEFORE, .npf = NPF_PRIVATE | NPF_SIZEM },
    { "2M not aligned", GUEST_VALID, 1, 1, 0, 1, GRANT(1, PERM_R), FAIL_INPUT,
      PERMS_BEFORE, .offset = PAGE_4K },
    { "4K by a byte in it", GUEST_VALID, 0, 0, 0, 0, GRANT(1, PERM_R), OK,
      PERM_ALL | PERM_R << 8, .offset = 20 },
    { "not validated", GUEST_INVALID, 0, 0, 0, 0, GRANT(1, PERM_R),
      .perms = PERMS_BEFORE, .vector = VC, .error = VC_NOT_VALIDATED },
    { "Pre-Swap page", PRE_SWAP, 0, 0, 0, 0, GRANT(1, PERM_R),
      .perms = PERMS_BEFORE, .npf = NPF_PRIVATE },
    { "Reclaim page", RECLAIM, 0, 0, 0, 0, GRANT(1, PERM_R),
      .perms = PERMS_BEFORE, .npf = NPF_PRIVATE },
    { "at CPL 3", GUEST_VALID, 0, 0, 0, 0, GRANT(1, PERM_R),
      .perms = PERMS_BEFORE, .vector = GP, .user = true },
};

static void set_perms(bool large)
{
    struct entry e = entry_read(guest_target);

    e.perms = PERMS_BEFORE;
    entry_poke(guest_target, &e, large);
}

static void adjust_row(int row)
{
    const struct adjust_row *r = &adjust_rows[row];
    struct entry e;
    struct turn t;

    row_name("RMPADJUST %s", r->name);
    guest_init();
    target_make(r->state, r->large, r->npt_large);
    set_perms(r->large);
    t = op_at(op_rmpadjust, r->vmpl, r->user, GUEST_TARGET + r->offset, r->rcx,
              r->rdx);
    if (!want_fault(&t, r->npf, r->vector)) {
        want_guest_trap(&t, DONE, 0);
        want("code", t.trap.rax, r->code);
    } else if (r->error) {
        want("guest's error code", t.trap.error, r->error);
    }
    e = entry_read(guest_target);
    want("permissions", e.perms, r->perms);
    want("VMSA bit", e.vmsa, r->vmsa);
}

const struct suite suite_rmpadjust = {
    "rmpadjust", ARRAY_SIZE(adjust_rows), adjust_row,
};

/*
 * RMPQUERY. RCX: the VMPL asked about; the answer is its permissions in
 * RDX, where RMPADJUST takes them, and the page's size in RCX.
 *
 * Example: of the target above, VMPL0 learns R|W about VMPL1, size 0.
 */
static const struct query_row {
    const char *name;
    enum page_state state;
    bool large;
    int vmpl;
    u64 about;
    u64 code, perms;
    u64 npf;
} query_rows[] = {
    { "VMPL0 about VMPL1", GUEST_VALID, false, 0, 1, OK, RW },
    { "VMPL0 about VMPL2", GUEST_VALID, false, 0, 2, OK, 0 },
    { "VMPL0 about VMPL1 of 2M", GUEST_VALID, true, 0, 1, OK, RW },
    { "VMPL1 about VMPL2", GUEST_VALID, false, 1, 2, OK, 0 },
    { "VMPL1 about VMPL0", GUEST_VALID, false, 1, 0, FAIL_PERMISSION },
    { "about no such VMPL", GUEST_VALID, false, 0, 4, FAIL_INPUT },
    { "Reclaim page", RECLAIM, false, 0, 1, .npf = NPF_PRIVATE },
};

static void query_row(int row)
{
    const struct query_row *r = &query_rows[row];
    struct turn t;

    row_name("RMPQUERY %s", r->name);
    guest_init();
    target_make(r->state, r->large, r->large);
    set_perms(r->large);
    t = op_at(op_rmpquery, r->vmpl, false, GUEST_TARGET, r->about, 0);
    if (want_fault(&t, r->npf, 0)) {
        return;
    }
    want_guest_trap(&t, DONE, 0);
    want("code", t.trap.rax, r->code);
    if (r->code == OK) {
        want("permissions", t.trap.rdx >> 8 & 0xff, r->perms);
        want("size", t.trap.rcx & 1, r->large);
    }
}

const struct suite suite_rmpquery = {
    "rmpquery", ARRAY_SIZE(query_rows), query_row,
};
