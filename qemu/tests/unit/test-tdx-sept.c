/*
 * Every state of an S-EPT entry against every leaf
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Example: TDH.MEM.PAGE.REMOVE of an entry that is MAPPED, of a TD that may
 * run, is GPA_RANGE_NOT_BLOCKED, as a virtual processor may have it cached.
 * After TDH.MEM.RANGE.BLOCK and TDH.MEM.TRACK the entry is BLOCKED, and the
 * same call succeeds and leaves it FREE. A row of the table is a leaf, a
 * column a state, a cell the status and what becomes of the entry.
 */
#include "qemu/osdep.h"
#include "tdx-fixture.h"

#define GPA         (4ull << 30)
#define ACCEPT      0x1000      /* the TD's leaf among the host's */
#define RCX         TDX_OPERAND_RCX
#define SAME        (-1)

/* Statuses, for lines of a table */
#define OK_         TDX_SUCCESS
#define STATE       (TDX_EPT_ENTRY_STATE_INCORRECT | RCX)
#define NOTBLK      (TDX_GPA_RANGE_NOT_BLOCKED | RCX)
#define ALREADY     (TDX_GPA_RANGE_ALREADY_BLOCKED | RCX)
#define NOMERGE     (TDX_EPT_INVALID_PROMOTE_CONDITIONS | RCX)
#define NOTRACK     (TDX_TLB_TRACKING_NOT_DONE | RCX)
#define NOTRACK_T   (TDX_TLB_TRACKING_NOT_DONE | TDX_OPERAND_SEPT_TREE)
#define OP          TDX_OP_STATE_INCORRECT
#define LEVEL       (TDX_OPERAND_INVALID | RCX)
#define EXIT        UINT64_MAX  /* of a TD: an EPT violation to the host */
#define ACCEPTED    TDX_PAGE_ALREADY_ACCEPTED
#define SIZE        TDX_PAGE_SIZE_MISMATCH

enum { FREE, PEND, MAPPED, PEND_B, BLOCKED, TABLE, TABLE_B, STATES };

static const TdxSeptState states[STATES] = {
    [FREE] = TDX_SEPT_FREE,
    [PEND] = TDX_SEPT_PENDING,
    [MAPPED] = TDX_SEPT_MAPPED,
    [PEND_B] = TDX_SEPT_PENDING_BLOCKED,
    [BLOCKED] = TDX_SEPT_BLOCKED,
    [TABLE] = TDX_SEPT_NL_MAPPED,
    [TABLE_B] = TDX_SEPT_NL_BLOCKED,
};

typedef struct Row {
    const char *name;
    unsigned leaf;
    struct {
        uint64_t status;
        int becomes;
    } cell[STATES];
} Row;

#define C(status, ...)      { status, __VA_ARGS__ }
#define NO(status)          { status, SAME }

/* A TD that may run; what is blocked is tracked; entry of 2M or 1G */
static const Row runnable[] = {
    { "SEPT.ADD", TDH_MEM_SEPT_ADD,
      { C(OK_, TABLE), NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(STATE),
        NO(STATE) } },
    { "PAGE.ADD", TDH_MEM_PAGE_ADD,
      { NO(OP), NO(OP), NO(OP), NO(OP), NO(OP), NO(OP), NO(OP) } },
    { "PAGE.AUG", TDH_MEM_PAGE_AUG,
      { C(OK_, PEND), NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(STATE),
        NO(STATE) } },
    { "RANGE.BLOCK", TDH_MEM_RANGE_BLOCK,
      { NO(STATE), C(OK_, PEND_B), C(OK_, BLOCKED), NO(ALREADY), NO(ALREADY),
        C(OK_, TABLE_B), NO(ALREADY) } },
    { "RANGE.UNBLOCK", TDH_MEM_RANGE_UNBLOCK,
      { NO(STATE), NO(STATE), NO(STATE), C(OK_, PEND), C(OK_, MAPPED),
        NO(STATE), C(OK_, TABLE) } },
    { "PAGE.REMOVE", TDH_MEM_PAGE_REMOVE,
      { NO(STATE), NO(NOTBLK), NO(NOTBLK), C(OK_, FREE), C(OK_, FREE),
        NO(STATE), NO(STATE) } },
    { "PAGE.DEMOTE", TDH_MEM_PAGE_DEMOTE,
      { NO(STATE), NO(NOTBLK), NO(NOTBLK), C(OK_, TABLE), C(OK_, TABLE),
        NO(STATE), NO(STATE) } },
    { "PAGE.PROMOTE", TDH_MEM_PAGE_PROMOTE,
      { NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(NOTBLK),
        NO(NOMERGE) } },
    { "SEPT.REMOVE", TDH_MEM_SEPT_REMOVE,
      { NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(NOTBLK),
        C(OK_, FREE) } },
    { "SEPT.RD", TDH_MEM_SEPT_RD,
      { NO(OK_), NO(OK_), NO(OK_), NO(OK_), NO(OK_), NO(OK_), NO(OK_) } },
    { "ACCEPT", ACCEPT,
      { NO(EXIT), C(OK_, MAPPED), NO(ACCEPTED), NO(EXIT), NO(EXIT), NO(SIZE),
        NO(SIZE) } },
};

