/*
 * TDX module emulation: the leaves that bring the module up and down
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *   state          leaf                      next
 *   INIT_PENDING   TDH.SYS.INIT              INIT_DONE
 *   INIT_DONE      TDH.SYS.LP.INIT           INIT_DONE, once a processor
 *   INIT_DONE      TDH.SYS.CONFIG            CONFIG_DONE, all processors done
 *   CONFIG_DONE    TDH.SYS.KEY.CONFIG        READY with the last package
 *   READY          TDH.SYS.TDMR.INIT         READY, 1G a call
 *   any            TDH.SYS.DISABLE           DISABLED
 */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "target/i386/tdx-module.h"
#include "target/i386/tdx-meta.h"
#include "target/i386/tdx-tdmr.h"

static uint64_t sys_init(TdxCall *c)
{
    if (c->r[TDX_RCX]) {
        tdx_guest_error(c->m, "TDH.SYS.INIT: unknown attributes 0x%" PRIx64,
                        c->r[TDX_RCX]);
        return tdx_operand_invalid(TDX_OPERAND_RCX);
    }
    if (c->m->state != TDX_SYS_INIT_PENDING) {
        return TDX_SYS_INIT_NOT_PENDING;
    }
    c->m->state = TDX_SYS_INIT_DONE;
    for (int i = TDX_RCX; i <= TDX_RDX; i++) {
        c->r[i] = 0;
    }
    for (int i = TDX_R8; i <= TDX_R10; i++) {
        c->r[i] = 0;
    }
    return TDX_SUCCESS;
}

static uint64_t sys_lp_init(TdxCall *c)
{
    TdxLp *lp = &c->m->lps[c->lp];

    c->r[TDX_RCX] = c->r[TDX_RDX] = c->r[TDX_R8] = 0;
    if (c->m->state != TDX_SYS_INIT_DONE) {
        return TDX_SYS_LP_INIT_NOT_PENDING;
    }
    if (lp->initialized) {
        return TDX_SYS_LP_INIT_DONE;
    }
    lp->initialized = true;
    return TDX_SUCCESS;
}

static uint64_t sys_rd(TdxCall *c)
{
    uint64_t field = c->r[TDX_RDX];
    uint64_t status;

    c->r[TDX_RDX] = TDX_META_NONE;
    c->r[TDX_R8] = 0;
    if (!c->m->lps[c->lp].initialized) {
        return TDX_SYS_LP_INIT_NOT_DONE;
    }
    if (field == TDX_META_NONE) {
        c->r[TDX_RDX] = tdx_meta_first(c->m);
        return TDX_METADATA_FIRST_FIELD_ID_IN_CONTEXT;
    }
    status = tdx_meta_read(c->m, field, &c->r[TDX_R8], &c->r[TDX_RDX]);
    if (status) {
        tdx_guest_error(c->m, "TDH.SYS.RD: field 0x%016" PRIx64 " is unknown",
                        field);
    }
    return status;
}

static bool all_lps_initialized(const TdxModule *m)
{
    for (unsigned i = 0; i < m->nr_lps; i++) {
        if (!m->lps[i].initialized) {
            return false;
        }
    }
    return true;
}

static uint64_t sys_config(TdxCall *c)
{
    TdxModule *m = c->m;
    uint64_t status;

    if (m->state != TDX_SYS_INIT_DONE || !all_lps_initialized(m)) {
        return TDX_SYS_CONFIG_NOT_PENDING;
    }
    if (!tdx_pa_valid(m, c->r[TDX_RCX], TDX_TDMR_INFO_ALIGN)) {
        return tdx_operand_invalid(TDX_OPERAND_RCX);
    }
    if (!c->r[TDX_RDX] || c->r[TDX_RDX] > TDX_MAX_TDMRS) {
        return tdx_operand_invalid(TDX_OPERAND_RDX);
    }
    if (!tdx_keyid_is_private(m, c->r[TDX_R8])) {
        return tdx_operand_invalid(TDX_OPERAND_R8);
    }
    status = tdx_tdmrs_take(m, c->r[TDX_RCX], c->r[TDX_RDX]);
    if (status) {
        m->nr_tdmrs = 0;
        return status;
    }
    m->global_keyid = c->r[TDX_R8];
    m->packages_configured = 0;
    m->state = TDX_SYS_CONFIG_DONE;
    return TDX_SUCCESS;
}

static uint64_t sys_key_config(TdxCall *c)
{
    TdxModule *m = c->m;
    uint64_t package = 1ull << m->lps[c->lp].package;

    if (m->state != TDX_SYS_CONFIG_DONE) {
        return TDX_SYS_KEY_CONFIG_NOT_PENDING;
    }
    if (!m->lps[c->lp].initialized) {
        return TDX_SYS_LP_INIT_NOT_DONE;
    }
    if (m->packages_configured & package) {
        return TDX_KEY_CONFIGURED;
    }
    m->packages_configured |= package;
    if (ctpop64(m->packages_configured) == m->nr_packages) {
        m->state = TDX_SYS_READY;
    }
    return TDX_SUCCESS;
}

static uint64_t sys_tdmr_init(TdxCall *c)
{
    uint64_t base = c->r[TDX_RCX];
    TdxTdmr *t;

    c->r[TDX_RDX] = 0;
    t = tdx_tdmr_at(c->m, base);
    if (!t) {
        return tdx_operand_invalid(TDX_OPERAND_RCX);
    }
    if (t->next >= t->range.base + t->range.size) {
        return TDX_TDMR_ALREADY_INITIALIZED;
    }
    t->next += TDX_LEVEL_SIZE(2);
    c->r[TDX_RDX] = t->next;
    return TDX_SUCCESS;
}

/* No TD survives it; a new kernel finds no module */
static uint64_t sys_disable(TdxCall *c)
{
    c->m->state = TDX_SYS_DISABLED;
    return TDX_SUCCESS;
}

const TdxLeaf tdx_sys_leaves[] = {
    { 31, 0, TDX_LEAF_ANY_STATE, "TDH.SYS.KEY.CONFIG", sys_key_config },
    { 33, 0, TDX_LEAF_ANY_STATE, "TDH.SYS.INIT", sys_init },
    { 34, 0, TDX_LEAF_ANY_STATE, "TDH.SYS.RD", sys_rd },
    { 35, 0, TDX_LEAF_ANY_STATE, "TDH.SYS.LP.INIT", sys_lp_init },
    { 36, 0, 0, "TDH.SYS.TDMR.INIT", sys_tdmr_init },
    { 45, 0, TDX_LEAF_ANY_STATE, "TDH.SYS.CONFIG", sys_config },
    { 69, 0, TDX_LEAF_ANY_STATE, "TDH.SYS.DISABLE", sys_disable },
    { }
};
