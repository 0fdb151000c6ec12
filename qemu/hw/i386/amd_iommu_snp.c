/*
 * SEV-SNP duties of the AMD IOMMU
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Feature bits, the check of DMA writes against the RMP, and the buffers that
 * the firmware takes over.
 *
 * Worked example: a NIC writes to IOVA 0x1000, which its page table maps to
 * SPA 0x12345000. The page is assigned to a guest, so the translation comes
 * back without write permission, the write is dropped, and the log receives
 *   0x00: devid | (0xd000 | RW | PR) << 48    0x08: 0x1000
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "hw/i386/x86-iommu.h"
#include "hw/southbridge/ich9.h"
#include "system/dma.h"
#include "amd_iommu.h"
#include "hw/i386/snp-crypt.h"
#include "hw/i386/snp-host.h"
#include "target/i386/snp-rmp.h"
#include "trace.h"

/* Bit of the status register that upstream's header does not name */
#define AMDVI_MMIO_STATUS_EVT_INT (1 << 1)

#define CWWB_ADDR_MASK MAKE_64BIT_MASK(12, 40)

uint64_t amdvi_snp_efr(const AMDVISNPState *snp)
{
    return snp->supported ? AMDVI_FEATURE_SNP : 0;
}

uint64_t amdvi_snp_efr2(const AMDVISNPState *snp)
{
    return snp->supported && snp->mode0 ? AMDVI_FEATURE2_SNP_MODE0 : 0;
}

/*
 * Linux accepts an IOAPIC only behind an ISA bridge or an SMBus controller:
 * name the bridge of q35 instead of 00:14.0, where nothing sits.
 */
uint16_t amdvi_snp_ioapic_devid(const AMDVISNPState *snp)
{
    return snp->supported ? PCI_BUILD_BDF(0, PCI_DEVFN(ICH9_LPC_DEV, 0))
                          : AMDVI_IOAPIC_SB_DEVID;
}

static uint64_t mmio_q(AMDVIState *s, hwaddr reg)
{
    return ldq_le_p(&s->mmior[reg]);
}

static void status_set(AMDVIState *s, uint64_t bits)
{
    stq_le_p(&s->mmior[AMDVI_MMIO_STATUS],
             mmio_q(s, AMDVI_MMIO_STATUS) | bits);
}

void amdvi_snp_clear_status(AMDVIState *s, uint64_t val)
{
    uint64_t clear = val & ldq_le_p(&s->w1cmask[AMDVI_MMIO_STATUS]);

    if (s->snp.supported) {
        stq_le_p(&s->mmior[AMDVI_MMIO_STATUS],
                 mmio_q(s, AMDVI_MMIO_STATUS) & ~clear);
    }
}

static void event_interrupt(AMDVIState *s)
{
    if (s->evtlog_intr) {
        amdvi_generate_msi_interrupt(s);
    }
}

void amdvi_snp_log_event(AMDVIState *s, const uint64_t *evt)
{
    uint64_t size = (uint64_t)s->evtlog_len * AMDVI_EVENT_LEN;
    uint64_t le[2] = { cpu_to_le64(evt[0]), cpu_to_le64(evt[1]) };
    uint32_t next;

    if (!s->evtlog_enabled || !size ||
        (mmio_q(s, AMDVI_MMIO_STATUS) & AMDVI_MMIO_STATUS_EVT_OVF)) {
        return;
    }

    next = (s->evtlog_tail + AMDVI_EVENT_LEN) & (size - 1);
    if (next == s->evtlog_head) {
        status_set(s, AMDVI_MMIO_STATUS_EVT_OVF);
        event_interrupt(s);
        return;
    }

    if (dma_memory_write(&address_space_memory, s->evtlog + s->evtlog_tail,
                         le, AMDVI_EVENT_LEN, MEMTXATTRS_UNSPECIFIED)) {
        qemu_log_mask(LOG_GUEST_ERROR,
                      "amd-iommu: event log at 0x%" PRIx64 " is not memory\n",
                      s->evtlog);
        return;
    }

    s->evtlog_tail = next;
    stq_le_p(&s->mmior[AMDVI_MMIO_EVENT_TAIL], next);
    status_set(s, AMDVI_MMIO_STATUS_EVT_INT);
    event_interrupt(s);
}

/*
 * A refused transfer comes here in pieces of a few bytes: it is one event as
 * long as it goes on within its page.
 */
