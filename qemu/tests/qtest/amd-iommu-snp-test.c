/*
 * SEV-SNP duties of the AMD IOMMU
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Worked example: after SNP_INIT the page of the PPR log belongs to the
 * firmware. An NVMe controller that is told to store its identity there is
 * refused, and the event log receives event 0xd with the address; the page
 * next to it takes the same data.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "amd-psp-test.h"
#include "hw/i386/amd_iommu_snp.h"

#define REG_CONTROL     0x18
#define REG_EXCL_BASE   0x20
#define REG_EXCL_LIMIT  0x28
#define REG_EFR         0x30
#define REG_EVT_HEAD    0x2010
#define REG_EVT_TAIL    0x2018
#define REG_STATUS      0x2020
#define STATUS_EVT_OVF  1
#define STATUS_EVT_INT  2

#define NVME_SLOT       6
#define NVME_CC         0x14
#define NVME_AQA        0x24
#define NVME_ASQ        0x28
#define NVME_ACQ        0x30
#define NVME_SQ_TAIL    0x1000
#define NVME_IDENTIFY   0x06
#define SQ              0x700000ull
#define CQ              0x701000ull

static uint64_t reg(PSP *p, uint64_t off)
{
    return qtest_readq(p->qts, IOMMU_MMIO + off);
}

static void test_features(void)
{
    PSP p = psp_start("", "");

    g_assert_cmphex(reg(&p, REG_EFR) & AMDVI_FEATURE_SNP, !=, 0);
    g_assert_cmphex(reg(&p, AMDVI_MMIO_EXT_FEATURES2), ==,
                    AMDVI_FEATURE2_SNP_MODE0);
    iommu_reg(&p, AMDVI_MMIO_EXT_FEATURES2, 0);
    g_assert_cmphex(reg(&p, AMDVI_MMIO_EXT_FEATURES2), ==,
                    AMDVI_FEATURE2_SNP_MODE0);
    psp_end(&p);
}

/* Without the option nothing of this shows */
static void test_features_off(void)
{
    g_autofree char *bios = psp_blank_bios();
    QTestState *qts = qtest_initf("-M q35 -vga none -net none -bios %s "
                                  "-device amd-iommu", bios);

    g_assert_cmphex(qtest_readq(qts, IOMMU_MMIO + REG_EFR) &
                    AMDVI_FEATURE_SNP, ==, 0);
    g_assert_cmphex(qtest_readq(qts, IOMMU_MMIO + AMDVI_MMIO_EXT_FEATURES2),
                    ==, 0);
    qtest_quit(qts);
    unlink(bios);
}

static void test_write_back_range(void)
{
    PSP p = psp_start("", "");

    iommu_reg(&p, REG_EXCL_BASE, IOMMU_CWWB);
    iommu_reg(&p, REG_EXCL_LIMIT, IOMMU_CWWB + 0x1000);
    g_assert_cmphex(reg(&p, REG_EXCL_BASE), ==, IOMMU_CWWB);
    g_assert_cmphex(reg(&p, REG_EXCL_LIMIT), ==, IOMMU_CWWB + 0x1000);
    psp_end(&p);
}

static PSP start_with_nvme(void)
{
    PSP p = psp_start("", " -drive if=none,id=d,driver=null-co,"
                          "read-zeroes=on,size=1M "
                          "-device nvme,drive=d,serial=s,addr=6");

    iommu_enable(&p);
    g_assert_cmphex(snp_init(&p), ==, PSP_SUCCESS);
    return p;
}

static QPCIDevice *nvme_enable(PSP *p, QPCIBar *bar)
{
    QPCIDevice *dev = qpci_device_find(p->bus, QPCI_DEVFN(NVME_SLOT, 0));

    g_assert(dev);
    *bar = qpci_iomap(dev, 0, NULL);
    qpci_device_enable(dev);
    qpci_io_writel(dev, *bar, NVME_AQA, 0x000f000f);
    qpci_io_writeq(dev, *bar, NVME_ASQ, SQ);
    qpci_io_writeq(dev, *bar, NVME_ACQ, CQ);
    qpci_io_writel(dev, *bar, NVME_CC, 0x00460001);
    return dev;
}

