/*
 * The reverse map table (RMP) of SEV-SNP: the machine's table
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Readers are lock free: a fill of a TLB reads one entry and may lose the
 * race against a change, which then flushes every TLB after it has stored.
 * Writers hold the RMP lock.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/lockable.h"
#include "cpu.h"
#include "exec/cputlb.h"
#include "hw/i386/snp-host.h"
#include "target/i386/snp-rmp.h"
#include "hw/i386/snp-crypt.h"
#include "trace.h"

/*
 * Assigned 4K pages in each 2M region: most fills need not read the table.
 * Read without a lock, so it stays where it is once it is there.
 */
static uint16_t *assigned_in;

/* Pages that a VMRUN uses, by 4K page number; few, so a list will do */
#define MAX_HELD 1024
static uint64_t held[MAX_HELD];
static int nr_held;

static uint64_t *entry_ptr(SNPHostState *host, hwaddr spa)
{
    hwaddr at = host->rmp_entries + (spa / SNP_PAGE_SIZE) * SNP_RMP_ENTRY_SIZE;

    return snp_host_ram_ptr(at);
}

bool snp_enabled_any(void)
{
    SNPHostState *host = snp_host_get();

    return host && qatomic_read(&host->enforced);
}

bool snp_rmp_covers(hwaddr spa)
{
    SNPHostState *host = snp_host_get();

    return host && spa < host->rmp_covered;
}

bool snp_rmp_get(hwaddr spa, SNPRmpEntry *e)
{
    uint64_t *ptr;

    if (!snp_rmp_covers(spa)) {
        *e = (SNPRmpEntry) { };
        return false;
    }
    ptr = entry_ptr(snp_host_get(), spa);
    *e = snp_rmp_decode(le64_to_cpu(qatomic_read(&ptr[0])),
                        le64_to_cpu(qatomic_read(&ptr[1])));
    return true;
}

bool snp_rmp_region_has_assigned(hwaddr spa)
{
    uint16_t *counts = qatomic_load_acquire(&assigned_in);

    return counts && snp_rmp_covers(spa) &&
           qatomic_read(&counts[spa / SNP_LARGE_SIZE]);
}

bool snp_rmp_host_may_write(hwaddr spa)
{
    SNPRmpEntry e;

    if (!snp_enabled_any() || !snp_rmp_region_has_assigned(spa)) {
        return true;
    }
    snp_rmp_get(spa, &e);
    return snp_rule_host_write(&e);
}

/* The RMP lock is held: store one 4K entry and keep what is derived from it */
static void store_page(SNPHostState *host, hwaddr spa, const SNPRmpEntry *e)
{
    uint64_t *ptr = entry_ptr(host, spa);
    uint64_t low, high;
    SNPRmpEntry old;

    snp_rmp_get(spa, &old);
    if (old.asid != e->asid) {
        snp_page_rekey(spa, old.asid, e->asid);
    }
    if (assigned_in) {
        uint16_t *count = &assigned_in[spa / SNP_LARGE_SIZE];

        qatomic_set(count, *count + e->assigned - old.assigned);
    }
    snp_rmp_encode(e, &low, &high);
    qatomic_set(&ptr[1], cpu_to_le64(high));
    qatomic_set(&ptr[0], cpu_to_le64(low));
}

/* The RMP lock is held: store @e for a page of either size */
static void store(SNPHostState *host, hwaddr spa, bool large,
                  const SNPRmpEntry *e)
{
    SNPRmpEntry page = *e;
    int n = large ? SNP_LARGE_PAGES : 1;

    for (int i = 0; i < n; i++) {
        store_page(host, spa + i * SNP_PAGE_SIZE, &page);
        if (e->asid || e->gpa) {
            page.gpa += SNP_PAGE_SIZE;
        }
    }
}

bool snp_rmp_set(hwaddr spa, const SNPRmpEntry *e)
{
    SNPHostState *host = snp_host_get();

    spa &= e->large ? -SNP_LARGE_SIZE : -SNP_PAGE_SIZE;
    if (!snp_rmp_covers(spa)) {
        return false;
    }
    WITH_QEMU_LOCK_GUARD(&host->rmp_lock) {
        store(host, spa, e->large, e);
    }
    trace_snp_rmp_set(spa, e->large, snp_page_state_name(snp_rmp_state(e)),
                      e->asid, e->gpa);
    snp_tlb_flush_all();
    return true;
}

