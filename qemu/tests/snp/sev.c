/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SEV and SEV-ES guests on a host with SNP enabled. Their memory is the
 * host's by the RMP: Hypervisor pages, which they may write, and no others.
 *
 * Example: CPUID is intercepted. A SEV guest exits with 0x72 and its next RIP
 * is in the VMCB; a SEV-ES guest gets #VC with error code 0x72 instead.
 */
#include "guest.h"

#define EXIT_READ_DR0   0x20
#define EXIT_CPUID      0x72
#define EXIT_VMMCALL    0x81
#define DR7_GD          (1u << 13)
#define SAVE_AREA       0x400   /* of a VMCB; the guest's state without ES */
#define STATUS_SEV      1
#define STATUS_ES       2

enum kind { SEV, SEV_ES };
static const struct sev_row {
    const char *name;
    enum kind kind;
    const u8 *op;
    u64 rax;
    u64 exit;
    u64 vector, error;      /* that the guest reported */
    u64 status;             /* SEV_STATUS, where it was read */
    enum page_state target;
    u32 asid;               /* another than the kind's */
    u32 dr7;                /* what is set besides */
} sev_rows[] = {
    { "NOP", SEV, op_nop, 0, EXIT_VMMCALL, DONE },
    { "CPUID", SEV, op_cpuid, 0, EXIT_CPUID },
    { "SEV_STATUS", SEV, op_rdmsr, 0, EXIT_VMMCALL, DONE,
      .status = STATUS_SEV },
    { "PVALIDATE", SEV, op_pvalidate, 0, EXIT_VMMCALL, UD },
    { "RMPADJUST", SEV, op_rmpadjust, 0, EXIT_VMMCALL, UD },
    { "write to a Hypervisor page", SEV, op_write, GUEST_TARGET, EXIT_VMMCALL,
      DONE },
    { "write to a Guest-Valid page", SEV, op_write, GUEST_TARGET, EXIT_NPF,
      .target = GUEST_VALID },
    { "write to a Firmware page", SEV, op_write, GUEST_TARGET, EXIT_NPF,
      .target = FIRMWARE },
    { "ASID of SEV-ES's", SEV, op_nop, 0, EXIT_INVALID, .asid = TEST_ASID },
    { "MOV from DR0", SEV, op_read_dr0, 0, EXIT_READ_DR0 },
    { "MOV from DR0 with DR7.GD", SEV, op_read_dr0, 0, EXIT_VMMCALL, DB,
      .dr7 = DR7_GD },
    { "NOP", SEV_ES, op_nop, 0, EXIT_VMGEXIT, DONE },
    { "CPUID", SEV_ES, op_cpuid, 0, EXIT_VMGEXIT, VC, VC_CPUID },
    { "SEV_STATUS", SEV_ES, op_rdmsr, 0, EXIT_VMGEXIT, DONE,
      .status = STATUS_SEV | STATUS_ES },
    { "PVALIDATE", SEV_ES, op_pvalidate, 0, EXIT_VMGEXIT, UD },
    { "HLT", SEV_ES, op_hlt, 0, EXIT_HLT },
    { "write to a Hypervisor page", SEV_ES, op_write, GUEST_TARGET,
      EXIT_VMGEXIT, DONE },
    { "write to a Guest-Valid page", SEV_ES, op_write, GUEST_TARGET, EXIT_NPF,
      .target = GUEST_VALID },
    { "ASID of SEV's", SEV_ES, op_nop, 0, EXIT_INVALID, .asid = -1u },
};

static void edit_vmcb(int row)
{
    const struct sev_row *r = &sev_rows[row];
    u32 first_sev = snp_max_asid() + 1;
    u32 asid = r->kind == SEV ? first_sev : TEST_ASID;

    if (r->asid) {
        asid = r->asid == -1u ? first_sev : r->asid;
    }
    AT32(guest_vmcb, VMCB_INTERCEPT_DR) = r->op == op_read_dr0;
    AT32(guest_vmcb, VMCB_ASID) = asid;
    AT64(guest_vmcb, VMCB_MISC) = MISC_NP | MISC_SEV |
                                  (r->kind == SEV_ES ? MISC_ES : 0);
}

static void keep(u64 spa, u64 gpa)
{
    (void)spa;
    (void)gpa;
}

static void sev_row(int row)
{
    const struct sev_row *r = &sev_rows[row];
    static bool renewed;
    struct turn t;
    u64 vmsa;

    row_name("%s, %s", r->kind == SEV ? "SEV" : "SEV-ES", r->name);
    if (!renewed) {
        guest_renew(keep);
        renewed = true;
    }
    target_make(r->target, false, false);
    vmsa = r->kind == SEV ? guest_vmcb + SAVE_AREA
                          : arena_region() + PAGE_4K;
    vmsa_fill(vmsa, 0, r->op, r->rax, MSR_SEV_STATUS, 0);
    AT64(vmsa, VMSA_FEATURES) = 0;
    AT64(vmsa, VMSA_DR7) |= r->dr7;
    t = guest_run_with(vmsa, edit_vmcb, row,
                       r->kind == SEV ? MSR_SEV_STATUS : 0);
    want("exit", t.exit, r->exit);
    want("guest's vector", t.trap.vector, r->vector);
    want("guest's error code", t.trap.error, r->error);
    if (r->exit == EXIT_NPF) {
        want("RMP bit", t.info1 & PF_RMP, PF_RMP);
    }
    if (r->exit == EXIT_CPUID) {
        want("next RIP", AT64(guest_vmcb, VMCB_NEXT_RIP),
             GUEST_CODE + (r->op - ops_start) + 2);
    }
    if (r->status) {
        want("SEV_STATUS", t.trap.rax, r->status);
    }
}

const struct suite suite_sev = { "sev", ARRAY_SIZE(sev_rows), sev_row };
