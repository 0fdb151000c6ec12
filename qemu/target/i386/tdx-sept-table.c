/*
 * TDX module emulation: leaves on tables and ranges of the S-EPT
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "target/i386/tdx-sept.h"

#define PA_NOT_USED         (1ull << 63)
#define ALLOW_EXISTING      1ull

/* Without L2 VMs there is no table to add for one */
static uint64_t check_l2_pages(TdxCall *c)
{
    for (unsigned reg = TDX_R9; c->version && reg <= TDX_R11; reg++) {
        if (c->r[reg] != TDX_NULL_PA) {
            return tdx_operand_invalid(reg);
        }
    }
    return TDX_SUCCESS;
}

/* RDX: TDR and flags of a leaf that takes tables */
static bool td_and_flags_valid(uint64_t rdx)
{
    return !(rdx & 0xfff0000000000ffeull);
}

/* There is an entry already, or none is to be added */
static uint64_t sept_add_existing(TdxCall *c, const TdxSeptOp *op,
                                  bool allowed)
{
    if (c->r[TDX_R8] == TDX_NULL_PA && !c->version) {
        return tdx_operand_invalid(TDX_OPERAND_R8);
    }
    if (!allowed || tdx_sept_state(op->at.entry) != TDX_SEPT_NL_MAPPED) {
        return tdx_sept_fail(c, op,
                             TDX_EPT_ENTRY_STATE_INCORRECT | TDX_OPERAND_RCX);
    }
    return check_l2_pages(c);
}

/* RCX: address and level of the entry, RDX: TDR and flags, R8: page */
static uint64_t mem_sept_add(TdxCall *c)
{
    uint64_t rdx = c->r[TDX_RDX], pa = c->r[TDX_R8];
    bool existing = pa == TDX_NULL_PA;
    TdxSeptOp op;
    uint64_t status;

    if (!td_and_flags_valid(rdx)) {
        c->r[TDX_RCX] = c->r[TDX_RDX] = 0;
        return tdx_operand_invalid(TDX_OPERAND_RDX);
    }
    status = tdx_sept_begin(c, rdx & -TDX_PAGE_SIZE, 1, TDX_SEPT_TOP, &op);
    if (status) {
        return status;
    }
    if (existing || tdx_sept_state(op.at.entry) != TDX_SEPT_FREE) {
        status = sept_add_existing(c, &op, existing || (rdx & ALLOW_EXISTING));
        if (!status && !existing && c->version) {
            c->r[TDX_R8] = pa | PA_NOT_USED;
        }
        return status;
    }
    pa &= ~PA_NOT_USED;
    status = check_l2_pages(c);
    if (!status) {
        status = tdx_td_take_page(c->m, op.td, pa, TDX_OPERAND_R8, TDX_PT_EPT);
    }
    if (status) {
        return status;
    }
    tdx_sept_link(&op.at, tdx_sept_table_entry(pa),
                  tdx_sept_page_new(op.td, pa));
    return TDX_SUCCESS;
}

static bool table_is_free(TdxSeptPage *page)
{
    for (int i = 0; i < TDX_SEPT_ENTRIES; i++) {
        if (tdx_sept_state(page->entry[i]) != TDX_SEPT_FREE) {
            return false;
        }
    }
    return true;
}

/* RCX: address and level of the entry; RCX: page that was the table */
static uint64_t mem_sept_remove(TdxCall *c)
{
    TdxSeptOp op;
    uint64_t pa, status = tdx_sept_begin_tracked_table(c, TDX_SEPT_TOP, &op);

    if (status) {
        return status;
    }
    pa = tdx_sept_entry_pa(op.at.entry, 0);
    if (!table_is_free(tdx_sept_page_find(op.td, pa))) {
        return tdx_sept_fail(c, &op, TDX_EPT_PAGE_NOT_FREE | TDX_OPERAND_RCX);
    }
    tdx_sept_store(&op.at, TDX_SEPT_FREE_ENTRY);
    tdx_sept_page_remove(op.td, pa);
    tdx_td_give_page(c->m, op.td, pa, 0);
    c->r[TDX_RCX] = pa;
    return TDX_SUCCESS;
}