/* The RMP lock is held: whether pages of another size are in the way */
static bool overlaps(hwaddr spa, const SNPRmpEntry *old, bool large)
{
    SNPRmpEntry e;

    if (!large) {
        return old->assigned && old->large;
    }
    if (old->assigned && old->large) {
        return false;
    }
    return qatomic_read(&assigned_in[spa / SNP_LARGE_SIZE]) ||
           (snp_rmp_get(spa, &e) && e.assigned);
}

/* The RMP lock is held: an immutable page anywhere in the request */
static bool any_immutable(hwaddr spa, bool large)
{
    SNPRmpEntry e;
    int n = large ? SNP_LARGE_PAGES : 1;

    for (int i = 0; i < n; i++) {
        snp_rmp_get(spa + i * SNP_PAGE_SIZE, &e);
        if (e.immutable) {
            return true;
        }
    }
    return false;
}

static bool any_held(hwaddr spa, bool large)
{
    hwaddr size = large ? SNP_LARGE_SIZE : SNP_PAGE_SIZE;

    for (int i = 0; i < nr_held; i++) {
        if (held[i] >= spa && held[i] < spa + size) {
            return true;
        }
    }
    return false;
}

/* The RMP lock is held */
static SNPCode update_locked(SNPHostState *host, hwaddr spa,
                             const SNPUpdate *req)
{
    const SNPUpdateRules rules = { host->max_es_asid, host->repeat_keeps };
    SNPRmpEntry old, new;
    SNPCode code;

    if (!snp_rmp_covers(spa)) {
        return SNP_FAIL_INPUT;
    }
    snp_rmp_get(spa, &old);
    code = snp_rule_rmpupdate(&old, req, spa, &rules, &new);
    if (code != SNP_OK) {
        return code;
    }
    if (any_immutable(spa, req->large)) {
        return SNP_FAIL_PERMISSION;
    }
    if (any_held(spa, req->large)) {
        return SNP_FAIL_INUSE;
    }
    if (overlaps(spa, &old, req->large)) {
        return SNP_FAIL_OVERLAP;
    }
    store(host, spa, req->large, &new);
    return SNP_OK;
}

SNPCode snp_rmp_update(hwaddr spa, const SNPUpdate *req)
{
    SNPHostState *host = snp_host_get();
    uint32_t page = spa / SNP_PAGE_SIZE;
    SNPCode code;

    snp_count(req->large ? SNP_COUNT_RMPUPDATE_2M : SNP_COUNT_RMPUPDATE);
    if (snp_inject_match(SNP_INJECT_RMPUPDATE_OVERLAP, page, NULL)) {
        code = SNP_FAIL_OVERLAP;
    } else if (snp_inject_match(SNP_INJECT_RMPUPDATE_INUSE, page, NULL)) {
        code = SNP_FAIL_INUSE;
    } else {
        WITH_QEMU_LOCK_GUARD(&host->rmp_lock) {
            code = update_locked(host, spa, req);
        }
    }
    trace_snp_rmpupdate(spa, req->large, req->assigned, req->immutable,
                        req->asid, req->gpa, code);
    if (code == SNP_OK) {
        snp_tlb_flush_all();
    } else {
        snp_count(SNP_COUNT_RMPUPDATE_FAIL);
    }
    return code;
}

/* The RMP lock is held */
static SNPCode psmash_locked(SNPHostState *host, hwaddr spa)
{
    SNPRmpEntry e;
    SNPCode code;

    if (!snp_rmp_covers(spa)) {
        return SNP_FAIL_BADADDR;
    }
    snp_rmp_get(spa, &e);
    code = snp_rule_psmash(&e, spa);
    if (code == SNP_OK && any_held(spa, true)) {
        code = SNP_FAIL_INUSE;
    }
    if (code != SNP_OK) {
        return code;
    }
    for (int i = 0; i < SNP_LARGE_PAGES; i++) {
        snp_rmp_get(spa + i * SNP_PAGE_SIZE, &e);
        e.large = false;
        store_page(host, spa + i * SNP_PAGE_SIZE, &e);
    }
    return SNP_OK;
}

