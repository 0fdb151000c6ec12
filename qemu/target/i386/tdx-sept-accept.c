/*
 * TDX module emulation: a TD accepts a page, TDG.MEM.PAGE.ACCEPT
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the host has to repair, a page that is missing or has another size,
 * ends in an EPT violation with an extended qualification. What the TD asked
 * wrongly goes back to the TD.
 */
#include "qemu/osdep.h"
#include "target/i386/tdx-sept.h"

#define QUALIFICATION_WRITE 2ull
#define PARTS_SHIFT         12
#define PARTS_MASK          (0x1ffull << PARTS_SHIFT)

static void violation(const TdxSeptOp *op, TdxAccept *result)
{
    const TdxSeptWalk *at = &op->at;
    uint64_t state = tdx_sept_state(at->entry);
    uint64_t info = op->level | at->level << 3 | state << 6 |
                    tdx_sept_is_leaf(at->entry) << 14;

    result->exit = true;
    result->gpa = op->gpa;
    result->qualification = QUALIFICATION_WRITE |
                            (at->entry & TDX_SEPT_RWX) << 3;
    result->extended = TDX_EEQ_ACCEPT | info << 32;
}

static bool interrupt_pending(TdxCall *c)
{
    return c->m->ops->interrupt_pending(c->m->opaque, c->lp);
}

/* Zero it 4K by 4K; false: an interrupt came, the entry tells how far */
static bool zero_page(TdxCall *c, TdxSeptOp *op)
{
    uint64_t pa = tdx_sept_entry_pa(op->at.entry, op->level);
    unsigned parts = TDX_LEVEL_SIZE(op->level) / TDX_PAGE_SIZE;
    unsigned i = 0;

    if (op->level) {
        i = (op->at.entry & PARTS_MASK) >> PARTS_SHIFT;
    }
    for (; i < parts; i++) {
        if (i && interrupt_pending(c)) {
            tdx_sept_store(&op->at,
                           tdx_sept_leaf_entry(TDX_SEPT_PENDING, pa) |
                           (uint64_t)i << PARTS_SHIFT);
            return false;
        }
        memset(c->m->ops->page(c->m->opaque, pa + i * TDX_PAGE_SIZE), 0,
               TDX_PAGE_SIZE);
    }
    return true;
}

static void accept_pending(TdxCall *c, TdxSeptOp *op, TdxAccept *result)
{
    uint64_t pa = tdx_sept_entry_pa(op->at.entry, op->level);

    if (!zero_page(c, op)) {
        result->interrupted = true;
        return;
    }
    tdx_sept_store(&op->at, tdx_sept_leaf_entry(TDX_SEPT_MAPPED, pa));
}

void tdx_sept_accept(TdxCall *c, TdxTd *td, uint64_t gpa_level,
                     TdxAccept *result)
{
    TdxSeptOp op = { .td = td, .level = gpa_level & 7, .gpa = gpa_level & ~7 };
    TdxSeptState state;
    bool found;

    *result = (TdxAccept) { .status = TDX_SUCCESS };
    if (!tdx_sept_gpa_valid(td, gpa_level, 0, 1)) {
        result->status = tdx_operand_invalid(TDX_OPERAND_RCX);
        return;
    }
    found = tdx_sept_walk(td, op.gpa, op.level, &op.at);
    state = tdx_sept_state(op.at.entry);
    if (state == TDX_SEPT_MAPPED) {
        result->status = TDX_PAGE_ALREADY_ACCEPTED | op.at.level;
    } else if (found && tdx_sept_is_table(state)) {
        result->status = TDX_PAGE_SIZE_MISMATCH | op.at.level;
    } else if (found && tdx_sept_acceptable(state)) {
        accept_pending(c, &op, result);
    } else {
        violation(&op, result);
    }
}
