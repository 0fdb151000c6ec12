/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest of one virtual processor and the hypervisor that runs it. */
#ifndef SNP_TEST_GUEST_H
#define SNP_TEST_GUEST_H

#include "rmp.h"

/* Exit codes */
#define EXIT_INVALID    (-1ull)
#define EXIT_HLT        0x78
#define EXIT_SHUTDOWN   0x7f
#define EXIT_CR0_TRAP   0x90
#define EXIT_NPF        0x400
#define EXIT_VMGEXIT    0x403

/* Error codes of #VC: what the exit would have been */
#define VC_IO           0x7b
#define VC_CPUID        0x72
#define VC_RDTSC        0x6e
#define VC_MSR          0x7c
#define VC_VMMCALL      0x81
#define VC_NPF          0x400
#define VC_NOT_VALIDATED 0x404

#define VMPLS           4

/* The control area, by byte offset */
enum {
    VMCB_INTERCEPT_DR = 0x04, VMCB_INTERCEPT3 = 0x0c,
    VMCB_INTERCEPT4 = 0x10, VMCB_ASID = 0x58, VMCB_TLB = 0x5c,
    VMCB_INT_CTL = 0x60,
    VMCB_EXIT = 0x70, VMCB_INFO1 = 0x78, VMCB_INFO2 = 0x80,
    VMCB_EXIT_EVENT = 0x88, VMCB_MISC = 0x90, VMCB_GHCB = 0xa0,
    VMCB_EVENT = 0xa8, VMCB_NCR3 = 0xb0,
    VMCB_NEXT_RIP = 0xc8, VMCB_VMSA = 0x108, VMCB_ALLOWED = 0x138,
    VMCB_FEATURES = 0x140,
};
#define MISC_NP         1
#define MISC_SEV        2
#define MISC_ES         4
#define EVENT_VALID     0x80000000u

/* The save area of an encrypted guest, likewise */
enum {
    VMSA_ES = 0x00, VMSA_CS = 0x10, VMSA_SS = 0x20, VMSA_DS = 0x30,
    VMSA_FS = 0x40, VMSA_GS = 0x50, VMSA_GDTR = 0x60, VMSA_LDTR = 0x70,
    VMSA_IDTR = 0x80, VMSA_TR = 0x90, VMSA_VMPL = 0xca, VMSA_CPL = 0xcb,
    VMSA_EFER = 0xd0, VMSA_CR4 = 0x148, VMSA_CR3 = 0x150, VMSA_CR0 = 0x158,
    VMSA_DR7 = 0x160, VMSA_DR6 = 0x168, VMSA_RFLAGS = 0x170, VMSA_RIP = 0x178,
    VMSA_RSP = 0x1d8, VMSA_RAX = 0x1f8, VMSA_STAR = 0x200, VMSA_LSTAR = 0x208,
    VMSA_CSTAR = 0x210, VMSA_SFMASK = 0x218, VMSA_KERNEL_GS = 0x220,
    VMSA_PAT = 0x268, VMSA_RCX = 0x308, VMSA_RDX = 0x310, VMSA_RBX = 0x318,
    VMSA_RBP = 0x328, VMSA_RSI = 0x330, VMSA_RDI = 0x338, VMSA_R8 = 0x340,
    VMSA_FEATURES = 0x3b0, VMSA_XCR0 = 0x3e8, VMSA_MXCSR = 0x408,
    VMSA_FCW = 0x410,
};
#define FEATURE_SNP     1
#define HSAVE_HOST      0x400   /* what the host keeps in its save area */

#define AT64(page, offset) (*(volatile u64 *)((page) + (offset)))
#define AT32(page, offset) (*(volatile u32 *)((page) + (offset)))
#define AT8(page, offset)  (*(volatile u8 *)((page) + (offset)))

/* What a guest's turn came to */
struct turn {
    u64 exit, info1, info2;
    struct trap trap;       /* what the guest reported, when it did */
    struct trap host;       /* the host's registers after VMRUN */
};

/* The pages of the one guest, by machine address */
extern u64 guest_vmcb, guest_hsave, guest_report, guest_target;

/* Make the guest; every later call does nothing */
void guest_init(void);
/*
 * Make it anew; give_page() makes a page of its core the guest's, NULL does so
 * without the firmware.
 */
void guest_renew(void (*give_page)(u64 spa, u64 gpa));
u64 guest_core(void);
/* Give the target region its state and its nested mapping anew */
void target_make(enum page_state state, bool large, bool npt_large);
/* Give it another owner, its state as it is */
void target_move(u64 gpa, u32 asid, bool large);
/* Drop or restore the target's nested mapping; flags as in a page table */
void target_map(u64 flags, bool npt_large);
/* Map it by a nested table of the caller's */
void target_table(u64 table);
/* A VMSA that begins with @op at a VMPL; guest_run() executes it */
void vmsa_fill(u64 vmsa, int vmpl, const u8 *op, u64 rax, u64 rcx, u64 rdx);
u64 vmsa_make(int vmpl, const u8 *op, u64 rax, u64 rcx, u64 rdx);
void vmsa_to_user(u64 vmsa);
/* Take a VMSA back to edit it, and give it to the guest again */
void vmsa_open(u64 vmsa);
void vmsa_close(u64 vmsa);
void guest_prepare(u64 vmsa);
struct turn guest_run(u64 vmsa);
/* The same with a last word on the VMCB before VMRUN */
struct turn guest_run_edited(u64 vmsa, void (*edit)(int), int row);
/* And with an RCX, which is the guest's when it has no VMSA */
struct turn guest_run_with(u64 vmsa, void (*edit)(int), int row, u64 rcx);
u64 guest_maps(void);
/* All in one */
struct turn guest_op(int vmpl, const u8 *op, u64 rax, u64 rcx, u64 rdx);
/* The guest reported a trap; or it came to an exit */
void want_guest_trap(const struct turn *t, u64 vector, u64 error);
void want_exit(const struct turn *t, u64 exit, u64 info1, u64 info2);

#endif
