/*
 * AMD secure processor: initialization and shutdown of SEV-SNP
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What SNP_INIT does to the RMP, in order:
 *   every entry                             -> Hypervisor   (init_rmp)
 *   the RMP itself                          -> Firmware
 *   the ranges of list_paddr                -> HV-Fixed
 *   event log, PPR log and completion page  -> Firmware
 * and what SNP_SHUTDOWN undoes: the last line becomes Reclaim, the second
 * Hypervisor if the CPUs stop enforcing the RMP.
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "hw/i386/amd_iommu.h"
#include "hw/i386/snp-host.h"
#include "amd-psp-mem.h"
#include "trace.h"

#define INIT_RMP        (1u << 0)
#define INIT_LIST       (1u << 1)
#define INIT_RAPL_DIS   (1u << 2)
#define INIT_CIPHERTEXT (1u << 3)
#define INIT_KNOWN      (INIT_RMP | INIT_LIST | INIT_RAPL_DIS | \
                         INIT_CIPHERTEXT)

#define SHUTDOWN_IOMMU  (1u << 0)
#define SHUTDOWN_X86    (1u << 1)

#define FEATURE_X86_SHUTDOWN (1u << 1)

void psp_snp_reset(PSPState *s)
{
    g_hash_table_remove_all(s->contexts);
    s->snp_init = false;
    s->rmp_valid = false;
    s->mask_chip = 0;
    s->max_snp_asid = 0;
    s->reported_tcb = s->committed_tcb = s->tcb;
}

static void set_range(uint64_t base, uint64_t pages, SNPPageState state)
{
    SNPRmpEntry e, new = psp_page_plain(state);

    for (uint64_t i = 0; i < pages; i++) {
        uint64_t paddr = base + i * PSP_PAGE_SIZE;

        if (!psp_page(paddr, &e)) {
            psp_page_set_lazy(paddr, &new);
        }
    }
}

static void set_iommu_pages(AMDVIState *iommu, SNPPageState state)
{
    AMDVISNPRange ranges[AMDVI_SNP_RANGES];
    int n = amdvi_snp_ranges(iommu, ranges);

    for (int i = 0; i < n; i++) {
        trace_amd_psp_iommu_range(ranges[i].name, ranges[i].base,
                                  ranges[i].size, state);
        set_range(ranges[i].base, DIV_ROUND_UP(ranges[i].size, PSP_PAGE_SIZE),
                  state);
    }
}

static bool inside_rmp(uint64_t paddr)
{
    SNPHostState *host = snp_host_get();

    return paddr >= host->rmp_base && paddr <= host->rmp_end;
}

/* The host has written the table with plain stores: count it anew first */
static void reset_rmp(SNPHostState *host)
{
    SNPRmpEntry e, plain = psp_page_plain(SNP_PAGE_HYPERVISOR);

    snp_rmp_rescan();
    for (uint64_t paddr = 0; paddr < host->rmp_covered;
         paddr += PSP_PAGE_SIZE) {
        if (snp_rmp_get(paddr, &e) &&
            snp_rmp_state(&e) != SNP_PAGE_HYPERVISOR) {
            psp_page_set_lazy(paddr, &plain);
        }
    }
}

/* Only Default and Firmware pages may become HV-Fixed */
static void fix_page(uint64_t paddr)
{
    SNPRmpEntry e, fixed = psp_page_plain(SNP_PAGE_HV_FIXED);

    if (inside_rmp(paddr) || psp_page(paddr, &e) ||
        snp_rmp_state(&e) != SNP_PAGE_HYPERVISOR) {
        return;
    }
    psp_page_set_lazy(paddr, &fixed);
}

/*
 * Linux lists every reserved range of the machine, most of which the RMP
 * does not reach: bound the walk by the RMP, not by the list.
 */
static void fix_range(uint64_t base, uint64_t pages)
{
    uint64_t end = MIN(base + pages * PSP_PAGE_SIZE,
                       snp_host_get()->rmp_covered);

    for (uint64_t paddr = base & PSP_PAGE_MASK; paddr < end;
         paddr += PSP_PAGE_SIZE) {
        fix_page(paddr);
    }
}

#define LIST_HEADER 8
#define LIST_ENTRY  16
#define LIST_MAX    ((PSP_PAGE_SIZE - LIST_HEADER) / LIST_ENTRY)

uint32_t psp_fix_list(PSPState *s, uint64_t paddr, bool apply)
{
    uint8_t page[PSP_PAGE_SIZE];
    uint32_t n, status = psp_mem_read(paddr, page, sizeof(page));

    if (status || paddr & ~PSP_PAGE_MASK) {
        return PSP_INVALID_ADDRESS;
    }
    n = ldl_le_p(page);
    if (n > LIST_MAX) {
        return PSP_INVALID_PARAM;
    }
    for (uint32_t i = 0; i < n && apply; i++) {
        const uint8_t *e = page + LIST_HEADER + i * LIST_ENTRY;

        fix_range(ldq_le_p(e), ldl_le_p(e + 8));
    }
    return PSP_SUCCESS;
}

