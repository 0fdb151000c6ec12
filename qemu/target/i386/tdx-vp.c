/*
 * TDX module emulation: virtual processors, TDH.VP.*
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "target/i386/tdx-td.h"

uint64_t tdx_vp_get(TdxModule *m, uint64_t tdvpr, unsigned reg, TdxVp **vp)
{
    TdxPamtEntry *e;
    uint64_t status = tdx_pamt_expect(m, tdvpr, 0, TDX_PT_TDVPR, &e);

    *vp = status ? NULL : g_hash_table_lookup(m->life->vps, &tdvpr);
    return tdx_page_error(status, reg);
}

/* As above, and the TD's state allows the leaf of @c */
static uint64_t vp_get_for(TdxCall *c, uint64_t tdvpr, unsigned reg,
                           TdxVp **vp)
{
    uint64_t status = tdx_vp_get(c->m, tdvpr, reg, vp);

    return status ? status : tdx_td_allows((*vp)->td, c->leaf);
}

uint64_t tdx_vp_associate(TdxVp *vp, unsigned lp)
{
    if (vp->lp == lp) {
        return TDX_SUCCESS;
    }
    if (vp->lp != TDX_NO_LP) {
        return TDX_VCPU_ASSOCIATED;
    }
    vp->lp = lp;
    vp->td->nr_associated++;
    return TDX_SUCCESS;
}

/* To read fields, a virtual processor that is disabled will do */
static uint64_t check_and_associate(TdxVp *vp, unsigned lp, bool disabled_ok)
{
    if (vp->nr_pages < TDX_TDVPS_PAGES) {
        return TDX_TDCX_NUM_INCORRECT;
    }
    if (vp->inside || (vp->state != TDX_VP_READY &&
                       !(disabled_ok && vp->state == TDX_VP_DISABLED))) {
        return TDX_VCPU_STATE_INCORRECT;
    }
    return tdx_vp_associate(vp, lp);
}

bool tdx_vp_join(TdxVp *vp)
{
    TdxTd *td = vp->td;
    bool stale = vp->epoch != td->epoch;

    assert(!vp->inside);
    vp->inside = true;
    vp->epoch = td->epoch;
    td->refcount[vp->epoch & 1]++;
    td->nr_inside++;
    return stale;
}

void tdx_vp_leave(TdxVp *vp)
{
    TdxTd *td = vp->td;

    assert(vp->inside && td->refcount[vp->epoch & 1]);
    vp->inside = false;
    td->refcount[vp->epoch & 1]--;
    td->nr_inside--;
}

void tdx_vp_exit(TdxModule *m, unsigned lp)
{
    tdx_vp_leave(m->lps[lp].vp);
    m->lps[lp].vp = NULL;
}

/* RCX: page for the TDVPR, RDX: TDR */
static uint64_t vp_create(TdxCall *c)
{
    uint64_t pa = c->r[TDX_RCX];
    TdxTd *td;
    TdxVp *vp;
    uint64_t status = tdx_td_get_for(c, c->r[TDX_RDX], TDX_OPERAND_RDX, &td);

    if (!status) {
        status = tdx_td_take_page(c->m, td, pa, TDX_OPERAND_RCX,
                                  TDX_PT_TDVPR);
    }
    if (status) {
        return status;
    }
    vp = g_new0(TdxVp, 1);
    vp->tdvpr = pa;
    vp->td = td;
    vp->nr_pages = 1;
    vp->lp = TDX_NO_LP;
    g_hash_table_insert(c->m->life->vps, &vp->tdvpr, vp);
    return TDX_SUCCESS;
}

/* RCX: page, RDX: TDVPR */
static uint64_t vp_addcx(TdxCall *c)
{
    TdxVp *vp;
    uint64_t status = vp_get_for(c, c->r[TDX_RDX], TDX_OPERAND_RDX, &vp);

    if (status) {
        return status;
    }
    if (vp->state != TDX_VP_UNINITIALIZED) {
        return TDX_VCPU_STATE_INCORRECT;
    }
    if (vp->nr_pages == TDX_TDVPS_PAGES) {
        return TDX_TDCX_NUM_INCORRECT;
    }
    status = tdx_td_take_page(c->m, vp->td, c->r[TDX_RCX], TDX_OPERAND_RCX,
                              TDX_PT_TDCX);
    vp->nr_pages += !status;
    return status;
}

