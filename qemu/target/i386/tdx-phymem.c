/*
 * TDX module emulation: TDH.PHYMEM.*, and the key at the end of a TD
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "target/i386/tdx-td.h"
#include "target/i386/tdx-sept.h"

/* RCX: TDR. No virtual processor uses the key any more; caches may. */
static uint64_t mng_vpflushdone(TdxCall *c)
{
    TdxModule *m = c->m;
    TdxKey *key;
    TdxTd *td;
    uint64_t status = tdx_td_get(m, c->r[TDX_RCX], TDX_OPERAND_RCX, &td);

    if (status) {
        return status;
    }
    if (td->nr_inside) {
        return TDX_OPERAND_BUSY | TDX_OPERAND_RCX;
    }
    if (td->life != TDX_TD_KEYS_CONFIGURED &&
        td->life != TDX_TD_HKID_ASSIGNED) {
        return TDX_LIFECYCLE_STATE_INCORRECT;
    }
    if (td->op != TDX_OP_UNINITIALIZED && td->nr_associated) {
        return TDX_FLUSHVP_NOT_DONE;
    }
    key = &m->life->keys[td->hkid];
    assert(key->state == TDX_KEY_ASSIGNED);
    key->state = TDX_KEY_FLUSHED;
    key->wbinvd = MAKE_64BIT_MASK(0, m->nr_packages);
    td->life = TDX_TD_BLOCKED;
    return TDX_SUCCESS;
}

/* RCX: TDR. The key is free for another TD, the pages are not yet. */
static uint64_t mng_key_freeid(TdxCall *c)
{
    TdxModule *m = c->m;
    TdxKey *key;
    TdxTd *td;
    uint64_t status = tdx_td_get(m, c->r[TDX_RCX], TDX_OPERAND_RCX, &td);

    if (status) {
        return status;
    }
    if (td->life != TDX_TD_BLOCKED) {
        return TDX_LIFECYCLE_STATE_INCORRECT;
    }
    key = &m->life->keys[td->hkid];
    if (key->wbinvd) {
        return TDX_WBCACHE_NOT_COMPLETE;
    }
    *key = (TdxKey) { };
    td->life = TDX_TD_TEARDOWN;
    return TDX_SUCCESS;
}

/* A leaf of the past: does nothing, checks nothing */
static uint64_t mng_key_reclaimid(TdxCall *c)
{
    return TDX_SUCCESS;
}

static bool start_flush(TdxLife *life, uint64_t package)
{
    bool any = false;

    for (unsigned i = 0; i < life->nr_keys; i++) {
        life->flushing[i] &= ~package;
        if (life->keys[i].state == TDX_KEY_FLUSHED) {
            life->flushing[i] |= package;
            any = true;
        }
    }
    return any;
}

/* RCX: 0 to start, 1 to resume what was interrupted on this package */
static uint64_t phymem_cache_wb(TdxCall *c)
{
    TdxModule *m = c->m;
    TdxLife *life = m->life;
    uint64_t package = 1ull << m->lps[c->lp].package;

    if (c->r[TDX_RCX] > 1) {
        return tdx_operand_invalid(TDX_OPERAND_RCX);
    }
    if (c->r[TDX_RCX]) {
        if (!(life->flush_open & package)) {
            return TDX_WBCACHE_RESUME_ERROR;
        }
    } else if (!start_flush(life, package)) {
        return TDX_NO_HKID_READY_TO_WBCACHE;
    } else if (m->ops->interrupt_pending(m->opaque, c->lp)) {
        life->flush_open |= package;
        return TDX_INTERRUPTED_RESUMABLE;
    }
    life->flush_open &= ~package;
    for (unsigned i = 0; i < life->nr_keys; i++) {
        if (life->flushing[i] & package) {
            life->keys[i].wbinvd &= ~package;
        }
    }
    return TDX_SUCCESS;
}

/* RCX: page with a KeyID. The page must be the host's again. */
static uint64_t phymem_page_wbinvd(TdxCall *c)
{
    TdxModule *m = c->m;
    uint64_t pa = c->r[TDX_RCX] & MAKE_64BIT_MASK(0, m->opt.phys_bits);
    uint64_t keyid = (c->r[TDX_RCX] & MAKE_64BIT_MASK(0, 52)) >>
                     m->opt.phys_bits;
    TdxPamtEntry *e;

    if (c->r[TDX_RCX] >> 52 || keyid >= m->life->nr_keys) {
        return tdx_operand_invalid(TDX_OPERAND_RCX);
    }
    return tdx_page_error(tdx_pamt_expect(m, pa, 0, TDX_PT_NDA, &e),
                          TDX_OPERAND_RCX);
}

