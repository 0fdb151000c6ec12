/*
 * AMD secure processor: state shared by the files of the device
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Locking: a command runs inside the write to its mailbox, or inside the
 * timer of slow firmware, so all of this is protected by the BQL.
 */
#ifndef HW_MISC_AMD_PSP_INT_H
#define HW_MISC_AMD_PSP_INT_H

#include "hw/pci/pci_device.h"
#include "hw/misc/amd-psp.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "qom/object.h"
#include "hw/misc/amd-psp-status.h"

OBJECT_DECLARE_SIMPLE_TYPE(PSPState, AMD_PSP)

#define PSP_PAGE_SIZE   4096ull
#define PSP_PAGE_MASK   (~(PSP_PAGE_SIZE - 1))
#define PSP_HUGE_PAGES  512u
#define PSP_HUGE_SIZE   (PSP_HUGE_PAGES * PSP_PAGE_SIZE)
#define PSP_CMDBUF_MAX  128
#define PSP_ASID_MAX    1024
#define PSP_SHA384      48
#define PSP_SHA256      32
#define PSP_ECC_SIZE    48      /* one P-384 coordinate or scalar */
#define PSP_ECC_FIELD   72      /* the same in the firmware's structures */

typedef enum PSPGuestState {
    PSP_GUEST_INIT,
    PSP_GUEST_LAUNCH,
    PSP_GUEST_RUNNING,
} PSPGuestState;

/* One SNP guest: what real firmware keeps encrypted in the context page */
typedef struct PSPContext {
    uint64_t paddr;             /* key: the context page */
    PSPGuestState state;
    uint32_t asid;              /* 0 until SNP_ACTIVATE */
    uint64_t policy;
    uint64_t launch_tcb;
    uint64_t ma_paddr;          /* migration agent's context, or 0 */
    bool imi;
    bool vcek_disabled;
    bool id_block, auth_key;
    uint32_t guest_svn;
    uint32_t vmsas;
    uint32_t tsc_khz;
    uint8_t gosvw[16];
    uint8_t digest[PSP_SHA384];
    uint8_t imd[PSP_SHA384];    /* digest of the IMI pages alone */
    uint8_t host_data[32];
    uint8_t family_id[16], image_id[16];
    uint8_t id_key_digest[PSP_SHA384], author_key_digest[PSP_SHA384];
    uint8_t report_id[32];
    uint8_t vmpck[4][32];
    uint64_t msg_count[4];
    uint8_t vek[32];            /* memory key */
    uint8_t oek[32];            /* offload key of the swap commands */
    uint64_t oek_iv;
} PSPContext;

/* Guest states that legacy GUEST_STATUS reports */
typedef enum PSPLegacyState {
    PSP_LEGACY_UNINIT,
    PSP_LEGACY_LUPDATE,
    PSP_LEGACY_LSECRET,
    PSP_LEGACY_RUNNING,
    PSP_LEGACY_SUPDATE,
    PSP_LEGACY_RUPDATE,
    PSP_LEGACY_SENT,
} PSPLegacyState;

/* One SEV or SEV-ES guest */
typedef struct PSPLegacyGuest {
    uint32_t handle;
    uint32_t policy;
    uint32_t asid;              /* 0 while not active */
    PSPLegacyState state;
    void *ld;                   /* running SHA-256 (PSPHash) */
    uint8_t digest[PSP_SHA256]; /* valid from LSECRET on */
    uint8_t measurement[PSP_SHA256];
    uint8_t tek[16], tik[16];
} PSPLegacyGuest;

typedef struct PSPCounter {
    uint64_t calls;
    uint64_t failures;
} PSPCounter;

typedef struct PSPReq PSPReq;
typedef struct PSPKeys PSPKeys;

struct PSPState {
    PCIDevice parent_obj;

    MemoryRegion mmio;
    uint32_t inten, intsts;
    uint32_t cmdresp, cmdbuf_lo, cmdbuf_hi;

    /* Slow or stuck firmware */
    QEMUTimer *timer;
    bool busy;
    uint32_t pending_status;

    /* Properties */
    uint8_t api_major, api_minor, build;
    uint32_t feature_ecx;
    uint64_t tcb;
    bool no_cpu_check;          /* for tests that run no CPU */
    char *seed;
    char *export_dir;

    /* Legacy platform */
    uint8_t sev_state;
    bool sev_es;
    uint64_t tmr_paddr, tmr_len;
    GHashTable *legacy;         /* handle -> PSPLegacyGuest */
    uint32_t next_handle;

    /* SNP platform */
    bool snp_init;
    bool rmp_valid;             /* an SNP_INIT initialized the RMP */
    uint64_t reported_tcb, committed_tcb;
    uint32_t mask_chip;         /* bit 0 id, bit 1 key */
    uint32_t max_snp_asid;
    GHashTable *contexts;       /* paddr -> PSPContext */

