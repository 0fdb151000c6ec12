/*
 * TDX host emulation: what the machine owns
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/ctype.h"
#include "qemu/error-report.h"
#include "qemu/guest-random.h"
#include "qemu/log.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "exec/cputlb.h"
#include "exec/exec-all.h"
#include "hw/boards.h"
#include "hw/i386/snp-host.h"
#include "hw/i386/tdx-host.h"
#include "system/reset.h"
#include "system/system.h"
#include "system/tcg.h"
#include "target/i386/cpu.h"

#define DEFAULT_MKTME_KEYIDS    31
#define DEFAULT_TDX_KEYIDS      32
/* Convertible memory starts here */
#define LOWEST_PRIVATE          (1 * MiB)

static TDXHostState *the_host;

TDXHostState *tdx_host_get(void)
{
    return the_host && the_host->enabled ? the_host : NULL;
}

TDXHostState *tdx_host_of(Object *machine)
{
    if (!the_host) {
        the_host = TDX_HOST(object_new(TYPE_TDX_HOST));
        object_property_add_child(machine, "tdx-host", OBJECT(the_host));
        object_unref(OBJECT(the_host));
    }
    return the_host;
}

static void *module_page(void *opaque, uint64_t pa)
{
    return snp_host_ram_ptr(pa);
}

static void flush_cpu(CPUState *cs, run_on_cpu_data pending)
{
    qatomic_set((bool *)pending.host_ptr, false);
    tlb_flush(cs);
}

/*
 * The module writes content past the CPUs' own stores: code that was translated
 * from a page must not run when the next owner has other code there, at the
 * same address.
 */
static void forget_code(uint64_t pa, uint64_t len)
{
    void *ptr = snp_host_ram_ptr(pa);
    ram_addr_t start = ptr ? qemu_ram_addr_from_host(ptr) : RAM_ADDR_INVALID;

    if (start != RAM_ADDR_INVALID) {
        tb_invalidate_phys_range(start, start + len - 1);
    }
}

/*
 * Nothing but the check of the host's accesses wants the flush: what a TD may
 * still use is the host's to track. So other CPUs need not be waited for, and
 * one flush serves all changes before it.
 */
static void module_private_changed(void *opaque, uint64_t pa, uint64_t len)
{
    TDXHostState *host = opaque;
    CPUState *cs;

    forget_code(pa, len);
    CPU_FOREACH(cs) {
        bool *pending = &host->flush_pending[cs->cpu_index];

        if (cs == current_cpu) {
            tlb_flush(cs);
        } else if (!qatomic_xchg(pending, true)) {
            async_run_on_cpu(cs, flush_cpu, RUN_ON_CPU_HOST_PTR(pending));
        }
    }
}

static uint64_t module_tsc(void *opaque)
{
    return cpu_get_tsc(cpu_env(first_cpu));
}

static bool module_random(void *opaque, uint64_t *value)
{
    return !qemu_guest_getrandom(value, sizeof(*value), NULL);
}

static bool module_interrupt_pending(void *opaque, unsigned lp)
{
    CPUState *cs = qemu_get_cpu(lp);

    return cs && (qatomic_read(&cs->interrupt_request) &
                  (CPU_INTERRUPT_HARD | CPU_INTERRUPT_NMI));
}

static void module_guest_error(void *opaque, const char *text)
{
    TDXHostState *host = opaque;

    if (host->strict) {
        error_report("x-tdx-strict: %s", text);
        exit(EXIT_FAILURE);
    }
    qemu_log_mask(LOG_GUEST_ERROR, "tdx: %s\n", text);
}

static const TdxModuleOps module_ops = {
    .page = module_page,
    .private_changed = module_private_changed,
    .tsc = module_tsc,
    .random = module_random,
    .interrupt_pending = module_interrupt_pending,
    .guest_error = module_guest_error,
};

static void add_counter(Object *obj, const char *leaf, const char *what,
                        uint64_t *count)
{
    g_autofree char *name = g_strconcat(leaf, what, NULL);

    for (char *p = name; *p; p++) {
        *p = *p == '.' ? '-' : qemu_tolower(*p);
    }
    object_property_add_uint64_ptr(obj, name, count, OBJ_PROP_FLAG_READ);
}

