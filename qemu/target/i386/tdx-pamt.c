/*
 * TDX module emulation: the physical address metadata table (PAMT)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "target/i386/tdx-td.h"

#define BLOCK_LEVEL     2
#define BLOCK_SIZE      TDX_LEVEL_SIZE(BLOCK_LEVEL)

struct TdxPamtBlock {
    TdxPamtEntry g1;
    TdxPamtEntry m2[TDX_LARGE_PAGES];
    TdxPamtEntry k4[TDX_LARGE_PAGES * TDX_LARGE_PAGES];
};

void tdx_pamt_init(TdxPamt *pamt, unsigned phys_bits)
{
    pamt->nr = (1ull << phys_bits) / BLOCK_SIZE;
    pamt->block = g_new0(TdxPamtBlock *, pamt->nr);
}

void tdx_pamt_free(TdxPamt *pamt)
{
    for (uint64_t i = 0; i < pamt->nr; i++) {
        g_free(pamt->block[i]);
    }
    g_free(pamt->block);
    *pamt = (TdxPamt) { };
}

static TdxPamtEntry *entry_of(TdxPamtBlock *block, uint64_t pa, unsigned level)
{
    uint64_t n = pa % BLOCK_SIZE / TDX_LEVEL_SIZE(level);

    switch (level) {
    case 0:
        return &block->k4[n];
    case 1:
        return &block->m2[n];
    default:
        return &block->g1;
    }
}

/* A block appears when its first page is looked at, and stays */
static TdxPamtBlock *block_of(TdxModule *m, uint64_t pa)
{
    TdxPamt *pamt = &m->life->pamt;
    TdxPamtBlock **slot = &pamt->block[pa / BLOCK_SIZE];

    if (!*slot) {
        qatomic_store_release(slot, g_new0(TdxPamtBlock, 1));
    }
    return *slot;
}

TdxPamtEntry *tdx_pamt_at(TdxModule *m, uint64_t pa, unsigned level)
{
    uint64_t page = pa & -TDX_PAGE_SIZE;
    TdxMemory memory = tdx_memory(m, page, TDX_PAGE_SIZE);
    TdxPamtEntry *e;

    if (memory == TDX_MEM_OUTSIDE) {
        return NULL;
    }
    e = entry_of(block_of(m, pa), pa, level);
    if (!level && memory == TDX_MEM_RESERVED) {
        tdx_pamt_set(e, TDX_PT_RSVD, 0);
    }
    return e;
}

/* Only private pages exist in sizes above 4K */
TdxPamtEntry *tdx_pamt_leaf(TdxModule *m, uint64_t pa, unsigned *level)
{
    TdxPamtEntry *e;

    for (*level = BLOCK_LEVEL; ; --*level) {
        e = tdx_pamt_at(m, pa, *level);
        if (!e || !*level || tdx_pamt_type(e) == TDX_PT_REG) {
            return e;
        }
    }
}

TdxPageType tdx_pamt_owner(TdxModule *m, uint64_t pa, uint64_t *tdr)
{
    TdxPamt *pamt = &m->life->pamt;
    TdxPamtBlock *block = NULL;
    uint64_t word = 0;

    if (pa / BLOCK_SIZE < pamt->nr) {
        block = qatomic_load_acquire(&pamt->block[pa / BLOCK_SIZE]);
    }
    for (int level = BLOCK_LEVEL; block && level >= 0; level--) {
        word = qatomic_read(&entry_of(block, pa, level)->owner_type);
        if ((word & (TDX_PAGE_SIZE - 1)) == TDX_PT_REG) {
            break;
        }
    }
    *tdr = word & -TDX_PAGE_SIZE;
    return word & (TDX_PAGE_SIZE - 1);
}