static bool continues(AMDVISNPState *snp, uint16_t devid, hwaddr iova)
{
    bool same = devid == snp->last_devid && iova > snp->last_iova &&
                (iova & AMDVI_PAGE_MASK_4K) ==
                (snp->last_iova & AMDVI_PAGE_MASK_4K);

    snp->last_devid = devid;
    snp->last_iova = iova;
    return same;
}

static void refuse(AMDVIState *s, uint16_t devid, hwaddr iova, hwaddr spa)
{
    uint64_t info = AMDVI_EVENT_RMP_FAULT | AMDVI_EVENT_RMP_FAULT_RW |
                    AMDVI_EVENT_RMP_FAULT_PR;
    uint64_t evt[2] = { devid | info << 48, iova };

    if (continues(&s->snp, devid, iova)) {
        return;
    }
    snp_count(SNP_COUNT_DMA_FAULT);
    trace_amdvi_snp_refused(PCI_BUS_NUM(devid), PCI_SLOT(devid),
                            PCI_FUNC(devid), iova, spa);
    amdvi_snp_log_event(s, evt);
}

static bool owned_by_guest(hwaddr spa)
{
    SNPRmpEntry e;

    return snp_rmp_get(spa, &e) && e.asid && snp_host_get()->crypt;
}

void amdvi_snp_check_dma(AMDVIState *s, uint16_t devid, hwaddr iova,
                         IOMMUAccessFlags flag, IOMMUTLBEntry *entry)
{
    hwaddr page = iova & AMDVI_PAGE_MASK_4K, spa;

    if (!s->snp.enforced || entry->perm == IOMMU_NONE) {
        return;
    }

    spa = entry->translated_addr + (page - entry->iova);
    entry->iova = page;
    entry->translated_addr = spa;
    entry->addr_mask = ~AMDVI_PAGE_MASK_4K;

    if (snp_rmp_host_may_write(spa)) {
        return;
    }
    entry->perm &= ~IOMMU_WO;
    if (flag & IOMMU_WO) {
        refuse(s, devid, iova, spa);
    } else if (owned_by_guest(spa)) {
        entry->translated_addr |= SNP_CIPHERTEXT_BIT;
    }
}

bool amdvi_snp_store_allowed(AMDVIState *s, hwaddr addr)
{
    hwaddr base = mmio_q(s, AMDVI_MMIO_EXCL_BASE) & CWWB_ADDR_MASK;
    hwaddr limit = mmio_q(s, AMDVI_MMIO_EXCL_LIMIT) & CWWB_ADDR_MASK;

    if (!s->snp.enforced) {
        return true;
    }
    return addr >= base && addr < limit + AMDVI_PAGE_SIZE;
}

AMDVIState *amdvi_snp_find(void)
{
    X86IOMMUState *iommu = x86_iommu_get_default();
    AMDVIState *s;

    s = (AMDVIState *)object_dynamic_cast(OBJECT(iommu),
                                          TYPE_AMD_IOMMU_DEVICE);
    return s && s->snp.supported ? s : NULL;
}

bool amdvi_snp_ready(AMDVIState *s)
{
    return s->enabled;
}

static void add_range(AMDVISNPRange *ranges, int *n, const char *name,
                      hwaddr base, uint64_t size)
{
    if (base && size) {
        ranges[(*n)++] = (AMDVISNPRange) { name, base, size };
    }
}

int amdvi_snp_ranges(AMDVIState *s, AMDVISNPRange ranges[AMDVI_SNP_RANGES])
{
    hwaddr base = mmio_q(s, AMDVI_MMIO_EXCL_BASE) & CWWB_ADDR_MASK;
    hwaddr limit = mmio_q(s, AMDVI_MMIO_EXCL_LIMIT) & CWWB_ADDR_MASK;
    int n = 0;

    add_range(ranges, &n, "event log", s->evtlog,
              (uint64_t)s->evtlog_len * AMDVI_EVENT_LEN);
    add_range(ranges, &n, "PPR log", s->ppr_log,
              (uint64_t)s->pprlog_len * AMDVI_EVENT_LEN);
    add_range(ranges, &n, "completion wait", base,
              limit >= base ? limit - base + AMDVI_PAGE_SIZE : 0);
    return n;
}

void amdvi_snp_set_enforced(AMDVIState *s, bool enforced)
{
    trace_amdvi_snp_enforced(enforced);
    s->snp.enforced = enforced;
}
