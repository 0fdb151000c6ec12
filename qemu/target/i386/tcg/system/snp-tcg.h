/*
 * SEV-SNP host emulation: hooks in TCG's memory management and SVM
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every hook returns at once on a machine that is not an SNP host.
 */
#ifndef I386_TCG_SNP_TCG_H
#define I386_TCG_SNP_TCG_H

#include "target/i386/snp-rmp.h"

/* Bits of EXITINFO1 of a nested page fault */
#define SNP_NPF_RMP     (1ull << 31)
#define SNP_NPF_ENC     (1ull << 34)
#define SNP_NPF_SIZEM   (1ull << 35)
#define SNP_NPF_VMPL    (1ull << 36)
/* No bit of the hardware: deliver #VC to the guest instead */
#define SNP_NPF_NOT_VALIDATED (1ull << 63)

/* snp_mmu.c: checks when a translation enters the TLB */

/*
 * A translation of the host: take away what the RMP forbids. False when the
 * access itself is forbidden. @large: the mapping is 2M or more.
 */
bool snp_fill_host(CPUX86State *env, hwaddr *paddr, int *prot, bool large,
                   MMUAccessType access);

/*
 * A translation by nested tables, of any guest. Returns 0, or the bits that
 * the RMP adds to the error code of the nested page fault.
 */
uint64_t snp_fill_nested(CPUX86State *env, hwaddr gpa, bool private,
                         hwaddr *paddr, int *prot, bool large,
                         MMUAccessType access);

/* Count what the RMP forbids and return its bits of the error code */
uint64_t snp_denied_bits(SNPVerdict verdict);

/*
 * Whether a walk of the host's or of nested tables, at a physical address,
 * must not write the table
 */
bool snp_walk_refused(CPUX86State *env, int ptw_idx, hwaddr table);

/*
 * The nested TLB does not tell user from supervisor, the RMP does: narrow
 * @prot of a guest's own translation. Returns 0 or the error code of the
 * nested page fault.
 */
uint64_t snp_check_fetch(CPUX86State *env, hwaddr gpa, hwaddr paddr,
                         bool user, MMUAccessType access, int *prot);

/* The C-bit, where the running guest has one; 0 otherwise */
static inline uint64_t snp_guest_cbit(CPUX86State *env)
{
    return unlikely(env->snp.guest) ? SNP_CBIT : 0;
}

/*
 * The end of a guest's own walk: fetches and everything without paging or
 * without PAE are private whatever the C-bit says. Narrows @prot when the
 * translation of a fetch must not serve data, and the reverse.
 */
hwaddr snp_guest_leaf(CPUX86State *env, hwaddr gpa, int pg_mode,
                      MMUAccessType access, int *prot);

/* A guest's page tables are private, whatever points to them says */
static inline hwaddr snp_guest_table(CPUX86State *env, hwaddr gpa)
{
    return gpa | snp_guest_cbit(env);
}

/* ENC, when a guest with a C-bit makes a private access to @gpa */
static inline uint64_t snp_nested_enc(CPUX86State *env, hwaddr gpa)
{
    return gpa & snp_guest_cbit(env) ? SNP_NPF_ENC : 0;
}

/* #VC in the guest, whose error code is that of the exit it replaces */
G_NORETURN void snp_raise_vc(CPUX86State *env, uint64_t code, uintptr_t ra);

/* Nested faults that are exceptions of the guest instead; may not return */
void snp_nested_to_guest(CPUX86State *env, uint64_t error_code, uintptr_t ra);

/* excp_helper.c: the operand of an instruction on a guest page */
typedef struct SNPOperand {
    hwaddr gpa;
    hwaddr spa;
    bool npt_large;
} SNPOperand;
void snp_translate_operand(CPUX86State *env, vaddr gva, SNPOperand *op,
                           uintptr_t ra);
G_NORETURN void snp_operand_denied(CPUX86State *env, const SNPOperand *op,
                                   uint64_t bits, uintptr_t ra);

/* sev_guest.c: entry and exit of SEV guests */

/*
 * Part of VMRUN, with the VMCB's control area loaded: note what kind of
 * guest it is. Exits when the guest cannot be run.
 */
void snp_vmrun_enter(CPUX86State *env, uint64_t misc_ctl, uint32_t asid,
                     uintptr_t ra);

/* Store the guest to its VMSA; false when it has none */
bool snp_store_vmsa(CPUX86State *env);

/* The end of #VMEXIT: no guest any more */
void snp_after_vmexit(CPUX86State *env);

/* An exit that the guest handles becomes #VC here and does not return */
void snp_filter_vmexit(CPUX86State *env, uint64_t code);

/* A register with a write trap has a new value; may exit */
void snp_cr_written(CPUX86State *env, uint64_t code, uint64_t value,
                    uintptr_t ra);

/* sev_es.c: the world switch */
void sev_es_load_guest(CPUX86State *env);
void sev_es_store_guest(CPUX86State *env);
void sev_es_load_host(CPUX86State *env);

/* snp_svm.c: what real SVM reports and TCG's did not */

/* Bits of CR3 that must be zero; the C-bit is not reserved in SEV guests */
uint64_t snp_cr3_reserved(CPUX86State *env);
G_NORETURN void snp_raise_bad_cr3(CPUX86State *env, uintptr_t ra);

/*
 * The last chance before a #VMEXIT is taken: note the next instruction,
 * its operand and its bytes in the VMCB. Returns EXITINFO1.
 */
uint64_t snp_before_vmexit(CPUX86State *env, uint64_t code, uint64_t info_1);

/* Injected software interrupts return to the VMCB's next RIP */
void snp_inject_soft(CPUX86State *env, int vector);

#endif
