/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may execute what: the instructions and registers before SNP_EN and
 * after, at CPL 0 and CPL 3. The first rows run before snp_enable().
 *
 * Example: RMPUPDATE is #UD until SYSCFG.SNP_EN is set; then it works at CPL 0
 * and is #GP at CPL 3.
 */
#include "rmp.h"

static const struct gate_row {
    const char *name;
    const u8 *op;
    bool enabled, user;
    u64 vector;
} gate_rows[] = {
    { "RMPUPDATE before SNP_EN",    op_rmpupdate, false, false, UD },
    { "PSMASH before SNP_EN",       op_psmash,    false, false, UD },
    { "PVALIDATE before SNP_EN",    op_pvalidate, false, false, UD },
    { "RMPADJUST before SNP_EN",    op_rmpadjust, false, false, UD },
    { "RMPQUERY before SNP_EN",     op_rmpquery,  false, false, UD },
    { "write to an assigned page before SNP_EN",
                                    op_write,     false, false, DONE },
    { "RMPUPDATE",                  op_rmpupdate, true,  false, DONE },
    { "PSMASH",                     op_psmash,    true,  false, DONE },
    { "RMPUPDATE at CPL 3",         op_rmpupdate, true,  true,  GP },
    { "PSMASH at CPL 3",            op_psmash,    true,  true,  GP },
    { "RMPREAD at CPL 3",           op_rmpread,   true,  true,  GP },
    { "PVALIDATE in the host",      op_pvalidate, true,  false, UD },
    { "RMPADJUST in the host",      op_rmpadjust, true,  false, UD },
    { "RMPQUERY in the host",       op_rmpquery,  true,  false, UD },
    { "VMGEXIT in the host",        op_vmgexit,   true,  false, UD },
    { "write to an assigned page",  op_write,     true,  false, PF },
};

/* Assigned by a store: before SNP_EN the RMP is memory like any other */
static u64 assigned_by_store(void)
{
    static u64 spa;

    if (!spa) {
        spa = arena_region();
        entry_store(spa, 1, 0);
    }
    return spa;
}

static void gate_row(int row)
{
    const struct gate_row *r = &gate_rows[row];
    static const struct update none;
    u64 spa = r->op == op_write ? assigned_by_store() : arena_region();
    u64 rcx = r->op == op_rmpupdate ? (u64)&none : 0;
    struct trap t;

    row_name("%s", r->name);
    if (r->enabled && !snp_enabled()) {
        snp_enable();
    }
    want("SNP_EN", snp_enabled(), r->enabled);
    if (r->op == op_write) {
        spa = map_4k(spa, PTE_P | PTE_W);
    }
    t = r->user ? run_user(r->op, spa, rcx, 0) : run(r->op, spa, rcx, 0);
    /* A processor without RMPREAD knows no privilege for it either */
    want("vector", t.vector, r->op == op_rmpread && !snp_has_rmpread() ?
         UD : r->vector);
}

const struct suite suite_gates = {
    "gates", ARRAY_SIZE(gate_rows), gate_row,
};

/*
 * Registers. Example: SNP_EN, once set, stays set when software writes zero to
 * SYSCFG; MFDM does not.
 */
static const struct register_row {
    const char *name;
    u32 msr;
    bool write;
    u64 value;              /* written */
    u64 vector;
    u64 mask, expect;       /* of a read afterwards */
} register_rows[] = {
    { "SYSCFG shows SNP_EN, VMPL_EN, MFDM and memory encryption", MSR_SYSCFG,
      false, 0, DONE,
      SYSCFG_SNP_EN | SYSCFG_VMPL_EN | SYSCFG_MFDM | SYSCFG_MEM_ENC,
      SYSCFG_SNP_EN | SYSCFG_VMPL_EN | SYSCFG_MFDM | SYSCFG_MEM_ENC },
    { "SYSCFG: a write of zero clears MFDM alone", MSR_SYSCFG, true, 0, DONE,
      SYSCFG_SNP_EN | SYSCFG_VMPL_EN | SYSCFG_MFDM | SYSCFG_MEM_ENC,
      SYSCFG_SNP_EN | SYSCFG_VMPL_EN | SYSCFG_MEM_ENC },
    { "RMP_BASE is on a 2M border", MSR_RMP_BASE, false, 0, DONE,
      PAGE_2M - 1, 0 },
    { "RMP_END is the last byte before a 2M border, zero if segmented",
      MSR_RMP_END, false, 0, DONE, PAGE_2M - 1, PAGE_2M - 1 },
    { "SEV_STATUS is zero in the host", MSR_SEV_STATUS, false, 0, DONE, ~0ull,
      0 },
    { "SEV_STATUS cannot be written", MSR_SEV_STATUS, true, 1, GP, ~0ull, 0 },
    { "GHCB keeps what the host writes", MSR_GHCB, true, 0x123456789000, DONE,
      ~0ull, 0x123456789000 },
};

static void register_row(int row)
{
    const struct register_row *r = &register_rows[row];
    u64 expect = r->expect;
    struct trap t;

    row_name("%s", r->name);
    if (r->msr == MSR_RMP_END && snp_is_segmented()) {
        expect = 0;
    }
    if (r->write) {
        t = run(op_wrmsr, (u32)r->value, r->msr, r->value >> 32);
        want("vector", t.vector, r->vector);
    }
    t = run(op_rdmsr, 0, r->msr, 0);
    want("vector of the read", t.vector, DONE);
    want("value", (t.rax | t.rdx << 32) & r->mask, expect);
}

const struct suite suite_registers = {
    "registers", ARRAY_SIZE(register_rows), register_row,
};
