/*
 * TDX module emulation: the physical address metadata table (PAMT)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What each page of a TD memory region is used for, who owns it and, of a
 * blocked page, since which epoch. Each 1G has an array for each page size: a
 * 2M page that is in use is one entry of the 2M array, and its 512 entries of
 * the 4K array then say "not assigned". Software lends the memory for the
 * table and cannot read it, so the table is kept outside of it.
 *
 * Writers are serialized as calls of the module are. tdx_pamt_owner() may run
 * beside them.
 */
#ifndef TARGET_I386_TDX_PAMT_H
#define TARGET_I386_TDX_PAMT_H

#include "target/i386/tdx-module.h"

#define TDX_LARGE_PAGES     512

/* The codes that TDH.PHYMEM.PAGE.RDMD and RECLAIM return */
typedef enum TdxPageType {
    TDX_PT_NDA = 0,         /* not directly assigned: the host's */
    TDX_PT_RSVD = 1,        /* in a reserved area of the TDMR */
    TDX_PT_REG = 3,         /* a TD's private page */
    TDX_PT_TDR = 4,
    TDX_PT_TDCX = 5,
    TDX_PT_TDVPR = 6,
    TDX_PT_EPT = 8,
} TdxPageType;

typedef struct TdxPamtEntry {
    uint64_t owner_type;    /* address of the owner's TDR, page type */
    uint64_t bepoch;        /* epoch in which the page was blocked */
} TdxPamtEntry;

typedef struct TdxPamtBlock TdxPamtBlock;

typedef struct TdxPamt {
    TdxPamtBlock **block;   /* one for each 1G below the KeyIDs */
    uint64_t nr;
} TdxPamt;

static inline TdxPageType tdx_pamt_type(const TdxPamtEntry *e)
{
    return e->owner_type & (TDX_PAGE_SIZE - 1);
}

static inline uint64_t tdx_pamt_tdr(const TdxPamtEntry *e)
{
    return e->owner_type & -TDX_PAGE_SIZE;
}

void tdx_pamt_init(TdxPamt *pamt, unsigned phys_bits);
void tdx_pamt_free(TdxPamt *pamt);

/* The type of the page at @pa, and its owner's TDR; lock-free */
TdxPageType tdx_pamt_owner(TdxModule *m, uint64_t pa, uint64_t *tdr);

/* The entry of @pa at @level; NULL outside of initialized TDMRs */
TdxPamtEntry *tdx_pamt_at(TdxModule *m, uint64_t pa, unsigned level);
/* The entry that says what @pa is, and its level */
TdxPamtEntry *tdx_pamt_leaf(TdxModule *m, uint64_t pa, unsigned *level);

/*
 * Check of a page that the host names: it is to have @type at @level. On
 * TDX_SUCCESS @e is its entry. Any other status is without an operand.
 */
uint64_t tdx_pamt_expect(TdxModule *m, uint64_t pa, unsigned level,
                         TdxPageType type, TdxPamtEntry **e);
/* As above for a page to lend: nothing of it may be in use at any size */
uint64_t tdx_pamt_expect_free(TdxModule *m, uint64_t pa, unsigned level,
                              TdxPamtEntry **e);

void tdx_pamt_set(TdxPamtEntry *e, TdxPageType type, uint64_t tdr);
/* The private page at @level becomes 512 of the level below, or back */
void tdx_pamt_demote(TdxModule *m, uint64_t pa, unsigned level);
void tdx_pamt_promote(TdxModule *m, uint64_t pa, unsigned level);

/* What @tdr owns, its TDR excepted, in 4K pages: all entries are visited */
uint64_t tdx_pamt_count(TdxModule *m, uint64_t tdr);

#endif
