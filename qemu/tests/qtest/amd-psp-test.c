/*
 * Registers and platform commands of the AMD secure processor
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Worked example: PLATFORM_STATUS writes 12 bytes into its command buffer,
 * starting with the API version, 1 and 55.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "amd-psp-test.h"

#define CMD_INIT            0x01
#define CMD_SHUTDOWN        0x02
#define CMD_STATUS          0x04
#define CMD_GET_ID          0x0c
#define CMD_ACTIVATE        0x21
#define CMD_DEACTIVATE      0x22
#define CMD_DECOMMISSION    0x20
#define CMD_GUEST_STATUS    0x23
#define CMD_LAUNCH_START    0x30
#define CMD_LAUNCH_UPDATE   0x31
#define CMD_LAUNCH_MEASURE  0x33
#define CMD_LAUNCH_FINISH   0x35
#define CMD_DBG_DECRYPT     0x60
#define CMD_SNP_STATUS      0x83
#define CMD_SNP_FEATURES    0xce
#define CMD_TIO             0xd0

#define OUT                 0x101000ull
#define DATA                0x200000ull

static void test_reset_values(void)
{
    PSP p = psp_start("", "");

    g_assert_cmphex(psp_reg(&p, PSP_REG_FEATURE), ==, PSP_FEATURE_SEV);
    g_assert_cmphex(psp_reg(&p, PSP_REG_CMDRESP), ==, PSP_CMDRESP_DONE);
    g_assert_cmphex(psp_reg(&p, PSP_REG_INTEN), ==, 0);
    g_assert_cmphex(psp_reg(&p, PSP_REG_INTSTS), ==, 0);
    g_assert_cmphex(psp_reg(&p, PSP_REG_CMDBUF_LO), ==, 0);
    g_assert_cmphex(psp_reg(&p, PSP_REG_CMDBUF_HI), ==, 0);
    g_assert_cmphex(qpci_config_readl(p.dev, 0), ==, 0x14ca1022);
    psp_end(&p);
}

static void test_read_only(void)
{
    PSP p = psp_start("", "");

    psp_set_reg(&p, PSP_REG_FEATURE, 0xffffffff);
    g_assert_cmphex(psp_reg(&p, PSP_REG_FEATURE), ==, PSP_FEATURE_SEV);
    psp_set_reg(&p, PSP_COUNTER(CMD_STATUS), 7);
    g_assert_cmphex(psp_reg(&p, PSP_COUNTER(CMD_STATUS)), ==, 0);
    psp_end(&p);
}

static void test_interrupt_status(void)
{
    PSP p = psp_start("", "");

    psp_issue(&p, CMD_STATUS, CMDBUF);
    g_assert_cmphex(psp_reg(&p, PSP_REG_INTSTS), ==, 0);

    psp_set_reg(&p, PSP_REG_CMDRESP, CMD_STATUS << 16 | PSP_CMDRESP_IOC);
    g_assert_cmphex(psp_reg(&p, PSP_REG_INTSTS), ==, PSP_INT_SEV_DONE);
    psp_set_reg(&p, PSP_REG_INTSTS, ~PSP_INT_SEV_DONE);
    g_assert_cmphex(psp_reg(&p, PSP_REG_INTSTS), ==, PSP_INT_SEV_DONE);
    psp_set_reg(&p, PSP_REG_INTSTS, PSP_INT_SEV_DONE);
    g_assert_cmphex(psp_reg(&p, PSP_REG_INTSTS), ==, 0);
    psp_end(&p);
}

static void test_platform_status(void)
{
    PSP p = psp_start("", "");

    g_assert_cmphex(psp_issue(&p, CMD_STATUS, CMDBUF), ==, PSP_SUCCESS);
    g_assert_cmpuint(qtest_readb(p.qts, CMDBUF), ==, 1);
    g_assert_cmpuint(qtest_readb(p.qts, CMDBUF + 1), ==, 55);
    g_assert_cmpuint(qtest_readb(p.qts, CMDBUF + 2), ==, 0);
    /* The C-bit of an address is not part of it */
    g_assert_cmphex(psp_issue(&p, CMD_STATUS, CMDBUF | 1ull << 51), ==,
                    PSP_SUCCESS);
    /* Neither a device's registers nor an address beyond RAM is a buffer */
    g_assert_cmphex(psp_issue(&p, CMD_STATUS, 0xfee00000), ==,
                    PSP_INVALID_ADDRESS);
    g_assert_cmphex(psp_issue(&p, CMD_STATUS, 1ull << 40), ==,
                    PSP_INVALID_ADDRESS);
    psp_end(&p);
}

