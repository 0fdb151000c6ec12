/*
 * TDX host emulation: registers for the tests that run in the host
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * No processor has them: counts, injection, and what the machine knows of the
 * module's bookkeeping.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bitops.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "hw/i386/tdx-host.h"
#include "target/i386/tdx-td.h"

static uint64_t *count_of(TdxCount *count, unsigned kind)
{
    switch (kind) {
    case 0 ... TDX_LEVELS - 1:
        return &count->done[kind];
    case TDX_KIND_FAILED:
        return &count->failed;
    case TDX_KIND_BUSY:
        return &count->busy;
    case TDX_KIND_INJECTED:
        return &count->injected;
    default:
        return NULL;
    }
}

typedef void PageFn(uint64_t pa, uint64_t *result);

/* Of all pages that are a TD's */
static void for_each_private(TdxModule *m, PageFn *fn, uint64_t *result)
{
    for (unsigned i = 0; i < m->nr_tdmrs; i++) {
        const TdxRange *r = &m->tdmrs[i].range;

        for (uint64_t pa = r->base; pa < r->base + r->size;
             pa += TDX_PAGE_SIZE) {
            uint64_t tdr;

            if (tdx_pamt_owner(m, pa, &tdr) > TDX_PT_RSVD) {
                fn(pa, result);
            }
        }
    }
}

static void count_page(uint64_t pa, uint64_t *result)
{
    ++*result;
}

static void note_page(uint64_t pa, uint64_t *result)
{
    *result = pa;
}

static void say_broken(void *opaque, const char *text)
{
    error_report("tdx: broken rule: %s", text);
}

static uint64_t check_module(TDXHostState *host, TDXCheck check)
{
    TdxModule *m = &host->module;
    uint64_t leaves[TDX_LEVELS], result = 0;

    BQL_LOCK_GUARD();
    if (m->state != TDX_SYS_READY) {
        return 0;
    }
    switch (check) {
    case TDX_CHECK_BROKEN:
        return tdx_check(m, say_broken, NULL);
    case TDX_CHECK_OWNED:
        for_each_private(m, count_page, &result);
        break;
    case TDX_CHECK_LAST_OWNED:
        for_each_private(m, note_page, &result);
        break;
    case TDX_CHECK_TOUCHED:
        return host->touched;
    case TDX_CHECK_LEAVES_4K:
    case TDX_CHECK_LEAVES_2M:
        tdx_count_leaves(m, leaves);
        return leaves[check - TDX_CHECK_LEAVES_4K];
    default:
        break;
    }
    return result;
}

/* Counts are read without a lock, and are 64 bits wide at once */
bool tdx_window_read(TDXHostState *host, uint32_t msr, uint64_t *value)
{
    TdxModule *m = &host->module;
    unsigned leaf = (msr & 0xffff) >> 4;
    uint64_t *count = NULL;

    if ((msr & 0xffff0000) == TDX_MSR_COUNT && leaf < TDX_HOST_LEAVES) {
        count = count_of(&m->count[leaf], msr & 0xf);
    } else if ((msr & 0xffff0000) == TDX_MSR_GUEST_COUNT &&
               leaf < TDX_GUEST_LEAVES) {
        count = count_of(&m->guest_count[leaf], msr & 0xf);
    }
    if ((msr & 0xffff0000) == TDX_MSR_CHECK) {
        *value = check_module(host, msr & 0xffff);
        return true;
    }
    if (count) {
        *value = qatomic_read(count);
    }
    return count;
}

bool tdx_window_write(TDXHostState *host, uint32_t msr, uint64_t value)
{
    unsigned leaf = msr & 0xffff;

    if ((msr & 0xffff0000) != TDX_MSR_INJECT || leaf >= TDX_HOST_LEAVES ||
        !tdx_leaf(leaf)) {
        return false;
    }
    /* All of it at once: a call in between would have half of it injected */
    BQL_LOCK_GUARD();
    host->module.inject[leaf] = (TdxInjection) {
        .status = value >> 32,
        .every = extract64(value, 24, 8),
        .skip = extract64(value, 12, 12),
        .count = extract64(value, 0, 12),
    };
    return true;
}
