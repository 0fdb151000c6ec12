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
#define NVME_CREATE_SQ  0x01
#define NVME_CREATE_CQ  0x05
#define NVME_WRITE      0x01
#define NVME_READ       0x02
#define NO_DISK         "driver=null-co,read-zeroes=on,size=1M"
#define SQ              0x700000ull
#define CQ              0x701000ull
#define IO_SQ           0x702000ull
#define IO_CQ           0x703000ull
#define BACK            0x704000ull

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

static PSP start_with_nvme(const char *drive)
{
    g_autofree char *args =
        g_strdup_printf(" -drive if=none,id=d,%s "
                        "-device nvme,drive=d,serial=s,addr=6", drive);
    PSP p = psp_start("", args);

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

typedef struct Queue {
    int id, nr;
    uint64_t sq, cq;
} Queue;

/* Submit a command and wait for its completion entry */
static void nvme_submit(PSP *p, QPCIDevice *dev, QPCIBar bar, Queue *q,
                        uint8_t cmd[64])
{
    int nr = q->nr++;

    stw_le_p(cmd + 2, nr + 1);
    qtest_memwrite(p->qts, q->sq + nr * 64, cmd, 64);
    qpci_io_writel(dev, bar, NVME_SQ_TAIL + q->id * 8, nr + 1);
    for (int i = 0; i < 5000; i++) {
        if (qtest_readw(p->qts, q->cq + nr * 16 + 12) == nr + 1) {
            return;
        }
        g_usleep(1000);
    }
    g_assert_not_reached();
}

static void nvme_identify(PSP *p, QPCIDevice *dev, QPCIBar bar, Queue *q,
                          uint64_t dst)
{
    uint8_t cmd[64] = { NVME_IDENTIFY };

    stq_le_p(cmd + 24, dst);
    stl_le_p(cmd + 40, 1);
    nvme_submit(p, dev, bar, q, cmd);
}

/* Create I/O queue 1 of 16 entries: the completion side comes first */
static void nvme_create_io(PSP *p, QPCIDevice *dev, QPCIBar bar, Queue *admin,
                           Queue *io)
{
    uint8_t cq[64] = { NVME_CREATE_CQ }, sq[64] = { NVME_CREATE_SQ };

    stq_le_p(cq + 24, io->cq);
    stl_le_p(cq + 40, 15 << 16 | io->id);
    stl_le_p(cq + 44, 1);
    nvme_submit(p, dev, bar, admin, cq);
    stq_le_p(sq + 24, io->sq);
    stl_le_p(sq + 40, 15 << 16 | io->id);
    stl_le_p(sq + 44, io->id << 16 | 1);
    nvme_submit(p, dev, bar, admin, sq);
}

/* Write or read 8 blocks of 512 bytes at the start of the disk */
static void nvme_io(PSP *p, QPCIDevice *dev, QPCIBar bar, Queue *io,
                    uint8_t opcode, uint64_t memory)
{
    uint8_t cmd[64] = { opcode };

    stl_le_p(cmd + 4, 1);
    stq_le_p(cmd + 24, memory);
    stl_le_p(cmd + 48, 7);
    nvme_submit(p, dev, bar, io, cmd);
}

static void test_dma_refused(void)
{
    PSP p = start_with_nvme(NO_DISK);
    Queue admin = { 0, 0, SQ, CQ };
    QPCIBar bar;
    QPCIDevice *nvme = nvme_enable(&p, &bar);

    nvme_identify(&p, nvme, bar, &admin, IOMMU_PPRLOG + PAGE);
    g_assert_cmphex(qtest_readw(p.qts, IOMMU_PPRLOG + PAGE), !=, 0);
    g_assert_cmphex(reg(&p, REG_EVT_TAIL), ==, 0);

    nvme_identify(&p, nvme, bar, &admin, IOMMU_PPRLOG);
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
    PSP p = start_with_nvme(NO_DISK);
    uint64_t size = 256 * 16;
    Queue admin = { 0, 0, SQ, CQ };
    QPCIBar bar;
    QPCIDevice *nvme = nvme_enable(&p, &bar);

    iommu_reg(&p, REG_EVT_TAIL, size - 16);
    iommu_reg(&p, REG_EVT_HEAD, 0);
    nvme_identify(&p, nvme, bar, &admin, IOMMU_PPRLOG);
    g_assert_cmphex(reg(&p, REG_EVT_TAIL), ==, size - 16);
    g_assert_cmphex(reg(&p, REG_STATUS) & STATUS_EVT_OVF, !=, 0);

    iommu_reg(&p, REG_STATUS, STATUS_EVT_OVF);
    iommu_reg(&p, REG_EVT_HEAD, size - 16);
    nvme_identify(&p, nvme, bar, &admin, IOMMU_PPRLOG);
    g_assert_cmphex(reg(&p, REG_EVT_TAIL), ==, 0);
    g_assert_cmphex(reg(&p, REG_STATUS) & STATUS_EVT_OVF, ==, 0);
    g_free(nvme);
    psp_end(&p);
}

static void give_to_guest(PSP *p, uint64_t spa)
{
    const uint64_t context = 0x10000000;
    uint64_t start[6] = { cpu_to_le64(context), cpu_to_le64(0x30000) };
    uint64_t activate[2] = { cpu_to_le64(context), cpu_to_le64(7) };

    rmp_set(p, context, FIRMWARE);
    g_assert_cmphex(psp_cmd_addr(p, 0x93, context), ==, PSP_SUCCESS);
    g_assert_cmphex(psp_cmd(p, 0xa0, start, sizeof(start)), ==, PSP_SUCCESS);
    g_assert_cmphex(psp_cmd(p, 0x91, activate, 12), ==, PSP_SUCCESS);
    rmp_set(p, spa, GUEST_VALID(7, 0x1000));
}

/*
 * The page shares its 2M range with the PPR log, which SNP_INIT assigned. The
 * disk receives ciphertext: read back, it differs from what the guest has.
 */
static void test_dma_reads_ciphertext(void)
{
    const uint64_t mine = IOMMU_PPRLOG + 8 * PAGE, yours = mine + PAGE;
    g_autofree char *disk = NULL;
    g_autofree char *drive = NULL;
    Queue admin = { 0, 0, SQ, CQ }, io = { 1, 0, IO_SQ, IO_CQ };
    int fd = g_file_open_tmp("amd-iommu-XXXXXX", &disk, NULL);
    QPCIBar bar;
    QPCIDevice *nvme;
    PSP p;

    g_assert_cmpint(ftruncate(fd, 0x100000), ==, 0);
    close(fd);
    drive = g_strdup_printf("file=%s,format=raw", disk);
    p = start_with_nvme(drive);
    nvme = nvme_enable(&p, &bar);
    nvme_create_io(&p, nvme, bar, &admin, &io);
    give_to_guest(&p, yours);
    qtest_memset(p.qts, mine, 0x5a, PAGE);
    qtest_memset(p.qts, yours, 0x5a, PAGE);

    nvme_io(&p, nvme, bar, &io, NVME_WRITE, mine);
    nvme_io(&p, nvme, bar, &io, NVME_READ, BACK);
    g_assert_cmphex(qtest_readq(p.qts, BACK), ==, 0x5a5a5a5a5a5a5a5a);
    nvme_io(&p, nvme, bar, &io, NVME_WRITE, yours);
    nvme_io(&p, nvme, bar, &io, NVME_READ, BACK);
    g_assert_cmphex(qtest_readq(p.qts, BACK), !=, 0x5a5a5a5a5a5a5a5a);
    g_assert_cmphex(qtest_readq(p.qts, yours), ==, 0x5a5a5a5a5a5a5a5a);
    g_free(nvme);
    psp_end(&p);
    unlink(disk);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amd-iommu-snp/features", test_features);
    qtest_add_func("/amd-iommu-snp/features-off", test_features_off);
    qtest_add_func("/amd-iommu-snp/write-back-range", test_write_back_range);
    qtest_add_func("/amd-iommu-snp/dma-refused", test_dma_refused);
    qtest_add_func("/amd-iommu-snp/log-overflow", test_log_overflow);
    qtest_add_func("/amd-iommu-snp/dma-reads-ciphertext",
                   test_dma_reads_ciphertext);
    return g_test_run();
}
