/*
 * TDX module emulation: the module's state and the table of its leaves
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The module is plain code: it knows registers and physical memory, no CPU and
 * no machine, so that a unit test can drive it. tdx_seamcall() runs one leaf
 * to its end; whoever calls it serializes the calls (QEMU's lock in the
 * machine). Nothing that a host passes may end in more than a status code.
 *
 *   tdx-module.c   dispatch, counters, injection
 *   tdx-sys.c      TDH.SYS.*
 *   tdx-tdmr.c     which memory the module may own
 *   tdx-meta.c     global metadata fields
 *   tdx-leaves.c   the list of tables of leaves
 */
#ifndef TARGET_I386_TDX_MODULE_H
#define TARGET_I386_TDX_MODULE_H

#include "target/i386/tdx-status.h"

#define TDX_PAGE_SIZE           (1ull << 12)
#define TDX_LEVELS              3               /* 0: 4K, 1: 2M, 2: 1G */
#define TDX_LEVEL_SIZE(level)   (TDX_PAGE_SIZE << (9 * (level)))

typedef struct TdxModule TdxModule;

/* General registers by their numbers; RSP is never an operand */
enum {
    TDX_RAX, TDX_RCX, TDX_RDX, TDX_RBX, TDX_RSP, TDX_RBP, TDX_RSI, TDX_RDI,
    TDX_R8, TDX_R9, TDX_R10, TDX_R11, TDX_R12, TDX_R13, TDX_R14, TDX_R15,
    TDX_NR_REGS
};

/* One call of the module: its leaf, its place and its registers */
typedef struct TdxCall {
    TdxModule *m;
    uint64_t r[TDX_NR_REGS];
    uint16_t leaf;
    uint8_t version;
    unsigned lp;                /* index of the processor */
} TdxCall;

/* What the module asks of the machine; a unit test has its own */
typedef struct TdxModuleOps {
    /*
     * Host pointer to the page of RAM at @pa, 4K aligned and without KeyID;
     * NULL where there is no RAM. Good until the machine ends.
     */
    void *(*page)(void *opaque, uint64_t pa);
    /*
     * @len bytes from @pa became a TD's or stopped to be one's: translations
     * of the host are forgotten, this CPU's before it goes on, others' soon.
     */
    void (*private_changed)(void *opaque, uint64_t pa, uint64_t len);
    /* The time-stamp counter, and a random number; false: no entropy now */
    uint64_t (*tsc)(void *opaque);
    bool (*random)(void *opaque, uint64_t *value);
    /* Whether an interrupt waits for @lp: restartable leaves give way to it */
    bool (*interrupt_pending)(void *opaque, unsigned lp);
    /*
     * A host did what is unknown or forbidden; @text names it. Ends the
     * machine in strict mode, else it is logged.
     */
    void (*guest_error)(void *opaque, const char *text);
} TdxModuleOps;

/* One logical processor */
typedef struct TdxLp {
    uint32_t package;
    bool initialized;           /* TDH.SYS.LP.INIT is done */
    /* The virtual processor that VP.ENTER has entered here, or NULL */
    struct TdxVp *vp;
} TdxLp;

typedef enum TdxSysState {
    TDX_SYS_INIT_PENDING,
    TDX_SYS_INIT_DONE,
    TDX_SYS_CONFIG_DONE,
    TDX_SYS_READY,
    TDX_SYS_DISABLED,           /* TDH.SYS.DISABLE or SHUTDOWN */
} TdxSysState;

typedef struct TdxRange {
    uint64_t base;
    uint64_t size;
} TdxRange;

#define TDX_MAX_TDMRS           64
#define TDX_MAX_RESERVED        16
#define TDX_MAX_CMRS            32
#define TDX_PAMT_ENTRY_SIZE     16

/* Memory that the host lent to the module, 1G aligned */
typedef struct TdxTdmr {
    TdxRange range;
    TdxRange pamt[TDX_LEVELS];
    TdxRange reserved[TDX_MAX_RESERVED];        /* addresses, ascending */
    unsigned nr_reserved;
    uint64_t next;              /* TDH.SYS.TDMR.INIT has come to here */
} TdxTdmr;

typedef enum TdxMemory {
    TDX_MEM_OUTSIDE,            /* in no TDMR, or not initialized yet */
    TDX_MEM_RESERVED,           /* at least partly in a reserved area */
    TDX_MEM_USABLE,
} TdxMemory;

typedef struct TdxOptions {
    unsigned phys_bits;         /* KeyIDs are above */
    unsigned mktme_keyids;
    unsigned tdx_keyids;        /* from mktme_keyids + 1 on */
    /* TDX_FEATURES0 bit 51: TDH.MEM.PAGE.DEMOTE is not interrupted */
    bool demote_uninterrupted;
} TdxOptions;