/* RCX: TDVPR, RDX: what RCX and R8 will be; from version 1 on R8: APIC id */
static uint64_t vp_init(TdxCall *c)
{
    TdxVp *vp;
    uint64_t status = vp_get_for(c, c->r[TDX_RCX], TDX_OPERAND_RCX, &vp);

    if (status) {
        return status;
    }
    if (vp->nr_pages < TDX_TDVPS_PAGES) {
        return TDX_TDCX_NUM_INCORRECT;
    }
    if (vp->state != TDX_VP_UNINITIALIZED) {
        return TDX_VCPU_STATE_INCORRECT;
    }
    if (vp->td->nr_vcpus >= vp->td->params.max_vcpus) {
        return TDX_MAX_VCPUS_EXCEEDED;
    }
    vp->index = vp->td->nr_vcpus++;
    vp->x2apic_id = c->version ? c->r[TDX_R8] : vp->index;
    vp->init_rcx = c->r[TDX_RDX];
    vp->state = TDX_VP_READY;
    return tdx_vp_associate(vp, c->lp);
}

/* RCX: TDVPR. On the processor that it is associated with. */
static uint64_t vp_flush(TdxCall *c)
{
    TdxVp *vp;
    uint64_t status = tdx_vp_get(c->m, c->r[TDX_RCX], TDX_OPERAND_RCX, &vp);

    if (status) {
        return status;
    }
    if (vp->inside) {
        return TDX_OPERAND_BUSY | TDX_OPERAND_RCX;
    }
    if (vp->td->life != TDX_TD_KEYS_CONFIGURED) {
        return TDX_TD_KEYS_NOT_CONFIGURED;
    }
    if (vp->nr_pages < TDX_TDVPS_PAGES) {
        return TDX_TDCX_NUM_INCORRECT;
    }
    if (vp->lp != c->lp) {
        return TDX_VCPU_NOT_ASSOCIATED;
    }
    vp->lp = TDX_NO_LP;
    vp->td->nr_associated--;
    return TDX_SUCCESS;
}

/* RCX: TDVPR, RDX: field; R8: value */
static uint64_t vp_rd(TdxCall *c)
{
    uint64_t value = 0;
    TdxVp *vp;
    uint64_t status = vp_get_for(c, c->r[TDX_RCX], TDX_OPERAND_RCX, &vp);

    c->r[TDX_R8] = 0;
    if (!status) {
        status = check_and_associate(vp, c->lp, true);
    }
    if (!status) {
        status = tdx_vp_field_read(vp, c->r[TDX_RDX], &value);
    }
    c->r[TDX_R8] = value;
    return status;
}

/* RCX: TDVPR, RDX: field, R8: value, R9: bits of it; R8: the former value */
static uint64_t vp_wr(TdxCall *c)
{
    uint64_t value = c->r[TDX_R8], old = 0;
    TdxVp *vp;
    uint64_t status = vp_get_for(c, c->r[TDX_RCX], TDX_OPERAND_RCX, &vp);

    c->r[TDX_R8] = 0;
    if (!status) {
        status = check_and_associate(vp, c->lp, false);
    }
    if (!status) {
        tdx_vp_field_read(vp, c->r[TDX_RDX], &old);
        status = tdx_vp_field_write(vp, c->r[TDX_RDX], value, c->r[TDX_R9]);
    }
    if (!status) {
        c->r[TDX_R8] = old;
    }
    return status;
}

/* RCX: TDVPR and flags, of which none is for a TD without L2 VMs */
static uint64_t vp_enter(TdxCall *c)
{
    TdxModule *m = c->m;
    TdxVp *vp;
    uint64_t status;

    if (c->r[TDX_RCX] & 0xffc0000000000fffull) {
        return tdx_operand_invalid(TDX_OPERAND_RCX);
    }
    status = vp_get_for(c, c->r[TDX_RCX] & MAKE_64BIT_MASK(0, 52),
                        TDX_OPERAND_RCX, &vp);
    if (!status) {
        status = check_and_associate(vp, c->lp, false);
    }
    if (!status && c->r[TDX_RCX] >> 52) {
        status = tdx_operand_invalid(TDX_OPERAND_RCX);
    }
    if (!status && vp->last_exit_tsc > m->ops->tsc(m->opaque)) {
        status = TDX_TSC_ROLLBACK;
    }
    if (status) {
        return status;
    }
    tdx_vp_join(vp);
    m->lps[c->lp].vp = vp;
    return TDX_SUCCESS;
}

const TdxLeaf tdx_vp_leaves[] = {
    { TDH_VP_ENTER, 0, 0, "TDH.VP.ENTER", vp_enter },
    { TDH_VP_ADDCX, 0, 0, "TDH.VP.ADDCX", vp_addcx },
    { TDH_VP_CREATE, 0, 0, "TDH.VP.CREATE", vp_create },
    { TDH_VP_FLUSH, 0, 0, "TDH.VP.FLUSH", vp_flush },
    { TDH_VP_INIT, 1, 0, "TDH.VP.INIT", vp_init },
    { TDH_VP_RD, 1, 0, "TDH.VP.RD", vp_rd },
    { TDH_VP_WR, 0, 0, "TDH.VP.WR", vp_wr },
    { }
};
