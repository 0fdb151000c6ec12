/*
 * TDX module emulation: memory that the host lends to the module
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A TDMR is a range in units of 1G. What of it is no convertible memory, or
 * holds a PAMT, is reserved. Its PAMTs, one for each size of page, are memory
 * of the host's that it gives up; this module keeps its entries elsewhere, so
 * that a host which writes there does no harm but is found out.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "target/i386/tdx-tdmr.h"

/* A description in memory: quadwords, little endian */
enum {
    INFO_BASE, INFO_SIZE, INFO_PAMT_1G, INFO_PAMT_2M = 4, INFO_PAMT_4K = 6,
    INFO_RESERVED = 8,
    INFO_WORDS = INFO_RESERVED + 2 * TDX_MAX_RESERVED
};

static uint64_t range_end(const TdxRange *r)
{
    return r->base + r->size;
}

static bool wraps(uint64_t base, uint64_t size)
{
    return base + size < base;
}

static bool overlap(const TdxRange *a, const TdxRange *b)
{
    return a->base < range_end(b) && b->base < range_end(a);
}

static bool contains(const TdxRange *outer, const TdxRange *inner)
{
    return inner->base >= outer->base && range_end(inner) <= range_end(outer);
}

/* The error, with the number of the TDMR and a detail */
static uint64_t tdmr_error(TdxModule *m, uint64_t status, unsigned index,
                           unsigned detail, const char *why)
{
    tdx_guest_error(m, "TDH.SYS.CONFIG: TDMR %u: %s (%u)", index, why, detail);
    return status | index | detail << 8;
}

/* CMRs that touch count as one */
static bool in_cmrs(const TdxModule *m, TdxRange r)
{
    for (unsigned i = 0; i < m->nr_cmrs && r.size; i++) {
        const TdxRange *cmr = &m->cmrs[i];

        if (r.base >= cmr->base && r.base < range_end(cmr)) {
            uint64_t part = MIN(r.size, range_end(cmr) - r.base);

            r.base += part;
            r.size -= part;
        }
    }
    return !r.size;
}

static uint64_t parse(TdxModule *m, unsigned index, const uint64_t *info)
{
    static const unsigned pamt_at[TDX_LEVELS] = {
        INFO_PAMT_4K, INFO_PAMT_2M, INFO_PAMT_1G
    };
    TdxTdmr *t = &m->tdmrs[index];

    *t = (TdxTdmr) { .range = { info[INFO_BASE], info[INFO_SIZE] } };
    t->next = t->range.base;
    for (int level = 0; level < TDX_LEVELS; level++) {
        t->pamt[level].base = info[pamt_at[level]];
        t->pamt[level].size = info[pamt_at[level] + 1];
    }
    for (unsigned i = 0; i < TDX_MAX_RESERVED; i++) {
        uint64_t offset = info[INFO_RESERVED + 2 * i];
        uint64_t size = info[INFO_RESERVED + 2 * i + 1];

        if (!size) {
            continue;
        }
        if (t->nr_reserved < i) {
            return tdmr_error(m, TDX_NON_ORDERED_RESERVED_IN_TDMR, index, i,
                              "a reserved area follows an empty one");
        }
        if (wraps(offset, size) || wraps(t->range.base, offset + size)) {
            return tdmr_error(m, TDX_INVALID_RESERVED_IN_TDMR, index, i,
                              "a reserved area wraps around");
        }
        t->reserved[t->nr_reserved++] =
            (TdxRange) { t->range.base + offset, size };
    }
    return TDX_SUCCESS;
}

static uint64_t check_range(TdxModule *m, unsigned index)
{
    const TdxRange *r = &m->tdmrs[index].range;

    if (wraps(r->base, r->size) || !r->size ||
        !tdx_pa_valid(m, r->base | r->size, TDX_LEVEL_SIZE(2)) ||
        !tdx_pa_valid(m, range_end(r) - 1, 1)) {
        return tdmr_error(m, TDX_INVALID_TDMR, index, 0,
                          "base or size is not a multiple of 1G");
    }
    if (index && r->base < range_end(&m->tdmrs[index - 1].range)) {
        return tdmr_error(m, TDX_NON_ORDERED_TDMR, index, 0,
                          "not behind the one before");
    }
    return TDX_SUCCESS;
}

static uint64_t check_reserved(TdxModule *m, unsigned index)
{
    const TdxTdmr *t = &m->tdmrs[index];

    for (unsigned i = 0; i < t->nr_reserved; i++) {
        const TdxRange *r = &t->reserved[i];

        if (i && r->base < range_end(r - 1)) {
            return tdmr_error(m, TDX_NON_ORDERED_RESERVED_IN_TDMR, index, i,
                              "a reserved area is not behind the one before");
        }
        if ((r->base | r->size) & (TDX_PAGE_SIZE - 1)) {
            return tdmr_error(m, TDX_INVALID_RESERVED_IN_TDMR, index, i,
                              "a reserved area is not aligned to 4K");
        }
        if (!contains(&t->range, r)) {
            return tdmr_error(m, TDX_INVALID_RESERVED_IN_TDMR, index, i,
                              "a reserved area is outside the TDMR");
        }
    }
    return TDX_SUCCESS;
}

