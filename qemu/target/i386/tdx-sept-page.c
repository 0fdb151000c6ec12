/*
 * TDX module emulation: private pages come to a TD and leave it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "target/i386/tdx-sept.h"

/* RCX: address, RDX: TDR, R8: page, R9: source of its content */
uint64_t tdx_mem_page_add(TdxCall *c)
{
    uint64_t pa = c->r[TDX_R8], source = c->r[TDX_R9];
    uint8_t content[TDX_PAGE_SIZE];
    TdxSeptOp op;
    uint64_t status = tdx_sept_begin(c, c->r[TDX_RDX], 0, 0, &op);

    if (status) {
        return status;
    }
    if (!tdx_pa_valid(c->m, source, TDX_PAGE_SIZE) ||
        !tdx_read_shared(c->m, source, content, sizeof(content))) {
        return tdx_operand_invalid(TDX_OPERAND_R9);
    }
    status = tdx_td_take_page(c->m, op.td, pa, TDX_OPERAND_R8, TDX_PT_REG);
    if (status) {
        return status;
    }
    tdx_write(c->m, pa, content, sizeof(content));
    tdx_sept_store(&op.at, tdx_sept_leaf_entry(TDX_SEPT_MAPPED, pa));
    tdx_measure(op.td, "MEM.PAGE.ADD", op.gpa, NULL, 0);
    return TDX_SUCCESS;
}

/* RCX: address and level, RDX: TDR, R8: page. The TD has to accept it. */
uint64_t tdx_mem_page_aug(TdxCall *c)
{
    uint64_t pa = c->r[TDX_R8];
    TdxPamtEntry *e;
    TdxSeptOp op;
    uint64_t status = tdx_sept_begin(c, c->r[TDX_RDX], 0, 1, &op);

    if (status) {
        return status;
    }
    status = tdx_pamt_expect_free(c->m, pa, op.level, &e);
    if (status) {
        return tdx_page_error(status, TDX_OPERAND_R8);
    }
    tdx_pamt_set(e, TDX_PT_REG, op.td->tdr);
    op.td->chldcnt += TDX_LEVEL_SIZE(op.level) / TDX_PAGE_SIZE;
    c->m->ops->private_changed(c->m->opaque, pa, TDX_LEVEL_SIZE(op.level));
    tdx_sept_store(&op.at, tdx_sept_leaf_entry(TDX_SEPT_PENDING, pa));
    return TDX_SUCCESS;
}

/* RCX: address and level, RDX: TDR; RCX: page */
uint64_t tdx_mem_page_remove(TdxCall *c)
{
    TdxSeptOp op;
    uint64_t pa, status = tdx_sept_begin(c, c->r[TDX_RDX], 0, 2, &op);

    if (!status) {
        status = tdx_sept_check_tracked(c, &op);
    }
    if (status) {
        return status;
    }
    pa = tdx_sept_entry_pa(op.at.entry, op.level);
    tdx_sept_store(&op.at, TDX_SEPT_FREE_ENTRY);
    tdx_td_give_page(c->m, op.td, pa, op.level);
    c->r[TDX_RCX] = pa;
    return TDX_SUCCESS;
}
