/*
 * TDX module emulation: operands and checks that leaves on the S-EPT share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "target/i386/tdx-sept.h"

#define GPA_LEVEL       7ull
#define GPA_RESERVED    0xfff0000000000ff8ull

bool tdx_sept_gpa_valid(const TdxTd *td, uint64_t gpa_level, int min, int max)
{
    int level = gpa_level & GPA_LEVEL;
    uint64_t gpa = gpa_level & ~GPA_LEVEL;

    if ((gpa_level & GPA_RESERVED) || level < min || level > max ||
        (gpa & (TDX_LEVEL_SIZE(level) - 1))) {
        return false;
    }
    return !(gpa & tdx_shared_bit(td)) && (td->gpaw52 || !(gpa >> 48));
}

/* What of an entry software sees */
static uint64_t visible(uint64_t entry, int level)
{
    if (tdx_sept_state(entry) == TDX_SEPT_FREE) {
        return TDX_SEPT_SVE;
    }
    if (!tdx_sept_is_leaf(entry)) {
        return entry & (TDX_SEPT_RWX | TDX_SEPT_LEAF);
    }
    return (entry & (TDX_SEPT_RWX | TDX_SEPT_MEMTYPE | TDX_SEPT_IPAT |
                     TDX_SEPT_LEAF | TDX_SEPT_SVE)) |
           tdx_sept_entry_pa(entry, level);
}

uint64_t tdx_sept_fail(TdxCall *c, const TdxSeptOp *op, uint64_t status)
{
    const TdxSeptWalk *at = &op->at;

    c->r[TDX_RCX] = visible(at->entry, at->level);
    c->r[TDX_RDX] = (uint64_t)tdx_sept_state(at->entry) << 8 | at->level;
    return status;
}

uint64_t tdx_sept_begin(TdxCall *c, uint64_t tdr, int min, int max,
                        TdxSeptOp *op)
{
    uint64_t gpa_level = c->r[TDX_RCX];
    uint64_t status;

    c->r[TDX_RCX] = c->r[TDX_RDX] = 0;
    status = tdx_td_get_for(c, tdr, TDX_OPERAND_RDX, &op->td);
    if (status) {
        return status;
    }
    if (!tdx_sept_gpa_valid(op->td, gpa_level, min, MIN(max, op->td->top))) {
        return tdx_operand_invalid(TDX_OPERAND_RCX);
    }
    op->level = gpa_level & GPA_LEVEL;
    op->gpa = gpa_level & ~GPA_LEVEL;
    if (!tdx_sept_walk(op->td, op->gpa, op->level, &op->at)) {
        return tdx_sept_fail(c, op, TDX_EPT_WALK_FAILED | TDX_OPERAND_RCX);
    }
    if (tdx_sept_allows(c->leaf, tdx_sept_state(op->at.entry))) {
        return TDX_SUCCESS;
    }
    status = TDX_EPT_ENTRY_STATE_INCORRECT;
    if (c->leaf == TDH_MEM_RANGE_BLOCK &&
        tdx_sept_is_blocked(tdx_sept_state(op->at.entry))) {
        status = TDX_GPA_RANGE_ALREADY_BLOCKED;
    }
    return tdx_sept_fail(c, op, status | TDX_OPERAND_RCX);
}

TdxPamtEntry *tdx_sept_pamt(TdxModule *m, uint64_t entry, int level)
{
    return tdx_pamt_at(m, tdx_sept_entry_pa(entry, level),
                       tdx_sept_is_leaf(entry) ? level : 0);
}

bool tdx_is_tracked(const TdxTd *td, uint64_t bepoch)
{
    if (bepoch + 1 == td->epoch) {
        return !td->refcount[bepoch & 1];
    }
    return bepoch + 1 < td->epoch;
}

uint64_t tdx_sept_check_tracked(TdxCall *c, const TdxSeptOp *op)
{
    const TdxSeptWalk *at = &op->at;

    if (op->td->op != TDX_OP_RUNNABLE) {
        return TDX_SUCCESS;
    }
    if (!tdx_sept_is_blocked(tdx_sept_state(at->entry))) {
        return tdx_sept_fail(c, op,
                             TDX_GPA_RANGE_NOT_BLOCKED | TDX_OPERAND_RCX);
    }
    if (!tdx_is_tracked(op->td,
                        tdx_sept_pamt(c->m, at->entry, at->level)->bepoch)) {
        return TDX_TLB_TRACKING_NOT_DONE | TDX_OPERAND_RCX;
    }
    return TDX_SUCCESS;
}

uint64_t tdx_sept_begin_tracked_table(TdxCall *c, int max, TdxSeptOp *op)
{
    uint64_t status = tdx_sept_begin(c, c->r[TDX_RDX], 1, max, op);

    for (unsigned reg = TDX_R9; c->version && reg <= TDX_R11; reg++) {
        c->r[reg] = TDX_NULL_PA;
    }
    return status ? status : tdx_sept_check_tracked(c, op);
}
