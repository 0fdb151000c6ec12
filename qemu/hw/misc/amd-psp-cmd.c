/*
 * AMD secure processor: the table of commands and their dispatch
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/i386/snp-host.h"
#include "amd-psp-int.h"
#include "amd-psp-mem.h"
#include "trace.h"

#define W PSP_CMD_WRITES
#define I PSP_CMD_INIT
#define S PSP_CMD_SNP

/* In order of the identifiers; the length is that of the command buffer */
static const PSPCommand psp_commands[] = {
    { "INIT",                  psp_init,                   0x01,  20, 0 },
    { "SHUTDOWN",              psp_shutdown,               0x02,   0, 0 },
    { "FACTORY_RESET",         psp_factory_reset,          0x03,   0, 0 },
    { "PLATFORM_STATUS",       psp_platform_status,        0x04,  12, W },
    { "PEK_GEN",               psp_pek_gen,                0x05,   0, I },
    { "PEK_CSR",               psp_pek_csr,                0x06,  12, W | I },
    { "PEK_CERT_IMPORT",       psp_pek_cert_import,        0x07,  28, I },
    { "PDH_CERT_EXPORT",       psp_pdh_cert_export,        0x08,  28, W | I },
    { "PDH_GEN",               psp_pdh_gen,                0x09,   0, I },
    { "DF_FLUSH",              psp_df_flush,               0x0a,   0, 0 },
    { "DOWNLOAD_FIRMWARE",     psp_download_firmware,      0x0b,  12, 0 },
    { "GET_ID",                psp_get_id,                 0x0c,  12, W },
    { "INIT_EX",               psp_init_ex,                0x0d,  36, 0 },
    { "DECOMMISSION",          psp_decommission,           0x20,   4, I },
    { "ACTIVATE",              psp_activate,               0x21,   8, I },
    { "DEACTIVATE",            psp_deactivate,             0x22,   4, I },
    { "GUEST_STATUS",          psp_guest_status,           0x23,  13, W | I },
    { "LAUNCH_START",          psp_launch_start,           0x30,  36, W | I },
    { "LAUNCH_UPDATE_DATA",    psp_launch_update_data,     0x31,  20, I },
    { "LAUNCH_UPDATE_VMSA",    psp_launch_update_vmsa,     0x32,  20, I },
    { "LAUNCH_MEASURE",        psp_launch_measure,         0x33,  20, W | I },
    { "LAUNCH_SECRET",         psp_launch_secret,          0x34,  52, I },
    { "LAUNCH_FINISH",         psp_launch_finish,          0x35,   4, I },
    { "ATTESTATION_REPORT",    psp_attestation_report,     0x36,  36, W | I },
    { "SEND_START",            psp_send_start,             0x40,  68, W | I },
    { "SEND_UPDATE_DATA",      psp_send_update_data,       0x41,  52, W | I },
    { "SEND_UPDATE_VMSA",      psp_send_update_vmsa,       0x42,  52, W | I },
    { "SEND_FINISH",           psp_send_finish,            0x43,   4, I },
    { "SEND_CANCEL",           psp_send_cancel,            0x44,   4, I },
    { "RECEIVE_START",         psp_receive_start,          0x50,  36, W | I },
    { "RECEIVE_UPDATE_DATA",   psp_receive_update_data,    0x51,  52, I },
    { "RECEIVE_UPDATE_VMSA",   psp_receive_update_vmsa,    0x52,  52, I },
    { "RECEIVE_FINISH",        psp_receive_finish,         0x53,   4, I },
    { "DBG_DECRYPT",           psp_dbg_decrypt,            0x60,  28, I },
    { "DBG_ENCRYPT",           psp_dbg_encrypt,            0x61,  28, I },
    { "SNP_INIT",              psp_snp_init,               0x81,   0, 0 },
    { "SNP_SHUTDOWN",          psp_snp_shutdown,           0x82,   0, 0 },
    { "SNP_PLATFORM_STATUS",   psp_snp_platform_status,    0x83,   8, 0 },
    { "SNP_DF_FLUSH",          psp_snp_df_flush,           0x84,   0, 0 },
    { "SNP_INIT_EX",           psp_snp_init_ex,            0x85,  64, 0 },
    { "SNP_SHUTDOWN_EX",       psp_snp_shutdown_ex,        0x86,   8, 0 },
    { "SNP_DECOMMISSION",      psp_snp_decommission,       0x90,   8, S },
    { "SNP_ACTIVATE",          psp_snp_activate,           0x91,  12, S },
    { "SNP_GUEST_STATUS",      psp_snp_guest_status,       0x92,  16, S },
    { "SNP_GCTX_CREATE",       psp_snp_gctx_create,        0x93,   8, S },
    { "SNP_GUEST_REQUEST",     psp_snp_guest_request,      0x94,  24, S },
    { "SNP_ACTIVATE_EX",       psp_snp_activate_ex,        0x95,  32, S },
    { "SNP_LAUNCH_START",      psp_snp_launch_start,       0xa0,  48, S },
    { "SNP_LAUNCH_UPDATE",     psp_snp_launch_update,      0xa1,  32, S },
    { "SNP_LAUNCH_FINISH",     psp_snp_launch_finish,      0xa2,  64, S },
    { "SNP_DBG_DECRYPT",       psp_snp_dbg_decrypt,        0xb0,  24, S },
    { "SNP_DBG_ENCRYPT",       psp_snp_dbg_encrypt,        0xb1,  24, S },
    { "SNP_VERIFY_MITIGATION", psp_snp_verify_mitigation,  0xb2,  64, 0 },
    { "SNP_PAGE_SWAP_OUT",     psp_snp_page_swap_out,      0xc0,  48, S },
    { "SNP_PAGE_SWAP_IN",      psp_snp_page_swap_in,       0xc1,  48, S },
    { "SNP_PAGE_MOVE",         psp_snp_page_move,          0xc2,  32, S },
    { "SNP_PAGE_MD_INIT",      psp_snp_page_md_init,       0xc3,  16, S },
    { "SNP_PAGE_SET_STATE",    psp_snp_page_set_state,     0xc6,  16, S },
    { "SNP_PAGE_RECLAIM",      psp_snp_page_reclaim,       0xc7,   8, S },
    { "SNP_PAGE_UNSMASH",      psp_snp_page_unsmash,       0xc8,   8, S },
    { "SNP_CONFIG",            psp_snp_config,             0xc9,  64, 0 },
    { "SNP_DOWNLOAD_FIRMWARE_EX", psp_snp_download_firmware_ex, 0xca, 24, 0 },
    { "SNP_COMMIT",            psp_snp_commit,             0xcb,   4, 0 },
    { "SNP_VLEK_LOAD",         psp_snp_vlek_load,          0xcd,  16, 0 },
    { "SNP_FEATURE_INFO",      psp_snp_feature_info,       0xce,  16, 0 },
};

