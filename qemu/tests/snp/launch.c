/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that the firmware launches, and the way of its memory from 4K pages
 * to a 2M page and back, which the host goes without the guest.
 *
 * Each row is a step: an action and the number that it must come to. Example of
 * the way up: 512 Guest-Valid pages of one region, at consecutive addresses;
 * RMPUPDATE with the immutable bit makes each Pre-Swap; PAGE_UNSMASH makes them
 * one 2M Pre-Swap page, PAGE_RECLAIM one 2M Guest-Valid page; mapped by 2M, the
 * guest reads what it had. While one of the 512 is not immutable, UNSMASH says
 * INVALID_PAGE_STATE.
 *
 * From SNP_INIT on the RMP is out of the image's reach: no entry_poke() here,
 * so every VMSA that a step uses is made at the launch.
 */
#include "firmware.h"
#include "guest.h"

#define POLICY          (1ull << 17 | 1ull << 16)
#define SIZE_2M         1
#define PROBED_PAGE     300
#define PATTERN         0x1122334455667788ull
#define PAGES           512

static u64 context, scratch;

/* The guest's turns: a VMSA for each, made while the launch lasts */
enum { READ_BY_4K, READ_BY_2M, READ_AGAIN, TURNS };
static u64 turns[TURNS];

static u64 step_init(void)
{
    wrmsr(MSR_SYSCFG, rdmsr(MSR_SYSCFG) | SYSCFG_MFDM);
    wrmsr(MSR_HSAVE, 0);
    iommu_enable();
    return firmware(CMD_SNP_INIT_EX, INIT_RMP, 0, 0, 0);
}

static u64 step_init_again(void)
{
    return firmware(CMD_SNP_INIT_EX, INIT_RMP, 0, 0, 0);
}

static u64 step_write_rmp(void)
{
    u64 va = map_4k(rdmsr(MSR_RMP_BASE) + 16 * PAGE_4K, PTE_P | PTE_W);

    return run(op_write, va, 0, 0).error;
}

static u64 step_update_rmp(void)
{
    static const struct update none;

    return rmpupdate(rdmsr(MSR_RMP_BASE), &none).rax;
}

static u64 step_context_hypervisor(void)
{
    return firmware(CMD_GCTX_CREATE, arena_region(), 0, 0, 0);
}

static u64 step_context(void)
{
    context = arena_region();
    page_make(context, FIRMWARE, false);
    return firmware(CMD_GCTX_CREATE, context, 0, 0, 0);
}

static u64 state_of(u64 spa)
{
    struct entry e = entry_read(spa);

    return entry_state(&e);
}

static u64 step_context_state(void)
{
    return state_of(context);
}

static u64 step_write_context(void)
{
    return run(op_write, map_4k(context, PTE_P | PTE_W), 0, 0).error;
}

static u64 step_start(void)
{
    return firmware(CMD_LAUNCH_START, context, POLICY, 0, 0);
}

static u64 step_activate(void)
{
    return firmware(CMD_ACTIVATE, context, TEST_ASID, 0, 0);
}

static u64 launch_page(u64 spa, u64 gpa, int type)
{
    struct update u = { gpa, 1, 0, 1, 0, TEST_ASID };

    want("code of RMPUPDATE", rmpupdate(spa, &u).rax, OK);
    return firmware(CMD_LAUNCH_UPDATE, context, (u64)type << 1, spa, 0);
}

static void launch_core_page(u64 spa, u64 gpa)
{
    want("status", launch_page(spa, gpa, LAUNCH_NORMAL), 0);
}

static u64 step_update_hypervisor(void)
{
    return firmware(CMD_LAUNCH_UPDATE, context, LAUNCH_NORMAL << 1,
                    arena_region(), 0);
}

static u64 step_core(void)
{
    guest_renew(launch_core_page);
    return state_of(guest_core() + GUEST_CODE);
}

static u64 step_target(void)
{
    u64 status = 0;

    guest_target = arena_region();
    *(u64 *)(guest_target + PROBED_PAGE * PAGE_4K) = PATTERN;
    for (int i = 0; i < PAGES; i++) {
        status |= launch_page(guest_target + i * PAGE_4K,
                              GUEST_TARGET + i * PAGE_4K, LAUNCH_UNMEASURED);
    }
    target_map(PTE_P | PTE_W | PTE_U, false);
    return status;
}

static u64 step_vmsas(void)
{
    u64 status = 0;

    for (int i = 0; i < TURNS; i++) {
        turns[i] = arena_region() + (1 + i) * PAGE_4K;
        vmsa_fill(turns[i], 0, op_read, GUEST_TARGET + PROBED_PAGE * PAGE_4K,
                  0, 0);
        status |= launch_page(turns[i], VMSA_GPA + i * PAGE_4K, LAUNCH_VMSA);
    }
    return status;
}

static u64 step_vmsa_state(void)
{
    return state_of(turns[0]);
}

static u64 step_finish(void)
{
    return firmware(CMD_LAUNCH_FINISH, context, 0, 0, 0);
}

static u64 step_update_late(void)
{
    scratch = arena_region();
    return launch_page(scratch, 0x900000, LAUNCH_NORMAL);
}

/* What the guest reads from its probed page */
static u64 turn_of(int turn)
{
    struct turn t = guest_run(turns[turn]);

    want_guest_trap(&t, DONE, 0);
    return t.trap.rcx;
}

static u64 step_read_by_4k(void)
{
    return turn_of(READ_BY_4K);
}

