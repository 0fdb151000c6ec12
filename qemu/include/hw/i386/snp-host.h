/*
 * SEV-SNP host emulation: what the machine owns
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One object for the whole machine: where the RMP is, how strict the machine
 * is, what has been counted and which faults are to be injected. It exists
 * only with "-machine q35,x-snp-host=on"; snp_host_get() is NULL otherwise and
 * every hook in existing code starts with that test or with a flag of the
 * CPU that is zero then.
 */
#ifndef HW_I386_SNP_HOST_H
#define HW_I386_SNP_HOST_H

#include "qom/object.h"
#include "exec/hwaddr.h"
#include "qemu/thread.h"
#include "hw/i386/x86.h"

#define TYPE_SNP_HOST "snp-host"
OBJECT_DECLARE_SIMPLE_TYPE(SNPHostState, SNP_HOST)

/* How the RMP is laid out in memory and how software reads it */
typedef enum SNPRmpFormat {
    SNP_RMP_RAW,        /* one table, read from memory (Milan, Genoa) */
    SNP_RMP_RMPREAD,    /* one table, read with RMPREAD */
    SNP_RMP_SEGMENTED,  /* segment table, read with RMPREAD (Turin) */
} SNPRmpFormat;

/* Name of a counter, for QMP and for the window of the secure processor */
#define SNP_COUNTERS(X)                                 \
    X(RMPUPDATE,            "rmpupdate")                \
    X(RMPUPDATE_2M,         "rmpupdate-2m")             \
    X(RMPUPDATE_FAIL,       "rmpupdate-fail")           \
    X(PSMASH,               "psmash")                   \
    X(PSMASH_FAIL,          "psmash-fail")              \
    X(PVALIDATE,            "pvalidate")                \
    X(PVALIDATE_2M,         "pvalidate-2m")             \
    X(PVALIDATE_FAIL,       "pvalidate-fail")           \
    X(RMPADJUST,            "rmpadjust")                \
    X(RMPADJUST_FAIL,       "rmpadjust-fail")           \
    X(RMPQUERY,             "rmpquery")                 \
    X(RMPREAD,              "rmpread")                  \
    X(VMRUN,                "vmrun")                    \
    X(VMRUN_ES,             "vmrun-es")                 \
    X(VMRUN_SNP,            "vmrun-snp")                \
    X(VMEXIT,               "vmexit")                   \
    X(VMEXIT_NPF,           "vmexit-npf")               \
    X(VMGEXIT,              "vmgexit")                  \
    X(VC,                   "vc")                       \
    X(HOST_FAULT,           "fault-host")               \
    X(HOST_FAULT_LARGE,     "fault-host-large")         \
    X(NPF_RMP,              "npf-rmp")                  \
    X(NPF_SIZEM,            "npf-sizem")                \
    X(NPF_VMPL,             "npf-vmpl")                 \
    X(NOT_VALIDATED,        "fault-not-validated")      \
    X(DMA_FAULT,            "fault-dma")                \
    X(FILL_HOST_CHECKED,    "fill-host")                \
    X(FILL_HOST_CIPHERTEXT, "fill-host-ciphertext")     \
    X(FILL_GUEST_4K,        "fill-guest-4k")            \
    X(FILL_GUEST_2M,        "fill-guest-2m")            \
    X(TLB_FLUSH_ALL,        "tlb-flush-all")            \
    X(INJECTED,             "injected")                 \
    X(PSP_COMMAND,          "psp-command")              \
    X(PSP_COMMAND_FAIL,     "psp-command-fail")

#define SNP_COUNTER_ENUM(id, name) SNP_COUNT_##id,
typedef enum SNPCounter {
    SNP_COUNTERS(SNP_COUNTER_ENUM)
    SNP_COUNT__MAX
} SNPCounter;

/* Where a fault can be injected */
#define SNP_INJECTS(X)                                  \
    X(RMPUPDATE_OVERLAP,    "rmpupdate-overlap")        \
    X(RMPUPDATE_INUSE,      "rmpupdate-inuse")          \
    X(PSMASH_INUSE,         "psmash-inuse")             \
    X(PVALIDATE_SIZE,       "pvalidate-size")           \
    X(PSP_STATUS,           "psp-status")               \
    X(PSP_SLOW,             "psp-slow")                 \
    X(PSP_STUCK,            "psp-stuck")                \
    X(PSMASH_FAIL,          "psmash-fail")

#define SNP_INJECT_ENUM(id, name) SNP_INJECT_##id,
typedef enum SNPInject {
    SNP_INJECTS(SNP_INJECT_ENUM)
    SNP_INJECT__MAX
} SNPInject;

