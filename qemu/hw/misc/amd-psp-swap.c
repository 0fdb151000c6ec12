/*
 * AMD secure processor: swapping guest pages out and in
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Command buffer of both:
 *   0x00 guest context        0x08 source page         0x10 destination page
 *   0x18 metadata entry       0x20 software data
 *   0x28 bit 0 page is 2M, bits 2:1 page type (0 data, 2 VMSA)
 *
 * A swapped page is AES-256-GCM under the guest's offload key. Its metadata
 * entry, 64 bytes in a Metadata page, is the associated data:
 *   0x00 software data  0x08 IV  0x10 tag  0x20 gpa | flags  0x28 permissions
 */
#include "qemu/osdep.h"
#include "amd-psp-crypto.h"
#include "amd-psp-mem.h"

#define SWAP_2M        (1u << 0)
#define SWAP_TYPE(x)   (((x) >> 1) & 3)
#define SWAP_DATA      0
#define SWAP_VMSA      2

#define MD_SIZE        64
#define MD_SOFTWARE    0x00
#define MD_IV          0x08
#define MD_TAG         0x10
#define MD_GPA         0x20
#define   MD_VALID       (1u << 0)
#define   MD_2M          (1u << 1)
#define   MD_VALIDATED   (1u << 2)
#define   MD_VMSA        (1u << 3)
#define MD_PERMS       0x28

typedef struct Swap {
    PSPContext *ctx;
    uint64_t src, dst, md, size;
    uint32_t flags;
    SNPRmpEntry e;
} Swap;

static uint32_t swap_begin(PSPReq *req, Swap *sw)
{
    uint32_t status;

    *sw = (Swap) {
        .src = psp_addr(req, 8), .dst = psp_addr(req, 16),
        .md = psp_addr(req, 24), .flags = psp_r32(req, 40),
    };
    sw->size = sw->flags & SWAP_2M ? PSP_HUGE_SIZE : PSP_PAGE_SIZE;
    sw->ctx = psp_context_in(req, 0, PSP_GUEST_RUNNING, &status);
    if (!sw->ctx) {
        return status;
    }
    if (SWAP_TYPE(sw->flags) != SWAP_DATA &&
        SWAP_TYPE(sw->flags) != SWAP_VMSA) {
        return PSP_UNSUPPORTED;
    }
    if (sw->md % MD_SIZE || (sw->src | sw->dst) & (sw->size - 1)) {
        return PSP_INVALID_ADDRESS;
    }
    return PSP_SUCCESS;
}

static uint32_t check_metadata(const Swap *sw)
{
    SNPRmpEntry e;
    uint32_t status = psp_page_in(sw->md & PSP_PAGE_MASK, SNP_PAGE_METADATA,
                                  &e);

    if (status) {
        return status;
    }
    return e.gpa == sw->ctx->paddr ? PSP_SUCCESS : PSP_INVALID_PAGE_OWNER;
}

/* A page of this guest in @state, of the size and type that was asked for */
static uint32_t check_guest_page(Swap *sw, uint64_t paddr, SNPPageState state)
{
    uint32_t status = psp_page_in(paddr, state, &sw->e);

    if (status) {
        return status;
    }
    if (sw->e.asid != sw->ctx->asid) {
        return PSP_INVALID_PAGE_OWNER;
    }
    return sw->e.large == !!(sw->flags & SWAP_2M) ? PSP_SUCCESS
                                                  : PSP_INVALID_PAGE_SIZE;
}

static void make_metadata(const Swap *sw, uint64_t software, uint8_t *md)
{
    memset(md, 0, MD_SIZE);
    stq_le_p(md + MD_SOFTWARE, software);
    stq_le_p(md + MD_IV, sw->ctx->oek_iv);
    stq_le_p(md + MD_GPA, (sw->e.gpa & PSP_PAGE_MASK) | MD_VALID |
             (sw->e.large ? MD_2M : 0) |
             (sw->e.validated ? MD_VALIDATED : 0) |
             (sw->e.vmsa ? MD_VMSA : 0));
    memcpy(md + MD_PERMS, sw->e.perms, sizeof(sw->e.perms));
}

