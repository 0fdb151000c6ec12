/*
 * Epochs, sizes of pages, what a TD accepts, injected faults
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Example of an epoch: a page is blocked in epoch 1 while a virtual processor
 * is inside that entered in epoch 1. TDH.MEM.TRACK starts epoch 2, but the
 * page is not tracked before that processor has left; and epoch 3 does not
 * start before.
 */
#include "qemu/osdep.h"
#include "tdx-fixture.h"
#include "target/i386/tdx-guest.h"

#define GPA     (4ull << 30)
#define RCX     TDX_OPERAND_RCX
#define EXIT    UINT64_MAX      /* an EPT violation to the host */

static void enter(Machine *k, uint64_t tdvpr, unsigned lp)
{
    k->lp = lp;
    ok(k, TDH_VP_ENTER, tdvpr, 0, 0, 0);
    k->lp = 0;
}

static uint64_t remove_page(Machine *k)
{
    return call(k, TDH_MEM_PAGE_REMOVE, GPA, TDR, 0, 0);
}

static Machine *blocked_with_vcpu_inside(void)
{
    Machine *k = machine_new();

    td_to(k, STAGE_RUNNABLE);
    entry_to(k, GPA, 0, TDX_SEPT_MAPPED);
    enter(k, TDVPR, 0);
    ok(k, TDH_MEM_RANGE_BLOCK, GPA, TDR, 0, 0);
    return k;
}

static void test_epoch(void)
{
    Machine *k = blocked_with_vcpu_inside();

    assert_status(remove_page(k), TDX_TLB_TRACKING_NOT_DONE | RCX);
    track(k);
    assert_status(remove_page(k), TDX_TLB_TRACKING_NOT_DONE | RCX);
    assert_status(call(k, TDH_MEM_TRACK, TDR, 0, 0, 0),
                  TDX_PREVIOUS_TLB_EPOCH_BUSY);
    machine_check(k);
    tdx_vp_exit(&k->m, 0);
    assert_status(remove_page(k), TDX_SUCCESS);
    g_assert_cmphex(k->r[TDX_RCX], ==, PAGES);
    track(k);
    machine_free(k);
}

/* Who enters after TRACK has nothing of the past, and holds up nothing */
static void test_epoch_reenter(void)
{
    Machine *k = blocked_with_vcpu_inside();

    track(k);
    tdx_vp_exit(&k->m, 0);
    enter(k, TDVPR, 0);
    assert_status(remove_page(k), TDX_SUCCESS);
    track(k);
    tdx_vp_exit(&k->m, 0);
    machine_free(k);
}

/* Without TRACK, leaving is not enough: it may have been late */
static void test_epoch_exit_only(void)
{
    Machine *k = blocked_with_vcpu_inside();

    tdx_vp_exit(&k->m, 0);
    assert_status(remove_page(k), TDX_TLB_TRACKING_NOT_DONE | RCX);
    track(k);
    assert_status(remove_page(k), TDX_SUCCESS);
    machine_free(k);
}

/* A processor of the machine, a virtual one, one at a time */
static void test_association(void)
{
    Machine *k = machine_new();

    td_to(k, STAGE_RUNNABLE);
    k->lp = 1;
    assert_status(call(k, TDH_VP_ENTER, TDVPR, 0, 0, 0), TDX_VCPU_ASSOCIATED);
    assert_status(call(k, TDH_VP_RD, TDVPR, 0x203c, 0, 0),
                  TDX_VCPU_ASSOCIATED);
    assert_status(call(k, TDH_VP_FLUSH, TDVPR, 0, 0, 0),
                  TDX_VCPU_NOT_ASSOCIATED);
    k->lp = 0;
    assert_status(call(k, TDH_MNG_VPFLUSHDONE, TDR, 0, 0, 0),
                  TDX_FLUSHVP_NOT_DONE);
    ok(k, TDH_VP_FLUSH, TDVPR, 0, 0, 0);
    enter(k, TDVPR, 1);
    assert_status(call(k, TDH_VP_FLUSH, TDVPR, 0, 0, 0),
                  TDX_OPERAND_BUSY | RCX);
    assert_status(call(k, TDH_MNG_VPFLUSHDONE, TDR, 0, 0, 0),
                  TDX_OPERAND_BUSY | RCX);
    assert_status(call(k, TDH_VP_ENTER, TDVPR, 0, 0, 0),
                  TDX_VCPU_STATE_INCORRECT);
    tdx_vp_exit(&k->m, 1);
    assert_status(call(k, TDH_VP_ENTER, TDVPR | 1, 0, 0, 0),
                  TDX_OPERAND_INVALID | RCX);
    machine_free(k);
}

