/*
 * TDX module emulation: memory that the host lends to the module
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TARGET_I386_TDX_TDMR_H
#define TARGET_I386_TDX_TDMR_H

#include "target/i386/tdx-module.h"

#define TDX_TDMR_INFO_ALIGN 512

/*
 * Check and take @nr TDMRs, whose descriptions the array of physical addresses
 * at @array names. Returns a status; the TDMRs count only if it is success.
 */
uint64_t tdx_tdmrs_take(TdxModule *m, uint64_t array, unsigned nr);

/* The TDMR that begins at @base, or NULL */
TdxTdmr *tdx_tdmr_at(TdxModule *m, uint64_t base);

#endif
