/*
 * SEV-SNP commands of the AMD secure processor: states, launch, pages
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Worked example: a page that RMPUPDATE gave to the firmware (assigned,
 * immutable, ASID 0) becomes Reclaim (assigned alone) by PAGE_RECLAIM; a
 * page of the hypervisor (entry 0) is refused with INVALID_PAGE_STATE.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "amd-psp-test.h"

#define SNP_INIT        0x81
#define SNP_STATUS      0x83
#define SNP_DF_FLUSH    0x84
#define SNP_SHUTDOWN    0x86
#define DECOMMISSION    0x90
#define ACTIVATE        0x91
#define GCTX_CREATE     0x93
#define LAUNCH_START    0xa0
#define LAUNCH_UPDATE   0xa1
#define LAUNCH_FINISH   0xa2
#define DBG_DECRYPT     0xb0
#define MD_INIT         0xc3
#define SET_STATE       0xc6
#define RECLAIM_PAGE    0xc7
#define UNSMASH         0xc8
#define PAGE_MOVE       0xc2

#define GCTX            0x10000000ull
#define FREE            0x10001000ull
#define HUGE_SPA        0x20000000ull
#define PAGE_SPA        0x11000000ull
#define GPA             0x40000000ull
#define POLICY          (1ull << 17 | 1ull << 16)
#define POLICY_DEBUG    (1ull << 19)
#define ASID            7

static void test_init(void)
{
    PSP p = psp_start("", "");

    g_assert_cmphex(psp_cmd_addr(&p, GCTX_CREATE, GCTX), ==,
                    PSP_INVALID_PLATFORM_STATE);
    g_assert_cmphex(snp_init(&p), ==, PSP_INVALID_CONFIG);
    iommu_enable(&p);
    g_assert_cmphex(snp_init(&p), ==, PSP_SUCCESS);
    g_assert_cmphex(snp_init(&p), ==, PSP_INVALID_PLATFORM_STATE);

    g_assert_cmphex(rmp_get(&p, RMP_BASE), ==, FIRMWARE);
    g_assert_cmphex(rmp_get(&p, RMP_TOP - PAGE), ==, FIRMWARE);
    g_assert_cmphex(rmp_get(&p, RMP_BASE - PAGE), ==, 0);
    g_assert_cmphex(rmp_get(&p, IOMMU_EVTLOG), ==, FIRMWARE);
    g_assert_cmphex(rmp_get(&p, IOMMU_EVTLOG + PAGE), ==, 0);
    g_assert_cmphex(rmp_get(&p, IOMMU_PPRLOG), ==, FIRMWARE);
    g_assert_cmphex(rmp_get(&p, IOMMU_CWWB), ==, FIRMWARE);
    psp_end(&p);
}

static uint32_t init_list(PSP *p, uint64_t list)
{
    uint64_t buf[8] = { cpu_to_le64(1 | 2), cpu_to_le64(list) };

    return psp_cmd(p, 0x85, buf, sizeof(buf));
}

/* Ranges beyond the RMP and inside it are passed over */
static void test_init_list(void)
{
    const uint64_t list = 0x700000;
    PSP p = psp_start("", "");

    iommu_enable(&p);
    qtest_writel(p.qts, list, 3);
    qtest_writeq(p.qts, list + 8, PAGE_SPA);
    qtest_writel(p.qts, list + 16, 2);
    qtest_writeq(p.qts, list + 24, 0xfd00000000);
    qtest_writel(p.qts, list + 32, 0x300000);
    qtest_writeq(p.qts, list + 40, RMP_BASE);
    qtest_writel(p.qts, list + 48, RMP_SIZE / PAGE);
    g_assert_cmphex(init_list(&p, list + 8), ==, PSP_INVALID_ADDRESS);
    qtest_writel(p.qts, list, 256);
    g_assert_cmphex(init_list(&p, list), ==, PSP_INVALID_PARAM);
    qtest_writel(p.qts, list, 3);
    g_assert_cmphex(init_list(&p, list), ==, PSP_SUCCESS);
    g_assert_cmphex(rmp_get(&p, PAGE_SPA), ==, HV_FIXED);
    g_assert_cmphex(rmp_get(&p, PAGE_SPA + PAGE), ==, HV_FIXED);
    g_assert_cmphex(rmp_get(&p, PAGE_SPA + 2 * PAGE), ==, 0);
    g_assert_cmphex(rmp_get(&p, RMP_BASE), ==, FIRMWARE);
    psp_end(&p);
}

