/*
 * SEV-SNP host emulation: what the machine owns
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "qemu/error-report.h"
#include "qemu/log.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "exec/memory.h"
#include "hw/i386/snp-host.h"
#include "hw/i386/snp-crypt.h"
#include "hw/i386/x86.h"
#include "e820_memory_layout.h"
#include "system/reset.h"
#include "system/tcg.h"
#include "target/i386/cpu.h"
#include "target/i386/snp-rmp.h"

#define SNP_DEFAULT_MAX_ASID    509
#define SNP_DEFAULT_MAX_ES_ASID 99
#define RMP_CFG_SEGMENTED       1

static SNPHostState *the_host;

#define SNP_NAME(id, name) name,
static const char *const counter_names[] = { SNP_COUNTERS(SNP_NAME) };

SNPHostState *snp_host_get(void)
{
    return the_host && the_host->enabled ? the_host : NULL;
}

SNPHostState *snp_host_of(Object *machine)
{
    if (!the_host) {
        the_host = SNP_HOST(object_new(TYPE_SNP_HOST));
        object_property_add_child(machine, "snp-host", OBJECT(the_host));
        object_unref(OBJECT(the_host));
    }
    return the_host;
}

void snp_count(SNPCounter counter)
{
    if (the_host) {
        qatomic_inc(&the_host->counters[counter]);
    }
}

/* The word of the armed injections at @offset of the window, or NULL */
static uint32_t *injection_word(hwaddr offset)
{
    QEMU_BUILD_BUG_ON(8 + sizeof(the_host->counters) > SNP_WINDOW_INJECT);

    if (!the_host || offset < SNP_WINDOW_INJECT || offset % 4 ||
        offset >= SNP_WINDOW_INJECT + sizeof(the_host->inject)) {
        return NULL;
    }
    return (uint32_t *)the_host->inject + (offset - SNP_WINDOW_INJECT) / 4;
}

bool snp_window_write(hwaddr offset, uint32_t value)
{
    uint32_t *word = injection_word(offset);

    if (word) {
        qatomic_set(word, value);
    }
    return word;
}

uint64_t snp_counters_window_read(hwaddr offset, unsigned size)
{
    uint8_t window[8 + sizeof(the_host->counters)];
    uint8_t value[8] = { };

    if (injection_word(offset)) {
        return qatomic_read(injection_word(offset));
    }
    if (!the_host || offset >= sizeof(window)) {
        return 0;
    }
    stl_le_p(window, SNP_WINDOW_MAGIC);
    stl_le_p(window + 4, SNP_COUNT__MAX);
    for (int i = 0; i < SNP_COUNT__MAX; i++) {
        stq_le_p(window + 8 + 8 * i, qatomic_read(&the_host->counters[i]));
    }
    memcpy(value, window + offset, MIN(size, sizeof(window) - offset));
    return ldq_le_p(value);
}

bool snp_inject_match(SNPInject point, uint32_t match, uint32_t *value)
{
    SNPInjection *in;

    if (!the_host || !qatomic_read(&the_host->inject[point].count)) {
        return false;
    }
    in = &the_host->inject[point];
    if (in->match && in->match != match) {
        return false;
    }
    if (in->skip) {
        in->skip--;
        return false;
    }
    in->count--;
    if (value) {
        *value = in->value;
    }
    snp_count(SNP_COUNT_INJECTED);
    return true;
}

void snp_strict(const char *fmt, ...)
{
    va_list ap;
    g_autofree char *text = NULL;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    if (the_host && the_host->strict) {
        error_report("x-snp-strict: %s", text);
        exit(EXIT_FAILURE);
    }
    qemu_log_mask(LOG_GUEST_ERROR, "snp: %s\n", text);
}

SNPInitCheck snp_check_init_conditions(void)
{
    CPUState *cs;

    CPU_FOREACH(cs) {
        CPUX86State *env = cpu_env(cs);
        const uint64_t snp = SNP_SYSCFG_SNP_EN | SNP_SYSCFG_VMPL_EN;

        if ((env->snp.syscfg & snp) != snp) {
            return SNP_INIT_CHECK_SNP_EN;
        }
        if (!(env->snp.syscfg & SNP_SYSCFG_MFDM)) {
            return SNP_INIT_CHECK_MFDM;
        }
        if (env->vm_hsave) {
            return SNP_INIT_CHECK_HSAVE;
        }
    }
    return SNP_INIT_CHECK_OK;
}

