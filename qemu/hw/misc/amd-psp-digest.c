/*
 * AMD secure processor: launch digest, secrets page and CPUID page
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The digest is a chain. With h() for SHA-384 and page i of n:
 *   d[0] = 48 zero bytes,   d[i+1] = h(PAGE_INFO(d[i], h(page i), ...))
 * and d[n] is the measurement. Only NORMAL and VMSA pages are hashed, the
 * others contribute 48 zero bytes.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "amd-psp-digest.h"

/* PAGE_INFO */
#define INFO_SIZE     0x70
#define INFO_CONTENTS 0x30
#define INFO_LENGTH   0x60
#define INFO_TYPE     0x62
#define INFO_IMI      0x63
#define INFO_VMPL3    0x64
#define INFO_VMPL2    0x65
#define INFO_VMPL1    0x66
#define INFO_GPA      0x68

/* Secrets page */
#define SECRETS_VERSION 3
#define SECRETS_FMS     0x08
#define SECRETS_GOSVW   0x10
#define SECRETS_VMPCK   0x20

/* CPUID page: a count, then entries */
#define CPUID_HEADER  16
#define CPUID_ENTRY   48
#define CPUID_MAX     64
#define CPUID_EAX_IN  0
#define CPUID_EBX     28
#define CPUID_SEV     0x8000001f
#define CPUID_CBIT    0x3f

uint32_t psp_cpu_signature(void)
{
    return first_cpu ? X86_CPU(first_cpu)->env.cpuid_version : 0;
}

void psp_digest_extend(uint8_t digest[PSP_SHA384], const PSPPageInfo *info,
                       const uint8_t *page)
{
    uint8_t buf[INFO_SIZE] = { 0 };

    memcpy(buf, digest, PSP_SHA384);
    if (info->type == PSP_PAGE_NORMAL || info->type == PSP_PAGE_VMSA) {
        psp_sha384(page, PSP_PAGE_SIZE, buf + INFO_CONTENTS);
    }
    stw_le_p(buf + INFO_LENGTH, INFO_SIZE);
    buf[INFO_TYPE] = info->type;
    buf[INFO_IMI] = info->imi;
    buf[INFO_VMPL3] = info->perms[3];
    buf[INFO_VMPL2] = info->perms[2];
    buf[INFO_VMPL1] = info->perms[1];
    stq_le_p(buf + INFO_GPA, info->gpa);
    psp_sha384(buf, sizeof(buf), digest);
}

void psp_fill_secrets(const PSPContext *ctx, uint8_t page[PSP_PAGE_SIZE])
{
    memset(page, 0, PSP_PAGE_SIZE);
    stl_le_p(page, SECRETS_VERSION);
    stl_le_p(page + 4, ctx->imi);
    stl_le_p(page + SECRETS_FMS, psp_cpu_signature());
    memcpy(page + SECRETS_GOSVW, ctx->gosvw, sizeof(ctx->gosvw));
    memcpy(page + SECRETS_VMPCK, ctx->vmpck, sizeof(ctx->vmpck));
}

/* The position of the C-bit is the one value no guest could run without */
static bool correct_entry(uint8_t *entry)
{
    uint32_t eax, ebx, ecx, edx, given = ldl_le_p(entry + CPUID_EBX);

    if (ldl_le_p(entry + CPUID_EAX_IN) != CPUID_SEV) {
        return false;
    }
    cpu_x86_cpuid(cpu_env(first_cpu), CPUID_SEV, 0, &eax, &ebx, &ecx, &edx);
    if ((given & CPUID_CBIT) == (ebx & CPUID_CBIT)) {
        return false;
    }
    stl_le_p(entry + CPUID_EBX, (given & ~CPUID_CBIT) | (ebx & CPUID_CBIT));
    return true;
}

uint32_t psp_check_cpuid(uint8_t page[PSP_PAGE_SIZE])
{
    uint32_t count = ldl_le_p(page);
    bool corrected = false;

    if (count > CPUID_MAX) {
        stl_le_p(page, CPUID_MAX);
        return PSP_INVALID_PARAM;
    }
    for (uint32_t i = 0; i < count; i++) {
        corrected |= correct_entry(page + CPUID_HEADER + i * CPUID_ENTRY);
    }
    return corrected ? PSP_INVALID_PARAM : PSP_SUCCESS;
}