static uint32_t snp_shutdown(PSP *p, uint32_t flags)
{
    uint32_t buf[2] = { cpu_to_le32(8), cpu_to_le32(flags) };

    return psp_cmd(p, SNP_SHUTDOWN, buf, sizeof(buf));
}

static void test_shutdown(void)
{
    uint32_t short_buf[2] = { cpu_to_le32(4) };
    PSP p = psp_start_snp(",feature-ecx=2");

    rmp_set(&p, GCTX, FIRMWARE);
    psp_cmd_addr(&p, GCTX_CREATE, GCTX);
    g_assert_cmphex(psp_cmd(&p, SNP_SHUTDOWN, short_buf, 8), ==,
                    PSP_INVALID_LEN);
    g_assert_cmphex(snp_shutdown(&p, 1), ==, PSP_INVALID_PLATFORM_STATE);
    psp_cmd_addr(&p, DECOMMISSION, GCTX);
    g_assert_cmphex(snp_shutdown(&p, 1), ==, PSP_SUCCESS);
    g_assert_cmphex(rmp_get(&p, IOMMU_EVTLOG), ==, RECLAIM);
    g_assert_cmphex(rmp_get(&p, RMP_BASE), ==, FIRMWARE);
    g_assert_cmphex(snp_init(&p), ==, PSP_SUCCESS);
    g_assert_cmphex(snp_shutdown(&p, 3), ==, PSP_SUCCESS);
    g_assert_cmphex(rmp_get(&p, RMP_BASE), ==, 0);
    psp_end(&p);
}

/* The page of the status leaves the firmware */
static void test_status_page(void)
{
    PSP p = psp_start_snp("");

    g_assert_cmphex(psp_cmd_addr(&p, SNP_STATUS, PAGE_SPA), ==,
                    PSP_INVALID_PAGE_STATE);
    rmp_set(&p, PAGE_SPA, FIRMWARE);
    g_assert_cmphex(psp_cmd_addr(&p, SNP_STATUS, PAGE_SPA), ==, PSP_SUCCESS);
    g_assert_cmphex(rmp_get(&p, PAGE_SPA), ==, RECLAIM);
    g_assert_cmpuint(qtest_readb(p.qts, PAGE_SPA + 2), ==, 1);
    g_assert_cmpuint(qtest_readb(p.qts, PAGE_SPA + 3), ==, 1);
    psp_end(&p);
}

typedef struct StateCase {
    const char *name;
    uint64_t before;
    uint32_t status;
    uint64_t after;
} StateCase;

static const StateCase reclaim_cases[] = {
    { "hypervisor",    0,                          PSP_INVALID_PAGE_STATE },
    { "hv-fixed",      HV_FIXED,                   PSP_INVALID_PAGE_STATE },
    { "firmware",      FIRMWARE,                   PSP_SUCCESS, RECLAIM },
    { "reclaim",       RECLAIM,                    PSP_SUCCESS, RECLAIM },
    { "metadata",      FIRMWARE | RMP_GPA(GCTX),   PSP_SUCCESS, RECLAIM },
    { "context",       CONTEXT,                    PSP_INVALID_PAGE_STATE },
    { "pre-guest",     PRE_GUEST(ASID, GPA),       PSP_SUCCESS,
      GUEST_INVALID(ASID, GPA) },
    { "pre-swap",      PRE_SWAP(ASID, GPA),        PSP_SUCCESS,
      GUEST_VALID(ASID, GPA) },
    { "guest-invalid", GUEST_INVALID(ASID, GPA),   PSP_INVALID_PAGE_STATE },
    { "guest-valid",   GUEST_VALID(ASID, GPA),     PSP_INVALID_PAGE_STATE },
    { "size mismatch", FIRMWARE | RMP_2M,          PSP_INVALID_PAGE_SIZE },
};

