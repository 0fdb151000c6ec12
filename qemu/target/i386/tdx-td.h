/*
 * TDX module emulation: TDs, their virtual processors and keys
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the leaves of TDs keep. Objects are found by the page that the host
 * lent for their root: a TD by its TDR, a virtual processor by its TDVPR. The
 * pages themselves are not used, so that a host cannot corrupt an object.
 *
 *   tdx-pamt.c     PAMT
 *   tdx-td.c       lookup, states, TDH.MNG.*
 *   tdx-params.c   TDH.MNG.INIT's structure, fields of a TD
 *   tdx-phymem.c   TDH.PHYMEM.*, keys at the end of a TD
 *   tdx-vp.c       TDH.VP.*, epochs
 *   tdx-vp-field.c fields of a virtual processor
 *   tdx-sept*.c    TDH.MEM.*, see tdx-sept.h
 *   tdx-mr.c       TDH.MR.*
 *   tdx-guest.c    TDG.*, the calls of a TD
 *   tdx-check.c    what must be true between two calls
 */
#ifndef TARGET_I386_TDX_TD_H
#define TARGET_I386_TDX_TD_H

#include "target/i386/tdx-meta.h"
#include "target/i386/tdx-module.h"
#include "target/i386/tdx-pamt.h"

/* Leaves whose numbers the rules are keyed by */
enum {
    TDH_VP_ENTER            = 0,
    TDH_MNG_ADDCX           = 1,
    TDH_MEM_PAGE_ADD        = 2,
    TDH_MEM_SEPT_ADD        = 3,
    TDH_VP_ADDCX            = 4,
    TDH_MEM_PAGE_AUG        = 6,
    TDH_MEM_RANGE_BLOCK     = 7,
    TDH_MNG_KEY_CONFIG      = 8,
    TDH_MNG_CREATE          = 9,
    TDH_VP_CREATE           = 10,
    TDH_MNG_RD              = 11,
    TDH_MNG_WR              = 13,
    TDH_MEM_PAGE_DEMOTE     = 15,
    TDH_MR_EXTEND           = 16,
    TDH_MR_FINALIZE         = 17,
    TDH_VP_FLUSH            = 18,
    TDH_MNG_VPFLUSHDONE     = 19,
    TDH_MNG_KEY_FREEID      = 20,
    TDH_MNG_INIT            = 21,
    TDH_VP_INIT             = 22,
    TDH_MEM_PAGE_PROMOTE    = 23,
    TDH_PHYMEM_PAGE_RDMD    = 24,
    TDH_MEM_SEPT_RD         = 25,
    TDH_VP_RD               = 26,
    TDH_MNG_KEY_RECLAIMID   = 27,
    TDH_PHYMEM_PAGE_RECLAIM = 28,
    TDH_MEM_PAGE_REMOVE     = 29,
    TDH_MEM_SEPT_REMOVE     = 30,
    TDH_MEM_TRACK           = 38,
    TDH_MEM_RANGE_UNBLOCK   = 39,
    TDH_PHYMEM_CACHE_WB     = 40,
    TDH_PHYMEM_PAGE_WBINVD  = 41,
    TDH_VP_WR               = 43,
};

#define TDX_TDCS_PAGES      TDX_NR_TDCX
#define TDX_TDCS_SEPT_ROOT  (TDX_TDCS_PAGES - 1)
#define TDX_TDVPS_PAGES     (1 + TDX_NR_TDVPX)

#define TDX_ATTR_DEBUG              (1ull << 0)
#define TDX_ATTR_SEPT_VE_DISABLE    (1ull << 28)

#define TDX_CTLS_PENDING_VE_DISABLE (1ull << 0)
#define TDX_CTLS_ENUM_TOPOLOGY      (1ull << 1)

#define TDX_CONFIG_GPAW             (1ull << 0)
#define TDX_CONFIG_FLEX_PENDING_VE  (1ull << 1)
#define TDX_CONFIG_NO_RBP_MOD       (1ull << 2)

