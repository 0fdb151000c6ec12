/*
 * TDX host emulation: guest physical addresses of a TD
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The shared bit of the address chooses the table: the secure EPT, which the
 * module keeps, or the shared EPT, which is the host's memory. Both are walked
 * by a running virtual processor without a lock, beside whoever changes them.
 */
#include "qemu/osdep.h"
#include "qemu/rcu.h"
#include "cpu.h"
#include "exec/page-protection.h"
#include "hw/i386/snp-host.h"
#include "hw/i386/tdx-host.h"
#include "target/i386/tdx-sept.h"
#include "tdx-tcg.h"

#define EPT_R           (1ull << 0)
#define EPT_W           (1ull << 1)
#define EPT_X           (1ull << 2)
#define EPT_RWX         (EPT_R | EPT_W | EPT_X)
#define EPT_LEAF        (1ull << 7)
#define EPT_A           (1ull << 8)
#define EPT_D           (1ull << 9)
#define EPT_ADDRESS     0x000ffffffffff000ull
#define EPT_SUPPRESS_VE (1ull << 63)

static void set_result(TdxEptResult *r, uint64_t gpa, uint64_t page, int level)
{
    uint64_t offset = gpa & (TDX_LEVEL_SIZE(level) - 1);

    r->hpa = (page & -TDX_LEVEL_SIZE(level)) | offset;
    r->page_size = TDX_LEVEL_SIZE(level);
}

static TdxEptFault walk_private(TdxVp *vp, uint64_t gpa, TdxEptResult *r)
{
    TdxSeptWalk w;
    TdxSeptFault fault;

    RCU_READ_LOCK_GUARD();
    fault = tdx_sept_translate(vp->td, gpa, &w);
    if (fault != TDX_SEPT_OK) {
        r->extended = fault == TDX_SEPT_VIOLATION_PENDING ? TDX_EEQ_PENDING
                                                          : TDX_EEQ_NONE;
        return TDX_EPT_VIOLATION;
    }
    set_result(r, gpa, tdx_sept_entry_pa(w.entry, w.level), w.level);
    r->prot = PAGE_READ | PAGE_WRITE | PAGE_EXEC;
    return TDX_EPT_OK;
}

/*
 * Accessed for the tables and the page, dirty for the page. One locked step,
 * which changes nothing but the entry that was walked: false if the host has
 * written there meanwhile, who may have freed the table, too.
 */
static bool set_used(uint64_t *slot, uint64_t entry, uint64_t bits)
{
    uint64_t old = cpu_to_le64(entry);

    return (entry & bits) == bits ||
           qatomic_cmpxchg(slot, old, cpu_to_le64(entry | bits)) == old;
}

/* Of one step: the entry at @table that translates @gpa at @level */
static uint64_t *ept_slot(uint64_t table, uint64_t gpa, int level)
{
    uint64_t index = gpa >> (12 + 9 * level) & 511;

    return snp_host_ram_ptr((table & EPT_ADDRESS) + index * 8);
}

/*
 * The shared bit is part of the index: the upper half of the root is used.
 * TDX_EPT_CHANGED is no fault of the guest's: the walk has to begin anew.
 */
static TdxEptFault walk_shared(TdxVp *vp, uint64_t gpa, int access,
                               TdxEptResult *r)
{
    uint64_t table = vp->shared_eptp;
    uint64_t rwx = EPT_RWX;

    for (int level = vp->td->top; level >= 0; level--) {
        uint64_t *slot = ept_slot(table, gpa, level);
        uint64_t entry = slot ? le64_to_cpu(qatomic_read(slot)) : 0;
        bool leaf = !level || (level < 3 && entry & EPT_LEAF);

        rwx &= entry;
        r->allowed = rwx;
        if (!(entry & EPT_RWX)) {
            return entry & EPT_SUPPRESS_VE ? TDX_EPT_VIOLATION : TDX_EPT_VE;
        }
        if ((entry & (EPT_R | EPT_W)) == EPT_W) {
            return TDX_EPT_MISCONFIGURED;
        }
        if (leaf) {
            bool write = access == MMU_DATA_STORE && rwx & EPT_W;

            if (!set_used(slot, entry, EPT_A | (write ? EPT_D : 0))) {
                return TDX_EPT_CHANGED;
            }
            set_result(r, gpa, entry & EPT_ADDRESS, level);
            /* The page becomes dirty by a later write: that must be seen */
            r->prot = (rwx & EPT_R ? PAGE_READ : 0) |
                      (rwx & EPT_W && (write || entry & EPT_D) ? PAGE_WRITE
                                                               : 0);
            r->suppress_ve = entry & EPT_SUPPRESS_VE;
            return TDX_EPT_OK;
        }
        if (!set_used(slot, entry, EPT_A)) {
            return TDX_EPT_CHANGED;
        }
        table = entry;
    }
    g_assert_not_reached();
}

static bool allows(int prot, int access)
{
    switch (access) {
    case MMU_DATA_STORE:
        return prot & PAGE_WRITE;
    case MMU_INST_FETCH:
        return prot & PAGE_EXEC;
    default:
        return prot & PAGE_READ;
    }
}

TdxEptFault tdx_ept_translate(CPUX86State *env, uint64_t gpa, int access,
                              TdxEptResult *r)
{
    TdxVp *vp = env->tdx.vp;
    uint64_t shared = tdx_shared_bit(vp->td);
    TdxEptFault fault;

    *r = (TdxEptResult) { };
    if (gpa & -(shared << 1)) {
        return TDX_EPT_VIOLATION;
    }
    do {
        fault = gpa & shared ? walk_shared(vp, gpa, access, r)
                             : walk_private(vp, gpa, r);
    } while (fault == TDX_EPT_CHANGED);
    if (fault != TDX_EPT_OK) {
        return fault;
    }
    if (allows(r->prot, access)) {
        return TDX_EPT_OK;
    }
    return gpa & shared && !r->suppress_ve ? TDX_EPT_VE : TDX_EPT_VIOLATION;
}

void tdx_check_host_access(CPUX86State *env, uint64_t pa, vaddr addr,
                           bool write)
{
    TDXHostState *host = tdx_host_get();
    TdxModule *m = &host->module;
    uint64_t tdr;

    if (qatomic_read(&m->state) != TDX_SYS_READY ||
        tdx_pamt_owner(m, pa, &tdr) <= TDX_PT_RSVD) {
        return;
    }
    qatomic_inc(&host->touched);
    tdx_guest_error(m, "the host %s page 0x%" PRIx64 " of TD 0x%" PRIx64
                    ", address 0x%" VADDR_PRIx ", RIP 0x%" PRIx64,
                    write ? "writes" : "reads", (uint64_t)(pa & -TDX_PAGE_SIZE),
                    tdr, addr, (uint64_t)env->eip);
}

uint64_t tdx_guest_reserved(CPUX86State *env)
{
    TdxVp *vp = env->tdx.vp;

    return vp ? EPT_ADDRESS & -(tdx_shared_bit(vp->td) << 1) : 0;
}