static void test_unknown_commands(void)
{
    PSP p = psp_start("", "");

    g_assert_cmphex(psp_issue(&p, 0x00, CMDBUF), ==, PSP_INVALID_COMMAND);
    g_assert_cmphex(psp_issue(&p, 0x7ff, CMDBUF), ==, PSP_INVALID_COMMAND);
    g_assert_cmphex(psp_issue(&p, CMD_TIO, CMDBUF), ==, PSP_UNSUPPORTED);
    psp_end(&p);
}

static void test_counters(void)
{
    PSP p = psp_start("", "");

    for (int i = 0; i < 3; i++) {
        psp_issue(&p, CMD_STATUS, i ? CMDBUF : 1ull << 40);
    }
    g_assert_cmpuint(psp_reg(&p, PSP_COUNTER(CMD_STATUS)), ==, 3);
    g_assert_cmpuint(psp_reg(&p, PSP_COUNTER(CMD_STATUS) + 8), ==, 1);
    psp_end(&p);
}

static void init_es(PSP *p, uint32_t status)
{
    uint32_t buf[5] = { cpu_to_le32(1), 0, cpu_to_le32(DATA), 0,
                        cpu_to_le32(0x100000) };

    g_assert_cmphex(psp_cmd(p, CMD_INIT, buf, sizeof(buf)), ==, status);
}

static void test_init_shutdown(void)
{
    uint32_t bad_len[5] = { cpu_to_le32(1), 0, cpu_to_le32(DATA), 0, 1 };
    uint32_t bad_flag[5] = { cpu_to_le32(2) };
    PSP p = psp_start("", "");

    g_assert_cmphex(psp_cmd(&p, CMD_INIT, bad_len, sizeof(bad_len)), ==,
                    PSP_INVALID_LEN);
    g_assert_cmphex(psp_cmd(&p, CMD_INIT, bad_flag, sizeof(bad_flag)), ==,
                    PSP_INVALID_PARAM);
    init_es(&p, PSP_SUCCESS);
    init_es(&p, PSP_INVALID_PLATFORM_STATE);
    psp_issue(&p, CMD_STATUS, CMDBUF);
    g_assert_cmpuint(qtest_readb(p.qts, CMDBUF + 2), ==, 1);
    g_assert_cmphex(qtest_readl(p.qts, CMDBUF + 3), ==, 0x100);
    g_assert_cmphex(psp_cmd(&p, CMD_SHUTDOWN, NULL, 0), ==, PSP_SUCCESS);
    init_es(&p, PSP_SUCCESS);
    psp_end(&p);
}

static void test_get_id(void)
{
    uint32_t buf[3] = { cpu_to_le32(OUT), 0, cpu_to_le32(8) };
    PSP p = psp_start("", "");

    g_assert_cmphex(psp_cmd(&p, CMD_GET_ID, buf, sizeof(buf)), ==,
                    PSP_INVALID_LEN);
    g_assert_cmpuint(qtest_readl(p.qts, CMDBUF + 8), ==, 64);
    buf[2] = cpu_to_le32(64);
    g_assert_cmphex(psp_cmd(&p, CMD_GET_ID, buf, sizeof(buf)), ==,
                    PSP_SUCCESS);
    g_assert_cmphex(qtest_readq(p.qts, OUT), !=, 0);
    psp_end(&p);
}