/* Known to exist, and deliberately not implemented: TIO */
static const struct {
    uint16_t first, last;
} psp_unsupported[] = {
    { 0xd0, 0xd5 },
};

uint32_t psp_r32(const PSPReq *req, unsigned off)
{
    return ldl_le_p(req->buf + off);
}

uint64_t psp_r64(const PSPReq *req, unsigned off)
{
    return ldq_le_p(req->buf + off);
}

void psp_w8(PSPReq *req, unsigned off, uint8_t val)
{
    req->buf[off] = val;
    req->dirty = true;
}

void psp_w32(PSPReq *req, unsigned off, uint32_t val)
{
    stl_le_p(req->buf + off, val);
    req->dirty = true;
}

void psp_w64(PSPReq *req, unsigned off, uint64_t val)
{
    stq_le_p(req->buf + off, val);
    req->dirty = true;
}

uint64_t psp_addr(const PSPReq *req, unsigned off)
{
    return psp_clear_cbit(psp_r64(req, off));
}

const PSPCommand *psp_find_command(uint16_t id)
{
    for (size_t i = 0; i < ARRAY_SIZE(psp_commands); i++) {
        if (psp_commands[i].id == id) {
            return &psp_commands[i];
        }
    }
    return NULL;
}

static uint32_t psp_no_command(PSPState *s, uint16_t id)
{
    for (size_t i = 0; i < ARRAY_SIZE(psp_unsupported); i++) {
        if (id >= psp_unsupported[i].first && id <= psp_unsupported[i].last) {
            return PSP_UNSUPPORTED;
        }
    }
    snp_strict("amd-psp: unknown command 0x%x", id);
    return PSP_INVALID_COMMAND;
}

