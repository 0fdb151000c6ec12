/*
 * TDX module emulation: entries and tables of the S-EPT
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "target/i386/tdx-sept.h"

/* States as bits: the codes fit by their bits 7 and 2:0 */
#define BIT_OF(state) (1u << (((state) & 7) | ((state) >> 4)))

#define FREE    BIT_OF(TDX_SEPT_FREE)
#define TABLE   BIT_OF(TDX_SEPT_NL_MAPPED)
#define TABLE_B BIT_OF(TDX_SEPT_NL_BLOCKED)
#define MAPPED  BIT_OF(TDX_SEPT_MAPPED)
#define BLOCKED BIT_OF(TDX_SEPT_BLOCKED)
#define PEND    BIT_OF(TDX_SEPT_PENDING)
#define PEND_B  BIT_OF(TDX_SEPT_PENDING_BLOCKED)
#define ANY     (FREE | TABLE | TABLE_B | MAPPED | BLOCKED | PEND | PEND_B)

static const uint16_t allowed_states[TDX_HOST_LEAVES] = {
    [TDH_MEM_PAGE_ADD] = FREE,
    [TDH_MEM_SEPT_ADD] = FREE | TABLE,
    [TDH_MEM_PAGE_AUG] = FREE,
    [TDH_MEM_RANGE_BLOCK] = TABLE | MAPPED | PEND,
    [TDH_MEM_PAGE_DEMOTE] = MAPPED | BLOCKED | PEND | PEND_B,
    [TDH_MR_EXTEND] = MAPPED,
    [TDH_MEM_PAGE_PROMOTE] = TABLE | TABLE_B,
    [TDH_MEM_SEPT_RD] = ANY,
    [TDH_MEM_PAGE_REMOVE] = MAPPED | BLOCKED | PEND | PEND_B,
    [TDH_MEM_SEPT_REMOVE] = TABLE | TABLE_B,
    [TDH_MEM_RANGE_UNBLOCK] = TABLE_B | BLOCKED | PEND_B,
};

bool tdx_sept_allows(unsigned leaf, TdxSeptState state)
{
    return allowed_states[leaf] & BIT_OF(state);
}

bool tdx_sept_acceptable(TdxSeptState state)
{
    return state == TDX_SEPT_PENDING;
}

const char *tdx_sept_state_name(TdxSeptState state)
{
    switch (state) {
    case TDX_SEPT_FREE:
        return "FREE";
    case TDX_SEPT_BLOCKED:
        return "BLOCKED";
    case TDX_SEPT_PENDING:
        return "PENDING";
    case TDX_SEPT_PENDING_BLOCKED:
        return "PENDING_BLOCKED";
    case TDX_SEPT_MAPPED:
        return "MAPPED";
    case TDX_SEPT_NL_BLOCKED:
        return "NL_BLOCKED";
    case TDX_SEPT_NL_MAPPED:
        return "NL_MAPPED";
    }
    return "?";
}

static uint64_t with_state(uint64_t entry, TdxSeptState state)
{
    entry &= ~(0xffull << TDX_SEPT_STATE_SHIFT);
    return entry | (uint64_t)state << TDX_SEPT_STATE_SHIFT;
}

uint64_t tdx_sept_leaf_entry(TdxSeptState state, uint64_t pa)
{
    uint64_t rwx = state == TDX_SEPT_MAPPED ? TDX_SEPT_RWX : 0;

    return with_state(TDX_SEPT_SVE | TDX_SEPT_LEAF | TDX_SEPT_IPAT |
                      TDX_SEPT_MEMTYPE | rwx | pa, state);
}

uint64_t tdx_sept_table_entry(uint64_t pa)
{
    return with_state(TDX_SEPT_RWX | pa, TDX_SEPT_NL_MAPPED);
}

uint64_t tdx_sept_entry_pa(uint64_t entry, int level)
{
    uint64_t pa = entry & TDX_SEPT_ADDRESS;

    return tdx_sept_is_leaf(entry) ? pa & -TDX_LEVEL_SIZE(level) : pa;
}

