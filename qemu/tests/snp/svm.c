/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One turn of the guest: VMRUN until it exits. Before it, the host leaves in
 * its save area what the processor loads at #VMEXIT but does not save by
 * itself: the registers of VMSAVE, the general ones that C code relies on and
 * XCR0.
 */
#include "guest.h"

#define INTERCEPT3_RDTSC    (1u << 14)
#define INTERCEPT3_CPUID    (1u << 18)
#define INTERCEPT3_HLT      (1u << 24)
#define INTERCEPT3_IO       (1u << 27)
#define INTERCEPT3_MSR      (1u << 28)
#define INTERCEPT3_SHUTDOWN (1u << 31)
#define INTERCEPT4_VMRUN    (1u << 0)
#define INTERCEPT4_VMMCALL  (1u << 1)
#define INTERCEPT4_CR0_TRAP (1u << 16)
#define TLB_FLUSH_ASID      3

static void prepare_vmcb(u64 vmsa)
{
    AT32(guest_vmcb, VMCB_INTERCEPT3) =
        INTERCEPT3_RDTSC | INTERCEPT3_CPUID | INTERCEPT3_HLT |
        INTERCEPT3_IO | INTERCEPT3_MSR | INTERCEPT3_SHUTDOWN;
    AT32(guest_vmcb, VMCB_INTERCEPT4) =
        INTERCEPT4_VMRUN | INTERCEPT4_VMMCALL | INTERCEPT4_CR0_TRAP;
    AT32(guest_vmcb, VMCB_ASID) = TEST_ASID;
    AT32(guest_vmcb, VMCB_TLB) = TLB_FLUSH_ASID;
    AT32(guest_vmcb, VMCB_INT_CTL) = 0;
    AT64(guest_vmcb, VMCB_MISC) = MISC_NP | MISC_SEV | MISC_ES;
    AT64(guest_vmcb, VMCB_NCR3) = guest_maps();
    AT64(guest_vmcb, VMCB_VMSA) = vmsa;
    AT64(guest_vmcb, VMCB_ALLOWED) = 0;
    AT64(guest_vmcb, VMCB_FEATURES) = 0;
    AT64(guest_vmcb, VMCB_EXIT) = 0;
    AT64(guest_vmcb, VMCB_INFO1) = 0;
    AT64(guest_vmcb, VMCB_INFO2) = 0;
}

static void prepare_host(void)
{
    static const struct { int slot, reg; } saved[] = {
        { VMSA_RBX, 3 }, { VMSA_RBP, 5 }, { VMSA_RSI, 6 }, { VMSA_RDI, 7 },
        { VMSA_R8 + 32, 12 }, { VMSA_R8 + 40, 13 }, { VMSA_R8 + 48, 14 },
        { VMSA_R8 + 56, 15 },
    };

    asm volatile("vmsave" : : "a"(guest_hsave) : "memory");
    for (unsigned i = 0; i < ARRAY_SIZE(saved); i++) {
        AT64(guest_hsave, HSAVE_HOST + saved[i].slot) = sentinel(saved[i].reg);
    }
    AT64(guest_hsave, HSAVE_HOST + VMSA_XCR0) = 1;
}

void guest_prepare(u64 vmsa)
{
    prepare_vmcb(vmsa);
    prepare_host();
}

struct turn guest_run_with(u64 vmsa, void (*edit)(int), int row, u64 rcx)
{
    struct turn t;

    guest_prepare(vmsa);
    memset((void *)guest_report, 0, sizeof(t.trap));
    if (edit) {
        edit(row);
    }
    t.host = run(op_vmrun, guest_vmcb, rcx, 0);
    asm volatile("stgi");
    t.exit = AT64(guest_vmcb, VMCB_EXIT);
    t.info1 = AT64(guest_vmcb, VMCB_INFO1);
    t.info2 = AT64(guest_vmcb, VMCB_INFO2);
    t.trap = *(struct trap *)guest_report;
    return t;
}

struct turn guest_run_edited(u64 vmsa, void (*edit)(int), int row)
{
    return guest_run_with(vmsa, edit, row, 0);
}

struct turn guest_run(u64 vmsa)
{
    return guest_run_edited(vmsa, NULL, 0);
}

void want_guest_trap(const struct turn *t, u64 vector, u64 error)
{
    want("vector of VMRUN", t->host.vector, DONE);
    want("exit", t->exit, EXIT_VMGEXIT);
    want("guest's vector", t->trap.vector, vector);
    want("guest's error code", t->trap.error, error);
}

void want_exit(const struct turn *t, u64 exit, u64 info1, u64 info2)
{
    want("vector of VMRUN", t->host.vector, DONE);
    want("exit", t->exit, exit);
    want("exit info 1", t->info1, info1);
    want("exit info 2", t->info2, info2);
}