#define PSP_STATUS_CASE(name, value) case value: return #name;

const char *psp_status_name(uint32_t status)
{
    switch (status) {
    PSP_STATUS_LIST(PSP_STATUS_CASE)
    default:
        return "?";
    }
}

/* The platform state a command needs, and a command page it may write */
static uint32_t psp_check(PSPState *s, const PSPCommand *cmd, uint64_t paddr)
{
    if ((cmd->flags & PSP_CMD_INIT) && !s->sev_state) {
        return PSP_INVALID_PLATFORM_STATE;
    }
    if ((cmd->flags & PSP_CMD_SNP) && !s->snp_init) {
        return PSP_INVALID_PLATFORM_STATE;
    }
    if (cmd->flags & PSP_CMD_WRITES) {
        return psp_legacy_output(s, paddr, cmd->len);
    }
    return PSP_SUCCESS;
}

static uint32_t psp_run(PSPState *s, const PSPCommand *cmd, uint64_t paddr)
{
    PSPReq req = { .psp = s, .id = cmd->id, .len = cmd->len, .paddr = paddr };
    uint32_t status = psp_check(s, cmd, paddr);

    if (status) {
        return status;
    }
    status = psp_mem_read(paddr, req.buf, cmd->len);
    if (status) {
        return status;
    }
    status = cmd->run(&req);
    if (req.dirty) {
        psp_mem_write(paddr, req.buf, cmd->len);
    }
    return status;
}

/* "0x04 PLATFORM_STATUS 2 0" per command that was seen: calls, failures */
char *psp_counters(PSPState *s)
{
    GString *out = g_string_new(NULL);

    for (int id = 0; id < PSP_CMD_MAX; id++) {
        const PSPCommand *cmd = psp_find_command(id);
        const PSPCounter *c = &s->counters[id];

        if (c->calls) {
            g_string_append_printf(out, "0x%02x %s %" PRIu64 " %" PRIu64 "\n",
                                   id, cmd ? cmd->name : "?", c->calls,
                                   c->failures);
        }
    }
    return g_string_free(out, false);
}

static void psp_account(PSPState *s, uint16_t id, const char *name,
                        uint32_t status)
{
    PSPCounter *counter = &s->counters[id & (PSP_CMD_MAX - 1)];

    counter->calls++;
    snp_count(SNP_COUNT_PSP_COMMAND);
    if (status) {
        counter->failures++;
        snp_count(SNP_COUNT_PSP_COMMAND_FAIL);
    }
    trace_amd_psp_command(id, name, status, psp_status_name(status));
}

uint32_t psp_execute(PSPState *s, uint16_t id, uint64_t paddr)
{
    const PSPCommand *cmd = psp_find_command(id);
    const char *name = cmd ? cmd->name : "?";
    uint32_t status;

    trace_amd_psp_start(id, name, paddr);
    if (!snp_inject_match(SNP_INJECT_PSP_STATUS, id, &status)) {
        status = cmd ? psp_run(s, cmd, psp_clear_cbit(paddr))
                     : psp_no_command(s, id);
    }
    psp_account(s, id, name, status);
    return status;
}