/* A 2M page becomes 512 of 4K, unblocked, and one again */
static void check_round(TdxSeptState state)
{
    Machine *k = machine_new();
    uint64_t last = 511 * TDX_PAGE_SIZE;
    int64_t pages;

    td_to(k, STAGE_RUNNABLE);
    entry_to(k, GPA, 1, state);
    pages = the_td(k)->chldcnt;
    ok(k, TDH_MEM_RANGE_BLOCK, GPA | 1, TDR, 0, 0);
    track(k);
    ok(k, TDH_MEM_PAGE_DEMOTE, GPA | 1, TDR, SPARE, 0);
    g_assert_cmpint(the_td(k)->chldcnt, ==, pages + 1);
    g_assert_cmpint(state_of(k, GPA, 0), ==, state);
    g_assert_cmpint(state_of(k, GPA + last, 0), ==, state);
    g_assert_cmphex(k->r[TDX_RCX] & TDX_SEPT_ADDRESS, ==, PAGES + last);
    ok(k, TDH_PHYMEM_PAGE_RDMD, PAGES + last, 0, 0, 0);
    g_assert_cmpuint(k->r[TDX_R8], ==, 0);
    ok(k, TDH_MEM_RANGE_BLOCK, GPA | 1, TDR, 0, 0);
    track(k);
    ok(k, TDH_MEM_PAGE_PROMOTE, GPA | 1, TDR, 0, 0);
    g_assert_cmphex(k->r[TDX_RCX], ==, SPARE);
    g_assert_cmpint(the_td(k)->chldcnt, ==, pages);
    g_assert_cmpint(state_of(k, GPA, 1), ==, state);
    ok(k, TDH_PHYMEM_PAGE_RDMD, PAGES + last, 0, 0, 0);
    g_assert_cmpuint(k->r[TDX_R8], ==, 1);
    machine_free(k);
}

static void test_round(void)
{
    check_round(TDX_SEPT_MAPPED);
    check_round(TDX_SEPT_PENDING);
}

/* 512 parts that do not make one page */
static void test_no_merge(void)
{
    enum { HOLE_IN_IT, MIXED, BLOCKED_PART, ORDER, CASES };

    for (int i = 0; i < CASES; i++) {
        Machine *k = machine_new();
        uint64_t odd = GPA + 7 * TDX_PAGE_SIZE;

        td_to(k, STAGE_VCPU);
        entry_to(k, GPA, 1, TDX_SEPT_PENDING);
        ok(k, TDH_MEM_PAGE_DEMOTE, GPA | 1, TDR, SPARE, 0);
        if (i == MIXED) {
            g_assert_false(accept_page(k, odd, 0).exit);
        } else if (i == BLOCKED_PART) {
            ok(k, TDH_MEM_RANGE_BLOCK, odd, TDR, 0, 0);
        } else {
            ok(k, TDH_MEM_PAGE_REMOVE, odd, TDR, 0, 0);
        }
        if (i == ORDER) {
            ok(k, TDH_MEM_PAGE_AUG, odd, TDR, PAGES + M2, 0);
        }
        assert_status(call(k, TDH_MEM_PAGE_PROMOTE, GPA | 1, TDR, 0, 0),
                      TDX_EPT_INVALID_PROMOTE_CONDITIONS | RCX);
        assert_status(call(k, TDH_MEM_SEPT_REMOVE, GPA | 1, TDR, 0, 0),
                      TDX_EPT_PAGE_NOT_FREE | RCX);
        machine_free(k);
    }
}

/* Contiguous and of one state, but no 2M page of memory */
static void test_no_merge_unaligned(void)
{
    Machine *k = machine_new();

    td_to(k, STAGE_VCPU);
    entry_to(k, GPA, 1, TDX_SEPT_NL_MAPPED);
    for (uint64_t off = 0; off < M2; off += TDX_PAGE_SIZE) {
        ok(k, TDH_MEM_PAGE_AUG, GPA + off, TDR, PAGES + TDX_PAGE_SIZE + off,
           0);
    }
    assert_status(call(k, TDH_MEM_PAGE_PROMOTE, GPA | 1, TDR, 0, 0),
                  TDX_EPT_INVALID_PROMOTE_CONDITIONS | RCX);
    machine_free(k);
}

