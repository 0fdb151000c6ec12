/*
 * A machine without processors for tests of the TDX module
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Memory appears where it is touched. One TDMR of 3G at BASE, all of it usable
 * but the 4K page HOLE. The 1G page GIGA is one 4K page many times. Two
 * processors on one package.
 */
#ifndef TESTS_UNIT_TDX_FIXTURE_H
#define TESTS_UNIT_TDX_FIXTURE_H

#include "target/i386/tdx-sept.h"

#define BASE        (1ull << 30)
#define HOLE        (BASE + (3ull << 30) - TDX_PAGE_SIZE)
#define OUTSIDE     (BASE + (3ull << 30))
#define M2          TDX_LEVEL_SIZE(1)
#define G1          TDX_LEVEL_SIZE(2)

/* Pages by their use; what tests map is from PAGES on */
#define TDR         (BASE + 0x0000)
#define TDCS        (BASE + 0x1000)
#define TDVPR       (BASE + 0x10000)
#define TDVPR2      (BASE + 0x20000)
#define TABLES      (BASE + 0x100000)
#define SPARE       (BASE + 0x180000)
#define PARAMS      (BASE + 0x1f0000)
#define SOURCE      (BASE + 0x1f1000)
#define PAGES       (BASE + M2)
#define GIGA        (BASE + G1)

#define KEYID       5
#define KEYIDS      4           /* private ones: 4 to 7 */

typedef struct Machine {
    TdxModule m;
    TdxLp lps[2];
    GHashTable *memory;
    bool no_entropy;
    int interrupt_after;        /* answers "none" until it is 1; 0: never */
    uint64_t tsc;
    GString *errors;            /* what the module said of the host */
    uint64_t r[TDX_NR_REGS];    /* after the last call */
    unsigned lp;
} Machine;

Machine *machine_new(void);
/* Fails the test when a rule that holds between two calls does not */
void machine_check(Machine *k);
void machine_free(Machine *k);

/* A leaf with its operands; the other registers hold garbage */
uint64_t call(Machine *k, unsigned leaf, uint64_t rcx, uint64_t rdx,
              uint64_t r8, uint64_t r9);
/* As above, and it must succeed */
void ok(Machine *k, unsigned leaf, uint64_t rcx, uint64_t rdx, uint64_t r8,
        uint64_t r9);
#define leaf_version(leaf, version) ((leaf) | (version) << 16)

/* A TD on its way: each step includes those before */
typedef enum Stage {
    STAGE_NONE,
    STAGE_CREATED,
    STAGE_KEYS,
    STAGE_TDCS,
    STAGE_INIT,
    STAGE_VCPU,
    STAGE_RUNNABLE,
    STAGE_BLOCKED,
    STAGE_TEARDOWN,
} Stage;

void td_to(Machine *k, Stage stage);
/* From runnable on */
void td_to_teardown(Machine *k);
TdxTdParams td_params(void);
void set_params(Machine *k, const TdxTdParams *params);
void add_vcpu(Machine *k, uint64_t tdvpr);
TdxTd *the_td(Machine *k);
TdxVp *the_vp(Machine *k, uint64_t tdvpr);

/* Tables down to those whose entries are of @level */
void tables_to(Machine *k, uint64_t gpa, int level);
/* Make the entry have this state by leaves alone */
void entry_to(Machine *k, uint64_t gpa, int level, TdxSeptState state);
TdxSeptState state_of(Machine *k, uint64_t gpa, int level);
/* Start epochs until what was blocked is tracked */
void track(Machine *k);
TdxAccept accept_page(Machine *k, uint64_t gpa, int level);

const char *status_name(uint64_t status);
#define assert_status(status, expected)                                     \
    do {                                                                    \
        uint64_t status_ = (status), expected_ = (expected);                \
        if (status_ != expected_) {                                         \
            g_error("%s:%d: status %s 0x%" PRIx64 ", expected %s 0x%"       \
                    PRIx64, __FILE__, __LINE__, status_name(status_),       \
                    status_, status_name(expected_), expected_);            \
        }                                                                   \
    } while (0)

#endif
