/*
 * AMD secure processor: what the machine and the tests need to know
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * docs/specs/amd-psp.rst is the contract of this device.
 */
#ifndef HW_MISC_AMD_PSP_H
#define HW_MISC_AMD_PSP_H

#define TYPE_AMD_PSP "amd-psp"

#define PCI_DEVICE_ID_AMD_PSP 0x14ca

/* BAR 2 */
#define PSP_BAR_SIZE          0x100000
#define PSP_REG_INTEN         0x10690
#define PSP_REG_INTSTS        0x10694
#define   PSP_INT_SEV_DONE      (1u << 1)
#define PSP_REG_CMDRESP       0x10980
#define   PSP_CMDRESP_IOC       (1u << 0)
#define   PSP_CMDRESP_CMD(reg)  (((reg) >> 16) & 0x7ff)
#define   PSP_CMDRESP_DONE      (1u << 31)
#define   PSP_CMDRESP_STATUS    0xffffu
#define PSP_REG_CMDBUF_LO     0x109e0
#define PSP_REG_CMDBUF_HI     0x109e4
#define PSP_REG_BOOTLOADER    0x109ec
#define PSP_REG_FEATURE       0x109fc
#define   PSP_FEATURE_SEV       (1u << 0)

/* Counters: two little-endian quads per command, calls then failures */
#define PSP_COUNTERS          0x20000
#define PSP_COUNTER(cmd)      (PSP_COUNTERS + (cmd) * 16)
#define PSP_CMD_MAX           0x100

/* The machine's counters: see snp_counters_window_read() */
#define PSP_SNP_WINDOW        0x30000

/* Digest of the guest that was launched last */
#define PSP_LAUNCH_DIGEST     0x32000

#endif