#define TDX_HOST_LEAVES         128             /* SEAMCALL leaf numbers */
#define TDX_GUEST_LEAVES        32              /* TDCALL leaf numbers */

/* Calls of one leaf; @done by level, level 0 where a leaf has none */
typedef struct TdxCount {
    uint64_t done[TDX_LEVELS];
    uint64_t failed;            /* bit 63 of the status, injected ones too */
    uint64_t busy;              /* those of them that say busy or restart */
    uint64_t injected;
} TdxCount;

/*
 * Let @skip calls of the leaf pass, then hit @count of them, each @every-th
 * (0 and 1: every one). @status is the upper half of RAX.
 */
typedef struct TdxInjection {
    uint32_t status;
    uint32_t skip;
    uint32_t count;
    uint32_t every;
    uint32_t seen;
} TdxInjection;

/* Reads and writes the registers of the call; returns what goes to RAX */
typedef uint64_t TdxLeafFn(TdxCall *c);

/* Leaf flags */
#define TDX_LEAF_ANY_STATE      1   /* before TDH.SYS.LP.INIT or the like */
#define TDX_LEAF_LEVEL          2   /* RCX[2:0] is a level, for the counters */

typedef struct TdxLeaf {
    uint16_t number;
    uint8_t max_version;
    uint8_t flags;
    const char *name;           /* as in the manual: "TDH.MEM.PAGE.AUG" */
    TdxLeafFn *fn;
} TdxLeaf;

struct TdxModule {
    const TdxModuleOps *ops;
    void *opaque;
    TdxOptions opt;

    TdxLp *lps;
    unsigned nr_lps;
    unsigned nr_packages;

    /* Memory of the machine that can be private */
    TdxRange cmrs[TDX_MAX_CMRS];
    unsigned nr_cmrs;

    TdxSysState state;
    uint64_t packages_configured;       /* a bit a package, global key */
    unsigned global_keyid;
    TdxTdmr tdmrs[TDX_MAX_TDMRS];
    unsigned nr_tdmrs;

    /* What the leaves of TDs keep: PAMT, keys, TDs; see tdx-td.h */
    struct TdxLife *life;

    TdxCount count[TDX_HOST_LEAVES];
    TdxCount guest_count[TDX_GUEST_LEAVES];
    TdxInjection inject[TDX_HOST_LEAVES];
};

/* Tables end with an entry without name; tdx-leaves.c lists the tables */
extern const TdxLeaf tdx_sys_leaves[];
extern const TdxLeaf *const tdx_leaf_tables[];

/* The leaf of this number, or NULL */
const TdxLeaf *tdx_leaf(unsigned number);

/*
 * Set up a module whose @ops, @opaque, @opt, @lps, @nr_lps, @nr_packages and
 * CMRs are filled in, as after a reset of the machine. Frees what it owned.
 */
void tdx_module_reset(TdxModule *m);

/*
 * One SEAMCALL of processor @lp with the registers @r: RAX is leaf and version,
 * afterwards the status, which is returned too. Registers that the leaf does
 * not name keep their value. When lps[lp].vp is set afterwards, VP.ENTER has
 * succeeded and the caller switches worlds.
 */
uint64_t tdx_seamcall(TdxModule *m, unsigned lp, uint64_t r[TDX_NR_REGS]);

/*
 * Count a call that ended later than its leaf, VP.ENTER for one, or that came
 * from a TD.
 */
void tdx_count(TdxCount *count, unsigned level, uint64_t status);

/* Tell what a host did wrong; see TdxModuleOps.guest_error */
void tdx_guest_error(TdxModule *m, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

static inline uint64_t tdx_operand_invalid(unsigned operand)
{
    return TDX_OPERAND_INVALID | operand;
}

/* Whether @pa is below the KeyID bits and aligned to @align, a power of 2 */
static inline bool tdx_pa_valid(const TdxModule *m, uint64_t pa, uint64_t align)
{
    return !(pa & (align - 1)) && !(pa >> m->opt.phys_bits);
}

/* Whether software may use @keyid for a TD, or the module for itself */
static inline bool tdx_keyid_is_private(const TdxModule *m, uint64_t keyid)
{
    return keyid > m->opt.mktme_keyids &&
           keyid <= (uint64_t)m->opt.mktme_keyids + m->opt.tdx_keyids;
}

/* tdx-tdmr.c: what the module may do with @size bytes at @pa, both aligned */
TdxMemory tdx_memory(const TdxModule *m, uint64_t pa, uint64_t size);

/* Physical memory; false when some of it is no RAM. May cross pages. */
bool tdx_read(TdxModule *m, uint64_t pa, void *to, uint64_t len);
bool tdx_write(TdxModule *m, uint64_t pa, const void *from, uint64_t len);

#endif