/* RCX: address and level; RCX: the entry, RDX: its state and level */
static uint64_t mem_sept_rd(TdxCall *c)
{
    TdxSeptOp op;
    uint64_t status = tdx_sept_begin(c, c->r[TDX_RDX], 0, TDX_SEPT_TOP, &op);

    return status ? status : tdx_sept_fail(c, &op, TDX_SUCCESS);
}

/* RCX: address and level. No walk that starts from now on passes. */
static uint64_t mem_range_block(TdxCall *c)
{
    TdxSeptOp op;
    uint64_t status = tdx_sept_begin(c, c->r[TDX_RDX], 0, TDX_SEPT_TOP, &op);

    if (status) {
        return status;
    }
    tdx_sept_store(&op.at, tdx_sept_block(op.at.entry, op.level));
    tdx_sept_pamt(c->m, op.at.entry, op.level)->bepoch = op.td->epoch;
    return TDX_SUCCESS;
}

/* RCX: address and level */
static uint64_t mem_range_unblock(TdxCall *c)
{
    TdxSeptOp op;
    uint64_t status = tdx_sept_begin(c, c->r[TDX_RDX], 0, TDX_SEPT_TOP, &op);

    if (status) {
        return status;
    }
    status = tdx_sept_check_tracked(c, &op);
    if (status) {
        return (status & -TDX_STATUS(1)) | TDX_OPERAND_SEPT_TREE;
    }
    tdx_sept_store(&op.at, tdx_sept_unblock(op.at.entry));
    return TDX_SUCCESS;
}

/*
 * RCX: TDR. The next epoch starts; who entered in the one before the current
 * must have left.
 */
static uint64_t mem_track(TdxCall *c)
{
    TdxTd *td;
    uint64_t status = tdx_td_get_for(c, c->r[TDX_RCX], TDX_OPERAND_RCX, &td);

    if (status) {
        return status;
    }
    if (td->refcount[!(td->epoch & 1)]) {
        return TDX_PREVIOUS_TLB_EPOCH_BUSY;
    }
    td->epoch++;
    return TDX_SUCCESS;
}

const TdxLeaf tdx_mem_leaves[] = {
    { TDH_MEM_PAGE_ADD, 0, TDX_LEAF_LEVEL, "TDH.MEM.PAGE.ADD",
      tdx_mem_page_add },
    { TDH_MEM_SEPT_ADD, 1, TDX_LEAF_LEVEL, "TDH.MEM.SEPT.ADD", mem_sept_add },
    { TDH_MEM_PAGE_AUG, 0, TDX_LEAF_LEVEL, "TDH.MEM.PAGE.AUG",
      tdx_mem_page_aug },
    { TDH_MEM_RANGE_BLOCK, 0, TDX_LEAF_LEVEL, "TDH.MEM.RANGE.BLOCK",
      mem_range_block },
    { TDH_MEM_PAGE_DEMOTE, 0, TDX_LEAF_LEVEL, "TDH.MEM.PAGE.DEMOTE",
      tdx_mem_page_demote },
    { TDH_MR_EXTEND, 0, 0, "TDH.MR.EXTEND", tdx_mr_extend },
    { TDH_MR_FINALIZE, 0, 0, "TDH.MR.FINALIZE", tdx_mr_finalize },
    { TDH_MEM_PAGE_PROMOTE, 1, TDX_LEAF_LEVEL, "TDH.MEM.PAGE.PROMOTE",
      tdx_mem_page_promote },
    { TDH_MEM_SEPT_RD, 0, TDX_LEAF_LEVEL, "TDH.MEM.SEPT.RD", mem_sept_rd },
    { TDH_MEM_PAGE_REMOVE, 0, TDX_LEAF_LEVEL, "TDH.MEM.PAGE.REMOVE",
      tdx_mem_page_remove },
    { TDH_MEM_SEPT_REMOVE, 1, TDX_LEAF_LEVEL, "TDH.MEM.SEPT.REMOVE",
      mem_sept_remove },
    { TDH_MEM_TRACK, 0, 0, "TDH.MEM.TRACK", mem_track },
    { TDH_MEM_RANGE_UNBLOCK, 0, TDX_LEAF_LEVEL, "TDH.MEM.RANGE.UNBLOCK",
      mem_range_unblock },
    { }
};
