/*
 * TDX module emulation: global metadata
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TARGET_I386_TDX_META_H
#define TARGET_I386_TDX_META_H

#include "target/i386/tdx-module.h"

/* No field: what comes after the last one */
#define TDX_META_NONE UINT64_MAX

/* Limits that fields tell and leaves keep to */
#define TDX_ATTRIBUTES_FIXED0   (1ull << 28)    /* SEPT_VE_DISABLE may be 1 */
#define TDX_XFAM_FIXED0         0x7             /* x87, SSE, AVX as in TCG */
#define TDX_XFAM_FIXED1         0x3             /* must be 1 */
#define TDX_MAX_VCPUS           256
#define TDX_NR_TDCX             4
#define TDX_NR_TDVPX            5               /* TDVPR not counted */

/* A leaf of CPUID whose bits under the masks a host may choose for a TD */
typedef struct TdxCpuidConfig {
    uint32_t leaf;
    uint32_t subleaf;           /* UINT32_MAX: the leaf has none */
    uint32_t eax, ebx, ecx, edx;
} TdxCpuidConfig;
extern const TdxCpuidConfig tdx_cpuid_config[];
extern const unsigned tdx_nr_cpuid_config;

uint64_t tdx_meta_first(TdxModule *m);

/* Value of a field, and the field after it */
uint64_t tdx_meta_read(TdxModule *m, uint64_t id, uint64_t *value,
                       uint64_t *next);

#endif
