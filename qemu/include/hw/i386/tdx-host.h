/*
 * TDX host emulation: what the machine owns
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One object for the whole machine: options, the emulated TDX module, and how
 * it reaches memory and processors. It exists only with
 * "-machine q35,x-tdx-host=on"; tdx_host_get() is NULL otherwise and every
 * hook in existing code starts with that test or with a flag of the CPU that
 * is zero then.
 */
#ifndef HW_I386_TDX_HOST_H
#define HW_I386_TDX_HOST_H

#include "qom/object.h"
#include "hw/i386/x86.h"
#include "target/i386/tdx-module.h"

#define TYPE_TDX_HOST "tdx-host"
OBJECT_DECLARE_SIMPLE_TYPE(TDXHostState, TDX_HOST)

/* The uppermost bits of a physical address are the KeyID */
#define TDX_PHYS_BITS           52
#define TDX_KEYID_BITS          6
#define TDX_MAX_KEYIDS          ((1 << TDX_KEYID_BITS) - 1)

struct TDXHostState {
    Object parent_obj;

    /* Options; those of the module are in @module */
    bool enabled;
    bool strict;
    bool loaded;                /* a module is there to be called */

    uint64_t touched;           /* accesses of the host to a TD's page */
    bool *flush_pending;        /* by CPU: its TLB will be flushed */

    TdxModule module;
};

/* The machine's object, or NULL when TDX emulation is off */
TDXHostState *tdx_host_get(void);

/*
 * The same without the question whether emulation is on: options come before
 * the machine is built, so the first of them makes the object.
 */
TDXHostState *tdx_host_of(Object *machine);

/* Add the x-tdx-* options to a machine class */
void tdx_host_add_machine_properties(ObjectClass *oc);

/* Exit with an error when the machine cannot be a TDX host, else set it up */
void tdx_host_check(X86MachineState *x86ms);

/*
 * Registers that no processor has, for the tests that run in the host: a count
 * of a SEAMCALL leaf at TDX_MSR_COUNT | leaf << 4 | kind, of a TDCALL leaf at
 * TDX_MSR_GUEST_COUNT likewise, read only; the injection of a SEAMCALL leaf at
 * TDX_MSR_INJECT | leaf. False where there is none: reading gives 0 then, as
 * from any register that is not there, and writing is a #GP.
 */
#define TDX_MSR_COUNT           0x54440000
#define TDX_MSR_GUEST_COUNT     0x54450000
#define TDX_MSR_INJECT          0x54460000
#define TDX_MSR_CHECK           0x54470000
#define TDX_MSR_LAST            0x5447ffff

/* What TDX_MSR_CHECK tells, by the lower bits */
typedef enum TDXCheck {
    TDX_CHECK_BROKEN,           /* rules of the bookkeeping, told on stderr */
    TDX_CHECK_OWNED,            /* pages of 4K that are the TDs' */
    TDX_CHECK_LAST_OWNED,       /* the last of them */
    TDX_CHECK_TOUCHED,          /* accesses of the host to one */
    TDX_CHECK_LEAVES_4K,        /* leaves of all secure EPTs, by level */
    TDX_CHECK_LEAVES_2M,
} TDXCheck;

/* Kinds: 0 to 2 done by level, then these */
#define TDX_KIND_FAILED         3
#define TDX_KIND_BUSY           4
#define TDX_KIND_INJECTED       5
bool tdx_window_read(TDXHostState *host, uint32_t msr, uint64_t *value);
bool tdx_window_write(TDXHostState *host, uint32_t msr, uint64_t value);

#endif