typedef enum TdxLifecycle {
    TDX_TD_HKID_ASSIGNED,
    TDX_TD_KEYS_CONFIGURED,
    TDX_TD_BLOCKED,
    TDX_TD_TEARDOWN,
} TdxLifecycle;

typedef enum TdxOpState {
    TDX_OP_UNINITIALIZED,
    TDX_OP_INITIALIZED,
    TDX_OP_RUNNABLE,
} TdxOpState;

typedef enum TdxKeyState {
    TDX_KEY_FREE,
    TDX_KEY_ASSIGNED,
    TDX_KEY_FLUSHED,        /* no virtual processor has it, caches may */
} TdxKeyState;

typedef struct TdxKey {
    TdxKeyState state;
    uint64_t wbinvd;        /* a bit for each package that has to */
} TdxKey;

/* TDH.MNG.INIT's structure, in memory */
typedef struct TdxTdParams {
    uint64_t attributes;
    uint64_t xfam;
    uint16_t max_vcpus;
    uint8_t num_l2_vms;
    uint8_t reserved0[5];
    uint64_t eptp_controls;
    uint64_t config_flags;
    uint16_t tsc_frequency;
    uint8_t reserved1[38];
    uint8_t mrconfigid[48];
    uint8_t mrowner[48];
    uint8_t mrownerconfig[48];
    uint8_t reserved2[32];
    uint32_t cpuid[48][4];
} TdxTdParams;

QEMU_BUILD_BUG_ON(sizeof(TdxTdParams) != 1024);

struct TdxSeptPage;

typedef struct TdxTd {
    uint64_t tdr;
    uint16_t hkid;
    TdxLifecycle life;
    bool fatal;
    uint64_t packages;      /* that have the key */
    int64_t chldcnt;        /* 4K pages that the TD owns, without its TDR */
    unsigned nr_tdcx;
    uint64_t tdcx[TDX_TDCS_PAGES];

    TdxOpState op;
    TdxTdParams params;
    bool gpaw52;            /* the shared bit is 51, else 47 */
    int top;                /* level of the root's entries: 3 or 4 */
    uint64_t td_ctls;
    uint64_t notify_enables;
    uint64_t tsc_offset;

    unsigned nr_vcpus;
    unsigned nr_associated;
    unsigned nr_inside;

    /* A call of TDH.MEM.TRACK starts the next epoch */
    uint64_t epoch;
    uint16_t refcount[2];   /* virtual processors inside, by epoch & 1 */

    struct TdxSeptPage *sept;
    GHashTable *sept_pages; /* all of them by their page, the root too */

    GChecksum *measurement;
    uint8_t mrtd[48];
    uint8_t rtmr[4][48];
} TdxTd;

typedef enum TdxVpState {
    TDX_VP_UNINITIALIZED,
    TDX_VP_READY,
    TDX_VP_DISABLED,
} TdxVpState;

#define TDX_NO_LP   UINT_MAX

/* What a virtualization exception was about, until the TD asks */
typedef struct TdxVeInfo {
    bool valid;
    uint32_t reason;
    uint64_t qualification;
    uint64_t gla;
    uint64_t gpa;
    uint32_t insn_len;
    uint32_t insn_info;
} TdxVeInfo;

typedef struct TdxVp {
    uint64_t tdvpr;
    TdxTd *td;
    TdxVpState state;
    unsigned nr_pages;      /* TDVPR among them */
    unsigned lp;            /* association; TDX_NO_LP: none */
    unsigned index;
    uint32_t x2apic_id;
    uint64_t init_rcx;
    uint64_t epoch;         /* of its last entry */
    bool inside;            /* counted in the TD's refcount[epoch & 1] */
    uint64_t last_exit_tsc;

    /* What TDH.VP.WR sets */
    uint64_t shared_eptp;
    uint64_t pi_desc;
    uint16_t pi_vector;
    bool posted_interrupts;
    bool pend_nmi;
    bool bus_lock_exit;
    bool notify_exit;
    uint32_t notify_window;
    bool interrupt_pending; /* what VCPU_STATE_DETAILS tells */

    TdxVeInfo ve;

    /* The guest's registers while it is outside; see tcg/system */
    void *context;
} TdxVp;

