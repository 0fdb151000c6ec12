/*
 * AMD secure processor: status, features and configuration of SEV-SNP
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "amd-psp-mem.h"

#define STATUS_SIZE         32
#define STATUS_RMP_INIT     (1u << 0)
#define STATUS_FEATURE_INFO (1u << 3)

#define FEATURE_SIZE        16
#define FEATURE_MAX         0u  /* highest index of 8000_0024 */

static void fill_status(PSPState *s, uint8_t out[STATUS_SIZE])
{
    memset(out, 0, STATUS_SIZE);
    out[0] = s->api_major;
    out[1] = s->api_minor;
    out[2] = s->snp_init;
    out[3] = s->rmp_valid ? STATUS_RMP_INIT : 0;
    stl_le_p(out + 4, s->build);
    stl_le_p(out + 8, s->mask_chip | STATUS_FEATURE_INFO);
    stl_le_p(out + 12, g_hash_table_size(s->contexts));
    stq_le_p(out + 16, s->tcb);
    stq_le_p(out + 24, s->reported_tcb);
}

/* The page leaves the firmware for good: Firmware becomes Reclaim */
uint32_t psp_snp_platform_status(PSPReq *req)
{
    PSPState *s = req->psp;
    uint64_t paddr = psp_addr(req, 0);
    SNPRmpEntry e = psp_page_plain(SNP_PAGE_RECLAIM);
    uint8_t out[STATUS_SIZE];
    uint32_t status = psp_output(s, paddr, STATUS_SIZE);

    if (status) {
        return status;
    }
    fill_status(s, out);
    status = psp_mem_write(paddr, out, sizeof(out));
    if (!status && s->snp_init) {
        psp_page_set(paddr & PSP_PAGE_MASK, &e);
    }
    return status;
}

uint32_t psp_snp_feature_info(PSPReq *req)
{
    PSPState *s = req->psp;
    uint64_t paddr = psp_addr(req, 8);
    uint8_t out[FEATURE_SIZE] = { 0 };
    uint32_t index = psp_r32(req, 4), status;

    if (psp_r32(req, 0) < req->len) {
        return PSP_INVALID_LEN;
    }
    if (index > FEATURE_MAX) {
        return PSP_INVALID_PARAM;
    }
    if (paddr & 7 || (paddr & ~PSP_PAGE_MASK) + FEATURE_SIZE > PSP_PAGE_SIZE) {
        return PSP_INVALID_ADDRESS;
    }
    status = psp_output(s, paddr, FEATURE_SIZE);
    if (status) {
        return status;
    }
    stl_le_p(out, FEATURE_MAX);
    stl_le_p(out + 8, s->feature_ecx);
    return psp_mem_write(paddr, out, sizeof(out));
}

/* Each component of a TCB version counts by itself */
static bool tcb_at_most(uint64_t a, uint64_t b)
{
    for (int shift = 0; shift < 64; shift += 8) {
        if (((a >> shift) & 0xff) > ((b >> shift) & 0xff)) {
            return false;
        }
    }
    return true;
}

uint32_t psp_snp_config(PSPReq *req)
{
    PSPState *s = req->psp;
    uint64_t tcb = psp_r64(req, 0);
    uint32_t mask = psp_r32(req, 8);

    if (mask & ~3u) {
        return PSP_INVALID_PARAM;
    }
    if (!tcb_at_most(tcb, s->committed_tcb)) {
        return PSP_INVALID_PARAM;
    }
    s->reported_tcb = tcb ? tcb : s->committed_tcb;
    s->mask_chip = mask;
    return PSP_SUCCESS;
}

uint32_t psp_snp_commit(PSPReq *req)
{
    if (psp_r32(req, 0) < req->len) {
        return PSP_INVALID_LEN;
    }
    req->psp->committed_tcb = req->psp->tcb;
    req->psp->reported_tcb = req->psp->tcb;
    return PSP_SUCCESS;
}

#define MITIGATION_SIZE     20
#define MITIGATION_STATUS   0
#define MITIGATION_VERIFY   1
#define MITIGATION_DST      (1u << 0)
#define FEATURE_MITIGATION  (1u << 13)

/* No mitigation exists here, so none is supported and none verifies */
uint32_t psp_snp_verify_mitigation(PSPReq *req)
{
    uint16_t sub = lduw_le_p(req->buf + 4);
    uint8_t out[MITIGATION_SIZE] = { 0 };
    uint64_t paddr = psp_addr(req, 32);
    uint32_t status;

    if (!(req->psp->feature_ecx & FEATURE_MITIGATION)) {
        return PSP_UNSUPPORTED;
    }
    if (psp_r32(req, 0) < req->len) {
        return PSP_INVALID_LEN;
    }
    if (sub > MITIGATION_VERIFY || !(psp_r32(req, 16) & MITIGATION_DST)) {
        return PSP_INVALID_PARAM;
    }
    status = psp_output(req->psp, paddr, sizeof(out));
    if (status) {
        return status;
    }
    stl_le_p(out + 16, sub == MITIGATION_VERIFY);
    return psp_mem_write(paddr, out, sizeof(out));
}

/* A hashstick comes from a key server that does not exist here */
uint32_t psp_snp_vlek_load(PSPReq *req)
{
    if (psp_r32(req, 0) < req->len) {
        return PSP_INVALID_LEN;
    }
    return PSP_INVALID_KEY;
}

uint32_t psp_snp_download_firmware_ex(PSPReq *req)
{
    if (psp_r32(req, 0) < req->len) {
        return PSP_INVALID_LEN;
    }
    return PSP_BAD_SIGNATURE;
}