static uint32_t launch_start(PSP *p, uint32_t policy, uint32_t *handle)
{
    uint32_t buf[9] = { 0, cpu_to_le32(policy) };
    uint32_t status = psp_cmd(p, CMD_LAUNCH_START, buf, sizeof(buf));

    *handle = qtest_readl(p->qts, CMDBUF);
    return status;
}

static uint32_t handle_cmd(PSP *p, uint32_t cmd, uint32_t handle,
                           uint32_t arg)
{
    uint32_t buf[9] = { cpu_to_le32(handle), cpu_to_le32(arg) };

    return psp_cmd(p, cmd, buf, sizeof(buf));
}

static uint32_t update(PSP *p, uint32_t handle, uint64_t paddr, uint32_t len)
{
    uint32_t buf[5] = { cpu_to_le32(handle), 0, cpu_to_le32(paddr), 0,
                        cpu_to_le32(len) };

    return psp_cmd(p, CMD_LAUNCH_UPDATE, buf, sizeof(buf));
}

static uint32_t measure(PSP *p, uint32_t handle, uint32_t len)
{
    uint32_t buf[5] = { cpu_to_le32(handle), 0, cpu_to_le32(OUT), 0,
                        cpu_to_le32(len) };

    return psp_cmd(p, CMD_LAUNCH_MEASURE, buf, sizeof(buf));
}

/* HMAC-SHA-256 with the zero key of a launch without session */
static void check_measurement(PSP *p, const void *data, size_t len)
{
    static const uint8_t key[16];
    uint8_t head[8] = { 4, 1, 55, 21 }, ld[32], out[48];
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autoptr(GHmac) mac = g_hmac_new(G_CHECKSUM_SHA256, key, sizeof(key));
    uint8_t want[32];
    gsize n = sizeof(ld);

    qtest_memread(p->qts, OUT, out, sizeof(out));
    g_checksum_update(sum, data, len);
    g_checksum_get_digest(sum, ld, &n);
    g_hmac_update(mac, head, sizeof(head));
    g_hmac_update(mac, ld, sizeof(ld));
    g_hmac_update(mac, out + 32, 16);
    g_hmac_get_digest(mac, want, &n);
    g_assert_cmpmem(out, 32, want, 32);
}

static void test_legacy_launch(void)
{
    uint8_t page[4096];
    uint32_t handle;
    PSP p = psp_start("", "");

    g_assert_cmphex(launch_start(&p, 0, &handle), ==,
                    PSP_INVALID_PLATFORM_STATE);
    init_es(&p, PSP_SUCCESS);
    g_assert_cmphex(launch_start(&p, 0, &handle), ==, PSP_SUCCESS);
    memset(page, 0x5a, sizeof(page));
    qtest_memwrite(p.qts, DATA, page, sizeof(page));

    g_assert_cmphex(update(&p, handle, DATA, 4096), ==, PSP_INACTIVE);
    g_assert_cmphex(handle_cmd(&p, CMD_ACTIVATE, handle, 5), ==,
                    PSP_INVALID_ASID);
    g_assert_cmphex(handle_cmd(&p, CMD_ACTIVATE, handle, 100), ==,
                    PSP_SUCCESS);
    g_assert_cmphex(update(&p, handle + 1, DATA, 4096), ==,
                    PSP_INVALID_GUEST);
    g_assert_cmphex(update(&p, handle, DATA, 15), ==, PSP_INVALID_LEN);
    g_assert_cmphex(update(&p, handle, DATA + 8, 16), ==,
                    PSP_INVALID_ADDRESS);
    g_assert_cmphex(update(&p, handle, DATA, 4096), ==, PSP_SUCCESS);
    g_assert_cmphex(handle_cmd(&p, CMD_LAUNCH_FINISH, handle, 0), ==,
                    PSP_INVALID_GUEST_STATE);
    g_assert_cmphex(measure(&p, handle, 0), ==, PSP_INVALID_LEN);
    g_assert_cmpuint(qtest_readl(p.qts, CMDBUF + 16), ==, 48);
    g_assert_cmphex(measure(&p, handle, 48), ==, PSP_SUCCESS);
    check_measurement(&p, page, sizeof(page));
    g_assert_cmphex(handle_cmd(&p, CMD_LAUNCH_FINISH, handle, 0), ==,
                    PSP_SUCCESS);
    handle_cmd(&p, CMD_GUEST_STATUS, handle, 0);
    g_assert_cmpuint(qtest_readl(p.qts, CMDBUF + 8), ==, 100);
    g_assert_cmpuint(qtest_readb(p.qts, CMDBUF + 12), ==, 3);
    psp_end(&p);
}

