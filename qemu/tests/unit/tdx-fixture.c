/*
 * A machine without processors for tests of the TDX module
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "tdx-fixture.h"

static void *machine_page(void *opaque, uint64_t pa)
{
    Machine *k = opaque;
    void *page;

    if (pa >= OUTSIDE) {
        return NULL;
    }
    pa = MIN(pa, GIGA);
    page = g_hash_table_lookup(k->memory, &pa);
    if (!page) {
        page = g_malloc(TDX_PAGE_SIZE);
        memset(page, 0xcc, TDX_PAGE_SIZE);
        g_hash_table_insert(k->memory, g_memdup2(&pa, sizeof(pa)), page);
    }
    return page;
}

static void machine_changed(void *opaque, uint64_t pa, uint64_t len)
{
    g_assert_cmphex(pa & (len - 1), ==, 0);
}

static uint64_t machine_tsc(void *opaque)
{
    return ((Machine *)opaque)->tsc++;
}

static bool machine_random(void *opaque, uint64_t *value)
{
    *value = 4;
    return !((Machine *)opaque)->no_entropy;
}

static bool machine_interrupt(void *opaque, unsigned lp)
{
    Machine *k = opaque;

    if (k->interrupt_after > 1) {
        k->interrupt_after--;
        return false;
    }
    return k->interrupt_after == 1;
}

static void machine_error(void *opaque, const char *text)
{
    g_string_append_printf(((Machine *)opaque)->errors, "%s\n", text);
}

static const TdxModuleOps ops = {
    .page = machine_page,
    .private_changed = machine_changed,
    .tsc = machine_tsc,
    .random = machine_random,
    .interrupt_pending = machine_interrupt,
    .guest_error = machine_error,
};

static void make_ready(Machine *k)
{
    TdxModule *m = &k->m;

    m->state = TDX_SYS_READY;
    m->global_keyid = KEYIDS;
    m->lps[0].initialized = m->lps[1].initialized = true;
    m->nr_tdmrs = 1;
    m->tdmrs[0] = (TdxTdmr) {
        .range = { BASE, 3 * G1 },
        .reserved = { { HOLE, TDX_PAGE_SIZE } },
        .nr_reserved = 1,
        .next = BASE + 3 * G1,
    };
}

Machine *machine_new(void)
{
    Machine *k = g_new0(Machine, 1);

    k->memory = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
                                      g_free);
    k->errors = g_string_new(NULL);
    k->tsc = 1000;
    k->m = (TdxModule) {
        .ops = &ops,
        .opaque = k,
        .opt = { .phys_bits = 40, .mktme_keyids = 3, .tdx_keyids = KEYIDS,
                 .demote_uninterrupted = true },
        .lps = k->lps,
        .nr_lps = 2,
        .nr_packages = 1,
    };
    tdx_life_reset(&k->m);
    make_ready(k);
    return k;
}

static void say(void *opaque, const char *text)
{
    g_test_message("%s", text);
}

void machine_check(Machine *k)
{
    g_assert_cmpuint(tdx_check(&k->m, say, NULL), ==, 0);
    g_assert_cmpstr(k->errors->str, ==, "");
}

void machine_free(Machine *k)
{
    machine_check(k);
    tdx_life_free(&k->m);
    g_hash_table_destroy(k->memory);
    g_string_free(k->errors, true);
    g_free(k);
}

uint64_t call(Machine *k, unsigned leaf, uint64_t rcx, uint64_t rdx,
              uint64_t r8, uint64_t r9)
{
    for (int i = 0; i < TDX_NR_REGS; i++) {
        k->r[i] = 0xdead0000 + i;
    }
    k->r[TDX_RAX] = leaf;
    k->r[TDX_RCX] = rcx;
    k->r[TDX_RDX] = rdx;
    k->r[TDX_R8] = r8;
    k->r[TDX_R9] = r9;
    return tdx_seamcall(&k->m, k->lp, k->r);
}

void ok(Machine *k, unsigned leaf, uint64_t rcx, uint64_t rdx, uint64_t r8,
        uint64_t r9)
{
    uint64_t status = call(k, leaf, rcx, rdx, r8, r9);

    if (status) {
        g_error("leaf %u: status %s 0x%" PRIx64, leaf & 0xff,
                status_name(status), status);
    }
}

TdxTdParams td_params(void)
{
    return (TdxTdParams) {
        .attributes = cpu_to_le64(TDX_ATTR_SEPT_VE_DISABLE),
        .xfam = cpu_to_le64(7),
        .max_vcpus = cpu_to_le16(2),
        .eptp_controls = cpu_to_le64(6 | 3 << 3),
        .config_flags = cpu_to_le64(TDX_CONFIG_NO_RBP_MOD),
        .tsc_frequency = cpu_to_le16(40),
    };
}

void set_params(Machine *k, const TdxTdParams *params)
{
    tdx_write(&k->m, PARAMS, params, sizeof(*params));
}

TdxTd *the_td(Machine *k)
{
    uint64_t tdr = TDR;

    return g_hash_table_lookup(k->m.life->tds, &tdr);
}

TdxVp *the_vp(Machine *k, uint64_t tdvpr)
{
    return g_hash_table_lookup(k->m.life->vps, &tdvpr);
}

void add_vcpu(Machine *k, uint64_t tdvpr)
{
    ok(k, TDH_VP_CREATE, tdvpr, TDR, 0, 0);
    for (int i = 1; i < TDX_TDVPS_PAGES; i++) {
        ok(k, TDH_VP_ADDCX, tdvpr + i * TDX_PAGE_SIZE, tdvpr, 0, 0);
    }
    ok(k, leaf_version(TDH_VP_INIT, 1), tdvpr, 0, 0, 0);
}

static void init_td(Machine *k)
{
    TdxTdParams params = td_params();

    set_params(k, &params);
    ok(k, TDH_MNG_INIT, TDR, PARAMS, 0, 0);
}

static void td_step(Machine *k, Stage stage)
{
    switch (stage) {
    case STAGE_NONE:
        break;
    case STAGE_CREATED:
        ok(k, TDH_MNG_CREATE, TDR, KEYID, 0, 0);
        break;
    case STAGE_KEYS:
        ok(k, TDH_MNG_KEY_CONFIG, TDR, 0, 0, 0);
        break;
    case STAGE_TDCS:
        for (int i = 0; i < TDX_TDCS_PAGES; i++) {
            ok(k, TDH_MNG_ADDCX, TDCS + i * TDX_PAGE_SIZE, TDR, 0, 0);
        }
        break;
    case STAGE_INIT:
        init_td(k);
        break;
    case STAGE_VCPU:
        add_vcpu(k, TDVPR);
        break;
    case STAGE_RUNNABLE:
        ok(k, TDH_MR_FINALIZE, TDR, 0, 0, 0);
        break;
    case STAGE_BLOCKED:
        ok(k, TDH_VP_FLUSH, TDVPR, 0, 0, 0);
        ok(k, TDH_MNG_VPFLUSHDONE, TDR, 0, 0, 0);
        break;
    case STAGE_TEARDOWN:
        ok(k, TDH_PHYMEM_CACHE_WB, 0, 0, 0, 0);
        ok(k, TDH_MNG_KEY_FREEID, TDR, 0, 0, 0);
        break;
    }
}

void td_to(Machine *k, Stage stage)
{
    for (Stage s = STAGE_NONE; s <= stage; s++) {
        td_step(k, s);
    }
}

void td_to_teardown(Machine *k)
{
    td_step(k, STAGE_BLOCKED);
    td_step(k, STAGE_TEARDOWN);
}

void tables_to(Machine *k, uint64_t gpa, int level)
{
    for (int l = 3; l > level; l--) {
        uint64_t at = gpa & -TDX_LEVEL_SIZE(l);

        call(k, TDH_MEM_SEPT_RD, at | l, TDR, 0, 0);
        if ((k->r[TDX_RDX] & 0xff00) >> 8 == TDX_SEPT_FREE) {
            ok(k, TDH_MEM_SEPT_ADD, at | l, TDR,
               TABLES + (l + 4 * (gpa / G1 % 8)) * TDX_PAGE_SIZE, 0);
        }
    }
}

TdxSeptState state_of(Machine *k, uint64_t gpa, int level)
{
    call(k, TDH_MEM_SEPT_RD, gpa | level, TDR, 0, 0);
    return k->r[TDX_RDX] >> 8;
}

void track(Machine *k)
{
    ok(k, TDH_MEM_TRACK, TDR, 0, 0, 0);
}

TdxAccept accept_page(Machine *k, uint64_t gpa, int level)
{
    TdxCall c = { .m = &k->m, .lp = k->lp };
    TdxAccept result;

    tdx_sept_accept(&c, the_td(k), gpa | level, &result);
    return result;
}

static void must_accept(Machine *k, uint64_t gpa, int level)
{
    TdxAccept result = accept_page(k, gpa, level);

    g_assert_false(result.exit);
    assert_status(result.status, TDX_SUCCESS);
}

/* A 1G page comes to be by merging only */
static void make_giga(Machine *k, uint64_t gpa, bool accept)
{
    entry_to(k, gpa, 2, TDX_SEPT_NL_MAPPED);
    for (uint64_t off = 0; off < G1; off += M2) {
        ok(k, TDH_MEM_PAGE_AUG, (gpa + off) | 1, TDR, GIGA + off, 0);
        if (accept) {
            must_accept(k, gpa + off, 1);
        }
    }
    if (the_td(k)->op == TDX_OP_RUNNABLE) {
        ok(k, TDH_MEM_RANGE_BLOCK, gpa | 2, TDR, 0, 0);
        track(k);
    }
    ok(k, TDH_MEM_PAGE_PROMOTE, gpa | 2, TDR, 0, 0);
}