uint64_t tdx_pamt_expect(TdxModule *m, uint64_t pa, unsigned level,
                         TdxPageType type, TdxPamtEntry **e)
{
    if (!tdx_pa_valid(m, pa, TDX_LEVEL_SIZE(level))) {
        return TDX_OPERAND_INVALID;
    }
    *e = tdx_pamt_at(m, pa, level);
    if (!*e) {
        return TDX_OPERAND_ADDR_RANGE_ERROR;
    }
    for (unsigned above = BLOCK_LEVEL; above > level; above--) {
        if (tdx_pamt_type(tdx_pamt_at(m, pa, above)) == TDX_PT_REG) {
            return TDX_PAGE_METADATA_INCORRECT;
        }
    }
    return tdx_pamt_type(*e) == type ? TDX_SUCCESS
                                     : TDX_PAGE_METADATA_INCORRECT;
}

static bool parts_are_free(TdxModule *m, uint64_t pa, unsigned level)
{
    for (unsigned below = 0; below < level; below++) {
        TdxPamtEntry *e = tdx_pamt_at(m, pa, below);

        for (unsigned i = 0; i < 1u << (9 * (level - below)); i++) {
            if (tdx_pamt_type(&e[i]) != TDX_PT_NDA) {
                return false;
            }
        }
    }
    return true;
}

uint64_t tdx_pamt_expect_free(TdxModule *m, uint64_t pa, unsigned level,
                              TdxPamtEntry **e)
{
    uint64_t status = tdx_pamt_expect(m, pa, level, TDX_PT_NDA, e);

    if (status != TDX_SUCCESS) {
        return status;
    }
    if (tdx_memory(m, pa, TDX_LEVEL_SIZE(level)) != TDX_MEM_USABLE ||
        !parts_are_free(m, pa, level)) {
        return TDX_PAGE_METADATA_INCORRECT;
    }
    return TDX_SUCCESS;
}

void tdx_pamt_set(TdxPamtEntry *e, TdxPageType type, uint64_t tdr)
{
    e->bepoch = 0;
    qatomic_set(&e->owner_type, tdr | type);
}

/* At each moment one size says private: a lock-free reader finds no gap */
void tdx_pamt_demote(TdxModule *m, uint64_t pa, unsigned level)
{
    TdxPamtEntry *whole = tdx_pamt_at(m, pa, level);
    TdxPamtEntry *part = tdx_pamt_at(m, pa, level - 1);

    assert(tdx_pamt_type(whole) == TDX_PT_REG);
    for (unsigned i = 0; i < TDX_LARGE_PAGES; i++) {
        tdx_pamt_set(&part[i], TDX_PT_REG, tdx_pamt_tdr(whole));
    }
    /* The parts are there before the whole goes */
    smp_wmb();
    tdx_pamt_set(whole, TDX_PT_NDA, 0);
}

void tdx_pamt_promote(TdxModule *m, uint64_t pa, unsigned level)
{
    TdxPamtEntry *whole = tdx_pamt_at(m, pa, level);
    TdxPamtEntry *part = tdx_pamt_at(m, pa, level - 1);
    uint64_t word = part[0].owner_type;

    assert(tdx_pamt_type(whole) == TDX_PT_NDA);
    tdx_pamt_set(whole, TDX_PT_REG, word & -TDX_PAGE_SIZE);
    /* The whole is there before its parts go */
    smp_wmb();
    for (unsigned i = 0; i < TDX_LARGE_PAGES; i++) {
        assert(part[i].owner_type == word);
        tdx_pamt_set(&part[i], TDX_PT_NDA, 0);
    }
}

static uint64_t count_block(TdxPamtBlock *block, uint64_t tdr)
{
    uint64_t pages = 0;

    for (unsigned level = 0; block && level < TDX_LEVELS; level++) {
        for (uint64_t pa = 0; pa < BLOCK_SIZE; pa += TDX_LEVEL_SIZE(level)) {
            TdxPamtEntry *e = entry_of(block, pa, level);

            if (tdx_pamt_type(e) > TDX_PT_RSVD && tdx_pamt_tdr(e) == tdr) {
                pages += TDX_LEVEL_SIZE(level) / TDX_PAGE_SIZE;
            }
        }
    }
    return pages;
}

uint64_t tdx_pamt_count(TdxModule *m, uint64_t tdr)
{
    TdxPamt *pamt = &m->life->pamt;
    uint64_t pages = 0;

    for (uint64_t i = 0; i < pamt->nr; i++) {
        pages += count_block(pamt->block[i], tdr);
    }
    return pages;
}
