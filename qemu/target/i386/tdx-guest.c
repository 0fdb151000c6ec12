/*
 * TDX module emulation: calls of a TD
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "target/i386/tdx-guest.h"
#include "target/i386/tdx-sept.h"

#define RAX_LEAF        0xffffull

typedef uint64_t TdxGuestFn(TdxCall *c, TdxVp *vp, TdxTdExit *exit);

/* RCX: registers that the host sees and sets. RAX, RCX, RSP never pass. */
static uint64_t vp_vmcall(TdxCall *c, TdxVp *vp, TdxTdExit *exit)
{
    uint64_t mask = c->r[TDX_RCX];
    uint64_t never = 1 << TDX_RAX | 1 << TDX_RCX | 1 << TDX_RSP;

    if (le64_to_cpu(vp->td->params.config_flags) & TDX_CONFIG_NO_RBP_MOD) {
        never |= 1 << TDX_RBP;
    }
    if ((mask & never) || mask >> 32) {
        return tdx_operand_invalid(TDX_OPERAND_RCX);
    }
    exit->reason = TDX_EXIT_TDCALL;
    exit->mask = mask & 0xffff;
    return TDX_SUCCESS;
}

/* RCX: width of an address, RDX: attributes, R8: processors, R9: this one */
static uint64_t vp_info(TdxCall *c, TdxVp *vp, TdxTdExit *exit)
{
    const TdxTd *td = vp->td;

    c->r[TDX_RCX] = td->gpaw52 ? 52 : 48;
    c->r[TDX_RDX] = le64_to_cpu(td->params.attributes);
    c->r[TDX_R8] = td->nr_vcpus |
                   (uint64_t)le16_to_cpu(td->params.max_vcpus) << 32;
    c->r[TDX_R9] = vp->index;
    c->r[TDX_R10] = c->r[TDX_R11] = 0;
    return TDX_SUCCESS;
}

/* What the last #VE was about; the next #VE waits for this call */
static uint64_t vp_veinfo_get(TdxCall *c, TdxVp *vp, TdxTdExit *exit)
{
    TdxVeInfo ve = vp->ve;

    if (!ve.valid) {
        ve = (TdxVeInfo) { };
    }
    c->r[TDX_RCX] = ve.reason;
    c->r[TDX_RDX] = ve.qualification;
    c->r[TDX_R8] = ve.gla;
    c->r[TDX_R9] = ve.gpa;
    c->r[TDX_R10] = ve.insn_len | (uint64_t)ve.insn_info << 32;
    vp->ve.valid = false;
    return ve.valid ? TDX_SUCCESS : TDX_NO_VALID_VE_INFO;
}

/* RCX: address and level */
static uint64_t mem_page_accept(TdxCall *c, TdxVp *vp, TdxTdExit *exit)
{
    TdxAccept result;

    tdx_sept_accept(c, vp->td, c->r[TDX_RCX], &result);
    if (result.exit) {
        exit->reason = TDX_EXIT_EPT_VIOLATION;
        exit->gpa = result.gpa;
        exit->qualification = result.qualification;
        exit->extended = result.extended;
    } else if (result.interrupted) {
        exit->reason = TDX_EXIT_INTERRUPT;
    }
    return result.status;
}

/* RCX: 0, this TD; RDX: field; R8: value */
static uint64_t vm_rd(TdxCall *c, TdxVp *vp, TdxTdExit *exit)
{
    uint64_t field = c->r[TDX_RDX], value = 0, status;

    c->r[TDX_R8] = 0;
    if (c->r[TDX_RCX]) {
        return tdx_operand_invalid(TDX_OPERAND_RCX);
    }
    status = tdx_td_field(vp->td, field, &value);
    c->r[TDX_R8] = value;
    return status;
}

/* RCX: 0, this TD; RDX: field, R8: value, R9: bits of it; R8: former value */
static uint64_t vm_wr(TdxCall *c, TdxVp *vp, TdxTdExit *exit)
{
    uint64_t field = c->r[TDX_RDX], value = c->r[TDX_R8], old, status;

    c->r[TDX_R8] = 0;
    if (c->r[TDX_RCX]) {
        return tdx_operand_invalid(TDX_OPERAND_RCX);
    }
    status = tdx_td_field(vp->td, field, &old);
    if (!status) {
        status = tdx_td_field_write(vp->td, field,
                                    (old & ~c->r[TDX_R9]) |
                                    (value & c->r[TDX_R9]));
    }
    if (!status) {
        c->r[TDX_R8] = old;
    }
    return status;
}

static TdxGuestFn *const leaves[TDX_GUEST_LEAVES] = {
    [TDG_VP_VMCALL] = vp_vmcall,
    [TDG_VP_INFO] = vp_info,
    [TDG_VP_VEINFO_GET] = vp_veinfo_get,
    [TDG_MEM_PAGE_ACCEPT] = mem_page_accept,
    [TDG_VM_RD] = vm_rd,
    [TDG_VM_WR] = vm_wr,
};

void tdx_tdcall(TdxModule *m, unsigned lp, uint64_t r[TDX_NR_REGS],
                TdxTdExit *exit)
{
    TdxCall c = { .m = m, .lp = lp, .leaf = r[TDX_RAX] & RAX_LEAF };
    unsigned level = c.leaf == TDG_MEM_PAGE_ACCEPT ? r[TDX_RCX] & 7 : 0;
    uint64_t status = tdx_operand_invalid(TDX_OPERAND_RAX);

    *exit = (TdxTdExit) { .reason = TDX_EXIT_NONE };
    memcpy(c.r, r, sizeof(c.r));
    if (!(r[TDX_RAX] & ~RAX_LEAF) && c.leaf < TDX_GUEST_LEAVES &&
        leaves[c.leaf]) {
        status = leaves[c.leaf](&c, m->lps[lp].vp, exit);
    }
    if (exit->reason == TDX_EXIT_NONE) {
        memcpy(r, c.r, sizeof(c.r));
        r[TDX_RAX] = status;
    }
    if (c.leaf < TDX_GUEST_LEAVES && (exit->reason == TDX_EXIT_NONE ||
                                      exit->reason == TDX_EXIT_TDCALL)) {
        tdx_count(&m->guest_count[c.leaf], level, status);
    }
}