SNPCode snp_rmp_psmash(hwaddr spa)
{
    SNPHostState *host = snp_host_get();
    uint32_t page = spa / SNP_PAGE_SIZE;
    SNPCode code;

    snp_count(SNP_COUNT_PSMASH);
    if (snp_inject_match(SNP_INJECT_PSMASH_INUSE, page, NULL)) {
        code = SNP_FAIL_INUSE;
    } else if (snp_inject_match(SNP_INJECT_PSMASH_FAIL, page, NULL)) {
        code = SNP_FAIL_INPUT;
    } else {
        WITH_QEMU_LOCK_GUARD(&host->rmp_lock) {
            code = psmash_locked(host, spa);
        }
    }
    trace_snp_psmash(spa, code);
    if (code == SNP_OK) {
        snp_tlb_flush_all();
    } else {
        snp_count(SNP_COUNT_PSMASH_FAIL);
    }
    return code;
}

void snp_rmp_change(hwaddr spa, SNPRmpChange fn, void *opaque)
{
    SNPHostState *host = snp_host_get();
    SNPRmpEntry e;

    WITH_QEMU_LOCK_GUARD(&host->rmp_lock) {
        snp_rmp_get(spa, &e);
        if (fn(&e, opaque)) {
            store(host, spa, e.large, &e);
        }
    }
}

static unsigned count_assigned(hwaddr region)
{
    unsigned n = 0;
    SNPRmpEntry e;

    for (int i = 0; i < SNP_LARGE_PAGES; i++) {
        snp_rmp_get(region + i * SNP_PAGE_SIZE, &e);
        n += e.assigned;
    }
    return n;
}

/* Other CPUs fill their TLBs meanwhile: a counter goes from right to right */
void snp_rmp_rescan(void)
{
    SNPHostState *host = snp_host_get();

    QEMU_LOCK_GUARD(&host->rmp_lock);
    if (!assigned_in) {
        qatomic_store_release(&assigned_in,
                              g_new0(uint16_t,
                                     host->rmp_covered / SNP_LARGE_SIZE));
    }
    for (hwaddr at = 0; at < host->rmp_covered; at += SNP_LARGE_SIZE) {
        qatomic_set(&assigned_in[at / SNP_LARGE_SIZE], count_assigned(at));
    }
}

void snp_rmp_lose_keys(void)
{
    SNPHostState *host = snp_host_get();
    SNPRmpEntry e;

    QEMU_LOCK_GUARD(&host->rmp_lock);
    for (hwaddr spa = 0; spa < host->rmp_covered; spa += SNP_PAGE_SIZE) {
        if (snp_rmp_get(spa, &e) && e.asid) {
            snp_page_rekey(spa, e.asid, 0);
        }
    }
}

static void flush_work(CPUState *cs, run_on_cpu_data data)
{
    tlb_flush(cs);
}

void snp_tlb_flush_all(void)
{
    CPUState *cs;

    snp_count(SNP_COUNT_TLB_FLUSH_ALL);
    if (current_cpu) {
        tlb_flush_all_cpus_synced(current_cpu);
        return;
    }
    CPU_FOREACH(cs) {
        async_run_on_cpu(cs, flush_work, RUN_ON_CPU_NULL);
    }
}

bool snp_rmp_hold(hwaddr spa)
{
    SNPHostState *host = snp_host_get();

    QEMU_LOCK_GUARD(&host->rmp_lock);
    if (nr_held == MAX_HELD || any_held(spa, false)) {
        return false;
    }
    held[nr_held++] = spa;
    return true;
}

void snp_rmp_release(hwaddr spa)
{
    SNPHostState *host = snp_host_get();

    QEMU_LOCK_GUARD(&host->rmp_lock);
    for (int i = 0; i < nr_held; i++) {
        if (held[i] == spa) {
            held[i] = held[--nr_held];
            return;
        }
    }
}

void snp_rmp_release_all(void)
{
    nr_held = 0;
}