static void test_reclaim(void)
{
    PSP p = psp_start_snp("");

    for (size_t i = 0; i < ARRAY_SIZE(reclaim_cases); i++) {
        const StateCase *c = &reclaim_cases[i];

        g_test_message("%s", c->name);
        rmp_set(&p, PAGE_SPA, c->before);
        g_assert_cmphex(psp_cmd_addr(&p, RECLAIM_PAGE, PAGE_SPA), ==,
                        c->status);
        g_assert_cmphex(rmp_get(&p, PAGE_SPA), ==,
                        c->status ? c->before : c->after);
    }
    rmp_set(&p, HUGE_SPA, FIRMWARE);
    g_assert_cmphex(psp_cmd_addr(&p, RECLAIM_PAGE, HUGE_SPA | 1), ==,
                    PSP_INVALID_PAGE_SIZE);
    g_assert_cmphex(psp_cmd_addr(&p, RECLAIM_PAGE, HUGE_SPA + PAGE + 1), ==,
                    PSP_INVALID_ADDRESS);
    g_assert_cmphex(psp_cmd_addr(&p, RECLAIM_PAGE, RMP_TOP), ==,
                    PSP_INVALID_ADDRESS);
    psp_end(&p);
}

static void fill_huge(PSP *p, uint64_t entry)
{
    for (uint64_t i = 0; i < 512; i++) {
        rmp_set(p, HUGE_SPA + i * PAGE, entry + i * PAGE);
    }
}

static void test_reclaim_huge(void)
{
    PSP p = psp_start_snp("");

    fill_huge(&p, PRE_GUEST(ASID, GPA) | RMP_2M);
    g_assert_cmphex(psp_cmd_addr(&p, RECLAIM_PAGE, HUGE_SPA | 1), ==,
                    PSP_SUCCESS);
    for (uint64_t i = 0; i < 512; i += 511) {
        g_assert_cmphex(rmp_get(&p, HUGE_SPA + i * PAGE), ==,
                        (GUEST_INVALID(ASID, GPA) | RMP_2M) + i * PAGE);
    }
    psp_end(&p);
}

/* One odd page out of 512 keeps a range from being joined */
static const StateCase unsmash_cases[] = {
    { "state",     PRE_SWAP(ASID, GPA + 9 * PAGE) },
    { "immutable", GUEST_INVALID(ASID, GPA + 9 * PAGE) },
    { "asid",      PRE_GUEST(ASID + 1, GPA + 9 * PAGE) },
    { "gpa",       PRE_GUEST(ASID, GPA + 10 * PAGE) },
    { "vmsa",      PRE_GUEST(ASID, GPA + 9 * PAGE) | RMP_VMSA },
    { "size",      PRE_GUEST(ASID, GPA + 9 * PAGE) | RMP_2M },
    { "owner",     FIRMWARE },
};

static void test_unsmash(void)
{
    PSP p = psp_start_snp("");

    for (size_t i = 0; i < ARRAY_SIZE(unsmash_cases); i++) {
        g_test_message("%s", unsmash_cases[i].name);
        fill_huge(&p, PRE_GUEST(ASID, GPA));
        rmp_set(&p, HUGE_SPA + 9 * PAGE, unsmash_cases[i].before);
        g_assert_cmphex(psp_cmd_addr(&p, UNSMASH, HUGE_SPA | 1), ==,
                        PSP_INVALID_PAGE_STATE);
        g_assert_cmphex(rmp_get(&p, HUGE_SPA), ==, PRE_GUEST(ASID, GPA));
    }
    fill_huge(&p, PRE_GUEST(ASID, GPA));
    qtest_writeq(p.qts, RMP_ENTRY(HUGE_SPA + 9 * PAGE) + 8, 0x0f);
    g_assert_cmphex(psp_cmd_addr(&p, UNSMASH, HUGE_SPA | 1), ==,
                    PSP_INVALID_PAGE_STATE);
    fill_huge(&p, PRE_GUEST(ASID, GPA + PAGE));
    g_assert_cmphex(psp_cmd_addr(&p, UNSMASH, HUGE_SPA | 1), ==,
                    PSP_INVALID_PAGE_STATE);
    fill_huge(&p, PRE_SWAP(ASID, GPA));
    g_assert_cmphex(psp_cmd_addr(&p, UNSMASH, HUGE_SPA), ==,
                    PSP_INVALID_PAGE_SIZE);
    g_assert_cmphex(psp_cmd_addr(&p, UNSMASH, HUGE_SPA | 1), ==, PSP_SUCCESS);
    g_assert_cmphex(rmp_get(&p, HUGE_SPA + 511 * PAGE), ==,
                    (PRE_SWAP(ASID, GPA) | RMP_2M) + 511 * PAGE);
    g_assert_cmphex(psp_cmd_addr(&p, UNSMASH, HUGE_SPA | 1), ==,
                    PSP_INVALID_PAGE_SIZE);
    psp_end(&p);
}

