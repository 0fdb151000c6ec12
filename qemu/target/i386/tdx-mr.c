/*
 * TDX module emulation: TDH.MR.*, the measurement of a TD's build
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "target/i386/tdx-sept.h"

#define CHUNK   256

/* A block of 128 bytes: name of the leaf, guest address; then the content */
void tdx_measure(TdxTd *td, const char *leaf, uint64_t gpa,
                 const uint8_t *content, size_t len)
{
    uint8_t block[128] = { };

    memcpy(block, leaf, strlen(leaf));
    stq_le_p(&block[16], gpa);
    g_checksum_update(td->measurement, block, sizeof(block));
    g_checksum_update(td->measurement, content, len);
}

/* RCX: guest address of 256 bytes, RDX: TDR */
uint64_t tdx_mr_extend(TdxCall *c)
{
    uint64_t gpa = c->r[TDX_RCX];
    uint8_t content[CHUNK];
    TdxSeptOp op = { .gpa = gpa };
    uint64_t status;

    status = tdx_td_get_for(c, c->r[TDX_RDX], TDX_OPERAND_RDX, &op.td);
    c->r[TDX_RCX] = c->r[TDX_RDX] = 0;
    if (status) {
        return status;
    }
    if ((gpa & (CHUNK - 1)) ||
        !tdx_sept_gpa_valid(op.td, gpa & -TDX_PAGE_SIZE, 0, 0)) {
        return tdx_operand_invalid(TDX_OPERAND_RCX);
    }
    if (tdx_sept_translate(op.td, gpa, &op.at) != TDX_SEPT_OK) {
        return tdx_sept_fail(c, &op,
                             TDX_EPT_ENTRY_NOT_PRESENT | TDX_OPERAND_RCX);
    }
    tdx_read(c->m, tdx_sept_entry_pa(op.at.entry, op.at.level) +
                   (gpa & (TDX_LEVEL_SIZE(op.at.level) - 1)), content, CHUNK);
    tdx_measure(op.td, "MR.EXTEND", gpa, content, CHUNK);
    return TDX_SUCCESS;
}

/* RCX: TDR. The build is over, the TD may run. */
uint64_t tdx_mr_finalize(TdxCall *c)
{
    TdxTd *td;
    gsize len = sizeof(td->mrtd);
    uint64_t status = tdx_td_get_for(c, c->r[TDX_RCX], TDX_OPERAND_RCX, &td);

    if (status) {
        return status;
    }
    if (!td->nr_vcpus) {
        return TDX_NO_VCPUS;
    }
    g_checksum_get_digest(td->measurement, td->mrtd, &len);
    td->op = TDX_OP_RUNNABLE;
    return TDX_SUCCESS;
}
