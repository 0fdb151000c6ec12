/*
 * Every state of a TD's life, and every use of a page, against the leaves
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Example: TDH.MNG.KEY.FREEID of a TD whose caches have not been written back
 * is WBCACHE_NOT_COMPLETE; after TDH.PHYMEM.CACHE.WB it succeeds, and only
 * then TDH.PHYMEM.PAGE.RECLAIM gives the TD's pages back, its TDR as the last.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "tdx-fixture.h"

#define GPA         (4ull << 30)
#define GPA_2M      (GPA + G1)
#define STAGES      (STAGE_TEARDOWN + 1)

#define META        TDX_PAGE_METADATA_INCORRECT
#define META_RCX    (META | TDX_OPERAND_RCX)
#define META_RDX    (META | TDX_OPERAND_RDX)
#define KEYS        TDX_TD_KEYS_NOT_CONFIGURED
#define TDCS_NO     TDX_TDCS_NOT_ALLOCATED
#define OP          TDX_OP_STATE_INCORRECT
#define LIFE        TDX_LIFECYCLE_STATE_INCORRECT
#define NUM         TDX_TDCX_NUM_INCORRECT
#define VPSTATE     TDX_VCPU_STATE_INCORRECT
#define NOT_FLUSHED TDX_FLUSHVP_NOT_DONE
#define NO_KEY      TDX_NO_HKID_READY_TO_WBCACHE

/*
 * The columns are the stages: none, created, keys configured, TDCS pages
 * added, initialized, with a virtual processor, runnable, blocked, teardown.
 */
static const struct {
    unsigned leaf;
    uint64_t rcx, rdx;
    uint64_t status[STAGES];
} life[] = {
    { TDH_MNG_CREATE, TDR, KEYID,
      { 0, META_RCX, META_RCX, META_RCX, META_RCX, META_RCX, META_RCX,
        META_RCX, META_RCX } },
    { TDH_MNG_KEY_CONFIG, TDR, 0,
      { META_RCX, 0, LIFE, LIFE, LIFE, LIFE, LIFE, LIFE, LIFE } },
    { TDH_MNG_ADDCX, SPARE, TDR,
      { META_RDX, KEYS, 0, NUM, NUM, NUM, NUM, KEYS, KEYS } },
    { TDH_MNG_INIT, TDR, PARAMS,
      { META_RCX, KEYS, TDCS_NO, 0, OP, OP, OP, KEYS, KEYS } },
    { TDH_MNG_RD, TDR, 0x1100000000000000ull,
      { META_RCX, KEYS, TDCS_NO, OP, 0, 0, 0, KEYS, KEYS } },
    { TDH_MNG_WR, TDR, 0x1100000000000000ull,
      { META_RCX, KEYS, TDCS_NO, OP, TDX_METADATA_FIELD_NOT_WRITABLE,
        TDX_METADATA_FIELD_NOT_WRITABLE, TDX_METADATA_FIELD_NOT_WRITABLE,
        KEYS, KEYS } },
    { TDH_VP_CREATE, SPARE, TDR,
      { META_RDX, KEYS, TDCS_NO, OP, 0, 0, OP, KEYS, KEYS } },
    { TDH_VP_ADDCX, SPARE, TDVPR,
      { META_RDX, META_RDX, META_RDX, META_RDX, META_RDX, VPSTATE, OP, KEYS,
        KEYS } },
    { TDH_VP_INIT, TDVPR, 0,
      { META_RCX, META_RCX, META_RCX, META_RCX, META_RCX, VPSTATE, OP, KEYS,
        KEYS } },
    { TDH_VP_RD, TDVPR, 0x203c,
      { META_RCX, META_RCX, META_RCX, META_RCX, META_RCX, 0, 0, KEYS, KEYS } },
    { TDH_VP_WR, TDVPR, 0x203c,
      { META_RCX, META_RCX, META_RCX, META_RCX, META_RCX, 0, 0, KEYS, KEYS } },
    { TDH_VP_FLUSH, TDVPR, 0,
      { META_RCX, META_RCX, META_RCX, META_RCX, META_RCX, 0, 0, KEYS, KEYS } },
    { TDH_MEM_SEPT_ADD, 3, TDR,
      { META_RDX, KEYS, TDCS_NO, OP, 0, 0, 0, KEYS, KEYS } },
    { TDH_MEM_SEPT_RD, 3, TDR,
      { META_RDX, KEYS, TDCS_NO, OP, 0, 0, 0, KEYS, KEYS } },
    { TDH_MEM_TRACK, TDR, 0,
      { META_RCX, KEYS, TDCS_NO, OP, 0, 0, 0, KEYS, KEYS } },
    { TDH_MR_FINALIZE, TDR, 0,
      { META_RCX, KEYS, TDCS_NO, OP, TDX_NO_VCPUS, 0, OP, KEYS, KEYS } },
    { TDH_MNG_VPFLUSHDONE, TDR, 0,
      { META_RCX, 0, 0, 0, 0, NOT_FLUSHED, NOT_FLUSHED, LIFE, LIFE } },
    { TDH_PHYMEM_CACHE_WB, 0, 0,
      { NO_KEY, NO_KEY, NO_KEY, NO_KEY, NO_KEY, NO_KEY, NO_KEY, 0, NO_KEY } },
    { TDH_MNG_KEY_FREEID, TDR, 0,
      { META_RCX, LIFE, LIFE, LIFE, LIFE, LIFE, LIFE,
        TDX_WBCACHE_NOT_COMPLETE, LIFE } },
    { TDH_MNG_KEY_RECLAIMID, TDR, 0, { 0 } },
    { TDH_PHYMEM_PAGE_RDMD, TDR, 0, { 0 } },
    { TDH_PHYMEM_PAGE_RECLAIM, TDR, 0,
      { META_RCX, LIFE, LIFE, LIFE, LIFE, LIFE, LIFE, LIFE,
        TDX_TD_ASSOCIATED_PAGES_EXIST } },
    { TDH_PHYMEM_PAGE_RECLAIM, TDCS, 0,
      { META_RCX, META_RCX, META_RCX, LIFE, LIFE, LIFE, LIFE, LIFE, 0 } },
    { TDH_PHYMEM_PAGE_RECLAIM, TDVPR, 0,
      { META_RCX, META_RCX, META_RCX, META_RCX, META_RCX, LIFE, LIFE, LIFE,
        0 } },
};