static uint32_t launch_start(PSP *p, uint64_t policy)
{
    uint64_t buf[6] = { cpu_to_le64(GCTX), cpu_to_le64(policy) };

    return psp_cmd(p, LAUNCH_START, buf, sizeof(buf));
}

static uint32_t activate(PSP *p, uint64_t gctx, uint32_t asid)
{
    uint64_t buf[2] = { cpu_to_le64(gctx), cpu_to_le64(asid) };

    return psp_cmd(p, ACTIVATE, buf, 12);
}

static void test_context(void)
{
    PSP p = psp_start_snp("");

    g_assert_cmphex(psp_cmd_addr(&p, GCTX_CREATE, GCTX), ==,
                    PSP_INVALID_PAGE_STATE);
    rmp_set(&p, GCTX, FIRMWARE);
    g_assert_cmphex(psp_cmd_addr(&p, GCTX_CREATE, GCTX + 8), ==,
                    PSP_INVALID_ADDRESS);
    g_assert_cmphex(psp_cmd_addr(&p, GCTX_CREATE, GCTX), ==, PSP_SUCCESS);
    g_assert_cmphex(rmp_get(&p, GCTX), ==, CONTEXT);
    g_assert_cmphex(activate(&p, GCTX, ASID), ==, PSP_INVALID_GUEST_STATE);
    g_assert_cmphex(launch_start(&p, 1 << 16), ==, PSP_INVALID_PARAM);
    g_assert_cmphex(launch_start(&p, POLICY | 0x0138), ==, PSP_POLICY_FAILURE);
    g_assert_cmphex(launch_start(&p, POLICY | 1ull << 40), ==,
                    PSP_INVALID_PARAM);
    g_assert_cmphex(launch_start(&p, POLICY), ==, PSP_SUCCESS);
    g_assert_cmphex(launch_start(&p, POLICY), ==, PSP_INVALID_GUEST_STATE);
    g_assert_cmphex(activate(&p, FREE, ASID), ==, PSP_INVALID_PAGE_STATE);
    g_assert_cmphex(activate(&p, GCTX, 0), ==, PSP_INVALID_ASID);
    g_assert_cmphex(activate(&p, GCTX, 100), ==, PSP_INVALID_ASID);
    g_assert_cmphex(activate(&p, GCTX, ASID), ==, PSP_SUCCESS);
    g_assert_cmphex(activate(&p, GCTX, ASID + 1), ==, PSP_ACTIVE);
    g_assert_cmphex(psp_cmd_addr(&p, DECOMMISSION, GCTX), ==, PSP_SUCCESS);
    g_assert_cmphex(rmp_get(&p, GCTX), ==, FIRMWARE);
    psp_cmd_addr(&p, GCTX_CREATE, GCTX);
    launch_start(&p, POLICY);
    g_assert_cmphex(activate(&p, GCTX, ASID), ==, PSP_DFFLUSH_REQUIRED);
    g_assert_cmphex(psp_cmd(&p, SNP_DF_FLUSH, NULL, 0), ==, PSP_SUCCESS);
    g_assert_cmphex(activate(&p, GCTX, ASID), ==, PSP_SUCCESS);
    psp_end(&p);
}