static void test_legacy_asid(void)
{
    uint32_t a, b;
    PSP p = psp_start("", "");

    init_es(&p, PSP_SUCCESS);
    launch_start(&p, 0, &a);
    launch_start(&p, 0, &b);
    handle_cmd(&p, CMD_ACTIVATE, a, 100);
    g_assert_cmphex(handle_cmd(&p, CMD_ACTIVATE, b, 100), ==, PSP_ASID_OWNED);
    g_assert_cmphex(handle_cmd(&p, CMD_DECOMMISSION, a, 0), ==, PSP_ACTIVE);
    g_assert_cmphex(handle_cmd(&p, CMD_DEACTIVATE, a, 0), ==, PSP_SUCCESS);
    g_assert_cmphex(handle_cmd(&p, CMD_DECOMMISSION, a, 0), ==, PSP_SUCCESS);
    g_assert_cmphex(handle_cmd(&p, CMD_ACTIVATE, b, 100), ==,
                    PSP_DFFLUSH_REQUIRED);
    g_assert_cmphex(psp_cmd(&p, 0x0a, NULL, 0), ==, PSP_SUCCESS);
    g_assert_cmphex(handle_cmd(&p, CMD_ACTIVATE, b, 100), ==, PSP_SUCCESS);
    psp_end(&p);
}

static uint32_t dbg_decrypt(PSP *p, uint32_t handle, uint64_t src, uint32_t len)
{
    uint32_t buf[7] = { cpu_to_le32(handle), 0, cpu_to_le32(src), 0,
                        cpu_to_le32(OUT), 0, cpu_to_le32(len) };

    return psp_cmd(p, CMD_DBG_DECRYPT, buf, sizeof(buf));
}

static void test_legacy_debug(void)
{
    uint32_t open, closed;
    PSP p = psp_start("", "");

    init_es(&p, PSP_SUCCESS);
    launch_start(&p, 0, &open);
    launch_start(&p, 1, &closed);
    qtest_writeq(p.qts, DATA + 16, 0x1122334455667788);
    g_assert_cmphex(dbg_decrypt(&p, closed, DATA, 16), ==, PSP_POLICY_FAILURE);
    g_assert_cmphex(dbg_decrypt(&p, open, DATA + 1, 16), ==,
                    PSP_INVALID_ADDRESS);
    g_assert_cmphex(dbg_decrypt(&p, open, DATA + 16, 16), ==, PSP_SUCCESS);
    g_assert_cmphex(qtest_readq(p.qts, OUT), ==, 0x1122334455667788);
    psp_end(&p);
}