/* The tag covers the entry with the tag's own field zero */
static void swap_iv(const uint8_t *md, uint8_t iv[PSP_GCM_IV])
{
    memset(iv, 0, PSP_GCM_IV);
    memcpy(iv, md + MD_IV, 8);
}

/* Source: Pre-Swap, or Pre-Guest if never validated; ends as it was */
static uint32_t check_out(Swap *sw)
{
    uint32_t status = check_metadata(sw);
    SNPRmpEntry e;

    if (status) {
        return status;
    }
    status = check_guest_page(sw, sw->src, SNP_PAGE_PRE_SWAP);
    if (status == PSP_INVALID_PAGE_STATE) {
        status = check_guest_page(sw, sw->src, SNP_PAGE_PRE_GUEST);
    }
    if (!status) {
        status = psp_page_in(sw->dst, SNP_PAGE_FIRMWARE, &e);
    }
    if (!status && sw->e.vmsa != (SWAP_TYPE(sw->flags) == SWAP_VMSA)) {
        status = PSP_INVALID_PAGE_STATE;
    }
    return status;
}

uint32_t psp_snp_page_swap_out(PSPReq *req)
{
    g_autofree uint8_t *buf = g_malloc(PSP_HUGE_SIZE);
    uint8_t md[MD_SIZE], iv[PSP_GCM_IV];
    Swap sw;
    uint32_t status = swap_begin(req, &sw);

    if (!status) {
        status = check_out(&sw);
    }
    if (!status) {
        status = psp_output(req->psp, sw.dst, sw.size);
    }
    if (!status) {
        status = psp_mem_read(sw.src, buf, sw.size);
    }
    if (status) {
        return status;
    }
    sw.ctx->oek_iv++;
    make_metadata(&sw, psp_r64(req, 32), md);
    swap_iv(md, iv);
    psp_gcm_encrypt(sw.ctx->oek, iv, md, MD_SIZE, buf, sw.size, md + MD_TAG);
    psp_mem_write(sw.md, md, MD_SIZE);
    return psp_mem_write(sw.dst, buf, sw.size);
}

/* What the metadata entry says of the page, checked against its new home */
static uint32_t apply_metadata(Swap *sw, const uint8_t *md)
{
    uint64_t gpa = ldq_le_p(md + MD_GPA);

    if (!(gpa & MD_VALID) ||
        !!(gpa & MD_2M) != !!(sw->flags & SWAP_2M) ||
        (gpa & PSP_PAGE_MASK) != sw->e.gpa) {
        return PSP_INVALID_MDATA_ENTRY;
    }
    sw->e.validated = gpa & MD_VALIDATED;
    sw->e.vmsa = gpa & MD_VMSA;
    memcpy(sw->e.perms, md + MD_PERMS, sizeof(sw->e.perms));
    return PSP_SUCCESS;
}

/* Destination: Pre-Guest at the old guest address; ends as it was left */
uint32_t psp_snp_page_swap_in(PSPReq *req)
{
    g_autofree uint8_t *buf = g_malloc(PSP_HUGE_SIZE);
    uint8_t md[MD_SIZE], zero[MD_SIZE] = { 0 }, tag[PSP_GCM_TAG];
    uint8_t iv[PSP_GCM_IV];
    Swap sw;
    uint32_t status = swap_begin(req, &sw);

    if (!status) {
        status = check_metadata(&sw);
    }
    if (!status) {
        status = check_guest_page(&sw, sw.dst, SNP_PAGE_PRE_GUEST);
    }
    if (!status) {
        status = psp_mem_read(sw.md, md, sizeof(md));
    }
    if (!status) {
        status = apply_metadata(&sw, md);
    }
    if (!status) {
        status = psp_mem_read(sw.src, buf, sw.size);
    }
    if (status) {
        return status;
    }
    memcpy(tag, md + MD_TAG, sizeof(tag));
    memset(md + MD_TAG, 0, sizeof(tag));
    swap_iv(md, iv);
    if (!psp_gcm_decrypt(sw.ctx->oek, iv, md, sizeof(md), buf, sw.size, tag)) {
        return PSP_BAD_MEASUREMENT;
    }
    psp_page_set(sw.dst, &sw.e);
    psp_mem_write(sw.dst, buf, sw.size);
    return psp_mem_write(sw.md, zero, sizeof(zero));
}