static PSP start_launched(uint64_t policy)
{
    PSP p = psp_start_snp("");

    rmp_set(&p, GCTX, FIRMWARE);
    psp_cmd_addr(&p, GCTX_CREATE, GCTX);
    g_assert_cmphex(launch_start(&p, policy), ==, PSP_SUCCESS);
    g_assert_cmphex(activate(&p, GCTX, ASID), ==, PSP_SUCCESS);
    return p;
}

static uint32_t update(PSP *p, uint64_t spa, uint32_t type)
{
    uint64_t buf[4] = { cpu_to_le64(GCTX), cpu_to_le64(type << 1),
                        cpu_to_le64(spa) };

    return psp_cmd(p, LAUNCH_UPDATE, buf, sizeof(buf));
}

static void test_update_errors(void)
{
    PSP p = start_launched(POLICY);

    g_assert_cmphex(update(&p, PAGE_SPA, 1), ==, PSP_INVALID_PAGE_STATE);
    rmp_set(&p, PAGE_SPA, PRE_GUEST(ASID + 1, GPA));
    g_assert_cmphex(update(&p, PAGE_SPA, 1), ==, PSP_INVALID_PAGE_OWNER);
    rmp_set(&p, PAGE_SPA, PRE_GUEST(ASID, GPA));
    g_assert_cmphex(update(&p, PAGE_SPA, 0), ==, PSP_INVALID_PARAM);
    g_assert_cmphex(update(&p, PAGE_SPA, 7), ==, PSP_INVALID_PARAM);
    g_assert_cmphex(update(&p, PAGE_SPA + 1, 1), ==, PSP_INVALID_ADDRESS);
    g_assert_cmphex(rmp_get(&p, PAGE_SPA), ==, PRE_GUEST(ASID, GPA));
    g_assert_cmphex(update(&p, PAGE_SPA, 1), ==, PSP_SUCCESS);
    g_assert_cmphex(rmp_get(&p, PAGE_SPA), ==, GUEST_VALID(ASID, GPA));
    g_assert_cmphex(update(&p, PAGE_SPA, 1), ==, PSP_INVALID_PAGE_STATE);
    psp_end(&p);
}

static void test_debug_policy(void)
{
    uint64_t buf[3] = { cpu_to_le64(GCTX), cpu_to_le64(PAGE_SPA),
                        cpu_to_le64(FREE) };

    for (int debug = 0; debug < 2; debug++) {
        PSP p = start_launched(POLICY | (debug ? POLICY_DEBUG : 0));

        rmp_set(&p, PAGE_SPA, PRE_GUEST(ASID, GPA));
        rmp_set(&p, FREE, FIRMWARE);
        g_assert_cmphex(update(&p, PAGE_SPA, 3), ==, PSP_SUCCESS);
        qtest_writeq(p.qts, FREE, 0x1234);
        g_assert_cmphex(psp_cmd(&p, DBG_DECRYPT, buf, sizeof(buf)), ==,
                        debug ? PSP_SUCCESS : PSP_POLICY_FAILURE);
        g_assert_cmphex(qtest_readq(p.qts, FREE), ==, debug ? 0 : 0x1234);
        psp_end(&p);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amd-psp-snp/init", test_init);
    qtest_add_func("/amd-psp-snp/init-list", test_init_list);
    qtest_add_func("/amd-psp-snp/shutdown", test_shutdown);
    qtest_add_func("/amd-psp-snp/status-page", test_status_page);
    qtest_add_func("/amd-psp-snp/reclaim", test_reclaim);
    qtest_add_func("/amd-psp-snp/reclaim-2m", test_reclaim_huge);
    qtest_add_func("/amd-psp-snp/unsmash", test_unsmash);
    qtest_add_func("/amd-psp-snp/context", test_context);
    qtest_add_func("/amd-psp-snp/update-errors", test_update_errors);
    qtest_add_func("/amd-psp-snp/debug-policy", test_debug_policy);
    return g_test_run();
}