void snp_clear_snp_en(void)
{
    CPUState *cs;

    CPU_FOREACH(cs) {
        CPUX86State *env = cpu_env(cs);

        env->snp.syscfg &= ~(SNP_SYSCFG_SNP_EN | SNP_SYSCFG_VMPL_EN);
    }
    qatomic_set(&the_host->enforced, false);
    snp_tlb_flush_all();
}

/* One quadword a segment: its table's address, and how many GiB it covers */
static void fill_segment_table(SNPHostState *host)
{
    uint8_t *table = snp_host_ram_ptr(host->rmp_base + SNP_RMP_BOOKKEEPING);
    const hwaddr segment = 1ull << SNP_SEGMENT_SHIFT;

    memset(table, 0, SNP_RMP_SEGMENTS * sizeof(uint64_t));
    for (hwaddr at = 0; at < host->rmp_covered; at += segment) {
        hwaddr size = MIN(segment, host->rmp_covered - at);
        hwaddr entries = host->rmp_entries +
                         at / SNP_PAGE_SIZE * SNP_RMP_ENTRY_SIZE;

        stq_le_p(table + (at >> SNP_SEGMENT_SHIFT) * sizeof(uint64_t),
                 entries | DIV_ROUND_UP(size, GiB));
    }
}

static void snp_host_reset(void *opaque)
{
    SNPHostState *host = opaque;

    if (host->format == SNP_RMP_SEGMENTED) {
        fill_segment_table(host);
    }
    if (snp_key_any()) {
        snp_rmp_lose_keys();
    }
    qatomic_set(&host->enforced, false);
    snp_rmp_release_all();
    for (int asid = 1; asid <= host->max_asid; asid++) {
        snp_key_clear(asid);
    }
}

uint64_t snp_host_carve_rmp(X86MachineState *x86ms)
{
    SNPHostState *host = snp_host_get();
    hwaddr size = x86ms->above_4g_mem_size;
    hwaddr top = x86ms->above_4g_mem_start + size;
    bool segmented;
    uint64_t head, need;

    if (!host) {
        return size;
    }
    segmented = host->format == SNP_RMP_SEGMENTED;
    head = segmented ? SNP_LARGE_SIZE : SNP_RMP_BOOKKEEPING;
    /* A segment says in GiB what it covers */
    need = ROUND_UP(ROUND_UP(top, segmented ? GiB : SNP_PAGE_SIZE) /
                    SNP_PAGE_SIZE * SNP_RMP_ENTRY_SIZE + head, SNP_LARGE_SIZE);
    if (top % SNP_LARGE_SIZE || need + SNP_LARGE_SIZE > size) {
        error_report("x-snp-host: the RMP needs %" PRIu64 " MiB of RAM above "
                     "4G, there are %" PRIu64 " MiB; choose a larger -m, a "
                     "multiple of 2 MiB", need / MiB, size / MiB);
        exit(EXIT_FAILURE);
    }
    host->rmp_covered = top;
    host->rmp_base = top - need;
    host->rmp_end = top - 1;
    host->rmp_entries = host->rmp_base + head;
    host->rmp_cfg = segmented ? RMP_CFG_SEGMENTED | SNP_SEGMENT_SHIFT << 8 : 0;
    e820_add_entry(host->rmp_base, need, E820_RESERVED);
    snp_ram_init();
    snp_crypt_init();
    qemu_register_reset(snp_host_reset, host);
    return size - need;
}

void snp_host_check(X86MachineState *x86ms)
{
    if (!snp_host_get()) {
        return;
    }
    if (!tcg_enabled()) {
        error_report("x-snp-host: needs -accel tcg");
        exit(EXIT_FAILURE);
    }
    if (!x86ms->above_4g_mem_size) {
        error_report("x-snp-host: the RMP is taken from RAM above 4G and there "
                     "is none; use -m 4G or more");
        exit(EXIT_FAILURE);
    }
}

static void snp_host_init(Object *obj)
{
    SNPHostState *host = SNP_HOST(obj);

    qemu_mutex_init(&host->rmp_lock);
    host->crypt = true;
    host->max_asid = SNP_DEFAULT_MAX_ASID;
    host->max_es_asid = SNP_DEFAULT_MAX_ES_ASID;
    for (int i = 0; i < SNP_COUNT__MAX; i++) {
        object_property_add_uint64_ptr(obj, counter_names[i],
                                       &host->counters[i], OBJ_PROP_FLAG_READ);
    }
}

static const TypeInfo snp_host_info = {
    .name = TYPE_SNP_HOST,
    .parent = TYPE_OBJECT,
    .instance_size = sizeof(SNPHostState),
    .instance_init = snp_host_init,
};

static void snp_host_register_types(void)
{
    type_register_static(&snp_host_info);
}

type_init(snp_host_register_types)
