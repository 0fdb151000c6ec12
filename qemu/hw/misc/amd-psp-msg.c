/*
 * AMD secure processor: the sealed channel to an SNP guest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A message is a page: a header of 0x60 bytes and a payload sealed with
 * AES-256-GCM under one of the guest's four communication keys. The IV is
 * the sequence number, the associated data the header from ALGO on. The
 * guest counts up by one and so does the answer: 1 and 2, then 3 and 4.
 */
#include "qemu/osdep.h"
#include "amd-psp-mem.h"
#include "amd-psp-report.h"
#include "trace.h"

#define HDR_TAG      0x00
#define HDR_SEQNO    0x20
#define HDR_ALGO     0x30
#define HDR_VERSION  0x31
#define HDR_SIZE     0x32
#define HDR_TYPE     0x34
#define HDR_MSG_VER  0x35
#define HDR_MSG_SIZE 0x36
#define HDR_VMPCK    0x3c
#define HDR_BYTES    0x60

#define AAD_BYTES    (HDR_BYTES - HDR_ALGO)
#define ALGO_GCM     1

static const struct {
    uint8_t request;
    const char *name;
    void (*answer)(PSPAnswer *a);
} messages[] = {
    { 1,  "CPUID",    psp_answer_cpuid },
    { 3,  "KEY",      psp_answer_key },
    { 5,  "REPORT",   psp_answer_report },
    { 17, "TSC_INFO", psp_answer_tsc },
};

static void seqno_iv(uint64_t seqno, uint8_t iv[PSP_GCM_IV])
{
    memset(iv, 0, PSP_GCM_IV);
    stq_le_p(iv, seqno);
}

static int find_message(uint8_t type)
{
    for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
        if (messages[i].request == type) {
            return i;
        }
    }
    return -1;
}

/* Check everything that is not encrypted, then the seal */
static uint32_t open_request(PSPContext *ctx, uint8_t *msg)
{
    uint64_t seqno = ldq_le_p(msg + HDR_SEQNO);
    unsigned key = msg[HDR_VMPCK], size = lduw_le_p(msg + HDR_MSG_SIZE);
    uint8_t iv[PSP_GCM_IV];

    if (msg[HDR_ALGO] != ALGO_GCM || msg[HDR_VERSION] != 1 ||
        lduw_le_p(msg + HDR_SIZE) != HDR_BYTES ||
        key >= ARRAY_SIZE(ctx->vmpck) || size > PSP_ANSWER_MAX ||
        find_message(msg[HDR_TYPE]) < 0) {
        return PSP_INVALID_PARAM;
    }
    if (ctx->msg_count[key] >= UINT64_MAX - 2) {
        return PSP_AEAD_OFLOW;
    }
    if (seqno != ctx->msg_count[key] + 1) {
        return PSP_INVALID_PARAM;
    }
    seqno_iv(seqno, iv);
    if (!psp_gcm_decrypt(ctx->vmpck[key], iv, msg + HDR_ALGO, AAD_BYTES,
                         msg + HDR_BYTES, size, msg + HDR_TAG)) {
        return PSP_BAD_MEASUREMENT;
    }
    return PSP_SUCCESS;
}

static void seal_answer(PSPContext *ctx, const uint8_t *request,
                        uint8_t *msg, size_t size)
{
    unsigned key = request[HDR_VMPCK];
    uint64_t seqno = ldq_le_p(request + HDR_SEQNO) + 1;
    uint8_t iv[PSP_GCM_IV];

    stq_le_p(msg + HDR_SEQNO, seqno);
    msg[HDR_ALGO] = ALGO_GCM;
    msg[HDR_VERSION] = 1;
    stw_le_p(msg + HDR_SIZE, HDR_BYTES);
    msg[HDR_TYPE] = request[HDR_TYPE] + 1;
    msg[HDR_MSG_VER] = request[HDR_MSG_VER];
    stw_le_p(msg + HDR_MSG_SIZE, size);
    msg[HDR_VMPCK] = key;
    seqno_iv(seqno, iv);
    psp_gcm_encrypt(ctx->vmpck[key], iv, msg + HDR_ALGO, AAD_BYTES,
                    msg + HDR_BYTES, size, msg + HDR_TAG);
    ctx->msg_count[key] = seqno;
}

static uint32_t check_request(PSPReq *req, PSPContext **ctx, uint8_t *page)
{
    uint64_t in = psp_addr(req, 8), out = psp_addr(req, 16);
    uint32_t status;

    *ctx = psp_context_in(req, 0, PSP_GUEST_RUNNING, &status);
    if (!*ctx) {
        return status;
    }
    if ((in | out) & ~PSP_PAGE_MASK || in == out) {
        return PSP_INVALID_ADDRESS;
    }
    status = psp_output(req->psp, out, PSP_PAGE_SIZE);
    return status ? status : psp_mem_read(in, page, PSP_PAGE_SIZE);
}

uint32_t psp_snp_guest_request(PSPReq *req)
{
    uint8_t in[PSP_PAGE_SIZE], out[PSP_PAGE_SIZE] = { 0 };
    PSPContext *ctx;
    PSPAnswer a;
    uint32_t status = check_request(req, &ctx, in);
    int type;

    if (!status) {
        status = open_request(ctx, in);
    }
    if (status) {
        return status;
    }
    type = find_message(in[HDR_TYPE]);
    a = (PSPAnswer) {
        .psp = req->psp, .ctx = ctx, .vmpck = in[HDR_VMPCK],
        .in = in + HDR_BYTES, .in_len = lduw_le_p(in + HDR_MSG_SIZE),
        .out = out + HDR_BYTES,
    };
    messages[type].answer(&a);
    trace_amd_psp_message(messages[type].name, a.vmpck, ldl_le_p(a.out));
    seal_answer(ctx, in, out, a.out_len);
    return psp_mem_write(psp_addr(req, 16), out, sizeof(out));
}
