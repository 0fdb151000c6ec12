/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMRUN of an SNP guest: what it refuses, how the guest's exits arrive, and
 * what the host finds in its registers afterwards.
 */
#include "guest.h"

#define VALID       (1ull << 63)
#define SVME        (1ull << 12)
#define V_IRQ       (1u << 8)
#define V_PRIO_1    (1u << 16)
#define V_MASKING   (1u << 24)

/*
 * Refusals. Each row changes one thing of a VMCB, a VMSA or the VMSA's page
 * that are good otherwise.
 *
 * Example: with EFER.SVME clear in the VMSA, VMRUN exits with code -1; with
 * the VMSA as it was the guest runs to its VMGEXIT.
 */
enum place { VMCB, VMSA, PAGE };
static const struct refuse_row {
    const char *name;
    enum place place;
    int offset;
    u64 value;
    u64 exit;
} refuse_rows[] = {
    { "nothing changed", VMCB, VMCB_TLB + 4, 0, EXIT_VMGEXIT },
    { "SEV-ES without nested paging", VMCB, VMCB_MISC, MISC_SEV | MISC_ES,
      EXIT_INVALID },
    { "ASID 0", VMCB, VMCB_ASID, 0, EXIT_INVALID },
    { "ASID above SEV-ES's", VMCB, VMCB_ASID, -1u, EXIT_INVALID },
    { "VMSA not aligned", VMCB, VMCB_VMSA, 8, EXIT_INVALID },
    { "VMSA without memory", VMCB, VMCB_VMSA, 1ull << 46, EXIT_INVALID },
    { "SNP among the allowed features", VMCB, VMCB_ALLOWED,
      VALID | FEATURE_SNP, EXIT_VMGEXIT },
    { "SNP not among the allowed features", VMCB, VMCB_ALLOWED, VALID,
      EXIT_INVALID },
    { "allowed features not valid", VMCB, VMCB_ALLOWED, 0, EXIT_VMGEXIT },
    { "EFER.SVME clear in the VMSA", VMSA, VMSA_EFER, 0xd00, EXIT_INVALID },
    { "VMSA is a Guest-Valid page", PAGE, 0, GUEST_VALID, EXIT_INVALID },
    { "VMSA is a Hypervisor page", PAGE, 0, HYPERVISOR, EXIT_INVALID },
    { "VMSA is a Firmware page", PAGE, 0, FIRMWARE, EXIT_INVALID },
    { "VMSA of another ASID", VMCB, VMCB_ASID, 2, EXIT_INVALID },
};

static void edit_vmcb(int row)
{
    const struct refuse_row *r = &refuse_rows[row];

    if (r->place != VMCB || r->offset == VMCB_TLB + 4) {
        return;
    }
    if (r->offset == VMCB_ASID) {
        AT32(guest_vmcb, VMCB_ASID) = r->value == -1u ? snp_max_asid() + 1
                                                      : r->value;
    } else if (r->offset == VMCB_VMSA) {
        AT64(guest_vmcb, VMCB_VMSA) += r->value;
    } else {
        AT64(guest_vmcb, r->offset) = r->value;
    }
}

static void refuse_row(int row)
{
    const struct refuse_row *r = &refuse_rows[row];
    struct turn t;
    u64 vmsa;

    row_name("%s", r->name);
    guest_init();
    vmsa = vmsa_make(0, op_nop, 0, 0, 0);
    if (r->place == VMSA) {
        AT64(vmsa, r->offset) = r->value;
    }
    if (r->place == PAGE) {
        u64 copy = arena_region() + PAGE_4K;

        memcpy((void *)copy, (void *)vmsa, PAGE_4K);
        vmsa = copy;
        page_make(vmsa, r->value, false);
    } else {
        vmsa_close(vmsa);
    }
    t = guest_run_edited(vmsa, edit_vmcb, row);
    want("vector of VMRUN", t.host.vector, DONE);
    want("exit", t.exit, r->exit);
    if (r->offset == VMCB_ALLOWED && r->exit == EXIT_INVALID) {
        want("features in the VMCB", AT64(guest_vmcb, VMCB_FEATURES),
             FEATURE_SNP);
    }
}

const struct suite suite_vmrun = {
    "vmrun", ARRAY_SIZE(refuse_rows), refuse_row,
};

/*
 * Exits. Automatic ones leave the guest; for all others that are intercepted
 * the guest gets #VC with the exit code, and decides what to tell.
 *
 * Example: CPUID is intercepted: #VC with error code 0x72, RIP at the CPUID.
 * HLT is intercepted: exit 0x78, and RIP in the VMSA is after the HLT.
 *
 * A #VC that cannot be delivered because its stack causes the next one is a
 * double fault, like any two contributory exceptions.
 */
