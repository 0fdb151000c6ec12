/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two CPUs: what one does to the RMP holds for the other at once, and what one
 * uses the other cannot take away.
 *
 * Example: the second CPU writes to a page over and over, so that its TLB
 * holds the right to do so. The first assigns the page to a guest. The loop of
 * the second ends with #PF, error code P|W|RMP.
 */
#include "firmware.h"
#include "guest.h"

#define AP_START    0x8000
#define APIC_ICR    0xfee00300ull
#define ICR_HIGH    0x10
#define ICR_INIT    0x4500
#define ICR_STARTUP 0x4600
#define PATIENCE    (1ull << 34)    /* ticks: five seconds and more */
#define SWITCHES    50000
#define INJECTIONS  20000
#define STARTS      100
#define FLAG        0x800       /* in the page of the report */
#define RW          (PTE_P | PTE_W)

extern op_t ap_start, ap_start_end, ap_entries;
struct __attribute__((packed)) {
    u16 limit;
    u64 base;
} ap_idt_pointer;
volatile u64 ap_op, ap_idle, ap_args[3];
volatile struct trap ap_frame;

static u64 page, vmsa;
static u64 ap_vmcb, ap_hsave;

/*
 * Until *@word is not zero, or for so long that it will never be. After that
 * nothing is waited for: the second CPU is lost to all rows that follow.
 */
static void wait_for(const volatile u64 *word)
{
    static u64 patience = PATIENCE;
    u64 end = rdtsc() + patience;

    while (!*word && rdtsc() < end) {
        asm volatile("pause" : : : "memory");
    }
    if (!*word) {
        patience = 0;
    }
}

static bool ap_wait(void)
{
    wait_for(&ap_idle);
    return ap_idle;
}

static void ap_go(const u8 *op, u64 rax, u64 rcx, u64 rdx)
{
    ap_idle = 0;
    ap_args[0] = rax;
    ap_args[1] = rcx;
    ap_args[2] = rdx;
    ap_op = (u64)op;
}

/* The vector, or one that does not exist when the operation has no end */
static u64 ap_run(const u8 *op, u64 rax, u64 rcx, u64 rdx)
{
    ap_go(op, rax, rcx, rdx);
    return ap_wait() ? ap_frame.vector : -1ull;
}

static u64 step_start(void)
{
    static u8 idt[4096] __attribute__((aligned(16)));
    volatile u32 *icr = (volatile u32 *)APIC_ICR;

    trap_gates(idt, (u64)ap_entries, 0);
    ap_idt_pointer.limit = sizeof(idt) - 1;
    ap_idt_pointer.base = (u64)idt;
    memcpy((void *)AP_START, ap_start, ap_start_end - ap_start);
    icr[ICR_HIGH / 4] = 1 << 24;
    icr[0] = ICR_INIT;
    icr[ICR_HIGH / 4] = 1 << 24;
    icr[0] = ICR_STARTUP | AP_START >> 12;
    return ap_wait();
}

static u64 step_without(void)
{
    static const struct update none;

    return ap_run(op_rmpupdate, arena_region(), (u64)&none, 0);
}

static u64 step_enable(void)
{
    u64 val = rdmsr(MSR_SYSCFG) | SYSCFG_MFDM;

    return ap_run(op_wrmsr, (u32)val, MSR_SYSCFG, val >> 32);
}

static u64 step_with(void)
{
    return step_without();
}

static u64 step_refused(void)
{
    page = arena_region();
    page_make(page, RECLAIM, false);
    return ap_run(op_write, map_4k(page, RW), 0, 0) == PF ? ap_frame.error
                                                          : 0;
}

/* The loop is under way once the page holds its value */
static u64 step_loop(void)
{
    u64 va;

    page = arena_region();
    va = map_4k(page, RW);
    ap_go(op_spin, va, 1, 0);
    wait_for((volatile u64 *)page);
    assign(page, TEST_GPA(page), TEST_ASID, false);
    return ap_wait() && ap_frame.vector == PF ? ap_frame.error : 0;
}

static u64 step_unassign(void)
{
    unassign(page, false);
    return ap_run(op_write, map_4k(page, RW), 0, 0);
}

static volatile u64 *flag(void)
{
    return (volatile u64 *)(guest_report + FLAG);
}

/* Run a guest on the second CPU that begins with @op; it tells by @started */
static void ap_guest(const u8 *op, u64 rax, volatile u64 *started)
{
    *flag() = 0;
    vmsa = vmsa_make(0, op, rax, 1, 0);
    vmsa_close(vmsa);
    guest_prepare(vmsa);
    ap_vmcb = arena_region() + PAGE_4K;
    ap_hsave = ap_vmcb + PAGE_4K;
    memcpy((void *)ap_vmcb, (void *)guest_vmcb, PAGE_4K);
    memcpy((void *)ap_hsave, (void *)guest_hsave, PAGE_4K);
    ap_run(op_wrmsr, ap_hsave, MSR_HSAVE, 0);
    ap_go(op_vmrun, ap_vmcb, 0, 0);
    wait_for(started);
    want("guest runs", *started, 1);
}

static u64 step_in_use(void)
{
    static const struct update none;

    guest_renew(NULL);
    ap_guest(op_wait, GUEST_REPORT_VA + FLAG, flag());
    return rmpupdate(vmsa, &none).rax;
}

static u64 step_second_run(void)
{
    return guest_run(vmsa).exit;
}

static u64 step_let_go(void)
{
    *flag() = 2;
    want("second CPU is back", ap_wait(), true);
    return AT64(ap_vmcb, VMCB_EXIT);
}