/* The same, blocked but not tracked: where that makes a difference */
static const Row untracked[] = {
    { "RANGE.UNBLOCK", TDH_MEM_RANGE_UNBLOCK,
      { NO(STATE), NO(STATE), NO(STATE), NO(NOTRACK_T), NO(NOTRACK_T),
        NO(STATE), NO(NOTRACK_T) } },
    { "PAGE.REMOVE", TDH_MEM_PAGE_REMOVE,
      { NO(STATE), NO(NOTBLK), NO(NOTBLK), NO(NOTRACK), NO(NOTRACK),
        NO(STATE), NO(STATE) } },
    { "PAGE.DEMOTE", TDH_MEM_PAGE_DEMOTE,
      { NO(STATE), NO(NOTBLK), NO(NOTBLK), NO(NOTRACK), NO(NOTRACK),
        NO(STATE), NO(STATE) } },
    { "PAGE.PROMOTE", TDH_MEM_PAGE_PROMOTE,
      { NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(NOTBLK),
        NO(NOTRACK) } },
    { "SEPT.REMOVE", TDH_MEM_SEPT_REMOVE,
      { NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(NOTBLK),
        NO(NOTRACK) } },
};

/* A TD that is being built: nothing has to be blocked, or tracked */
static const Row building[] = {
    { "SEPT.ADD", TDH_MEM_SEPT_ADD,
      { C(OK_, TABLE), NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(STATE),
        NO(STATE) } },
    { "PAGE.AUG", TDH_MEM_PAGE_AUG,
      { C(OK_, PEND), NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(STATE),
        NO(STATE) } },
    { "RANGE.BLOCK", TDH_MEM_RANGE_BLOCK,
      { NO(STATE), C(OK_, PEND_B), C(OK_, BLOCKED), NO(ALREADY), NO(ALREADY),
        C(OK_, TABLE_B), NO(ALREADY) } },
    { "RANGE.UNBLOCK", TDH_MEM_RANGE_UNBLOCK,
      { NO(STATE), NO(STATE), NO(STATE), C(OK_, PEND), C(OK_, MAPPED),
        NO(STATE), C(OK_, TABLE) } },
    { "PAGE.REMOVE", TDH_MEM_PAGE_REMOVE,
      { NO(STATE), C(OK_, FREE), C(OK_, FREE), C(OK_, FREE), C(OK_, FREE),
        NO(STATE), NO(STATE) } },
    { "PAGE.DEMOTE", TDH_MEM_PAGE_DEMOTE,
      { NO(STATE), C(OK_, TABLE), C(OK_, TABLE), C(OK_, TABLE), C(OK_, TABLE),
        NO(STATE), NO(STATE) } },
    { "PAGE.PROMOTE", TDH_MEM_PAGE_PROMOTE,
      { NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(NOMERGE),
        NO(NOMERGE) } },
    { "SEPT.REMOVE", TDH_MEM_SEPT_REMOVE,
      { NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(STATE), C(OK_, FREE),
        C(OK_, FREE) } },
    { "PAGE.ADD", TDH_MEM_PAGE_ADD,
      { C(OK_, MAPPED), NO(STATE), NO(STATE), NO(STATE), NO(STATE), NO(STATE),
        NO(STATE) } },
    { "MR.EXTEND", TDH_MR_EXTEND,
      { NO(TDX_EPT_ENTRY_NOT_PRESENT | RCX),
        NO(TDX_EPT_ENTRY_NOT_PRESENT | RCX), NO(OK_),
        NO(TDX_EPT_ENTRY_NOT_PRESENT | RCX),
        NO(TDX_EPT_ENTRY_NOT_PRESENT | RCX),
        NO(TDX_EPT_ENTRY_NOT_PRESENT | RCX),
        NO(TDX_EPT_ENTRY_NOT_PRESENT | RCX) } },
};

