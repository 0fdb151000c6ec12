/*
 * SEV-SNP duties of the AMD IOMMU
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All functions run with the BQL held, except amdvi_snp_check_dma(), which
 * runs wherever a DMA is translated and only reads.
 */
#ifndef AMD_IOMMU_SNP_H
#define AMD_IOMMU_SNP_H

#include "exec/memory.h"

typedef struct AMDVIState AMDVIState;

#define AMDVI_FEATURE_SNP             (1ULL << 63) /* EFR: SNP support     */
#define AMDVI_FEATURE2_SNP_MODE0      (1ULL << 13) /* EFR2: page mode 0 ok */
#define AMDVI_MMIO_EXT_FEATURES2      0x01a0

/* Event 0xd: a write that the RMP forbids */
#define AMDVI_EVENT_RMP_FAULT         (0xdU << 12)
#define AMDVI_EVENT_RMP_FAULT_RW      (1U << 5)
#define AMDVI_EVENT_RMP_FAULT_PR      (1U << 4)

/* The event log, the PPR log and the completion-wait write-back page */
#define AMDVI_SNP_RANGES 3

typedef struct AMDVISNPState {
    bool supported;     /* property "snp" */
    bool mode0;         /* property "x-snp-mode0" */
    bool enforced;      /* from SNP_INIT to SNP_SHUTDOWN */
    uint16_t last_devid; /* the refusal that the log ends with */
    hwaddr last_iova;
} AMDVISNPState;

typedef struct AMDVISNPRange {
    const char *name;
    hwaddr base;
    uint64_t size;
} AMDVISNPRange;

/* What the feature registers and the IVRS table report */
uint64_t amdvi_snp_efr(const AMDVISNPState *snp);
uint64_t amdvi_snp_efr2(const AMDVISNPState *snp);

/* BDF under which the IVRS table lists the southbridge IOAPIC */
uint16_t amdvi_snp_ioapic_devid(const AMDVISNPState *snp);

/*
 * Narrow @entry to one page and drop write permission if the RMP says so; a
 * guest's page is read as ciphertext.
 */
void amdvi_snp_check_dma(AMDVIState *s, uint16_t devid, hwaddr iova,
                         IOMMUAccessFlags flag, IOMMUTLBEntry *entry);

/* Whether a COMPLETION_WAIT may store at @addr */
bool amdvi_snp_store_allowed(AMDVIState *s, hwaddr addr);

/* A write to the status register: ones clear what software may clear */
void amdvi_snp_clear_status(AMDVIState *s, uint64_t val);

/* Append one 16-byte event; raise overflow and the interrupt as needed */
void amdvi_snp_log_event(AMDVIState *s, const uint64_t *evt);

/* Of amd_iommu.c: the IOMMU's own interrupt, which nothing remaps */
void amdvi_generate_msi_interrupt(AMDVIState *s);

/* For the PSP: the IOMMU of the machine, or NULL without snp=on */
AMDVIState *amdvi_snp_find(void);
bool amdvi_snp_ready(AMDVIState *s);
int amdvi_snp_ranges(AMDVIState *s, AMDVISNPRange ranges[AMDVI_SNP_RANGES]);
void amdvi_snp_set_enforced(AMDVIState *s, bool enforced);

#endif
