/*
 * TDX module emulation: the secure EPT (S-EPT)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Entries are in memory of QEMU, keyed by the page that the host lent for
 * them: a host cannot corrupt them, and what it forgets to take back shows.
 * An entry is one word and is only ever stored whole. Calls of the module
 * write, one at a time; the walk of a running virtual processor reads beside
 * them, without a lock, within an RCU critical section.
 *
 * The word of an entry is what TDH.MEM.SEPT.RD shows of it, and the state:
 *
 *   2:0    read, write, execute: all or none
 *   5:3    memory type, leaf only
 *   6      ignore PAT, leaf only
 *   7      leaf, at 4K too
 *   20:12  at 2M while pending: 4K pages that ACCEPT has zeroed
 *   51:12  page, or table
 *   59:52  state
 *   63     suppress #VE: all but tables
 */
#ifndef TARGET_I386_TDX_SEPT_H
#define TARGET_I386_TDX_SEPT_H

#include "qemu/rcu.h"
#include "target/i386/tdx-td.h"

#define TDX_SEPT_RWX        7ull
#define TDX_SEPT_MEMTYPE    (6ull << 3)
#define TDX_SEPT_IPAT       (1ull << 6)
#define TDX_SEPT_LEAF       (1ull << 7)
#define TDX_SEPT_ADDRESS    0x000ffffffffff000ull
#define TDX_SEPT_SVE        (1ull << 63)
#define TDX_SEPT_STATE_SHIFT 52
#define TDX_SEPT_ENTRIES    512
#define TDX_SEPT_TOP        4       /* no level is above */

/* The codes that leaves return in RDX[15:8] */
typedef enum TdxSeptState {
    TDX_SEPT_FREE = 0,
    TDX_SEPT_BLOCKED = 1,
    TDX_SEPT_PENDING = 2,
    TDX_SEPT_PENDING_BLOCKED = 3,
    TDX_SEPT_MAPPED = 4,
    TDX_SEPT_NL_BLOCKED = 0x81,
    TDX_SEPT_NL_MAPPED = 0x84,
} TdxSeptState;

/* A table. @child is good where the entry is a table's, else stale. */
typedef struct TdxSeptPage {
    struct rcu_head rcu;
    uint64_t pa;
    uint64_t entry[TDX_SEPT_ENTRIES];
    struct TdxSeptPage *child[TDX_SEPT_ENTRIES];
} TdxSeptPage;

/* Where a walk ended */
typedef struct TdxSeptWalk {
    TdxSeptPage *page;
    unsigned index;
    int level;
    uint64_t entry;         /* as it was read */
} TdxSeptWalk;

/* Entries */

#define TDX_SEPT_FREE_ENTRY TDX_SEPT_SVE

static inline TdxSeptState tdx_sept_state(uint64_t entry)
{
    return (entry >> TDX_SEPT_STATE_SHIFT) & 0xff;
}

static inline bool tdx_sept_is_leaf(uint64_t entry)
{
    return entry & TDX_SEPT_LEAF;
}

static inline bool tdx_sept_is_blocked(TdxSeptState state)
{
    return state == TDX_SEPT_BLOCKED || state == TDX_SEPT_PENDING_BLOCKED ||
           state == TDX_SEPT_NL_BLOCKED;
}

static inline bool tdx_sept_is_table(TdxSeptState state)
{
    return state == TDX_SEPT_NL_BLOCKED || state == TDX_SEPT_NL_MAPPED;
}

uint64_t tdx_sept_leaf_entry(TdxSeptState state, uint64_t pa);
uint64_t tdx_sept_table_entry(uint64_t pa);
/* The page or table; at 2M and 1G without what is not address */
uint64_t tdx_sept_entry_pa(uint64_t entry, int level);
uint64_t tdx_sept_block(uint64_t entry, int level);
uint64_t tdx_sept_unblock(uint64_t entry);
const char *tdx_sept_state_name(TdxSeptState state);

/* Whether @leaf may be called on an entry in @state */
bool tdx_sept_allows(unsigned leaf, TdxSeptState state);
/* The same for a TD's TDG.MEM.PAGE.ACCEPT */
bool tdx_sept_acceptable(TdxSeptState state);