static void init_rmp(PSPState *s, AMDVIState *iommu, uint32_t flags,
                     uint64_t list)
{
    SNPHostState *host = snp_host_get();

    if (flags & INIT_RMP) {
        reset_rmp(host);
        set_range(host->rmp_base,
                  (host->rmp_end + 1 - host->rmp_base) / PSP_PAGE_SIZE,
                  SNP_PAGE_FIRMWARE);
    }
    if (flags & INIT_LIST) {
        psp_fix_list(s, list, true);
    }
    set_iommu_pages(iommu, SNP_PAGE_FIRMWARE);
    snp_tlb_flush_all();
}

/* What stands in the way of SNP_INIT, or NULL */
static const char *init_obstacle(PSPState *s, AMDVIState *iommu)
{
    if (!snp_host_get()) {
        return "the machine has no x-snp-host=on";
    }
    switch (s->no_cpu_check ? SNP_INIT_CHECK_OK : snp_check_init_conditions()) {
    case SNP_INIT_CHECK_SNP_EN:
        return "a CPU has SYSCFG.SNP_EN or VMPL_EN clear";
    case SNP_INIT_CHECK_MFDM:
        return "a CPU has SYSCFG.MFDM clear";
    case SNP_INIT_CHECK_HSAVE:
        return "a CPU has VM_HSAVE_PA set";
    case SNP_INIT_CHECK_OK:
        break;
    }
    if (!iommu || !amdvi_snp_ready(iommu)) {
        return "the IOMMU is absent, disabled or without snp=on";
    }
    return NULL;
}

static uint32_t check_init(PSPState *s, AMDVIState *iommu, uint32_t flags,
                           uint64_t list)
{
    const char *why;

    if (s->snp_init || s->sev_state) {
        return PSP_INVALID_PLATFORM_STATE;
    }
    if (flags & ~INIT_KNOWN) {
        return PSP_INVALID_PARAM;
    }
    if (!(flags & INIT_RMP) && !s->rmp_valid) {
        return PSP_RMP_INIT_REQUIRED;
    }
    why = init_obstacle(s, iommu);
    if (why) {
        qemu_log_mask(LOG_GUEST_ERROR, "amd-psp: SNP_INIT refused: %s\n",
                      why);
        trace_amd_psp_init_refused(why);
        return PSP_INVALID_CONFIG;
    }
    return flags & INIT_LIST ? psp_fix_list(s, list, false) : PSP_SUCCESS;
}

static uint32_t snp_init(PSPState *s, uint32_t flags, uint64_t list,
                         uint16_t max_asid)
{
    AMDVIState *iommu = amdvi_snp_find();
    uint32_t status = check_init(s, iommu, flags, list);

    if (status) {
        return status;
    }
    init_rmp(s, iommu, flags, list);
    amdvi_snp_set_enforced(iommu, true);
    if (s->no_cpu_check) {
        qatomic_set(&snp_host_get()->enforced, true);
    }
    s->max_snp_asid = flags & INIT_CIPHERTEXT ? max_asid : 0;
    s->snp_init = s->rmp_valid = true;
    return PSP_SUCCESS;
}

uint32_t psp_snp_init(PSPReq *req)
{
    return snp_init(req->psp, INIT_RMP, 0, 0);
}

uint32_t psp_snp_init_ex(PSPReq *req)
{
    return snp_init(req->psp, psp_r32(req, 0), psp_addr(req, 8),
                    lduw_le_p(req->buf + 16));
}

static bool any_asid_dirty(PSPState *s)
{
    for (int i = 0; i < PSP_ASID_MAX; i++) {
        if (s->asid_dirty[i]) {
            return true;
        }
    }
    return false;
}

static void stop_x86(PSPState *s)
{
    reset_rmp(snp_host_get());
    snp_clear_snp_en();
    s->rmp_valid = false;
}

static uint32_t snp_shutdown(PSPState *s, uint32_t flags)
{
    AMDVIState *iommu = amdvi_snp_find();

    if (!s->snp_init) {
        return PSP_SUCCESS;
    }
    if (s->sev_state || g_hash_table_size(s->contexts)) {
        return PSP_INVALID_PLATFORM_STATE;
    }
    if ((flags & SHUTDOWN_X86) && !(s->feature_ecx & FEATURE_X86_SHUTDOWN)) {
        return PSP_INVALID_PARAM;
    }
    if (any_asid_dirty(s)) {
        return PSP_DFFLUSH_REQUIRED;
    }
    if (iommu && (flags & (SHUTDOWN_IOMMU | SHUTDOWN_X86))) {
        amdvi_snp_set_enforced(iommu, false);
        set_iommu_pages(iommu, SNP_PAGE_RECLAIM);
        snp_tlb_flush_all();
    }
    if (flags & SHUTDOWN_X86) {
        stop_x86(s);
    }
    s->snp_init = false;
    return PSP_SUCCESS;
}

uint32_t psp_snp_shutdown(PSPReq *req)
{
    return snp_shutdown(req->psp, 0);
}

uint32_t psp_snp_shutdown_ex(PSPReq *req)
{
    if (psp_r32(req, 0) < req->len) {
        return PSP_INVALID_LEN;
    }
    return snp_shutdown(req->psp, psp_r32(req, 4));
}

uint32_t psp_snp_df_flush(PSPReq *req)
{
    psp_asid_flush(req->psp);
    return PSP_SUCCESS;
}