/* Identify controller into @dst; waits for the completion entry */
static void nvme_identify(PSP *p, QPCIDevice *dev, QPCIBar bar, int nr,
                          uint64_t dst)
{
    uint8_t cmd[64] = { NVME_IDENTIFY };

    stw_le_p(cmd + 2, nr + 1);
    stq_le_p(cmd + 24, dst);
    stl_le_p(cmd + 40, 1);
    qtest_memwrite(p->qts, SQ + nr * 64, cmd, sizeof(cmd));
    qpci_io_writel(dev, bar, NVME_SQ_TAIL, nr + 1);
    for (int i = 0; i < 5000; i++) {
        if (qtest_readw(p->qts, CQ + nr * 16 + 12) == nr + 1) {
            return;
        }
        g_usleep(1000);
    }
    g_assert_not_reached();
}

static void test_dma_refused(void)
{
    PSP p = start_with_nvme();
    QPCIBar bar;
    QPCIDevice *nvme = nvme_enable(&p, &bar);

    nvme_identify(&p, nvme, bar, 0, IOMMU_PPRLOG + PAGE);
    g_assert_cmphex(qtest_readw(p.qts, IOMMU_PPRLOG + PAGE), !=, 0);
    g_assert_cmphex(reg(&p, REG_EVT_TAIL), ==, 0);

    nvme_identify(&p, nvme, bar, 1, IOMMU_PPRLOG);
    g_assert_cmphex(qtest_readw(p.qts, IOMMU_PPRLOG), ==, 0);
    g_assert_cmphex(reg(&p, REG_EVT_TAIL), ==, 16);
    g_assert_cmphex(reg(&p, REG_STATUS) & STATUS_EVT_INT, !=, 0);
    g_assert_cmphex(qtest_readq(p.qts, IOMMU_EVTLOG), ==,
                    0xd030ull << 48 | NVME_SLOT << 3);
    g_assert_cmphex(qtest_readq(p.qts, IOMMU_EVTLOG + 8), ==, IOMMU_PPRLOG);
    g_free(nvme);
    psp_end(&p);
}

/* The log is a ring: full when one more entry would reach the head */
static void test_log_overflow(void)
{
    PSP p = start_with_nvme();
    uint64_t size = 256 * 16;
    QPCIBar bar;
    QPCIDevice *nvme = nvme_enable(&p, &bar);

    iommu_reg(&p, REG_EVT_TAIL, size - 16);
    iommu_reg(&p, REG_EVT_HEAD, 0);
    nvme_identify(&p, nvme, bar, 0, IOMMU_PPRLOG);
    g_assert_cmphex(reg(&p, REG_EVT_TAIL), ==, size - 16);
    g_assert_cmphex(reg(&p, REG_STATUS) & STATUS_EVT_OVF, !=, 0);

    iommu_reg(&p, REG_STATUS, STATUS_EVT_OVF);
    iommu_reg(&p, REG_EVT_HEAD, size - 16);
    nvme_identify(&p, nvme, bar, 1, IOMMU_PPRLOG);
    g_assert_cmphex(reg(&p, REG_EVT_TAIL), ==, 0);
    g_assert_cmphex(reg(&p, REG_STATUS) & STATUS_EVT_OVF, ==, 0);
    g_free(nvme);
    psp_end(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amd-iommu-snp/features", test_features);
    qtest_add_func("/amd-iommu-snp/features-off", test_features_off);
    qtest_add_func("/amd-iommu-snp/write-back-range", test_write_back_range);
    qtest_add_func("/amd-iommu-snp/dma-refused", test_dma_refused);
    qtest_add_func("/amd-iommu-snp/log-overflow", test_log_overflow);
    return g_test_run();
}
