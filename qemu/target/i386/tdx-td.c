/*
 * TDX module emulation: lookup and states of TDs, TDH.MNG.*
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The order of the checks within a leaf is part of it: software tells one
 * refusal from another by it.
 */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "target/i386/tdx-td.h"
#include "target/i386/tdx-sept.h"

#define U   (1u << TDX_OP_UNINITIALIZED)
#define I   (1u << TDX_OP_INITIALIZED)
#define R   (1u << TDX_OP_RUNNABLE)

/* In which states of a TD a leaf may be called */
static const uint8_t allowed_op[TDX_HOST_LEAVES] = {
    [TDH_VP_ENTER] = R,
    [TDH_MNG_ADDCX] = U,
    [TDH_MEM_PAGE_ADD] = I,
    [TDH_MEM_SEPT_ADD] = I | R,
    [TDH_VP_ADDCX] = I,
    [TDH_MEM_PAGE_AUG] = I | R,
    [TDH_MEM_RANGE_BLOCK] = I | R,
    [TDH_VP_CREATE] = I,
    [TDH_MNG_RD] = I | R,
    [TDH_MNG_WR] = I | R,
    [TDH_MEM_PAGE_DEMOTE] = I | R,
    [TDH_MR_EXTEND] = I,
    [TDH_MR_FINALIZE] = I,
    [TDH_VP_FLUSH] = U | I | R,
    [TDH_MNG_INIT] = U,
    [TDH_VP_INIT] = I,
    [TDH_MEM_PAGE_PROMOTE] = I | R,
    [TDH_MEM_SEPT_RD] = I | R,
    [TDH_VP_RD] = I | R,
    [TDH_MEM_PAGE_REMOVE] = I | R,
    [TDH_MEM_SEPT_REMOVE] = I | R,
    [TDH_MEM_TRACK] = I | R,
    [TDH_MEM_RANGE_UNBLOCK] = I | R,
    [TDH_VP_WR] = I | R,
};

uint64_t tdx_page_error(uint64_t status, unsigned operand)
{
    return status == TDX_SUCCESS ? status : status | operand;
}

uint64_t tdx_td_get(TdxModule *m, uint64_t tdr, unsigned reg, TdxTd **td)
{
    TdxPamtEntry *e;
    uint64_t status = tdx_pamt_expect(m, tdr, 0, TDX_PT_TDR, &e);

    *td = status ? NULL : g_hash_table_lookup(m->life->tds, &tdr);
    return tdx_page_error(status, reg);
}

uint64_t tdx_td_allows(const TdxTd *td, unsigned leaf)
{
    if (td->fatal) {
        return TDX_TD_FATAL;
    }
    if (td->life != TDX_TD_KEYS_CONFIGURED) {
        return TDX_TD_KEYS_NOT_CONFIGURED;
    }
    if (td->nr_tdcx < TDX_TDCS_PAGES) {
        return TDX_TDCS_NOT_ALLOCATED;
    }
    return allowed_op[leaf] & (1u << td->op) ? TDX_SUCCESS
                                             : TDX_OP_STATE_INCORRECT;
}

uint64_t tdx_td_get_for(TdxCall *c, uint64_t tdr, unsigned reg, TdxTd **td)
{
    uint64_t status = tdx_td_get(c->m, tdr, reg, td);

    return status ? status : tdx_td_allows(*td, c->leaf);
}

uint64_t tdx_td_take_page(TdxModule *m, TdxTd *td, uint64_t pa, unsigned reg,
                          TdxPageType type)
{
    TdxPamtEntry *e;
    uint64_t status = tdx_pamt_expect(m, pa, 0, TDX_PT_NDA, &e);

    if (status) {
        return tdx_page_error(status, reg);
    }
    tdx_pamt_set(e, type, td->tdr);
    td->chldcnt++;
    m->ops->private_changed(m->opaque, pa, TDX_PAGE_SIZE);
    return TDX_SUCCESS;
}

void tdx_td_give_page(TdxModule *m, TdxTd *td, uint64_t pa, unsigned level)
{
    tdx_pamt_set(tdx_pamt_at(m, pa, level), TDX_PT_NDA, 0);
    td->chldcnt -= TDX_LEVEL_SIZE(level) / TDX_PAGE_SIZE;
    m->ops->private_changed(m->opaque, pa, TDX_LEVEL_SIZE(level));
}

