/*
 * The save area of an SEV-ES guest (VMSA)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Little endian, in guest memory under the guest's key. The host save area
 * uses the same layout 0x400 bytes into its page.
 */
#ifndef TARGET_I386_SEV_VMSA_H
#define TARGET_I386_SEV_VMSA_H

#include "svm.h"

#define SEV_VMSA_HSAVE_OFFSET 0x400

/* Bits of sev_features, which are also SEV_STATUS from bit 2 on */
#define SEV_FEATURE_SNP (1ull << 0)

typedef struct QEMU_PACKED SEVVmsa {
    struct vmcb_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    uint8_t pad_a0[42];
    uint8_t vmpl;
    uint8_t cpl;
    uint8_t pad_cc[4];
    uint64_t efer;
    uint8_t pad_d8[104];
    uint64_t xss;
    uint64_t cr4, cr3, cr0;
    uint64_t dr7, dr6;
    uint64_t rflags, rip;
    uint64_t dr[4];
    uint8_t pad_1a0[56];
    uint64_t rsp;
    uint8_t pad_1e0[24];
    uint64_t rax;
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t cr2;
    uint8_t pad_248[32];
    uint64_t g_pat;
    uint8_t pad_270[120];
    uint32_t pkru;
    uint32_t tsc_aux;
    uint64_t tsc_scale, tsc_offset;
    uint8_t pad_300[8];
    /* In the order of the instruction set; RAX and RSP are above */
    uint64_t gpr[15];
    uint8_t pad_380[48];
    uint64_t sev_features;
    uint64_t vintr_ctrl;
    uint64_t guest_exit_code;
    uint64_t virtual_tom;
    uint64_t tlb_id;
    uint64_t pcpu_id;
    uint64_t event_inj;
    uint64_t xcr0;
    uint8_t pad_3f0[16];
    uint64_t x87_dp;
    uint32_t mxcsr;
    uint16_t x87_ftw, x87_fsw, x87_fcw, x87_fop, x87_ds, x87_cs;
    uint64_t x87_rip;
    uint64_t x87_low[8];        /* significands, from ST(0) */
    uint16_t x87_high[8];       /* exponents and signs */
    uint64_t xmm[16][2];
    uint64_t ymm_high[16][2];
} SEVVmsa;

/* gpr[] starts with RCX */
#define SEV_VMSA_GPR(vmsa, reg) ((vmsa)->gpr[(reg) - R_ECX])

QEMU_BUILD_BUG_ON(offsetof(SEVVmsa, efer) != 0xd0);
QEMU_BUILD_BUG_ON(offsetof(SEVVmsa, xss) != 0x140);
QEMU_BUILD_BUG_ON(offsetof(SEVVmsa, rip) != 0x178);
QEMU_BUILD_BUG_ON(offsetof(SEVVmsa, rsp) != 0x1d8);
QEMU_BUILD_BUG_ON(offsetof(SEVVmsa, rax) != 0x1f8);
QEMU_BUILD_BUG_ON(offsetof(SEVVmsa, cr2) != 0x240);
QEMU_BUILD_BUG_ON(offsetof(SEVVmsa, g_pat) != 0x268);
QEMU_BUILD_BUG_ON(offsetof(SEVVmsa, pkru) != 0x2e8);
QEMU_BUILD_BUG_ON(offsetof(SEVVmsa, gpr) != 0x308);
QEMU_BUILD_BUG_ON(offsetof(SEVVmsa, sev_features) != 0x3b0);
QEMU_BUILD_BUG_ON(offsetof(SEVVmsa, xcr0) != 0x3e8);
QEMU_BUILD_BUG_ON(offsetof(SEVVmsa, x87_low) != 0x420);
QEMU_BUILD_BUG_ON(sizeof(SEVVmsa) != 0x670);

#endif