static void test_life(void)
{
    TdxTdParams params = td_params();

    for (int i = 0; i < ARRAY_SIZE(life); i++) {
        for (Stage stage = STAGE_NONE; stage < STAGES; stage++) {
            Machine *k = machine_new();
            uint64_t status;

            td_to(k, stage);
            set_params(k, &params);
            status = call(k, life[i].leaf, life[i].rcx, life[i].rdx, SPARE, 0);
            g_test_message("leaf %u of %" PRIx64 " at stage %d", life[i].leaf,
                           life[i].rcx, stage);
            assert_status(status, life[i].status[stage]);
            machine_free(k);
        }
    }
}

/* From nothing and back to nothing: no page may be left */
static void test_round(void)
{
    Machine *k = machine_new();

    td_to(k, STAGE_RUNNABLE);
    entry_to(k, GPA, 1, TDX_SEPT_MAPPED);
    td_to_teardown(k);
    ok(k, TDH_PHYMEM_PAGE_RECLAIM, PAGES, 0, 0, 0);
    g_assert_cmpuint(k->r[TDX_R8], ==, 1);
    for (uint64_t pa = TDCS; pa < PAGES; pa += TDX_PAGE_SIZE) {
        call(k, TDH_PHYMEM_PAGE_RDMD, pa, 0, 0, 0);
        if (k->r[TDX_RCX] != TDX_PT_NDA) {
            assert_status(call(k, TDH_PHYMEM_PAGE_RECLAIM, TDR, 0, 0, 0),
                          TDX_TD_ASSOCIATED_PAGES_EXIST);
            ok(k, TDH_PHYMEM_PAGE_RECLAIM, pa, 0, 0, 0);
        }
    }
    ok(k, TDH_PHYMEM_PAGE_RECLAIM, TDR, 0, 0, 0);
    g_assert_cmpuint(tdx_pamt_count(&k->m, 0), ==, 0);
    g_assert_cmpuint(g_hash_table_size(k->m.life->tds), ==, 0);
    g_assert_cmpuint(g_hash_table_size(k->m.life->vps), ==, 0);
    ok(k, TDH_MNG_CREATE, TDR, KEYID, 0, 0);
    machine_free(k);
}