static void td_free(gpointer opaque)
{
    TdxTd *td = opaque;

    g_hash_table_destroy(td->sept_pages);
    g_clear_pointer(&td->measurement, g_checksum_free);
    g_free(td);
}

static void vp_free(gpointer opaque)
{
    TdxVp *vp = opaque;

    g_free(vp->context);
    g_free(vp);
}

void tdx_life_free(TdxModule *m)
{
    TdxLife *life = m->life;

    if (!life) {
        return;
    }
    g_hash_table_destroy(life->vps);
    g_hash_table_destroy(life->tds);
    tdx_pamt_free(&life->pamt);
    g_free(life->keys);
    g_free(life->flushing);
    g_free(life);
    m->life = NULL;
}

void tdx_life_reset(TdxModule *m)
{
    TdxLife *life = g_new0(TdxLife, 1);

    for (unsigned lp = 0; lp < m->nr_lps; lp++) {
        m->lps[lp].vp = NULL;
    }
    tdx_life_free(m);
    m->life = life;
    tdx_pamt_init(&life->pamt, m->opt.phys_bits);
    life->nr_keys = m->opt.mktme_keyids + m->opt.tdx_keyids + 1;
    life->keys = g_new0(TdxKey, life->nr_keys);
    life->flushing = g_new0(uint64_t, life->nr_keys);
    life->tds = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL,
                                      td_free);
    life->vps = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL,
                                      vp_free);
}

/* Key and name of a TD take random bits; their values do not matter here */
static bool has_entropy(TdxModule *m)
{
    uint64_t value;

    for (int i = 0; i < 4; i++) {
        if (!m->ops->random(m->opaque, &value)) {
            return false;
        }
    }
    return true;
}

static void td_new(TdxModule *m, uint64_t tdr, uint16_t hkid)
{
    TdxTd *td = g_new0(TdxTd, 1);

    td->tdr = tdr;
    td->hkid = hkid;
    td->sept_pages = tdx_sept_pages_new();
    g_hash_table_insert(m->life->tds, &td->tdr, td);
}

/* RCX: page for the TDR, RDX: KeyID */
static uint64_t mng_create(TdxCall *c)
{
    TdxModule *m = c->m;
    uint64_t tdr = c->r[TDX_RCX], hkid = c->r[TDX_RDX];
    TdxPamtEntry *e;
    uint64_t status;

    if (!tdx_keyid_is_private(m, hkid)) {
        return tdx_operand_invalid(TDX_OPERAND_RDX);
    }
    status = tdx_pamt_expect(m, tdr, 0, TDX_PT_NDA, &e);
    if (status) {
        return tdx_page_error(status, TDX_OPERAND_RCX);
    }
    if (hkid == m->global_keyid ||
        m->life->keys[hkid].state != TDX_KEY_FREE) {
        return TDX_HKID_NOT_FREE;
    }
    if (!has_entropy(m)) {
        return TDX_RND_NO_ENTROPY;
    }
    m->life->keys[hkid].state = TDX_KEY_ASSIGNED;
    tdx_pamt_set(e, TDX_PT_TDR, 0);
    td_new(m, tdr, hkid);
    m->ops->private_changed(m->opaque, tdr, TDX_PAGE_SIZE);
    return TDX_SUCCESS;
}

/* RCX: TDR. Once on each package. */
static uint64_t mng_key_config(TdxCall *c)
{
    TdxModule *m = c->m;
    uint64_t bit = 1ull << m->lps[c->lp].package;
    TdxTd *td;
    uint64_t status = tdx_td_get(m, c->r[TDX_RCX], TDX_OPERAND_RCX, &td);

    if (status) {
        return status;
    }
    if (td->fatal) {
        return TDX_TD_FATAL;
    }
    if (td->life != TDX_TD_HKID_ASSIGNED) {
        return TDX_LIFECYCLE_STATE_INCORRECT;
    }
    if (td->packages & bit) {
        return TDX_KEY_CONFIGURED;
    }
    if (!has_entropy(m)) {
        return TDX_KEY_GENERATION_FAILED;
    }
    td->packages |= bit;
    if (ctpop64(td->packages) == m->nr_packages) {
        td->life = TDX_TD_KEYS_CONFIGURED;
    }
    return TDX_SUCCESS;
}