/* The host's view: ciphertext, whatever it is */
static u64 step_host_sees_pattern(void)
{
    u64 va = map_4k(guest_target + PROBED_PAGE * PAGE_4K, PTE_P);

    return run(op_read, va, 0, 0).rcx == PATTERN;
}

static u64 unsmash(void)
{
    return firmware(CMD_PAGE_UNSMASH, guest_target | SIZE_2M, 0, 0, 0);
}

static u64 lock_pages(int from, int to)
{
    u64 codes = 0;

    for (int i = from; i < to; i++) {
        struct update u = { GUEST_TARGET + i * PAGE_4K, 1, 0, 1, 0,
                            TEST_ASID };

        codes |= rmpupdate(guest_target + i * PAGE_4K, &u).rax;
    }
    return codes;
}

static u64 step_lock_most(void)
{
    return lock_pages(0, PAGES - 1);
}

static u64 step_lock_last(void)
{
    return lock_pages(PAGES - 1, PAGES);
}

static u64 step_target_state(void)
{
    struct entry e = entry_read(guest_target);

    return entry_state(&e) << 4 | e.large;
}

static u64 step_reclaim_4k(void)
{
    return firmware(CMD_PAGE_RECLAIM, guest_target, 0, 0, 0);
}

static u64 step_reclaim_2m(void)
{
    return firmware(CMD_PAGE_RECLAIM, guest_target | SIZE_2M, 0, 0, 0);
}

static u64 step_read_by_2m(void)
{
    target_map(PTE_P | PTE_W | PTE_U, true);
    return turn_of(READ_BY_2M);
}

static u64 step_smash(void)
{
    return run(op_psmash, guest_target, 0, 0).rax;
}

static u64 step_read_again(void)
{
    target_map(PTE_P | PTE_W | PTE_U, false);
    return turn_of(READ_AGAIN);
}

static u64 step_decommission(void)
{
    return firmware(CMD_DECOMMISSION, context, 0, 0, 0);
}

static u64 step_reclaim_context(void)
{
    return firmware(CMD_PAGE_RECLAIM, context, 0, 0, 0);
}

static u64 step_unassign_context(void)
{
    static const struct update none;

    return rmpupdate(context, &none).rax;
}

static u64 step_write_free(void)
{
    return run(op_write, map_4k(context, PTE_P | PTE_W), 0, 0).vector;
}

static const struct step {
    const char *name;
    u64 (*act)(void);
    u64 wanted;
} steps[] = {
    { "SNP_INIT_EX", step_init, 0 },
    { "SNP_INIT_EX again", step_init_again, INVALID_PLATFORM_STATE },
    { "host writes the RMP", step_write_rmp, PF_P | PF_W | PF_RMP },
    { "RMPUPDATE of the RMP", step_update_rmp, FAIL_PERMISSION },
    { "GCTX_CREATE, Hypervisor page", step_context_hypervisor,
      INVALID_PAGE_STATE },
    { "GCTX_CREATE, Firmware page", step_context, 0 },
    { "state of the context", step_context_state, CONTEXT },
    { "host writes the context", step_write_context, PF_P | PF_W | PF_RMP },
    { "LAUNCH_START", step_start, 0 },
    { "ACTIVATE", step_activate, 0 },
    { "LAUNCH_UPDATE, Hypervisor page", step_update_hypervisor,
      INVALID_PAGE_STATE },
    { "LAUNCH_UPDATE of the core makes it Guest-Valid", step_core,
      GUEST_VALID },
    { "LAUNCH_UPDATE of 512 pages", step_target, 0 },
    { "LAUNCH_UPDATE of VMSAs", step_vmsas, 0 },
    { "state of a VMSA", step_vmsa_state, GUEST_VMSA },
    { "LAUNCH_FINISH", step_finish, 0 },
    { "LAUNCH_UPDATE after it", step_update_late, INVALID_GUEST_STATE },
    { "guest reads its page", step_read_by_4k, PATTERN },
    { "host reads ciphertext", step_host_sees_pattern, false },
    { "UNSMASH of Guest-Valid pages", unsmash, INVALID_PAGE_STATE },
    { "511 of 512 become Pre-Swap", step_lock_most, OK },
    { "UNSMASH of those", unsmash, INVALID_PAGE_STATE },
    { "the last becomes Pre-Swap", step_lock_last, OK },
    { "UNSMASH of all", unsmash, 0 },
    { "they are a 2M Pre-Swap page", step_target_state, PRE_SWAP << 4 | 1 },
    { "PAGE_RECLAIM by 4K", step_reclaim_4k, INVALID_PAGE_SIZE },
    { "PAGE_RECLAIM by 2M", step_reclaim_2m, 0 },
    { "it is a 2M Guest-Valid page", step_target_state,
      GUEST_VALID << 4 | 1 },
    { "guest reads by 2M what it had", step_read_by_2m, PATTERN },
    { "PSMASH", step_smash, OK },
    { "guest reads by 4K what it had", step_read_again, PATTERN },
    { "PAGE_RECLAIM of the context", step_reclaim_context,
      INVALID_PAGE_STATE },
    { "DECOMMISSION", step_decommission, 0 },
    { "PAGE_RECLAIM of what was the context", step_reclaim_context, 0 },
    { "unassign it", step_unassign_context, OK },
    { "host writes it", step_write_free, DONE },
};

static void launch_row(int row)
{
    row_name("%s", steps[row].name);
    want("secure processor", firmware_found(), true);
    if (firmware_found()) {
        want("answer", steps[row].act(), steps[row].wanted);
    }
}

const struct suite suite_launch = {
    "launch", ARRAY_SIZE(steps), launch_row,
};
