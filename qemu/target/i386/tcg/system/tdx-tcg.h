/*
 * TDX host emulation: hooks in TCG
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every hook returns at once on a machine that is not a TDX host, or while
 * the CPU runs no TD.
 */
#ifndef I386_TCG_TDX_TCG_H
#define I386_TCG_TDX_TCG_H

#include "cpu.h"
#include "target/i386/tdx-guest.h"

/* Exit reasons beside those of tdx-guest.h, as VMX numbers them */
#define TDX_EXIT_EXCEPTION_NMI      0
#define TDX_EXIT_TRIPLE_FAULT       2
#define TDX_EXIT_CPUID              10
#define TDX_EXIT_HLT                12
#define TDX_EXIT_INVD               13
#define TDX_EXIT_RDPMC              15
#define TDX_EXIT_IO                 30
#define TDX_EXIT_RDMSR              31
#define TDX_EXIT_WRMSR              32
#define TDX_EXIT_MWAIT              36
#define TDX_EXIT_MONITOR            39
#define TDX_EXIT_EPT_MISCONFIG      49
#define TDX_EXIT_WBINVD             54

/*
 * What a MOV to CR4 must not do: raises #GP on a TDX host, where a reserved
 * bit would otherwise be an exit of a guest that does not run.
 */
void tdx_check_cr4(CPUX86State *env, target_ulong val, uintptr_t ra);

/*
 * What the helper of an instruction, or an exit, left the translation block
 * for; QEMU's lock is held. False when @excp is none of them.
 */
bool tdx_do_interrupt(CPUX86State *env, int excp);

/* tdx_insn.c: the module is called */
void tdx_do_seamcall(CPUX86State *env);

/* tdx_enter.c */

/* The TD of lps[].vp takes the CPU; flags and RIP are those after SEAMCALL */
void tdx_enter(CPUX86State *env);
void tdx_do_exit(CPUX86State *env);
void tdx_do_tdcall(CPUX86State *env);

/* Leave the translation block for an exit; the state is that before @ra's */
G_NORETURN void tdx_leave(CPUX86State *env, const TDXExit *e, uintptr_t ra);

/* tdx_td.c */

#define TDX_EXCP_VE     20

/* What would be a #VMEXIT of SVM while a TD runs; does not return then */
void tdx_filter_vmexit(CPUX86State *env, uint64_t code, uintptr_t ra);
/* The same for a port; @len of the instruction, @param as SVM's */
void tdx_filter_io(CPUX86State *env, uint32_t port, uint32_t param, int len,
                   uintptr_t ra);

/* #VE or a fault for a register that is not the TD's; may not return */
void tdx_filter_msr(CPUX86State *env, uint32_t msr, bool write, uintptr_t ra);

/*
 * An event is going to be delivered to the TD, and has been: true when a TD
 * runs, which has no VMCB to note it in.
 */
bool tdx_event_begins(CPUX86State *env, int vector, bool is_int,
                      int error_code, target_ulong next_eip, bool is_hw);
bool tdx_event_done(CPUX86State *env);

/* #VE, or #DF when the TD has not fetched what the last one told */
typedef struct TdxVeReason {
    uint32_t reason;
    uint32_t insn_len;
    uint64_t qualification;
    uint64_t gpa;
} TdxVeReason;
G_NORETURN void tdx_raise_ve(CPUX86State *env, const TdxVeReason *why,
                             uintptr_t ra);

/* tdx_ept.c */

typedef enum TdxEptFault {
    TDX_EPT_OK,
    TDX_EPT_VIOLATION,
    TDX_EPT_VE,                 /* a violation that the TD is told of */
    TDX_EPT_MISCONFIGURED,
    TDX_EPT_CHANGED,            /* while it was walked: not returned */
} TdxEptFault;

typedef struct TdxEptResult {
    uint64_t hpa;
    uint64_t page_size;
    int prot;
    uint8_t allowed;            /* read, write, execute up to the fault */
    bool suppress_ve;
    uint64_t extended;          /* of a violation */
} TdxEptResult;

TdxEptFault tdx_ept_translate(CPUX86State *env, uint64_t gpa, int access,
                              TdxEptResult *r);

/*
 * The host is about to map @pa for an access at @addr: tell when it is a TD's.
 * Seen when the translation enters the TLB, which forgets its translations
 * soon after a page changes hands.
 */
void tdx_check_host_access(CPUX86State *env, uint64_t pa, vaddr addr,
                           bool write);

/* Address bits that a TD's page tables must not use; 0 while none runs */
uint64_t tdx_guest_reserved(CPUX86State *env);

/* What an access to @gpa that does not translate is: not a return */
G_NORETURN void tdx_ept_fault(CPUX86State *env, uint64_t gpa, int access,
                              bool of_walk, uintptr_t ra);

#endif