/* One armed injection: let @skip occasions pass, then hit @count of them */
typedef struct SNPInjection {
    uint32_t skip;
    uint32_t count;
    /* Narrows the point, to a command or a page number; 0 matches everything */
    uint32_t match;
    /* What the point is to report, for example a status */
    uint32_t value;
} SNPInjection;

/* Geometry of a segmented RMP: 64 GiB a segment */
#define SNP_SEGMENT_SHIFT 36
#define SNP_RMP_SEGMENTS  512

struct SNPHostState {
    Object parent_obj;

    /* Options */
    bool enabled;
    bool strict;
    bool crypt;
    bool repeat_keeps;          /* see SNPUpdateRules */
    bool immutable_open;        /* see SNPGuestAccess */
    SNPRmpFormat format;
    uint32_t max_asid;          /* of any kind, SNP_CPUID ECX */
    uint32_t max_es_asid;       /* of SEV-ES and SNP, CPUID EDX - 1 */

    /* Where the RMP is; fixed once the machine is built */
    hwaddr rmp_base;
    hwaddr rmp_end;             /* inclusive */
    uint64_t rmp_cfg;
    hwaddr rmp_entries;         /* entry of address 0 */
    hwaddr rmp_covered;         /* first address without an entry */

    /* Some CPU has set SNP_EN since reset or shutdown */
    bool enforced;

    /* Serializes every change of the RMP */
    QemuMutex rmp_lock;

    uint64_t counters[SNP_COUNT__MAX];
    SNPInjection inject[SNP_INJECT__MAX];
};

/* The machine's object, or NULL when SNP emulation is off */
SNPHostState *snp_host_get(void);

/*
 * The same without the question whether emulation is on: options come before
 * the machine is built, so the first of them makes the object.
 */
SNPHostState *snp_host_of(Object *machine);

/* Add the x-snp-* options to a machine class */
void snp_host_add_machine_properties(ObjectClass *oc);

/*
 * Take the RMP from the top of the RAM above 4G and reserve it in the memory
 * map. Returns how much of that RAM is left; all of it when emulation is off.
 * Exits with an error when the RMP does not fit.
 */
uint64_t snp_host_carve_rmp(X86MachineState *x86ms);

/* Exit with an error when the machine cannot be an SNP host */
void snp_host_check(X86MachineState *x86ms);

/*
 * Host pointer to RAM of the machine, or NULL when there is none at @spa; good
 * to the end of the page. snp_ram_init() finds the RAM once it is there.
 */
void snp_ram_init(void);
void *snp_host_ram_ptr(hwaddr spa);

/* Add one to a counter */
void snp_count(SNPCounter counter);

/*
 * Guest-readable counters, little endian, for a window of any device:
 * u32 magic "SNPC", u32 number of counters, then one u64 for each.
 */
#define SNP_WINDOW_MAGIC 0x43504e53
#define SNP_WINDOW_SIZE  0x1000
#define SNP_WINDOW_INJECT 0x800
uint64_t snp_counters_window_read(hwaddr offset, unsigned size);

/*
 * From SNP_WINDOW_INJECT on the window has an SNPInjection for each point, in
 * the order of SNP_INJECTS, which the host may write 32 bits at a time: @count
 * last, which arms it. Returns false where nothing can be written.
 */
bool snp_window_write(hwaddr offset, uint32_t value);

/*
 * Whether the fault at @point is due now. @match is the occasion (0 when the
 * point has none); @value receives what to report and may be NULL.
 */
bool snp_inject_match(SNPInject point, uint32_t match, uint32_t *value);

static inline bool snp_inject(SNPInject point)
{
    return snp_inject_match(point, 0, NULL);
}

/*
 * Strict mode ends the machine with a message that names what is unknown or
 * forbidden; otherwise the message goes to the guest-error log.
 */
void snp_strict(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/* The secure processor's view of the CPUs when SNP is initialized */
typedef enum SNPInitCheck {
    SNP_INIT_CHECK_OK,
    SNP_INIT_CHECK_SNP_EN,      /* SYSCFG.SNP_EN or VMPL_EN clear */
    SNP_INIT_CHECK_MFDM,        /* SYSCFG.MFDM clear */
    SNP_INIT_CHECK_HSAVE,       /* VM_HSAVE_PA not zero */
} SNPInitCheck;
SNPInitCheck snp_check_init_conditions(void);

/* Shutdown: only the secure processor can clear SNP_EN, on all CPUs */
void snp_clear_snp_en(void);

#endif