/* Address and level in RCX */
static void test_addresses(void)
{
    static const struct {
        unsigned leaf;
        uint64_t rcx;
        uint64_t status;
    } cases[] = {
        { TDH_MEM_SEPT_RD, GPA, 0 },
        { TDH_MEM_SEPT_RD, GPA | 3, TDX_OPERAND_INVALID },  /* alignment */
        { TDH_MEM_SEPT_RD, 3, 0 },
        { TDH_MEM_SEPT_RD, 4, TDX_OPERAND_INVALID },        /* no such level */
        { TDH_MEM_SEPT_RD, GPA | 8, TDX_OPERAND_INVALID },
        { TDH_MEM_SEPT_RD, GPA | 1ull << 47, TDX_OPERAND_INVALID },
        { TDH_MEM_SEPT_RD, GPA | 1ull << 48, TDX_OPERAND_INVALID },
        { TDH_MEM_SEPT_RD, GPA | 1ull << 52, TDX_OPERAND_INVALID },
        { TDH_MEM_SEPT_RD, GPA + 8 * G1, TDX_EPT_WALK_FAILED },
        { TDH_MR_EXTEND, GPA + 0x100, 0 },
        { TDH_MR_EXTEND, GPA + 0x80, TDX_OPERAND_INVALID },
        { TDH_MR_EXTEND, GPA | 1ull << 47, TDX_OPERAND_INVALID },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        Machine *k = machine_new();
        uint64_t want = cases[i].status;

        want |= want ? RCX : 0;
        td_to(k, STAGE_VCPU);
        entry_to(k, GPA, 0, TDX_SEPT_MAPPED);
        assert_status(call(k, cases[i].leaf, cases[i].rcx, TDR, 0, 0), want);
        machine_free(k);
    }
}

static void test_interrupt(void)
{
    Machine *k = machine_new();

    td_to(k, STAGE_VCPU);
    entry_to(k, GPA, 1, TDX_SEPT_MAPPED);
    k->interrupt_after = 1;
    k->m.opt.demote_uninterrupted = false;
    assert_status(call(k, TDH_MEM_PAGE_DEMOTE, GPA | 1, TDR, SPARE, 0),
                  TDX_INTERRUPTED_RESTARTABLE);
    g_assert_cmphex(k->r[TDX_RCX], ==, GPA | 1);
    g_assert_cmphex(k->r[TDX_RDX], ==, TDR);
    machine_check(k);
    k->m.opt.demote_uninterrupted = true;
    ok(k, TDH_MEM_PAGE_DEMOTE, GPA | 1, TDR, SPARE, 0);
    assert_status(call(k, TDH_MEM_PAGE_PROMOTE, GPA | 1, TDR, 0, 0),
                  TDX_INTERRUPTED_RESTARTABLE);
    g_assert_cmpint(state_of(k, GPA, 1), ==, TDX_SEPT_NL_MAPPED);
    k->interrupt_after = 0;
    ok(k, TDH_MEM_PAGE_PROMOTE, GPA | 1, TDR, 0, 0);
    machine_free(k);
}

static uint64_t eeq(int asked, int there, TdxSeptState state)
{
    bool leaf = state != TDX_SEPT_FREE && !tdx_sept_is_table(state);
    uint64_t info = asked | there << 3 | state << 6 | leaf << 14;

    return TDX_EEQ_ACCEPT | info << 32;
}

/* Level that the TD asks for against the level that is there */
static void test_accept_levels(void)
{
    static const struct {
        int there;
        TdxSeptState state;
        int asked;
        uint64_t status;
    } cases[] = {
        { 1, TDX_SEPT_PENDING, 1, 0 },
        { 1, TDX_SEPT_MAPPED, 0, TDX_PAGE_ALREADY_ACCEPTED | 1 },
        { 1, TDX_SEPT_PENDING, 0, EXIT },
        { 1, TDX_SEPT_BLOCKED, 0, EXIT },
        { 1, TDX_SEPT_FREE, 0, EXIT },
        { 2, TDX_SEPT_FREE, 1, EXIT },
        { 1, TDX_SEPT_NL_BLOCKED, 0, EXIT },
        { 0, TDX_SEPT_PENDING, 1, TDX_PAGE_SIZE_MISMATCH | 1 },
        { 0, TDX_SEPT_MAPPED, 1, TDX_PAGE_SIZE_MISMATCH | 1 },
        { 0, TDX_SEPT_PENDING, 2, TDX_OPERAND_INVALID | RCX },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        Machine *k = machine_new();
        TdxAccept result;

        td_to(k, STAGE_RUNNABLE);
        entry_to(k, GPA, cases[i].there, cases[i].state);
        result = accept_page(k, GPA, cases[i].asked);
        g_assert_cmpint(result.exit, ==, cases[i].status == EXIT);
        if (result.exit) {
            g_assert_cmphex(result.extended, ==,
                            eeq(cases[i].asked, cases[i].there,
                                cases[i].state));
            g_assert_cmphex(result.qualification, ==, 2);
            g_assert_cmphex(result.gpa, ==, GPA);
        } else {
            assert_status(result.status, cases[i].status);
        }
        machine_free(k);
    }
}