typedef struct TdxLife {
    TdxPamt pamt;
    TdxKey *keys;           /* by KeyID */
    unsigned nr_keys;
    GHashTable *tds;        /* by TDR */
    GHashTable *vps;        /* by TDVPR */
    uint64_t *flushing;     /* by KeyID: packages that flush it */
    uint64_t flush_open;    /* packages that were interrupted */
} TdxLife;

extern const TdxLeaf tdx_td_leaves[];
extern const TdxLeaf tdx_phymem_leaves[];
extern const TdxLeaf tdx_vp_leaves[];
extern const TdxLeaf tdx_mem_leaves[];

/* Forget every TD, as a reset does; the PAMT is empty afterwards */
void tdx_life_reset(TdxModule *m);
void tdx_life_free(TdxModule *m);

/* Errors of a page that the host names, with the operand */
uint64_t tdx_page_error(uint64_t status, unsigned operand);

/* The TD whose TDR is @tdr, checked as a leaf's operand in register @reg */
uint64_t tdx_td_get(TdxModule *m, uint64_t tdr, unsigned reg, TdxTd **td);
/* As above, and the TD's state allows the leaf of @c */
uint64_t tdx_td_get_for(TdxCall *c, uint64_t tdr, unsigned reg, TdxTd **td);
/* Whether @leaf may be called for a TD in @td's life cycle and state */
uint64_t tdx_td_allows(const TdxTd *td, unsigned leaf);
/* Take a page that must be free as @type of @td; @reg names it in errors */
uint64_t tdx_td_take_page(TdxModule *m, TdxTd *td, uint64_t pa, unsigned reg,
                          TdxPageType type);
/* The private or table page of @td at @level is the host's again */
void tdx_td_give_page(TdxModule *m, TdxTd *td, uint64_t pa, unsigned level);

/* tdx-params.c */
uint64_t tdx_params_set(TdxTd *td, const TdxTdParams *params,
                        uint64_t *detail);
uint64_t tdx_td_field(const TdxTd *td, uint64_t field, uint64_t *value);
/* The TD itself writes a field */
uint64_t tdx_td_field_write(TdxTd *td, uint64_t field, uint64_t value);

/* tdx-params.c: read what the host shares: a page of its own, no KeyID */
bool tdx_read_shared(TdxModule *m, uint64_t pa, void *to, uint64_t len);

/* The bit of a guest physical address that means shared */
static inline uint64_t tdx_shared_bit(const TdxTd *td)
{
    return 1ull << (td->gpaw52 ? 51 : 47);
}

/* tdx-vp.c: as for a TD; the operand is TDVPR in register @reg */
uint64_t tdx_vp_get(TdxModule *m, uint64_t tdvpr, unsigned reg, TdxVp **vp);
/* Bind @vp to @lp, where it stays until TDH.VP.FLUSH */
uint64_t tdx_vp_associate(TdxVp *vp, unsigned lp);
/*
 * Take part in the TD's epoch; true: translations of an older one may be
 * cached. Left by tdx_vp_leave().
 */
bool tdx_vp_join(TdxVp *vp);
void tdx_vp_leave(TdxVp *vp);
/* Processor @lp has left its TD; undoes TDH.VP.ENTER */
void tdx_vp_exit(TdxModule *m, unsigned lp);

/* tdx-vp-field.c */
uint64_t tdx_vp_field_read(TdxVp *vp, uint64_t field, uint64_t *value);
uint64_t tdx_vp_field_write(TdxVp *vp, uint64_t field, uint64_t value,
                            uint64_t mask);

/* Whether no virtual processor can have what @bepoch saw blocked */
bool tdx_is_tracked(const TdxTd *td, uint64_t bepoch);

/*
 * tdx-check.c: rules that hold between two calls. Returns how many are
 * broken, and says so to @say.
 */
typedef void TdxSay(void *opaque, const char *text);
unsigned tdx_check(TdxModule *m, TdxSay *say, void *opaque);
/* Of all secure EPTs that have a key, by level */
void tdx_count_leaves(TdxModule *m, uint64_t leaves[TDX_LEVELS]);

#endif