/* Tables */

GHashTable *tdx_sept_pages_new(void);
TdxSeptPage *tdx_sept_page_new(TdxTd *td, uint64_t pa);
TdxSeptPage *tdx_sept_page_find(TdxTd *td, uint64_t pa);
void tdx_sept_page_remove(TdxTd *td, uint64_t pa);
void tdx_sept_store(const TdxSeptWalk *w, uint64_t entry);
/* Store @entry, a table's, which @child is */
void tdx_sept_link(const TdxSeptWalk *w, uint64_t entry, TdxSeptPage *child);

/*
 * Walk to @level, or to what ends the walk above: a leaf, or an entry that is
 * not present. True when @w is at @level.
 */
bool tdx_sept_walk(TdxTd *td, uint64_t gpa, int level, TdxSeptWalk *w);

/* A running virtual processor */

typedef enum TdxSeptFault {
    TDX_SEPT_OK,
    TDX_SEPT_VIOLATION,
    TDX_SEPT_VIOLATION_PENDING, /* a page that the TD has not accepted */
} TdxSeptFault;

/* Lock-free. On TDX_SEPT_OK, @w is the leaf. */
TdxSeptFault tdx_sept_translate(TdxTd *td, uint64_t gpa, TdxSeptWalk *w);

/* Operands of a leaf on one entry: RCX: guest address and level, RDX: TDR */

/* No page */
#define TDX_NULL_PA     UINT64_MAX

typedef struct TdxSeptOp {
    TdxTd *td;
    uint64_t gpa;
    int level;
    TdxSeptWalk at;
} TdxSeptOp;

/*
 * Check operands and walk; clears RCX and RDX. On TDX_SUCCESS the entry's
 * state allows the leaf.
 */
uint64_t tdx_sept_begin(TdxCall *c, uint64_t tdr, int min, int max,
                        TdxSeptOp *op);
/* Tell of the entry in RCX and RDX, and return @status */
uint64_t tdx_sept_fail(TdxCall *c, const TdxSeptOp *op, uint64_t status);
/* Blocked and tracked, as long as virtual processors may be running */
uint64_t tdx_sept_check_tracked(TdxCall *c, const TdxSeptOp *op);
/*
 * Both, for a leaf that gives a table back: RDX is the TDR, and no nested TD
 * has a table behind the entry, which R9 to R11 say.
 */
uint64_t tdx_sept_begin_tracked_table(TdxCall *c, int max, TdxSeptOp *op);
/* A guest address and level in one register; @td's private half */
bool tdx_sept_gpa_valid(const TdxTd *td, uint64_t gpa_level, int min, int max);

/* The PAMT entry that holds the epoch of an entry's blocking */
TdxPamtEntry *tdx_sept_pamt(TdxModule *m, uint64_t entry, int level);

/* TDG.MEM.PAGE.ACCEPT */

typedef struct TdxAccept {
    uint64_t status;        /* to the TD in RAX, unless it exits */
    bool exit;              /* an EPT violation to the host */
    bool interrupted;       /* go on after the interrupt: call again */
    uint64_t gpa;
    uint64_t qualification;
    uint64_t extended;
} TdxAccept;

void tdx_sept_accept(TdxCall *c, TdxTd *td, uint64_t gpa_level,
                     TdxAccept *result);

/* Extended exit qualification of an EPT violation: its type, bits 3:0 */
#define TDX_EEQ_NONE        0
#define TDX_EEQ_ACCEPT      1
#define TDX_EEQ_PENDING     6

/* The leaves; tdx_mem_leaves[] lists them */
TdxLeafFn tdx_mem_page_add, tdx_mem_page_aug, tdx_mem_page_remove;
TdxLeafFn tdx_mem_page_demote, tdx_mem_page_promote;
TdxLeafFn tdx_mr_extend, tdx_mr_finalize;

/* Add to the measurement of a TD that is being built */
void tdx_measure(TdxTd *td, const char *leaf, uint64_t gpa,
                 const uint8_t *content, size_t len);

#endif