/* What is not reserved must be memory that can be private */
static uint64_t check_available(TdxModule *m, unsigned index)
{
    const TdxTdmr *t = &m->tdmrs[index];
    uint64_t at = t->range.base;

    for (unsigned i = 0; i <= t->nr_reserved; i++) {
        uint64_t end = i < t->nr_reserved ? t->reserved[i].base
                                          : range_end(&t->range);

        if (!in_cmrs(m, (TdxRange) { at, end - at })) {
            return tdmr_error(m, TDX_TDMR_OUTSIDE_CMRS, index, i,
                              "a part neither reserved nor convertible");
        }
        if (i < t->nr_reserved) {
            at = range_end(&t->reserved[i]);
        }
    }
    return TDX_SUCCESS;
}

static uint64_t check_pamt(TdxModule *m, unsigned index, unsigned level)
{
    const TdxTdmr *t = &m->tdmrs[index];
    const TdxRange *p = &t->pamt[level];
    uint64_t need = t->range.size / TDX_LEVEL_SIZE(level) * TDX_PAMT_ENTRY_SIZE;

    if (wraps(p->base, p->size) || p->size < need ||
        !tdx_pa_valid(m, p->base | p->size, TDX_PAGE_SIZE) ||
        !tdx_pa_valid(m, range_end(p) - 1, 1)) {
        return tdmr_error(m, TDX_INVALID_PAMT, index, level,
                          "a PAMT is too small or not aligned");
    }
    if (!in_cmrs(m, *p)) {
        return tdmr_error(m, TDX_PAMT_OUTSIDE_CMRS, index, level,
                          "a PAMT is not in convertible memory");
    }
    return TDX_SUCCESS;
}

/* Whether @r keeps clear of all PAMTs but itself */
static bool clear_of_pamts(const TdxModule *m, const TdxRange *r)
{
    for (unsigned i = 0; i < m->nr_tdmrs; i++) {
        for (int level = 0; level < TDX_LEVELS; level++) {
            const TdxRange *other = &m->tdmrs[i].pamt[level];

            if (other != r && overlap(r, other)) {
                return false;
            }
        }
    }
    return true;
}

/* Whether all of @r that is in some TDMR is reserved there */
static bool is_reserved(const TdxModule *m, const TdxRange *r)
{
    for (uint64_t pa = r->base; pa < range_end(r); pa += TDX_PAGE_SIZE) {
        TdxRange page = { pa, TDX_PAGE_SIZE };

        for (unsigned i = 0; i < m->nr_tdmrs; i++) {
            const TdxTdmr *t = &m->tdmrs[i];
            bool found = !overlap(&t->range, &page);

            for (unsigned j = 0; j < t->nr_reserved && !found; j++) {
                found = contains(&t->reserved[j], &page);
            }
            if (!found) {
                return false;
            }
        }
    }
    return true;
}

/* What depends on all TDMRs */
static uint64_t check_pamts_apart(TdxModule *m)
{
    for (unsigned i = 0; i < m->nr_tdmrs; i++) {
        for (int level = 0; level < TDX_LEVELS; level++) {
            const TdxRange *p = &m->tdmrs[i].pamt[level];

            if (!clear_of_pamts(m, p)) {
                return tdmr_error(m, TDX_PAMT_OVERLAP, i, level,
                                  "a PAMT overlaps another");
            }
            if (!is_reserved(m, p)) {
                return tdmr_error(m, TDX_PAMT_OVERLAP, i, level,
                                  "a PAMT is in memory that is not reserved");
            }
        }
    }
    return TDX_SUCCESS;
}

static uint64_t take_one(TdxModule *m, unsigned index, uint64_t pa)
{
    uint64_t info[INFO_WORDS];
    uint64_t status;

    if (!tdx_pa_valid(m, pa, TDX_TDMR_INFO_ALIGN) ||
        !tdx_read(m, pa, info, sizeof(info))) {
        return tdx_operand_invalid(TDX_OPERAND_TDMR_INFO);
    }
    for (int i = 0; i < INFO_WORDS; i++) {
        info[i] = le64_to_cpu(info[i]);
    }
    status = parse(m, index, info);
    status = status ?: check_range(m, index);
    status = status ?: check_reserved(m, index);
    for (int level = TDX_LEVELS - 1; level >= 0 && !status; level--) {
        status = check_pamt(m, index, level);
    }
    return status ?: check_available(m, index);
}

uint64_t tdx_tdmrs_take(TdxModule *m, uint64_t array, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        uint64_t pa, status;

        if (!tdx_read(m, array + 8 * i, &pa, sizeof(pa))) {
            return tdx_operand_invalid(TDX_OPERAND_RCX);
        }
        status = take_one(m, i, le64_to_cpu(pa));
        if (status) {
            return status;
        }
        m->nr_tdmrs = i + 1;
    }
    return check_pamts_apart(m);
}

TdxTdmr *tdx_tdmr_at(TdxModule *m, uint64_t base)
{
    for (unsigned i = 0; i < m->nr_tdmrs; i++) {
        if (m->tdmrs[i].range.base == base) {
            return &m->tdmrs[i];
        }
    }
    return NULL;
}

TdxMemory tdx_memory(const TdxModule *m, uint64_t pa, uint64_t size)
{
    TdxRange r = { pa, size };

    for (unsigned i = 0; i < m->nr_tdmrs; i++) {
        const TdxTdmr *t = &m->tdmrs[i];

        if (!contains(&t->range, &r) || range_end(&r) > t->next) {
            continue;
        }
        for (unsigned j = 0; j < t->nr_reserved; j++) {
            if (overlap(&t->reserved[j], &r)) {
                return TDX_MEM_RESERVED;
            }
        }
        return TDX_MEM_USABLE;
    }
    return TDX_MEM_OUTSIDE;
}