/* RCX: page for the TDCS, RDX: TDR */
static uint64_t mng_addcx(TdxCall *c)
{
    TdxModule *m = c->m;
    uint64_t pa = c->r[TDX_RCX];
    TdxTd *td;
    uint64_t status = tdx_td_get(m, c->r[TDX_RDX], TDX_OPERAND_RDX, &td);

    if (status) {
        return status;
    }
    if (td->fatal) {
        return TDX_TD_FATAL;
    }
    if (td->life != TDX_TD_KEYS_CONFIGURED) {
        return TDX_TD_KEYS_NOT_CONFIGURED;
    }
    if (td->nr_tdcx == TDX_TDCS_PAGES) {
        return TDX_TDCX_NUM_INCORRECT;
    }
    if (td->nr_tdcx == TDX_TDCS_PAGES - 1 && !has_entropy(m)) {
        return TDX_RND_NO_ENTROPY;
    }
    status = tdx_td_take_page(m, td, pa, TDX_OPERAND_RCX, TDX_PT_TDCX);
    if (status) {
        return status;
    }
    if (td->nr_tdcx == TDX_TDCS_SEPT_ROOT) {
        td->sept = tdx_sept_page_new(td, pa);
    }
    td->tdcx[td->nr_tdcx++] = pa;
    return TDX_SUCCESS;
}

/* RCX: TDR, RDX: address of the parameters */
static uint64_t mng_init(TdxCall *c)
{
    TdxModule *m = c->m;
    uint64_t pa = c->r[TDX_RDX], detail = 0;
    TdxTdParams params;
    TdxTd *td;
    uint64_t status = tdx_td_get_for(c, c->r[TDX_RCX], TDX_OPERAND_RCX, &td);

    c->r[TDX_RCX] = 0;
    if (status) {
        return status;
    }
    if (!tdx_pa_valid(m, pa, sizeof(params)) ||
        !tdx_read_shared(m, pa, &params, sizeof(params))) {
        return tdx_operand_invalid(TDX_OPERAND_RDX);
    }
    status = tdx_params_set(td, &params, &detail);
    if (status) {
        c->r[TDX_RCX] = detail;
        return status;
    }
    td->epoch = 1;
    td->tsc_offset = -m->ops->tsc(m->opaque);
    td->measurement = g_checksum_new(G_CHECKSUM_SHA384);
    td->op = TDX_OP_INITIALIZED;
    return TDX_SUCCESS;
}

/* RCX: TDR, RDX: field; R8: value */
static uint64_t mng_rd(TdxCall *c)
{
    uint64_t field = c->r[TDX_RDX], value = 0;
    TdxTd *td;
    uint64_t status = tdx_td_get_for(c, c->r[TDX_RCX], TDX_OPERAND_RCX, &td);

    c->r[TDX_R8] = 0;
    if (!status) {
        status = tdx_td_field(td, field, &value);
    }
    c->r[TDX_R8] = value;
    return status;
}

/* RCX: TDR, RDX: field. Without TD debugging the host may write none. */
static uint64_t mng_wr(TdxCall *c)
{
    uint64_t value;
    TdxTd *td;
    uint64_t status = tdx_td_get_for(c, c->r[TDX_RCX], TDX_OPERAND_RCX, &td);

    c->r[TDX_R8] = 0;
    if (!status) {
        status = tdx_td_field(td, c->r[TDX_RDX], &value);
    }
    return status ? status : TDX_METADATA_FIELD_NOT_WRITABLE;
}

const TdxLeaf tdx_td_leaves[] = {
    { TDH_MNG_ADDCX, 0, 0, "TDH.MNG.ADDCX", mng_addcx },
    { TDH_MNG_KEY_CONFIG, 0, 0, "TDH.MNG.KEY.CONFIG", mng_key_config },
    { TDH_MNG_CREATE, 0, 0, "TDH.MNG.CREATE", mng_create },
    { TDH_MNG_RD, 0, 0, "TDH.MNG.RD", mng_rd },
    { TDH_MNG_WR, 0, 0, "TDH.MNG.WR", mng_wr },
    { TDH_MNG_INIT, 0, 0, "TDH.MNG.INIT", mng_init },
    { }
};
