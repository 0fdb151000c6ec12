/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's registers after a guest with others has run.
 *
 * Example: the host's LSTAR is 0x1111 and in its save area by VMSAVE, the
 * guest's is 0x2222; after the exit RDMSR shows 0x1111.
 */
#include "guest.h"

#define GPR(field)  offsetof(struct trap, field)

static const struct state_row {
    const char *name;
    u32 msr;
    u64 host;           /* value given before; zero: it keeps its own */
    int slot;           /* of the guest's other value, in the VMSA */
    int gpr, reg;       /* of a general register instead: where, its number */
} state_rows[] = {
    { "FS.base", MSR_FS_BASE, 0x1000111, VMSA_FS + 8 },
    { "GS.base", MSR_GS_BASE, 0x1000222, VMSA_GS + 8 },
    { "KERNEL_GS_BASE", MSR_KERNEL_GS, 0x1000333, VMSA_KERNEL_GS },
    { "STAR", MSR_STAR, 0x0013000800000000, VMSA_STAR },
    { "LSTAR", MSR_LSTAR, 0x1111, VMSA_LSTAR },
    { "CSTAR", MSR_CSTAR, 0x1222, VMSA_CSTAR },
    { "SFMASK", MSR_SFMASK, 0x1333, VMSA_SFMASK },
    { "EFER", MSR_EFER },
    { "SYSCFG", MSR_SYSCFG },
    { "GHCB", MSR_GHCB, 0x345000 },
    { "RBX", .gpr = GPR(rbx), .reg = 3, .slot = VMSA_RBX },
    { "RBP", .gpr = GPR(rbp), .reg = 5, .slot = VMSA_RBP },
    { "RSI", .gpr = GPR(rsi), .reg = 6, .slot = VMSA_RSI },
    { "RDI", .gpr = GPR(rdi), .reg = 7, .slot = VMSA_RDI },
    { "R12", .gpr = GPR(r12), .reg = 12, .slot = VMSA_R8 + 32 },
    { "R13", .gpr = GPR(r13), .reg = 13, .slot = VMSA_R8 + 40 },
    { "R14", .gpr = GPR(r14), .reg = 14, .slot = VMSA_R8 + 48 },
    { "R15", .gpr = GPR(r15), .reg = 15, .slot = VMSA_R8 + 56 },
};

/* One turn shows it for all rows */
static const struct turn *turn(u64 before[])
{
    static struct turn t;
    static u64 values[ARRAY_SIZE(state_rows)];
    u64 vmsa;

    if (!t.exit) {
        guest_init();
        vmsa = vmsa_make(0, op_nop, 0, 0, 0);
        for (unsigned i = 0; i < ARRAY_SIZE(state_rows); i++) {
            const struct state_row *r = &state_rows[i];

            if (r->slot) {
                AT64(vmsa, r->slot) = 0x7777000 + i;
            }
            if (r->host) {
                wrmsr(r->msr, r->host);
            }
            values[i] = r->msr ? rdmsr(r->msr) : sentinel(r->reg);
        }
        vmsa_close(vmsa);
        t = guest_run(vmsa);
    }
    memcpy(before, values, sizeof(values));
    return &t;
}

static void state_row(int row)
{
    const struct state_row *r = &state_rows[row];
    u64 before[ARRAY_SIZE(state_rows)];
    const struct turn *t = turn(before);

    row_name("%s", r->name);
    want("exit", t->exit, EXIT_VMGEXIT);
    if (r->msr) {
        want("value", rdmsr(r->msr), before[row]);
    } else {
        want("value", AT64((u64)&t->host, r->gpr), before[row]);
        want("guest's value", AT64((u64)&t->trap, r->gpr), 0x7777000 + row);
    }
}

const struct suite suite_host_state = {
    "host state", ARRAY_SIZE(state_rows), state_row,
};