static void test_snp_status(void)
{
    uint32_t info[4] = { cpu_to_le32(16), 0, cpu_to_le32(OUT) };
    PSP p = psp_start("", ",feature-ecx=2");

    g_assert_cmphex(psp_cmd_addr(&p, CMD_SNP_STATUS, OUT), ==, PSP_SUCCESS);
    g_assert_cmpuint(qtest_readw(p.qts, OUT), ==, 55 << 8 | 1);
    g_assert_cmpuint(qtest_readb(p.qts, OUT + 2), ==, 0);
    g_assert_cmphex(qtest_readl(p.qts, OUT + 8), ==, 1 << 3);
    g_assert_cmphex(qtest_readq(p.qts, OUT + 16), ==, 0xd315000000000403);
    g_assert_cmphex(psp_cmd(&p, CMD_SNP_FEATURES, info, sizeof(info)), ==,
                    PSP_SUCCESS);
    g_assert_cmphex(qtest_readl(p.qts, OUT + 8), ==, 2);
    info[1] = cpu_to_le32(9);
    g_assert_cmphex(psp_cmd(&p, CMD_SNP_FEATURES, info, sizeof(info)), ==,
                    PSP_INVALID_PARAM);
    psp_end(&p);
}

/* psp-status:SKIP:COUNT:COMMAND:STATUS, see the machine's --help */
static void test_injection(void)
{
    PSP p = psp_start(",x-snp-inject=psp-status:1:1:4:19+psp-stuck:0:1:10:0",
                      "");

    g_assert_cmphex(psp_issue(&p, CMD_STATUS, CMDBUF), ==, PSP_SUCCESS);
    g_assert_cmphex(psp_issue(&p, CMD_STATUS, CMDBUF), ==,
                    PSP_HWERROR_PLATFORM);
    g_assert_cmphex(psp_issue(&p, CMD_STATUS, CMDBUF), ==, PSP_SUCCESS);

    /* Stuck: never done, and deaf to other commands, until reset */
    psp_set_reg(&p, PSP_REG_CMDRESP, 0x0a << 16);
    g_assert_cmphex(psp_reg(&p, PSP_REG_CMDRESP), ==, 0x0a << 16);
    psp_set_reg(&p, PSP_REG_CMDRESP, CMD_STATUS << 16);
    g_assert_cmphex(psp_reg(&p, PSP_REG_CMDRESP), ==, 0x0a << 16);
    psp_end(&p);
}

/* The same by the host, psp-status being point 4 of SNP_INJECTS */
static void test_injection_window(void)
{
    const uint32_t window = PSP_SNP_WINDOW + 0x800 + 4 * 16;
    PSP p = psp_start("", "");

    psp_set_reg(&p, window, 1);
    psp_set_reg(&p, window + 8, CMD_STATUS);
    psp_set_reg(&p, window + 12, PSP_HWERROR_PLATFORM);
    psp_set_reg(&p, window + 4, 1);
    g_assert_cmphex(psp_issue(&p, CMD_STATUS, CMDBUF), ==, PSP_SUCCESS);
    g_assert_cmphex(psp_reg(&p, window), ==, 0);
    g_assert_cmphex(psp_issue(&p, CMD_STATUS, CMDBUF), ==,
                    PSP_HWERROR_PLATFORM);
    g_assert_cmphex(psp_reg(&p, window + 4), ==, 0);
    g_assert_cmphex(psp_issue(&p, CMD_STATUS, CMDBUF), ==, PSP_SUCCESS);
    psp_end(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amd-psp/reset-values", test_reset_values);
    qtest_add_func("/amd-psp/read-only", test_read_only);
    qtest_add_func("/amd-psp/interrupt-status", test_interrupt_status);
    qtest_add_func("/amd-psp/platform-status", test_platform_status);
    qtest_add_func("/amd-psp/unknown-commands", test_unknown_commands);
    qtest_add_func("/amd-psp/counters", test_counters);
    qtest_add_func("/amd-psp/init-shutdown", test_init_shutdown);
    qtest_add_func("/amd-psp/get-id", test_get_id);
    qtest_add_func("/amd-psp/legacy-launch", test_legacy_launch);
    qtest_add_func("/amd-psp/legacy-asid", test_legacy_asid);
    qtest_add_func("/amd-psp/legacy-debug", test_legacy_debug);
    qtest_add_func("/amd-psp/snp-status", test_snp_status);
    qtest_add_func("/amd-psp/injection", test_injection);
    qtest_add_func("/amd-psp/injection-window", test_injection_window);
    return g_test_run();
}
