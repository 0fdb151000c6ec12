/*
 * AMD secure processor: identity block of a guest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_AMD_PSP_IDBLOCK_H
#define HW_MISC_AMD_PSP_IDBLOCK_H

#include "amd-psp-int.h"

/*
 * Check the block against the guest's digest and policy and both signatures,
 * then copy its fields to @ctx. Nothing changes on failure.
 */
uint32_t psp_id_block(PSPContext *ctx, uint64_t block, uint64_t auth,
                      bool author);

#endif