uint64_t tdx_sept_block(uint64_t entry, int level)
{
    switch (tdx_sept_state(entry)) {
    case TDX_SEPT_NL_MAPPED:
        return with_state(entry & ~TDX_SEPT_RWX, TDX_SEPT_NL_BLOCKED);
    case TDX_SEPT_MAPPED:
        return with_state(entry & ~TDX_SEPT_RWX, TDX_SEPT_BLOCKED);
    case TDX_SEPT_PENDING:
        /* An ACCEPT that was interrupted starts again */
        return tdx_sept_leaf_entry(TDX_SEPT_PENDING_BLOCKED,
                                   tdx_sept_entry_pa(entry, level));
    default:
        g_assert_not_reached();
    }
}

uint64_t tdx_sept_unblock(uint64_t entry)
{
    switch (tdx_sept_state(entry)) {
    case TDX_SEPT_NL_BLOCKED:
        return with_state(entry | TDX_SEPT_RWX, TDX_SEPT_NL_MAPPED);
    case TDX_SEPT_BLOCKED:
        return with_state(entry | TDX_SEPT_RWX, TDX_SEPT_MAPPED);
    case TDX_SEPT_PENDING_BLOCKED:
        return with_state(entry, TDX_SEPT_PENDING);
    default:
        return entry;
    }
}

static void page_free(gpointer opaque)
{
    TdxSeptPage *page = opaque;

    g_free_rcu(page, rcu);
}

GHashTable *tdx_sept_pages_new(void)
{
    return g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, page_free);
}

TdxSeptPage *tdx_sept_page_new(TdxTd *td, uint64_t pa)
{
    TdxSeptPage *page = g_new0(TdxSeptPage, 1);

    page->pa = pa;
    for (int i = 0; i < TDX_SEPT_ENTRIES; i++) {
        page->entry[i] = TDX_SEPT_FREE_ENTRY;
    }
    g_hash_table_insert(td->sept_pages, &page->pa, page);
    return page;
}

TdxSeptPage *tdx_sept_page_find(TdxTd *td, uint64_t pa)
{
    return g_hash_table_lookup(td->sept_pages, &pa);
}

void tdx_sept_page_remove(TdxTd *td, uint64_t pa)
{
    g_hash_table_remove(td->sept_pages, &pa);
}

void tdx_sept_store(const TdxSeptWalk *w, uint64_t entry)
{
    qatomic_set(&w->page->entry[w->index], entry);
}

void tdx_sept_link(const TdxSeptWalk *w, uint64_t entry, TdxSeptPage *child)
{
    qatomic_set(&w->page->child[w->index], child);
    qatomic_store_release(&w->page->entry[w->index], entry);
}

static unsigned index_at(uint64_t gpa, int level)
{
    return (gpa >> (12 + 9 * level)) % TDX_SEPT_ENTRIES;
}

bool tdx_sept_walk(TdxTd *td, uint64_t gpa, int level, TdxSeptWalk *w)
{
    w->page = td->sept;
    for (w->level = td->top; ; w->level--) {
        w->index = index_at(gpa, w->level);
        w->entry = qatomic_load_acquire(&w->page->entry[w->index]);
        if (w->level == level) {
            return true;
        }
        if (!(w->entry & TDX_SEPT_RWX) || tdx_sept_is_leaf(w->entry)) {
            return false;
        }
        w->page = qatomic_read(&w->page->child[w->index]);
    }
}

TdxSeptFault tdx_sept_translate(TdxTd *td, uint64_t gpa, TdxSeptWalk *w)
{
    tdx_sept_walk(td, gpa, 0, w);
    if ((w->entry & TDX_SEPT_RWX) && tdx_sept_is_leaf(w->entry)) {
        return TDX_SEPT_OK;
    }
    return tdx_sept_acceptable(tdx_sept_state(w->entry))
           ? TDX_SEPT_VIOLATION_PENDING : TDX_SEPT_VIOLATION;
}