static void leaf_to(Machine *k, uint64_t gpa, int level, bool accept)
{
    if (level == 2) {
        make_giga(k, gpa, accept);
        return;
    }
    ok(k, TDH_MEM_PAGE_AUG, gpa | level, TDR, PAGES, 0);
    if (accept) {
        must_accept(k, gpa, level);
    }
}

void entry_to(Machine *k, uint64_t gpa, int level, TdxSeptState state)
{
    tables_to(k, gpa, level);
    switch (state) {
    case TDX_SEPT_FREE:
        return;
    case TDX_SEPT_NL_MAPPED:
    case TDX_SEPT_NL_BLOCKED:
        ok(k, TDH_MEM_SEPT_ADD, gpa | level, TDR, TABLES, 0);
        break;
    default:
        leaf_to(k, gpa, level, state == TDX_SEPT_MAPPED ||
                               state == TDX_SEPT_BLOCKED);
        break;
    }
    if (tdx_sept_is_blocked(state)) {
        ok(k, TDH_MEM_RANGE_BLOCK, gpa | level, TDR, 0, 0);
    }
}

const char *status_name(uint64_t status)
{
    static const struct {
        uint64_t status;
        const char *name;
    } names[] = {
        { TDX_SUCCESS, "SUCCESS" },
        { TDX_OPERAND_INVALID, "OPERAND_INVALID" },
        { TDX_OPERAND_ADDR_RANGE_ERROR, "OPERAND_ADDR_RANGE_ERROR" },
        { TDX_OPERAND_BUSY, "OPERAND_BUSY" },
        { TDX_PAGE_METADATA_INCORRECT, "PAGE_METADATA_INCORRECT" },
        { TDX_TD_KEYS_NOT_CONFIGURED, "TD_KEYS_NOT_CONFIGURED" },
        { TDX_LIFECYCLE_STATE_INCORRECT, "LIFECYCLE_STATE_INCORRECT" },
        { TDX_OP_STATE_INCORRECT, "OP_STATE_INCORRECT" },
        { TDX_TDCS_NOT_ALLOCATED, "TDCS_NOT_ALLOCATED" },
        { TDX_EPT_WALK_FAILED, "EPT_WALK_FAILED" },
        { TDX_GPA_RANGE_NOT_BLOCKED, "GPA_RANGE_NOT_BLOCKED" },
        { TDX_GPA_RANGE_ALREADY_BLOCKED, "GPA_RANGE_ALREADY_BLOCKED" },
        { TDX_TLB_TRACKING_NOT_DONE, "TLB_TRACKING_NOT_DONE" },
        { TDX_EPT_INVALID_PROMOTE_CONDITIONS,
          "EPT_INVALID_PROMOTE_CONDITIONS" },
        { TDX_EPT_ENTRY_STATE_INCORRECT, "EPT_ENTRY_STATE_INCORRECT" },
        { TDX_EPT_PAGE_NOT_FREE, "EPT_PAGE_NOT_FREE" },
        { TDX_PAGE_ALREADY_ACCEPTED, "PAGE_ALREADY_ACCEPTED" },
        { TDX_PAGE_SIZE_MISMATCH, "PAGE_SIZE_MISMATCH" },
    };

    for (int i = 0; i < ARRAY_SIZE(names); i++) {
        if (names[i].status == (status & -TDX_STATUS(1))) {
            return names[i].name;
        }
    }
    return "";
}