enum { R_RCX = TDX_OPERAND_RCX, R_R8 = TDX_OPERAND_R8 };

/* Leaves that take a page of the host's, and which register names it */
static const struct {
    unsigned leaf, reg;
    Stage stage;
    uint64_t rcx, rdx;
} takers[] = {
    { TDH_MNG_CREATE, R_RCX, STAGE_RUNNABLE, 0, KEYID + 1 },
    { TDH_VP_CREATE, R_RCX, STAGE_VCPU, 0, TDR },
    { TDH_VP_ADDCX, R_RCX, STAGE_VCPU, 0, TDVPR2 },
    { TDH_MEM_SEPT_ADD, R_R8, STAGE_VCPU, (GPA + 2 * G1) | 2, TDR },
    { TDH_MEM_PAGE_ADD, R_R8, STAGE_VCPU, GPA + M2, TDR },
    { TDH_MEM_PAGE_AUG, R_R8, STAGE_VCPU, GPA + M2, TDR },
    { TDH_MEM_PAGE_DEMOTE, R_R8, STAGE_VCPU, GPA_2M | 1, TDR },
    { TDH_PHYMEM_PAGE_WBINVD, R_RCX, STAGE_VCPU, 0, 0 },
};

static const struct {
    const char *what;
    uint64_t pa;
    uint64_t status;
} uses[] = {
    { "the host's", SPARE, 0 },
    { "a TDR", TDR, META },
    { "a TDCS page", TDCS, META },
    { "a TDVPR", TDVPR, META },
    { "a page behind a TDVPR", TDVPR + TDX_PAGE_SIZE, META },
    { "a table", TABLES, META },
    { "a private page", PAGES + M2, META },
    { "the first of a private 2M page", PAGES, META },
    { "in a private 2M page", PAGES + 5 * TDX_PAGE_SIZE, META },
    { "reserved", HOLE, META },
    { "in no TDMR", OUTSIDE, TDX_OPERAND_ADDR_RANGE_ERROR },
    { "not aligned", SPARE + 8, TDX_OPERAND_INVALID },
    { "too far", 1ull << 52 | SPARE, TDX_OPERAND_INVALID },
};

/* Something of everything, and room for each taker */
static void populate(Machine *k)
{
    tables_to(k, GPA + M2, 0);
    tables_to(k, GPA_2M, 1);
    ok(k, TDH_MEM_PAGE_AUG, GPA_2M | 1, TDR, PAGES, 0);
    ok(k, TDH_MEM_PAGE_AUG, GPA + M2 + TDX_PAGE_SIZE, TDR, PAGES + M2, 0);
    ok(k, TDH_MEM_SEPT_ADD, (GPA + 3 * G1) | 2, TDR, TABLES, 0);
    if (the_td(k)->op == TDX_OP_INITIALIZED) {
        ok(k, TDH_VP_CREATE, TDVPR2, TDR, 0, 0);
    }
}

static void check_use(int taker, int use)
{
    Machine *k = machine_new();
    unsigned reg = takers[taker].reg;
    uint64_t want = uses[use].status ? uses[use].status | reg : 0, status;

    td_to(k, takers[taker].stage);
    populate(k);
    status = call(k, takers[taker].leaf,
                  reg == R_RCX ? uses[use].pa : takers[taker].rcx,
                  takers[taker].rdx, uses[use].pa, SOURCE);
    g_test_message("leaf %u with a page that is %s", takers[taker].leaf,
                   uses[use].what);
    assert_status(status, want);
    machine_free(k);
}

static void test_uses(void)
{
    for (int i = 0; i < ARRAY_SIZE(takers); i++) {
        for (int j = 0; j < ARRAY_SIZE(uses); j++) {
            check_use(i, j);
        }
    }
}