    /* ASIDs: the owner, and those to be flushed before they are reused */
    bool asid_owned[PSP_ASID_MAX];
    bool asid_dirty[PSP_ASID_MAX];

    PSPKeys *keys;
    PSPCounter counters[PSP_CMD_MAX];
    uint8_t launch_digest[PSP_SHA384];     /* of the last guest */
};

/* A command in execution: its buffer, and the helpers that read it */
struct PSPReq {
    PSPState *psp;
    uint16_t id;
    uint16_t len;
    uint64_t paddr;
    bool dirty;                 /* the buffer is written back */
    uint8_t buf[PSP_CMDBUF_MAX];
};

uint32_t psp_r32(const PSPReq *req, unsigned off);
uint64_t psp_r64(const PSPReq *req, unsigned off);
void psp_w8(PSPReq *req, unsigned off, uint8_t val);
void psp_w32(PSPReq *req, unsigned off, uint32_t val);
void psp_w64(PSPReq *req, unsigned off, uint64_t val);

/* A physical address of the buffer, without the C-bit */
uint64_t psp_addr(const PSPReq *req, unsigned off);

typedef uint32_t PSPHandler(PSPReq *req);

enum {
    PSP_CMD_WRITES  = 1 << 0,   /* the command answers in its buffer */
    PSP_CMD_INIT    = 1 << 1,   /* legacy platform must be initialized */
    PSP_CMD_SNP     = 1 << 2,   /* SNP platform must be initialized */
};

typedef struct PSPCommand {
    const char *name;
    PSPHandler *run;
    uint16_t id;
    uint8_t len;
    uint8_t flags;
} PSPCommand;

/* amd-psp-cmd.c: returns the firmware's status */
uint32_t psp_execute(PSPState *s, uint16_t id, uint64_t paddr);
const PSPCommand *psp_find_command(uint16_t id);
const char *psp_status_name(uint32_t status);
char *psp_counters(PSPState *s);

/* amd-psp-platform.c, amd-psp-snp.c */
void psp_platform_reset(PSPState *s);
void psp_snp_reset(PSPState *s);

/* Check a RANGE_LIST page, and make its pages HV-Fixed if @apply */
uint32_t psp_fix_list(PSPState *s, uint64_t paddr, bool apply);

/* amd-psp-context.c */
PSPContext *psp_context(PSPState *s, uint64_t paddr, uint32_t *status);
PSPContext *psp_context_in(PSPReq *req, unsigned off, PSPGuestState state,
                           uint32_t *status);
uint32_t psp_asid_take(PSPState *s, uint32_t asid, uint32_t first,
                       uint32_t last);
void psp_asid_put(PSPState *s, uint32_t asid);
void psp_asid_flush(PSPState *s);

PSPHandler psp_init, psp_init_ex, psp_shutdown, psp_factory_reset,
    psp_platform_status, psp_pek_gen, psp_pek_csr, psp_pek_cert_import,
    psp_pdh_cert_export, psp_pdh_gen, psp_df_flush, psp_download_firmware,
    psp_get_id;

PSPHandler psp_decommission, psp_activate, psp_deactivate, psp_guest_status,
    psp_launch_start, psp_launch_update_data, psp_launch_update_vmsa,
    psp_launch_measure, psp_launch_secret, psp_launch_finish,
    psp_attestation_report, psp_dbg_decrypt, psp_dbg_encrypt;

PSPHandler psp_send_start, psp_send_update_data, psp_send_update_vmsa,
    psp_send_finish, psp_send_cancel, psp_receive_start,
    psp_receive_update_data, psp_receive_update_vmsa, psp_receive_finish;

PSPHandler psp_snp_init, psp_snp_init_ex, psp_snp_shutdown,
    psp_snp_shutdown_ex, psp_snp_platform_status, psp_snp_df_flush,
    psp_snp_config, psp_snp_commit, psp_snp_feature_info,
    psp_snp_verify_mitigation, psp_snp_vlek_load,
    psp_snp_download_firmware_ex;

PSPHandler psp_snp_gctx_create, psp_snp_decommission, psp_snp_activate,
    psp_snp_activate_ex, psp_snp_guest_status, psp_snp_guest_request,
    psp_snp_launch_start, psp_snp_launch_update, psp_snp_launch_finish,
    psp_snp_dbg_decrypt, psp_snp_dbg_encrypt;

PSPHandler psp_snp_page_reclaim, psp_snp_page_unsmash, psp_snp_page_move,
    psp_snp_page_set_state, psp_snp_page_md_init, psp_snp_page_swap_out,
    psp_snp_page_swap_in;

#endif
