/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Find the secure processor, ring its doorbell, wait for its answer. */
#include "firmware.h"

#define PCI_ADDRESS     0xcf8
#define PCI_DATA        0xcfc
#define PCI_COMMAND     0x04
#define PCI_BAR2        0x18
#define PSP_ID          0x14ca1022
#define COMMAND_MEMORY  6       /* memory decoding, bus mastering */

#define REG_DOORBELL    0x10980
#define REG_BUFFER_LOW  0x109e0
#define REG_BUFFER_HIGH 0x109e4
#define DOORBELL_DONE   (1u << 31)
#define POLLS           10000000

#define IOMMU_MMIO      0xfed80000ull
#define LOG_512         (8ull << 56)

static volatile u8 *mmio;

static inline void outl(u16 port, u32 val)
{
    asm volatile("outl %0, %1" : : "a"(val), "Nd"(port));
}

static inline u32 inl(u16 port)
{
    u32 val;

    asm volatile("inl %1, %0" : "=a"(val) : "Nd"(port));
    return val;
}

static u32 pci_read(int slot, int offset)
{
    outl(PCI_ADDRESS, 1u << 31 | slot << 11 | offset);
    return inl(PCI_DATA);
}

bool firmware_found(void)
{
    for (int slot = 0; slot < 32 && !mmio; slot++) {
        u64 bar = pci_read(slot, PCI_BAR2) & ~0xfull;

        if (pci_read(slot, 0) == PSP_ID) {
            bar |= (u64)pci_read(slot, PCI_BAR2 + 4) << 32;
            mmio = (volatile u8 *)bar;
            outl(PCI_ADDRESS, 1u << 31 | slot << 11 | PCI_COMMAND);
            outl(PCI_DATA, COMMAND_MEMORY);
        }
    }
    return mmio;
}

static volatile u32 *reg(u32 offset)
{
    return (volatile u32 *)(mmio + offset);
}

/* Device table, event log, PPR log, completion page; then on */
void iommu_enable(void)
{
    volatile u64 *iommu = (volatile u64 *)IOMMU_MMIO;
    u64 tables = arena_region();

    memset((void *)tables, 0, PAGE_2M);
    iommu[0x00 / 8] = tables | 0x1ff;
    iommu[0x10 / 8] = (tables + 0x200000 - 0x8000) | LOG_512;
    iommu[0x38 / 8] = (tables + 0x200000 - 0x10000) | LOG_512;
    iommu[0x20 / 8] = tables + 0x200000 - 0x11000;
    iommu[0x28 / 8] = tables + 0x200000 - 0x11000;
    iommu[0x18 / 8] = 1 | 1 << 2;
}

u64 firmware(int cmd, u64 q0, u64 q1, u64 q2, u64 q3)
{
    static u64 buffer[512] __attribute__((aligned(4096)));
    u32 answer = 0;

    memset(buffer, 0, sizeof(buffer));
    buffer[0] = q0;
    buffer[1] = q1;
    buffer[2] = q2;
    buffer[3] = q3;
    *reg(REG_BUFFER_LOW) = (u64)buffer;
    *reg(REG_BUFFER_HIGH) = 0;
    *reg(REG_DOORBELL) = cmd << 16;
    for (int i = 0; i < POLLS && !(answer & DOORBELL_DONE); i++) {
        answer = *reg(REG_DOORBELL);
    }
    return answer & DOORBELL_DONE ? answer & 0xffff : -1ull;
}