/* A 2M page to lend must not have anything in use within */
static void test_uses_2m(void)
{
    static const struct {
        uint64_t pa;
        uint64_t status;
    } cases[] = {
        { PAGES + 2 * M2, 0 },
        { PAGES, META | R_R8 },
        { PAGES + M2, META | R_R8 },
        { PAGES + 2 * M2 + TDX_PAGE_SIZE, TDX_OPERAND_INVALID | R_R8 },
        { HOLE & -M2, META | R_R8 },
        { OUTSIDE, TDX_OPERAND_ADDR_RANGE_ERROR | R_R8 },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        Machine *k = machine_new();

        td_to(k, STAGE_VCPU);
        populate(k);
        assert_status(call(k, TDH_MEM_PAGE_AUG, (GPA_2M + M2) | 1, TDR,
                           cases[i].pa, 0), cases[i].status);
        machine_free(k);
    }
}

static void test_keys(void)
{
    static const struct {
        uint64_t keyid;
        uint64_t status;
    } cases[] = {
        { KEYID + 1, 0 },
        { 3, TDX_OPERAND_INVALID | TDX_OPERAND_RDX },       /* shared */
        { 8, TDX_OPERAND_INVALID | TDX_OPERAND_RDX },       /* too large */
        { 1 << 16 | KEYID, TDX_OPERAND_INVALID | TDX_OPERAND_RDX },
        { KEYIDS, TDX_HKID_NOT_FREE },                      /* the global one */
        { KEYID, TDX_HKID_NOT_FREE },                       /* another TD's */
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        Machine *k = machine_new();

        td_to(k, STAGE_KEYS);
        assert_status(call(k, TDH_MNG_CREATE, SPARE, cases[i].keyid, 0, 0),
                      cases[i].status);
        k->no_entropy = true;
        assert_status(call(k, TDH_MNG_CREATE, SPARE + TDX_PAGE_SIZE,
                           KEYID + 2, 0, 0), TDX_RND_NO_ENTROPY);
        machine_free(k);
    }
}

#define AT(name) offsetof(TdxTdParams, name)

/* One byte of good parameters is replaced by a bad one */
static void test_params(void)
{
    static const struct {
        size_t offset;
        uint8_t value;
        unsigned operand;
    } cases[] = {
        { AT(attributes), 2, TDX_OPERAND_ATTRIBUTES },
        { AT(xfam), 4, TDX_OPERAND_XFAM },
        { AT(xfam), 0xf, TDX_OPERAND_XFAM },
        { AT(max_vcpus), 0, TDX_OPERAND_MAX_VCPUS },
        { AT(num_l2_vms), 1, TDX_OPERAND_NUM_L2_VMS },
        { AT(config_flags), 1, TDX_OPERAND_EPTP_CONTROLS },
        { AT(config_flags), 8, TDX_OPERAND_EXEC_CONTROLS },
        { AT(eptp_controls), 0x10, TDX_OPERAND_EPTP_CONTROLS },
        { AT(eptp_controls), 0x16, TDX_OPERAND_EPTP_CONTROLS },
        { AT(eptp_controls), 0x5e, TDX_OPERAND_EPTP_CONTROLS },
        { AT(tsc_frequency), 3, TDX_OPERAND_TSC_FREQUENCY },
        { AT(reserved0), 1, TDX_OPERAND_RDX },
        { AT(reserved1), 1, TDX_OPERAND_RDX },
        { AT(reserved2), 1, TDX_OPERAND_RDX },
        { AT(cpuid[47]), 1, TDX_OPERAND_CPUID_CONFIG },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        Machine *k = machine_new();
        TdxTdParams params = td_params();

        ((uint8_t *)&params)[cases[i].offset] = cases[i].value;
        td_to(k, STAGE_TDCS);
        set_params(k, &params);
        assert_status(call(k, TDH_MNG_INIT, TDR, PARAMS, 0, 0),
                      TDX_OPERAND_INVALID | cases[i].operand);
        assert_status(call(k, TDH_MNG_INIT, TDR, PARAMS + 8, 0, 0),
                      TDX_OPERAND_INVALID | TDX_OPERAND_RDX);
        machine_free(k);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tdx-td/life", test_life);
    g_test_add_func("/tdx-td/round", test_round);
    g_test_add_func("/tdx-td/uses", test_uses);
    g_test_add_func("/tdx-td/uses-2m", test_uses_2m);
    g_test_add_func("/tdx-td/keys", test_keys);
    g_test_add_func("/tdx-td/params", test_params);
    return g_test_run();
}
