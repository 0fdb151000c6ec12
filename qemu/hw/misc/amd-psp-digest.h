/*
 * AMD secure processor: launch digest, and pages the firmware fills or checks
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_AMD_PSP_DIGEST_H
#define HW_MISC_AMD_PSP_DIGEST_H

#include "amd-psp-crypto.h"

typedef enum PSPPageType {
    PSP_PAGE_NORMAL     = 1,
    PSP_PAGE_VMSA       = 2,
    PSP_PAGE_ZERO       = 3,
    PSP_PAGE_UNMEASURED = 4,
    PSP_PAGE_SECRETS    = 5,
    PSP_PAGE_CPUID      = 6,
} PSPPageType;

typedef struct PSPPageInfo {
    PSPPageType type;
    bool imi;
    uint64_t gpa;
    uint8_t perms[4];           /* of VMPL0 to VMPL3 */
} PSPPageInfo;

/* Extend @digest by one page of 4K; @page may be NULL if not measured */
void psp_digest_extend(uint8_t digest[PSP_SHA384], const PSPPageInfo *info,
                       const uint8_t *page);

/* The secrets page of a guest */
void psp_fill_secrets(const PSPContext *ctx, uint8_t page[PSP_PAGE_SIZE]);

/*
 * Correct in @page what the processor cannot offer. Returns INVALID_PARAM if
 * anything had to be corrected.
 */
uint32_t psp_check_cpuid(uint8_t page[PSP_PAGE_SIZE]);

/* CPUID 1 EAX: family, model and stepping */
uint32_t psp_cpu_signature(void);

#endif
