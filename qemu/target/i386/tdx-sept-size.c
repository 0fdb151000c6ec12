/*
 * TDX module emulation: private pages change their size
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Both leaves look at everything before they change anything, and may be
 * called again as they were when an interrupt came first.
 */
#include "qemu/osdep.h"
#include "target/i386/tdx-sept.h"


static uint64_t interrupted(TdxCall *c, uint64_t rcx, uint64_t rdx)
{
    c->r[TDX_RCX] = rcx;
    c->r[TDX_RDX] = rdx;
    return TDX_INTERRUPTED_RESTARTABLE;
}

static bool interrupt_pending(TdxCall *c)
{
    return c->m->ops->interrupt_pending(c->m->opaque, c->lp);
}

/* The state of a page that a blocked one is made of: as if not blocked */
static TdxSeptState parts_state(TdxSeptState state)
{
    switch (state) {
    case TDX_SEPT_BLOCKED:
        return TDX_SEPT_MAPPED;
    case TDX_SEPT_PENDING_BLOCKED:
        return TDX_SEPT_PENDING;
    default:
        return state;
    }
}

static void split(TdxCall *c, TdxSeptOp *op, uint64_t table)
{
    TdxSeptState state = parts_state(tdx_sept_state(op->at.entry));
    uint64_t pa = tdx_sept_entry_pa(op->at.entry, op->level);
    TdxSeptPage *page = tdx_sept_page_new(op->td, table);
    uint64_t step = TDX_LEVEL_SIZE(op->level - 1);

    for (int i = 0; i < TDX_SEPT_ENTRIES; i++) {
        page->entry[i] = tdx_sept_leaf_entry(state, pa + i * step);
    }
    tdx_pamt_demote(c->m, pa, op->level);
    tdx_sept_link(&op->at, tdx_sept_table_entry(table), page);
}

/* RCX: address and level, RDX: TDR and flags, R8: page for the table */
uint64_t tdx_mem_page_demote(TdxCall *c)
{
    uint64_t rcx = c->r[TDX_RCX], rdx = c->r[TDX_RDX], table = c->r[TDX_R8];
    TdxPamtEntry *e;
    TdxSeptOp op;
    uint64_t status;

    if (rdx & 0xfff0000000000ffeull) {
        c->r[TDX_RCX] = c->r[TDX_RDX] = 0;
        return tdx_operand_invalid(TDX_OPERAND_RDX);
    }
    status = tdx_sept_begin(c, rdx & -TDX_PAGE_SIZE, 1, 2, &op);
    if (!status) {
        status = tdx_sept_check_tracked(c, &op);
    }
    if (status) {
        return status;
    }
    status = tdx_pamt_expect(c->m, table, 0, TDX_PT_NDA, &e);
    if (status) {
        return tdx_page_error(status, TDX_OPERAND_R8);
    }
    if (!c->m->opt.demote_uninterrupted && interrupt_pending(c)) {
        return interrupted(c, rcx, rdx);
    }
    tdx_td_take_page(c->m, op.td, table, TDX_OPERAND_R8, TDX_PT_EPT);
    split(c, &op, table);
    return TDX_SUCCESS;
}

/* An entry without what an ACCEPT that was interrupted left */
static uint64_t clean(uint64_t entry, int level)
{
    if (tdx_sept_state(entry) == TDX_SEPT_PENDING) {
        return tdx_sept_leaf_entry(TDX_SEPT_PENDING,
                                   tdx_sept_entry_pa(entry, level));
    }
    return entry;
}

/* All entries of one state, accepted or all not, and one range of memory */
static bool can_merge(const TdxSeptPage *page, int level)
{
    uint64_t first = clean(page->entry[0], level - 1);
    TdxSeptState state = tdx_sept_state(first);

    if ((state != TDX_SEPT_MAPPED && state != TDX_SEPT_PENDING) ||
        (tdx_sept_entry_pa(first, level - 1) & (TDX_LEVEL_SIZE(level) - 1))) {
        return false;
    }
    for (int i = 1; i < TDX_SEPT_ENTRIES; i++) {
        if (clean(page->entry[i], level - 1) !=
            first + i * TDX_LEVEL_SIZE(level - 1)) {
            return false;
        }
    }
    return true;
}

static void merge(TdxCall *c, TdxSeptOp *op, TdxSeptPage *page)
{
    uint64_t first = clean(page->entry[0], op->level - 1);

    tdx_pamt_promote(c->m, tdx_sept_entry_pa(first, op->level), op->level);
    tdx_sept_store(&op->at, first);
}

/* RCX: address and level, RDX: TDR; RCX: page that was the table */
uint64_t tdx_mem_page_promote(TdxCall *c)
{
    uint64_t rcx = c->r[TDX_RCX], rdx = c->r[TDX_RDX], table;
    TdxSeptPage *page;
    TdxSeptOp op;
    uint64_t status = tdx_sept_begin_tracked_table(c, 2, &op);

    if (status) {
        return status;
    }
    table = tdx_sept_entry_pa(op.at.entry, 0);
    page = tdx_sept_page_find(op.td, table);
    if (!can_merge(page, op.level)) {
        return tdx_sept_fail(c, &op, TDX_EPT_INVALID_PROMOTE_CONDITIONS |
                                     TDX_OPERAND_RCX);
    }
    if (interrupt_pending(c)) {
        return interrupted(c, rcx, rdx);
    }
    merge(c, &op, page);
    tdx_sept_page_remove(op.td, table);
    tdx_td_give_page(c->m, op.td, table, 0);
    c->r[TDX_RCX] = table;
    return TDX_SUCCESS;
}
