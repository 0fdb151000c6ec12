/*
 * AMD secure processor: memory and page states as the firmware sees them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/i386/snp-crypt.h"
#include "hw/i386/snp-host.h"
#include "system/dma.h"
#include "amd-psp-mem.h"
#include "trace.h"

/* The C-bit that CPUID 8000_001F reports */
#define PSP_CBIT (1ull << 51)

uint64_t psp_clear_cbit(uint64_t paddr)
{
    return paddr & ~PSP_CBIT;
}

/* Commands work on RAM only: a device's registers are no buffer */
static bool in_ram(uint64_t paddr, uint64_t len)
{
    RCU_READ_LOCK_GUARD();

    while (len) {
        hwaddr xlat, part = len;
        MemoryRegion *mr = address_space_translate(&address_space_memory,
                                                   paddr, &xlat, &part, true,
                                                   MEMTXATTRS_UNSPECIFIED);

        if (!memory_region_is_ram(mr) || !part) {
            return false;
        }
        paddr += part;
        len -= part;
    }
    return true;
}

uint32_t psp_mem_read(uint64_t paddr, void *buf, size_t len)
{
    if (!in_ram(paddr, len) ||
        dma_memory_read(&address_space_memory, paddr, buf, len,
                        MEMTXATTRS_UNSPECIFIED)) {
        trace_amd_psp_bad_address(paddr, len);
        return PSP_INVALID_ADDRESS;
    }
    return PSP_SUCCESS;
}

uint32_t psp_mem_write(uint64_t paddr, const void *buf, size_t len)
{
    if (!in_ram(paddr, len) ||
        dma_memory_write(&address_space_memory, paddr, buf, len,
                         MEMTXATTRS_UNSPECIFIED)) {
        trace_amd_psp_bad_address(paddr, len);
        return PSP_INVALID_ADDRESS;
    }
    return PSP_SUCCESS;
}

uint32_t psp_mem_read_host(uint64_t paddr, void *buf, size_t len)
{
    if (!in_ram(paddr, len) || !snp_mem_host_view(paddr, buf, len)) {
        trace_amd_psp_bad_address(paddr, len);
        return PSP_INVALID_ADDRESS;
    }
    return PSP_SUCCESS;
}

/* The keys of a page follow its ASID: take it from the guest for the write */
uint32_t psp_page_write_host(uint64_t paddr, const uint8_t *page)
{
    SNPRmpEntry e, mine = psp_page_plain(SNP_PAGE_FIRMWARE);
    uint32_t status = psp_page(paddr, &e);

    if (status) {
        return status;
    }
    snp_rmp_set(paddr, &mine);
    status = psp_mem_write(paddr, page, PSP_PAGE_SIZE);
    snp_rmp_set(paddr, &e);
    return status;
}

uint32_t psp_page(uint64_t paddr, SNPRmpEntry *e)
{
    return snp_host_get() && snp_rmp_get(paddr, e) ? PSP_SUCCESS
                                                   : PSP_INVALID_ADDRESS;
}

uint32_t psp_page_in(uint64_t paddr, SNPPageState state, SNPRmpEntry *e)
{
    if (paddr & ~PSP_PAGE_MASK || psp_page(paddr, e)) {
        return PSP_INVALID_ADDRESS;
    }
    if (snp_rmp_state(e) != state) {
        trace_amd_psp_page_state(paddr,
                                 snp_page_state_name(snp_rmp_state(e)),
                                 snp_page_state_name(state));
        return PSP_INVALID_PAGE_STATE;
    }
    return PSP_SUCCESS;
}

void psp_page_set(uint64_t paddr, const SNPRmpEntry *e)
{
    trace_amd_psp_page_set(paddr, snp_page_state_name(snp_rmp_state(e)));
    snp_rmp_set(paddr, e);
}

static bool replace(SNPRmpEntry *e, void *opaque)
{
    *e = *(const SNPRmpEntry *)opaque;
    return true;
}

void psp_page_set_lazy(uint64_t paddr, const SNPRmpEntry *e)
{
    SNPRmpEntry copy = *e;

    snp_rmp_change(paddr, replace, &copy);
}

SNPRmpEntry psp_page_plain(SNPPageState state)
{
    SNPRmpEntry e = { 0 };

    e.assigned = state != SNP_PAGE_HYPERVISOR && state != SNP_PAGE_HV_FIXED;
    e.immutable = state != SNP_PAGE_HYPERVISOR && state != SNP_PAGE_RECLAIM;
    e.vmsa = state == SNP_PAGE_CONTEXT;
    return e;
}

static uint32_t check_output(PSPState *s, uint64_t paddr, size_t len,
                             bool legacy)
{
    uint64_t page = paddr & PSP_PAGE_MASK;

    if (!in_ram(paddr, len)) {
        trace_amd_psp_bad_address(paddr, len);
        return PSP_INVALID_ADDRESS;
    }
    for (; s->snp_init && page < paddr + len; page += PSP_PAGE_SIZE) {
        SNPRmpEntry e;
        uint32_t status = psp_page_in(page, SNP_PAGE_FIRMWARE, &e);

        if (status == PSP_INVALID_PAGE_STATE && legacy && !e.assigned) {
            continue;
        }
        if (status) {
            return status;
        }
    }
    return PSP_SUCCESS;
}

uint32_t psp_output(PSPState *s, uint64_t paddr, size_t len)
{
    return check_output(s, paddr, len, false);
}

uint32_t psp_legacy_output(PSPState *s, uint64_t paddr, size_t len)
{
    return check_output(s, paddr, len, true);
}

uint32_t psp_legacy_answer(PSPReq *req, unsigned addr, unsigned len,
                           uint32_t size)
{
    uint32_t room = psp_r32(req, len);

    psp_w32(req, len, size);
    if (room < size) {
        return PSP_INVALID_LEN;
    }
    return psp_legacy_output(req->psp, psp_addr(req, addr), size);
}