static void add_counters(TDXHostState *host)
{
    for (unsigned i = 0; i < TDX_HOST_LEAVES; i++) {
        const TdxLeaf *leaf = tdx_leaf(i);
        TdxCount *count = &host->module.count[i];

        if (!leaf) {
            continue;
        }
        add_counter(OBJECT(host), leaf->name, "", &count->done[0]);
        if (leaf->flags & TDX_LEAF_LEVEL) {
            add_counter(OBJECT(host), leaf->name, "-2m", &count->done[1]);
            add_counter(OBJECT(host), leaf->name, "-1g", &count->done[2]);
        }
        add_counter(OBJECT(host), leaf->name, "-failed", &count->failed);
        add_counter(OBJECT(host), leaf->name, "-busy", &count->busy);
        add_counter(OBJECT(host), leaf->name, "-injected", &count->injected);
    }
    add_counter(OBJECT(host), "host-touched", "", &host->touched);
}

/* Processors exist from now on */
static void tdx_host_reset(void *opaque)
{
    TDXHostState *host = opaque;
    TdxModule *m = &host->module;
    CPUState *cs;

    if (!m->lps) {
        m->nr_lps = current_machine->smp.max_cpus;
        m->nr_packages = current_machine->smp.sockets;
        m->lps = g_new0(TdxLp, m->nr_lps);
        host->flush_pending = g_new0(bool, m->nr_lps);
        CPU_FOREACH(cs) {
            m->lps[cs->cpu_index].package = X86_CPU(cs)->socket_id;
        }
        m->opt.phys_bits = X86_CPU(first_cpu)->phys_bits - TDX_KEYID_BITS;
    }
    host->touched = 0;
    tdx_module_reset(m);
}

static void fail(const char *why)
{
    error_report("x-tdx-host: %s", why);
    exit(EXIT_FAILURE);
}

void tdx_host_check(X86MachineState *x86ms)
{
    TDXHostState *host = tdx_host_get();
    TdxModule *m = &host->module;

    if (!host) {
        return;
    }
    if (!tcg_enabled()) {
        fail("needs -accel tcg");
    }
    if (m->opt.mktme_keyids + m->opt.tdx_keyids > TDX_MAX_KEYIDS) {
        fail("x-tdx-keyids and x-tdx-mktme-keyids together are more than 63");
    }
    if (x86ms->below_4g_mem_size <= LOWEST_PRIVATE) {
        fail("needs more memory");
    }
    if (current_machine->smp.max_cpus != current_machine->smp.cpus ||
        current_machine->smp.sockets > 64) {
        fail("needs all its processors from the start, and at most 64 sockets");
    }
    m->cmrs[0] = (TdxRange) { LOWEST_PRIVATE,
                              x86ms->below_4g_mem_size - LOWEST_PRIVATE };
    m->nr_cmrs = 1;
    if (x86ms->above_4g_mem_size) {
        m->cmrs[m->nr_cmrs++] = (TdxRange) { x86ms->above_4g_mem_start,
                                             x86ms->above_4g_mem_size };
    }
    snp_ram_init();
    add_counters(host);
    qemu_register_reset(tdx_host_reset, host);
}

static void tdx_host_init(Object *obj)
{
    TDXHostState *host = TDX_HOST(obj);

    host->loaded = true;
    host->module.ops = &module_ops;
    host->module.opaque = host;
    host->module.opt.mktme_keyids = DEFAULT_MKTME_KEYIDS;
    host->module.opt.tdx_keyids = DEFAULT_TDX_KEYIDS;
    host->module.opt.demote_uninterrupted = true;
}

static const TypeInfo tdx_host_info = {
    .name = TYPE_TDX_HOST,
    .parent = TYPE_OBJECT,
    .instance_size = sizeof(TDXHostState),
    .instance_init = tdx_host_init,
};

static void tdx_host_register_types(void)
{
    type_register_static(&tdx_host_info);
}

type_init(tdx_host_register_types)