/* The level that a leaf does not take comes before the state of the entry */
static bool level_fits(unsigned leaf, int level)
{
    switch (leaf) {
    case TDH_MEM_PAGE_ADD:
        return level == 0;
    case TDH_MEM_PAGE_AUG:
    case ACCEPT:
        return level <= 1;
    case TDH_MEM_SEPT_ADD:
    case TDH_MEM_PAGE_DEMOTE:
    case TDH_MEM_PAGE_PROMOTE:
    case TDH_MEM_SEPT_REMOVE:
        return level >= 1;
    default:
        return true;
    }
}

static uint64_t expected(const Row *row, int s, int level)
{
    uint64_t status = row->cell[s].status;

    if (status != OP && !level_fits(row->leaf, level)) {
        return LEVEL;
    }
    if (row->leaf == ACCEPT && status != EXIT && status != OK_) {
        status |= level;
    }
    return status;
}

static uint64_t do_leaf(Machine *k, unsigned leaf, int level)
{
    if (leaf == ACCEPT) {
        TdxAccept result = accept_page(k, GPA, level);

        return result.exit ? EXIT : result.status;
    }
    return call(k, leaf, leaf == TDH_MR_EXTEND ? GPA : GPA | level, TDR,
                leaf == TDH_MEM_PAGE_AUG ? GIGA : SPARE, SOURCE);
}

/* Returns to a state of its own before the next cell */
static void check_cell(const Row *row, int s, int level, Stage stage,
                       bool tracked)
{
    Machine *k = machine_new();
    uint64_t status, want = expected(row, s, level);
    int becomes = row->cell[s].becomes;

    td_to(k, stage);
    entry_to(k, GPA, level, states[s]);
    if (tracked) {
        track(k);
    }
    status = do_leaf(k, row->leaf, level);
    g_test_message("%s of %s at level %d", row->name,
                   tdx_sept_state_name(states[s]), level);
    assert_status(status, want);
    becomes = want != OK_ || becomes == SAME ? s : becomes;
    g_assert_cmpstr(tdx_sept_state_name(state_of(k, GPA, level)), ==,
                    tdx_sept_state_name(states[becomes]));
    machine_free(k);
}

static void check_rows(const Row *row, int rows, int level, Stage stage,
                       bool tracked)
{
    for (int i = 0; i < rows; i++) {
        for (int s = 0; s < STATES; s++) {
            /* The last level has no tables */
            if (level || s < TABLE) {
                check_cell(&row[i], s, level, stage, tracked);
            }
        }
    }
}

static void test_runnable(gconstpointer level)
{
    check_rows(runnable, ARRAY_SIZE(runnable), GPOINTER_TO_INT(level),
               STAGE_RUNNABLE, true);
}

static void test_untracked(gconstpointer level)
{
    check_rows(untracked, ARRAY_SIZE(untracked), GPOINTER_TO_INT(level),
               STAGE_RUNNABLE, false);
}

static void test_building(gconstpointer level)
{
    check_rows(building, ARRAY_SIZE(building), GPOINTER_TO_INT(level),
               STAGE_VCPU, false);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (int level = 0; level < TDX_LEVELS; level++) {
        gpointer data = GINT_TO_POINTER(level);
        g_autofree char *a = g_strdup_printf("/tdx-sept/runnable/%d", level);
        g_autofree char *b = g_strdup_printf("/tdx-sept/untracked/%d", level);
        g_autofree char *c = g_strdup_printf("/tdx-sept/building/%d", level);

        g_test_add_data_func(a, data, test_runnable);
        g_test_add_data_func(b, data, test_untracked);
        g_test_add_data_func(c, data, test_building);
    }
    return g_test_run();
}