/* What is accepted is zero, and an interrupt loses nothing of the work */
static void test_accept_content(void)
{
    Machine *k = machine_new();
    uint8_t *last;

    td_to(k, STAGE_RUNNABLE);
    entry_to(k, GPA, 1, TDX_SEPT_PENDING);
    last = k->m.ops->page(k, PAGES + M2 - TDX_PAGE_SIZE);
    k->interrupt_after = 100;
    g_assert_true(accept_page(k, GPA, 1).interrupted);
    g_assert_cmpint(state_of(k, GPA, 1), ==, TDX_SEPT_PENDING);
    g_assert_cmphex(k->r[TDX_RCX] & TDX_SEPT_ADDRESS, ==, PAGES);
    g_assert_cmpint(last[0], ==, 0xcc);
    k->interrupt_after = 450;
    g_assert_false(accept_page(k, GPA, 1).interrupted);
    g_assert_cmpint(state_of(k, GPA, 1), ==, TDX_SEPT_MAPPED);
    g_assert_cmpint(last[0], ==, 0);
    machine_free(k);
}

static void test_guest_calls(void)
{
    Machine *k = machine_new();
    uint64_t r[TDX_NR_REGS] = { TDG_VP_INFO };
    TdxTdExit exit;

    td_to(k, STAGE_RUNNABLE);
    enter(k, TDVPR, 0);
    tdx_tdcall(&k->m, 0, r, &exit);
    g_assert_cmpint(exit.reason, ==, TDX_EXIT_NONE);
    g_assert_cmpint(r[TDX_RCX], ==, 48);
    g_assert_cmphex(r[TDX_R8], ==, 1 | 2ull << 32);
    r[TDX_RAX] = TDG_VP_VMCALL;
    r[TDX_RCX] = 0xfcc0;
    tdx_tdcall(&k->m, 0, r, &exit);
    g_assert_cmpint(exit.reason, ==, TDX_EXIT_TDCALL);
    g_assert_cmphex(exit.mask, ==, 0xfcc0);
    r[TDX_RCX] |= 1 << TDX_RBP;
    tdx_tdcall(&k->m, 0, r, &exit);
    assert_status(r[TDX_RAX], TDX_OPERAND_INVALID | RCX);
    r[TDX_RAX] = TDG_MEM_PAGE_ACCEPT;
    r[TDX_RCX] = GPA | 1;
    tdx_tdcall(&k->m, 0, r, &exit);
    g_assert_cmpint(exit.reason, ==, TDX_EXIT_EPT_VIOLATION);
    g_assert_cmphex(exit.gpa, ==, GPA);
    r[TDX_RAX] = 31;
    tdx_tdcall(&k->m, 0, r, &exit);
    assert_status(r[TDX_RAX], TDX_OPERAND_INVALID | TDX_OPERAND_RAX);
    tdx_vp_exit(&k->m, 0);
    machine_free(k);
}

/* BUSY at each third BLOCK, twice; counted, and nothing else happens */
static void test_injection(void)
{
    Machine *k = machine_new();
    int busy = 0;

    td_to(k, STAGE_RUNNABLE);
    entry_to(k, GPA, 1, TDX_SEPT_MAPPED);
    k->m.inject[TDH_MEM_RANGE_BLOCK] = (TdxInjection) {
        .status = TDX_OPERAND_BUSY >> 32, .count = 2, .every = 3,
    };
    for (int i = 0; i < 9; i++) {
        uint64_t status = call(k, TDH_MEM_RANGE_BLOCK, GPA | 1, TDR, 0, 0);

        busy += (status & -TDX_STATUS(1)) == TDX_OPERAND_BUSY;
    }
    g_assert_cmpint(busy, ==, 2);
    g_assert_cmpint(k->m.count[TDH_MEM_RANGE_BLOCK].injected, ==, 2);
    g_assert_cmpint(k->m.count[TDH_MEM_RANGE_BLOCK].busy, ==, 2);
    g_assert_cmpint(k->m.count[TDH_MEM_RANGE_BLOCK].done[1], ==, 7);
    machine_free(k);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tdx-size/epoch", test_epoch);
    g_test_add_func("/tdx-size/epoch-reenter", test_epoch_reenter);
    g_test_add_func("/tdx-size/epoch-exit-only", test_epoch_exit_only);
    g_test_add_func("/tdx-size/association", test_association);
    g_test_add_func("/tdx-size/round", test_round);
    g_test_add_func("/tdx-size/no-merge", test_no_merge);
    g_test_add_func("/tdx-size/no-merge-unaligned", test_no_merge_unaligned);
    g_test_add_func("/tdx-size/addresses", test_addresses);
    g_test_add_func("/tdx-size/interrupt", test_interrupt);
    g_test_add_func("/tdx-size/accept-levels", test_accept_levels);
    g_test_add_func("/tdx-size/accept-content", test_accept_content);
    g_test_add_func("/tdx-size/guest-calls", test_guest_calls);
    g_test_add_func("/tdx-size/injection", test_injection);
    return g_test_run();
}
