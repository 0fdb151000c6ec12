/*
 * AMD secure processor: platform commands of SEV and SEV-ES
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * States: UNINIT --INIT--> INIT --first guest--> WORKING --last guest--> INIT
 *         any of them --SHUTDOWN--> UNINIT
 */
#include "qemu/osdep.h"
#include "amd-psp-keys.h"
#include "amd-psp-legacy.h"
#include "amd-psp-mem.h"

#define SEV_UNINIT  0
#define SEV_INIT    1
#define SEV_WORKING 2

#define INIT_ES     (1u << 0)
#define STATUS_ES   (1u << 8)

#define TMR_SIZE     MiB
#define TMR_SIZE_SNP (2 * MiB)

void psp_platform_reset(PSPState *s)
{
    psp_legacy_free_all(s);
    s->sev_state = SEV_UNINIT;
    s->sev_es = false;
    s->tmr_paddr = s->tmr_len = 0;
    s->next_handle = 1;
    memset(s->asid_owned, 0, sizeof(s->asid_owned));
    psp_asid_flush(s);
}

/* The TMR is the firmware's own for as long as the platform is initialized */
static uint32_t check_tmr(PSPState *s, uint64_t paddr, uint64_t len)
{
    uint64_t size = s->snp_init ? TMR_SIZE_SNP : TMR_SIZE;

    if (len != size) {
        return PSP_INVALID_LEN;
    }
    if (paddr & (size - 1)) {
        return PSP_INVALID_ADDRESS;
    }
    return psp_output(s, paddr, len);
}

static uint32_t init(PSPState *s, uint32_t flags, uint64_t tmr, uint32_t len)
{
    uint32_t status = PSP_SUCCESS;

    if (s->sev_state != SEV_UNINIT) {
        return PSP_INVALID_PLATFORM_STATE;
    }
    if (flags & ~INIT_ES) {
        return PSP_INVALID_PARAM;
    }
    if (flags & INIT_ES) {
        status = check_tmr(s, tmr, len);
    }
    if (status) {
        return status;
    }
    s->sev_state = SEV_INIT;
    s->sev_es = flags & INIT_ES;
    s->tmr_paddr = s->sev_es ? tmr : 0;
    s->tmr_len = s->sev_es ? len : 0;
    return PSP_SUCCESS;
}

uint32_t psp_init(PSPReq *req)
{
    return init(req->psp, psp_r32(req, 0), psp_addr(req, 8),
                psp_r32(req, 16));
}

/* The non-volatile area is checked and left alone: the seed is the storage */
uint32_t psp_init_ex(PSPReq *req)
{
    uint32_t nv_len = psp_r32(req, 32), status;

    if (psp_r32(req, 0) < req->len) {
        return PSP_INVALID_LEN;
    }
    if (nv_len) {
        status = psp_output(req->psp, psp_addr(req, 24), nv_len);
        if (status) {
            return status;
        }
    }
    return init(req->psp, psp_r32(req, 4), psp_addr(req, 8),
                psp_r32(req, 16));
}

uint32_t psp_shutdown(PSPReq *req)
{
    PSPState *s = req->psp;

    psp_legacy_free_all(s);
    s->sev_state = SEV_UNINIT;
    s->sev_es = false;
    s->tmr_paddr = s->tmr_len = 0;
    return PSP_SUCCESS;
}

uint32_t psp_factory_reset(PSPReq *req)
{
    if (req->psp->sev_state != SEV_UNINIT) {
        return PSP_INVALID_PLATFORM_STATE;
    }
    psp_pek_renew(req->psp->keys);
    return PSP_SUCCESS;
}

uint32_t psp_platform_status(PSPReq *req)
{
    PSPState *s = req->psp;
    uint32_t guests = g_hash_table_size(s->legacy);

    psp_w8(req, 0, s->api_major);
    psp_w8(req, 1, s->api_minor);
    psp_w8(req, 2, s->sev_state == SEV_INIT && guests ? SEV_WORKING
                                                      : s->sev_state);
    psp_w32(req, 3, s->sev_es ? STATUS_ES : 0);
    psp_w8(req, 7, s->build);
    psp_w32(req, 8, guests);
    return PSP_SUCCESS;
}

uint32_t psp_df_flush(PSPReq *req)
{
    psp_asid_flush(req->psp);
    return PSP_SUCCESS;
}

/* No image would be accepted: the firmware is the emulator itself */
uint32_t psp_download_firmware(PSPReq *req)
{
    if (req->psp->sev_state != SEV_UNINIT || req->psp->snp_init) {
        return PSP_INVALID_PLATFORM_STATE;
    }
    return PSP_BAD_SIGNATURE;
}

uint32_t psp_get_id(PSPReq *req)
{
    uint32_t status = psp_legacy_answer(req, 0, 8, PSP_CHIP_ID);

    if (status) {
        return status;
    }
    return psp_mem_write(psp_addr(req, 0), req->psp->keys->chip_id,
                         PSP_CHIP_ID);
}
