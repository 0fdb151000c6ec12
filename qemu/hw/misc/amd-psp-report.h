/*
 * AMD secure processor: answers to an SNP guest's messages
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_MISC_AMD_PSP_REPORT_H
#define HW_MISC_AMD_PSP_REPORT_H

#include "amd-psp-crypto.h"

#define PSP_REPORT_SIZE 0x4a0

/* A guest asked: the request's payload in, the response's payload out */
typedef struct PSPAnswer {
    PSPState *psp;
    PSPContext *ctx;
    unsigned vmpck;             /* the key is the VMPL that asks at best */
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;               /* PSP_ANSWER_MAX bytes, zero */
    size_t out_len;
} PSPAnswer;

#define PSP_ANSWER_MAX 0xfa0    /* a page without the header */

/* The result goes into the response; the command itself succeeds */
void psp_answer_report(PSPAnswer *a);
void psp_answer_key(PSPAnswer *a);
void psp_answer_cpuid(PSPAnswer *a);
void psp_answer_tsc(PSPAnswer *a);

#endif