static const struct exit_row {
    const char *name;
    const u8 *op;
    u64 rax, rcx;
    u64 exit, info1;
    u64 vector, error;
    int advance;        /* of RIP; an INT's or an abort's is not looked at */
    u32 int_ctl;
    enum { STACK_OF_CORE, STACK_VALIDATED, STACK_NOT_VALIDATED } stack;
} exit_rows[] = {
    { "NOP", op_nop, 0, 0, EXIT_VMGEXIT, 0, DONE },
    { "HLT", op_hlt, 0, 0, EXIT_HLT, .advance = 1 },
    { "VMGEXIT", op_vmgexit, 0, 0, EXIT_VMGEXIT, .advance = 4 },
    { "MOV to CR0", op_write_cr0, 0x80010013, 0, EXIT_CR0_TRAP, 0x80010013,
      .advance = 3 },
    { "MOV to CR8 with a virtual interrupt waiting", op_write_cr8, 0, 0,
      EXIT_VMGEXIT, 0, DONE, .int_ctl = V_IRQ | V_PRIO_1 | V_MASKING },
    { "CPUID", op_cpuid, 0, 0, EXIT_VMGEXIT, 0, VC, VC_CPUID },
    { "RDTSC", op_rdtsc, 0, 0, EXIT_VMGEXIT, 0, VC, VC_RDTSC },
    { "RDMSR", op_rdmsr, 0, MSR_EFER, EXIT_VMGEXIT, 0, VC, VC_MSR },
    { "WRMSR", op_wrmsr, 0, MSR_STAR, EXIT_VMGEXIT, 0, VC, VC_MSR },
    { "RDMSR of SEV_STATUS", op_rdmsr, 0, MSR_SEV_STATUS, EXIT_VMGEXIT, 0,
      DONE },
    { "IN", op_in, 0, 0, EXIT_VMGEXIT, 0, VC, VC_IO },
    { "VMMCALL", op_vmmcall, 0, 0, EXIT_VMGEXIT, 0, VC, VC_VMMCALL },
    { "RMPUPDATE", op_rmpupdate, 0, 0, EXIT_VMGEXIT, 0, UD },
    { "PSMASH", op_psmash, 0, 0, EXIT_VMGEXIT, 0, UD },
    { "CPUID with a stack of its own", op_cpuid, 0, 0, EXIT_VMGEXIT, 0,
      VC, VC_CPUID, .stack = STACK_VALIDATED },
    { "CPUID with a stack that is not validated", op_cpuid, 0, 0,
      EXIT_VMGEXIT, 0, DF, .stack = STACK_NOT_VALIDATED },
    { "INT with a stack that is not validated", op_nop, 0, 0,
      EXIT_VMGEXIT, 0, DF, .stack = STACK_NOT_VALIDATED },
};

static void set_stack(const struct exit_row *r, u64 vmsa)
{
    if (r->stack != STACK_OF_CORE) {
        target_make(r->stack == STACK_VALIDATED ? GUEST_VALID : GUEST_INVALID,
                    false, false);
        AT64(vmsa, VMSA_RSP) = GUEST_TARGET + PAGE_4K / 2;
    }
}

static void edit_int_ctl(int row)
{
    AT32(guest_vmcb, VMCB_INT_CTL) = exit_rows[row].int_ctl;
}

static void exit_row(int row)
{
    const struct exit_row *r = &exit_rows[row];
    u64 rip = GUEST_CODE + (r->op - ops_start);
    struct turn t;
    u64 vmsa;

    row_name("%s", r->name);
    guest_init();
    vmsa = vmsa_make(0, r->op, r->rax, r->rcx, 0);
    set_stack(r, vmsa);
    vmsa_close(vmsa);
    t = guest_run_edited(vmsa, edit_int_ctl, row);
    want("exit", t.exit, r->exit);
    want("exit info 1", t.info1, r->info1);
    want("guest's vector", t.trap.vector, r->vector);
    want("guest's error code", t.trap.error, r->error);
    if (r->advance) {
        want("RIP", AT64(vmsa, VMSA_RIP), rip + r->advance);
    } else if (r->vector != DONE && r->vector != DF) {
        want("guest's RIP", t.trap.rip, rip);
    }
    if (r->rcx == MSR_SEV_STATUS) {
        want("SEV_STATUS", t.trap.rax, 1 | 2 | FEATURE_SNP << 2);
    }
}

const struct suite suite_exits = {
    "exit", ARRAY_SIZE(exit_rows), exit_row,
};