static u64 step_not_in_use(void)
{
    static const struct update none;

    return rmpupdate(vmsa, &none).rax;
}

/* The guest writes to its page over and over while the host takes it */
static u64 step_take_page(void)
{
    target_make(GUEST_VALID, false, false);
    ap_guest(op_spin, GUEST_TARGET + FLAG,
             (volatile u64 *)(guest_target + FLAG));
    unassign(guest_target, false);
    want("second CPU is back", ap_wait(), true);
    want("exit", AT64(ap_vmcb, VMCB_EXIT), EXIT_NPF);
    return AT64(ap_vmcb, VMCB_INFO1);
}

/*
 * The first CPU enters and leaves a guest while the second one restores its
 * FPU: neither touches what is the other's.
 */
static u64 step_switches(void)
{
    static u8 fpu[512] __attribute__((aligned(16)));
    static volatile u64 state;
    struct turn t = { };
    u64 n;

    ap_go(op_restore, (u64)fpu, (u64)&state, 0);
    wait_for(&state);
    vmsa = vmsa_make(0, op_nop, 0, 0, 0);
    vmsa_close(vmsa);
    for (n = 0; n < SWITCHES; n++) {
        t = guest_run(vmsa);
        if (t.host.vector != DONE || t.exit != EXIT_VMGEXIT) {
            break;
        }
    }
    state = 2;
    want("second CPU is back", ap_wait(), true);
    want("vector of VMRUN", t.host.vector, DONE);
    want("exit", t.exit, EXIT_VMGEXIT);
    return n;
}

static void edit_event(int vector)
{
    AT32(guest_vmcb, VMCB_EVENT) = EVENT_VALID | vector;
}

/*
 * An interrupt that VMRUN injects arrives once, at the guest's first
 * instruction, whatever the second CPU wants of the first meanwhile. Were it
 * delivered again, the report would be of the handler's own RIP.
 */
static u64 step_injections(void)
{
    static const struct update none;
    static volatile u64 state;
    const u64 rip = GUEST_CODE + (op_nop - ops_start);
    struct turn t = { };
    u64 n;

    ap_go(op_update, arena_region(), (u64)&none, (u64)&state);
    wait_for(&state);
    for (n = 0; n < INJECTIONS; n++) {
        vmsa = vmsa_make(0, op_nop, 0, 0, 0);
        vmsa_close(vmsa);
        t = guest_run_edited(vmsa, edit_event, DONE);
        if (t.trap.rip != rip) {
            break;
        }
    }
    state = 2;
    want("second CPU is back", ap_wait(), true);
    want_guest_trap(&t, DONE, 0);
    want("what exited before it was delivered",
         AT32(guest_vmcb, VMCB_EXIT_EVENT) & EVENT_VALID, 0);
    return n;
}

/* SNP_INIT wants no CPU with a save area */
static u64 step_clear_hsave(void)
{
    return ap_run(op_wrmsr, 0, MSR_HSAVE, 0);
}

/*
 * The firmware sets up the RMP, time and again, while the second CPU writes to
 * memory that is the host's all the while, through a mapping of 2M.
 */
static u64 step_starts(void)
{
    static volatile u64 state, word;
    u64 n;

    want("secure processor", firmware_found(), true);
    wrmsr(MSR_SYSCFG, rdmsr(MSR_SYSCFG) | SYSCFG_MFDM);
    wrmsr(MSR_HSAVE, 0);
    iommu_enable();
    ap_go(op_refill, (u64)&word, (u64)&state, 0);
    wait_for(&state);
    for (n = 0; n < STARTS && !ap_idle; n++) {
        if (firmware(CMD_SNP_INIT_EX, INIT_RMP, 0, 0, 0) ||
            firmware(CMD_SNP_SHUTDOWN, 0, 0, 0, 0)) {
            break;
        }
    }
    state = 2;
    want("second CPU is back", ap_wait(), true);
    want("its vector", ap_frame.vector, DONE);
    return n;
}

static const struct step {
    const char *name;
    u64 (*act)(void);
    u64 wanted;
} steps[] = {
    { "second CPU starts", step_start, true },
    { "RMPUPDATE on it without SNP_EN of its own", step_without, UD },
    { "SNP_EN for it", step_enable, DONE },
    { "RMPUPDATE on it", step_with, DONE },
    { "its write to an assigned page", step_refused, PF_P | PF_W | PF_RMP },
    { "page is assigned while it writes", step_loop, PF_P | PF_W | PF_RMP },
    { "its write after unassign", step_unassign, DONE },
    { "RMPUPDATE of a VMSA that it runs", step_in_use, FAIL_INUSE },
    { "VMRUN of that VMSA", step_second_run, EXIT_INVALID },
    { "it comes back", step_let_go, EXIT_VMGEXIT },
    { "RMPUPDATE of the VMSA now", step_not_in_use, OK },
    { "guest's page is unassigned while it writes", step_take_page,
      PF_P | PF_W | PF_U | PF_RMP | NPF_FINAL | NPF_ENC },
    { "world switches while it restores its FPU", step_switches, SWITCHES },
    { "interrupts are injected while it flushes TLBs", step_injections,
      INJECTIONS },
    { "its save area is given back", step_clear_hsave, DONE },
    { "the firmware starts and ends while it writes", step_starts, STARTS },
};

static void smp_row(int row)
{
    row_name("%s", steps[row].name);
    want("answer", steps[row].act(), steps[row].wanted);
}

const struct suite suite_smp = { "smp", ARRAY_SIZE(steps), smp_row };