/* The PAMT entry of the page that RCX names; outputs are cleared */
static uint64_t get_leaf(TdxCall *c, TdxPamtEntry **e, unsigned *level)
{
    uint64_t pa = c->r[TDX_RCX];

    for (unsigned reg = TDX_R8; reg <= TDX_R11; reg++) {
        c->r[reg] = 0;
    }
    c->r[TDX_RCX] = c->r[TDX_RDX] = 0;
    if (!tdx_pa_valid(c->m, pa, TDX_PAGE_SIZE)) {
        return tdx_operand_invalid(TDX_OPERAND_RCX);
    }
    *e = tdx_pamt_leaf(c->m, pa, level);
    return *e ? TDX_SUCCESS : TDX_OPERAND_ADDR_RANGE_ERROR | TDX_OPERAND_RCX;
}

/* RCX: page; RCX: type, RDX: owner, R8: level, R9: epoch of blocking */
static uint64_t phymem_page_rdmd(TdxCall *c)
{
    TdxPamtEntry *e;
    unsigned level;
    uint64_t status = get_leaf(c, &e, &level);

    if (status) {
        return status;
    }
    c->r[TDX_RCX] = tdx_pamt_type(e);
    c->r[TDX_RDX] = tdx_pamt_tdr(e);
    c->r[TDX_R8] = level;
    if (tdx_pamt_type(e) == TDX_PT_REG || tdx_pamt_type(e) == TDX_PT_EPT) {
        c->r[TDX_R9] = e->bepoch;
    }
    return TDX_SUCCESS;
}

/* What the page was the root of ends with it */
static void forget_object(TdxModule *m, uint64_t pa, TdxTd *td, TdxPageType pt)
{
    switch (pt) {
    case TDX_PT_TDR:
        g_hash_table_remove(m->life->tds, &pa);
        break;
    case TDX_PT_TDVPR:
        g_hash_table_remove(m->life->vps, &pa);
        break;
    case TDX_PT_EPT:
        g_hash_table_remove(td->sept_pages, &pa);
        break;
    case TDX_PT_TDCX:
        if (td->sept && pa == td->tdcx[TDX_TDCS_SEPT_ROOT]) {
            td->sept = NULL;
            g_hash_table_remove(td->sept_pages, &pa);
        }
        break;
    default:
        break;
    }
}

/* RCX: page of a TD in teardown; outputs as for RDMD */
static uint64_t phymem_page_reclaim(TdxCall *c)
{
    TdxModule *m = c->m;
    uint64_t pa = c->r[TDX_RCX], tdr;
    TdxPamtEntry *e;
    TdxPageType pt;
    TdxTd *td;
    unsigned level;
    uint64_t status = get_leaf(c, &e, &level);

    if (status) {
        return status;
    }
    pt = tdx_pamt_type(e);
    if (pt == TDX_PT_NDA || pt == TDX_PT_RSVD) {
        return TDX_PAGE_METADATA_INCORRECT | TDX_OPERAND_RCX;
    }
    c->r[TDX_RCX] = pt;
    c->r[TDX_RDX] = tdx_pamt_tdr(e);
    c->r[TDX_R8] = level;
    if (pa & (TDX_LEVEL_SIZE(level) - 1)) {
        return tdx_operand_invalid(TDX_OPERAND_RCX);
    }
    tdr = pt == TDX_PT_TDR ? pa : tdx_pamt_tdr(e);
    td = g_hash_table_lookup(m->life->tds, &tdr);
    if (td->life != TDX_TD_TEARDOWN) {
        return TDX_LIFECYCLE_STATE_INCORRECT;
    }
    if (pt == TDX_PT_TDR && td->chldcnt) {
        return TDX_TD_ASSOCIATED_PAGES_EXIST;
    }
    if (pt != TDX_PT_TDR) {
        td->chldcnt -= 1ll << (9 * level);
    }
    tdx_pamt_set(e, TDX_PT_NDA, 0);
    forget_object(m, pa, td, pt);
    m->ops->private_changed(m->opaque, pa, TDX_LEVEL_SIZE(level));
    return TDX_SUCCESS;
}

const TdxLeaf tdx_phymem_leaves[] = {
    { TDH_MNG_VPFLUSHDONE, 0, 0, "TDH.MNG.VPFLUSHDONE", mng_vpflushdone },
    { TDH_MNG_KEY_FREEID, 0, 0, "TDH.MNG.KEY.FREEID", mng_key_freeid },
    { TDH_MNG_KEY_RECLAIMID, 0, 0, "TDH.MNG.KEY.RECLAIMID",
      mng_key_reclaimid },
    { TDH_PHYMEM_PAGE_RDMD, 0, 0, "TDH.PHYMEM.PAGE.RDMD", phymem_page_rdmd },
    { TDH_PHYMEM_PAGE_RECLAIM, 0, 0, "TDH.PHYMEM.PAGE.RECLAIM",
      phymem_page_reclaim },
    { TDH_PHYMEM_CACHE_WB, 0, 0, "TDH.PHYMEM.CACHE.WB", phymem_cache_wb },
    { TDH_PHYMEM_PAGE_WBINVD, 0, 0, "TDH.PHYMEM.PAGE.WBINVD",
      phymem_page_wbinvd },
    { }
};
