/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The secure processor, and what it wants of the IOMMU. */
#ifndef SNP_TEST_FIRMWARE_H
#define SNP_TEST_FIRMWARE_H

#include "snp.h"

enum {
    CMD_SNP_SHUTDOWN = 0x82, CMD_SNP_INIT_EX = 0x85, CMD_DECOMMISSION = 0x90, CMD_ACTIVATE = 0x91,
    CMD_GCTX_CREATE = 0x93, CMD_LAUNCH_START = 0xa0, CMD_LAUNCH_UPDATE = 0xa1,
    CMD_LAUNCH_FINISH = 0xa2, CMD_PAGE_RECLAIM = 0xc7,
    CMD_PAGE_UNSMASH = 0xc8,
};

/* SNP_INIT_EX has to set up the RMP */
#define INIT_RMP                1

/* Status */
#define INVALID_PLATFORM_STATE  0x01
#define INVALID_GUEST_STATE     0x02
#define INVALID_PAGE_SIZE       0x19
#define INVALID_PAGE_STATE      0x1a

/* Page types of LAUNCH_UPDATE */
#define LAUNCH_NORMAL           1
#define LAUNCH_VMSA             2
#define LAUNCH_UNMEASURED       4

/* Whether the machine has one; finds it on the first call */
bool firmware_found(void);
void iommu_enable(void);
/* A command with up to four quads of buffer, the rest zero; its status */
u64 firmware(int cmd, u64 q0, u64 q1, u64 q2, u64 q3);

#endif
