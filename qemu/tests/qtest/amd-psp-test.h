/*
 * Driving the AMD secure processor without a guest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The CPUs are stopped, so SNP_INIT is told not to look at them; the RMP is
 * read and written as the plain memory that it is.
 */
#ifndef TESTS_QTEST_AMD_PSP_TEST_H
#define TESTS_QTEST_AMD_PSP_TEST_H

#include "libqtest.h"
#include "libqos/pci.h"
#include "libqos/pci-pc.h"
#include "hw/misc/amd-psp.h"
#include "hw/misc/amd-psp-status.h"

#define PAGE            0x1000ull
#define HUGE            0x200000ull

#define CMDBUF          0x100000ull     /* where the tests put the buffer */
#define RMP_TOP         0x1c0000000ull  /* end of RAM with -m 5G on q35 */
#define RMP_BYTES       (RMP_TOP / PAGE * 16 + 0x4000)
#define RMP_SIZE        ((RMP_BYTES + HUGE - 1) & ~(HUGE - 1))
#define RMP_BASE        (RMP_TOP - RMP_SIZE)
#define RMP_ENTRY(spa)  (RMP_BASE + 0x4000 + (spa) / PAGE * 16)

/* Low quad of an RMP entry */
#define RMP_ASSIGNED    (1ull << 0)
#define RMP_2M          (1ull << 1)
#define RMP_IMMUTABLE   (1ull << 2)
#define RMP_GPA(gpa)    ((uint64_t)(gpa))
#define RMP_ASID(asid)  ((uint64_t)(asid) << 51)
#define RMP_VMSA        (1ull << 61)
#define RMP_VALIDATED   (1ull << 62)

#define FIRMWARE        (RMP_ASSIGNED | RMP_IMMUTABLE)
#define RECLAIM         RMP_ASSIGNED
#define CONTEXT         (FIRMWARE | RMP_VMSA)
#define HV_FIXED        RMP_IMMUTABLE
#define PRE_GUEST(a, g) (FIRMWARE | RMP_ASID(a) | RMP_GPA(g))
#define PRE_SWAP(a, g)  (PRE_GUEST(a, g) | RMP_VALIDATED)
#define GUEST_INVALID(a, g) (RMP_ASSIGNED | RMP_ASID(a) | RMP_GPA(g))
#define GUEST_VALID(a, g)   (GUEST_INVALID(a, g) | RMP_VALIDATED)

typedef struct PSP {
    char *bios;
    QTestState *qts;
    QPCIBus *bus;
    QPCIDevice *dev;
    QPCIBar bar;
} PSP;

static inline uint32_t psp_reg(PSP *p, uint64_t reg)
{
    return qpci_io_readl(p->dev, p->bar, reg);
}

static inline void psp_set_reg(PSP *p, uint64_t reg, uint32_t val)
{
    qpci_io_writel(p->dev, p->bar, reg, val);
}

/* The CPUs never run, but the machine wants an image for them */
static inline char *psp_blank_bios(void)
{
    static const char blank[64 * 1024];
    g_autoptr(GError) err = NULL;
    char *name;
    int fd = g_file_open_tmp("amd-psp-XXXXXX", &name, &err);

    g_assert_no_error(err);
    g_assert_cmpint(write(fd, blank, sizeof(blank)), ==, sizeof(blank));
    close(fd);
    return name;
}

static inline PSP psp_start(const char *machine, const char *device)
{
    PSP p = { .bios = psp_blank_bios() };

    p.qts = qtest_initf("-accel tcg -S -m 5G -vga none -net none "
                        "-global apic-common.vapic=off "
                        "-bios %s "
                        "-machine q35,x-snp-host=on%s "
                        "-device amd-iommu,snp=on "
                        "-device amd-psp,addr=5,x-no-cpu-check=on%s",
                        p.bios, machine, device);
    p.bus = qpci_new_pc(p.qts, NULL);
    p.dev = qpci_device_find(p.bus, QPCI_DEVFN(5, 0));
    g_assert(p.dev);
    p.bar = qpci_iomap(p.dev, 2, NULL);
    qpci_device_enable(p.dev);
    return p;
}

static inline void psp_end(PSP *p)
{
    g_free(p->dev);
    qpci_free_pc(p->bus);
    qtest_quit(p->qts);
    unlink(p->bios);
    g_free(p->bios);
}

/* Ring the doorbell and return the status */
static inline uint32_t psp_issue(PSP *p, uint32_t cmd, uint64_t paddr)
{
    psp_set_reg(p, PSP_REG_CMDBUF_LO, paddr);
    psp_set_reg(p, PSP_REG_CMDBUF_HI, paddr >> 32);
    psp_set_reg(p, PSP_REG_CMDRESP, cmd << 16);
    g_assert(psp_reg(p, PSP_REG_CMDRESP) & PSP_CMDRESP_DONE);
    return psp_reg(p, PSP_REG_CMDRESP) & PSP_CMDRESP_STATUS;
}

/* A command whose buffer is @len bytes at CMDBUF */
static inline uint32_t psp_cmd(PSP *p, uint32_t cmd, const void *buf,
                               size_t len)
{
    if (len) {
        qtest_memwrite(p->qts, CMDBUF, buf, len);
    }
    return psp_issue(p, cmd, CMDBUF);
}

/* A command whose buffer is one address */
static inline uint32_t psp_cmd_addr(PSP *p, uint32_t cmd, uint64_t addr)
{
    uint64_t buf = cpu_to_le64(addr);

    return psp_cmd(p, cmd, &buf, sizeof(buf));
}

static inline void rmp_set(PSP *p, uint64_t spa, uint64_t low)
{
    qtest_writeq(p->qts, RMP_ENTRY(spa), low);
    qtest_writeq(p->qts, RMP_ENTRY(spa) + 8, 0);
}

static inline uint64_t rmp_get(PSP *p, uint64_t spa)
{
    return qtest_readq(p->qts, RMP_ENTRY(spa));
}

/* The IOMMU as a driver leaves it: tables in the pages from 0x300000 on */
#define IOMMU_MMIO      0xfed80000ull
#define IOMMU_DEVTAB    0x300000ull
#define IOMMU_EVTLOG    0x400000ull
#define IOMMU_PPRLOG    0x500000ull
#define IOMMU_CWWB      0x600000ull

static inline void iommu_reg(PSP *p, uint64_t reg, uint64_t val)
{
    qtest_writeq(p->qts, IOMMU_MMIO + reg, val);
}

static inline void iommu_enable(PSP *p)
{
    iommu_reg(p, 0x00, IOMMU_DEVTAB);
    iommu_reg(p, 0x10, IOMMU_EVTLOG | 8ull << 56);
    iommu_reg(p, 0x38, IOMMU_PPRLOG | 8ull << 56);
    iommu_reg(p, 0x20, IOMMU_CWWB);
    iommu_reg(p, 0x28, IOMMU_CWWB);
    iommu_reg(p, 0x18, 1 | 1 << 2);
}

static inline uint32_t snp_init(PSP *p)
{
    uint32_t buf[16] = { cpu_to_le32(1) };      /* init_rmp */

    return psp_cmd(p, 0x85, buf, sizeof(buf));
}

/* Started, with SEV-SNP initialized */
static inline PSP psp_start_snp(const char *device)
{
    PSP p = psp_start("", device);

    iommu_enable(&p);
    g_assert_cmphex(snp_init(&p), ==, PSP_SUCCESS);
    return p;
}

#endif
