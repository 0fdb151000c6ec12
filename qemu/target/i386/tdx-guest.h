/*
 * TDX module emulation: calls of a TD
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TARGET_I386_TDX_GUEST_H
#define TARGET_I386_TDX_GUEST_H

#include "target/i386/tdx-td.h"

enum {
    TDG_VP_VMCALL           = 0,
    TDG_VP_INFO             = 1,
    TDG_VP_VEINFO_GET       = 3,
    TDG_MEM_PAGE_ACCEPT     = 6,
    TDG_VM_RD               = 7,
    TDG_VM_WR               = 8,
};

/* Exit reasons that a call can end with; the numbers are VMX's */
#define TDX_EXIT_NONE           0xffff
#define TDX_EXIT_INTERRUPT      1
#define TDX_EXIT_EPT_VIOLATION  48
#define TDX_EXIT_TDCALL         77

/* How a call of a TD ends when it does not just return to the TD */
typedef struct TdxTdExit {
    /*
     * NONE: back to the TD, after the instruction. TDCALL: to the host, and
     * the TD goes on after the instruction. EPT_VIOLATION: to the host, and
     * the TD repeats the instruction. INTERRUPT: as that, when the interrupt
     * that came has been taken.
     */
    unsigned reason;
    uint64_t qualification;
    uint64_t extended;
    uint64_t gpa;
    uint64_t mask;          /* TDCALL: registers that pass, by number */
} TdxTdExit;

/*
 * One TDCALL on processor @lp, whose TD's registers @r are. On NONE, RAX is
 * the status; on every other end the registers are as they were.
 */
void tdx_tdcall(TdxModule *m, unsigned lp, uint64_t r[TDX_NR_REGS],
                TdxTdExit *exit);

#endif
