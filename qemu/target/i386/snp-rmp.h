/*
 * The reverse map table (RMP) of SEV-SNP
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The authoritative table is guest RAM in the hardware's format, because
 * software reads it from there. Three layers:
 *
 *  - snp_rmp_decode() and snp_rmp_encode(): one entry, no state.
 *  - rules, snp_rule_*(): functions of (entry, request) that return a code
 *    or a verdict, no state.
 *  - snp_rmp_*(): the machine's table, with locking, flushing and counting.
 *
 * A 2M page is 512 equal entries with the size bit set and consecutive guest
 * addresses; the table never holds a mixture within one 2M page.
 */
#ifndef TARGET_I386_SNP_RMP_H
#define TARGET_I386_SNP_RMP_H

#include "exec/hwaddr.h"

#define SNP_PAGE_SIZE       4096ull
#define SNP_LARGE_SIZE      (2ull << 20)
#define SNP_LARGE_PAGES     512
#define SNP_RMP_BOOKKEEPING 0x4000
#define SNP_RMP_ENTRY_SIZE  16
#define SNP_VMPLS           4

/* Permissions of one VMPL */
#define SNP_PERM_R   1
#define SNP_PERM_W   2
#define SNP_PERM_UX  4
#define SNP_PERM_SX  8
#define SNP_PERM_ALL 15

typedef struct SNPRmpEntry {
    bool assigned;
    bool large;             /* part of a 2M page */
    bool immutable;
    bool vmsa;
    bool validated;
    uint32_t asid;
    uint64_t gpa;           /* byte address of this 4K page */
    uint8_t perms[SNP_VMPLS];
} SNPRmpEntry;

/* The states of a page that the firmware's interface names */
typedef enum SNPPageState {
    SNP_PAGE_HYPERVISOR,
    SNP_PAGE_HV_FIXED,
    SNP_PAGE_FIRMWARE,
    SNP_PAGE_RECLAIM,
    SNP_PAGE_CONTEXT,
    SNP_PAGE_METADATA,
    SNP_PAGE_PRE_GUEST,
    SNP_PAGE_PRE_SWAP,
    SNP_PAGE_GUEST_INVALID,
    SNP_PAGE_GUEST_VALID,
    SNP_PAGE_UNKNOWN,
} SNPPageState;

/* Codes in EAX of the page-state instructions */
typedef enum SNPCode {
    SNP_OK                = 0,
    SNP_FAIL_INPUT        = 1,
    SNP_FAIL_PERMISSION   = 2,
    SNP_FAIL_INUSE        = 3,
    SNP_FAIL_OVERLAP      = 4,
    SNP_FAIL_SIZEMISMATCH = 6,
    SNP_FAIL_BADADDR      = 7,
} SNPCode;

/* One entry */

SNPRmpEntry snp_rmp_decode(uint64_t low, uint64_t high);
void snp_rmp_encode(const SNPRmpEntry *e, uint64_t *low, uint64_t *high);
SNPPageState snp_rmp_state(const SNPRmpEntry *e);
const char *snp_page_state_name(SNPPageState state);

/* Rules for the host's page-state instructions */

typedef struct SNPUpdate {
    uint64_t gpa;
    uint32_t asid;
    bool assigned;
    bool large;
    bool immutable;
    bool reserved;          /* a reserved field of the operand is set */
} SNPUpdate;

typedef struct SNPUpdateRules {
    uint32_t max_asid;
    /*
     * The manual does not say whether a request that repeats the assignment
     * keeps the validated and VMSA bits and the permissions, or clears them.
     */
    bool repeat_keeps;
} SNPUpdateRules;

/*
 * RMPUPDATE of a page whose entry is @old to @req. Overlap of pages is the
 * caller's check: it needs more than one entry. On SNP_OK, @new is what to
 * store.
 */
SNPCode snp_rule_rmpupdate(const SNPRmpEntry *old, const SNPUpdate *req,
                           uint64_t spa, const SNPUpdateRules *rules,
                           SNPRmpEntry *new);
SNPCode snp_rule_psmash(const SNPRmpEntry *old, uint64_t spa);

/* Rules for accesses */

typedef enum SNPAccess {
    SNP_ACCESS_READ,
    SNP_ACCESS_WRITE,
    SNP_ACCESS_EXEC_USER,
    SNP_ACCESS_EXEC_SUPER,
} SNPAccess;

typedef enum SNPVerdict {
    SNP_ALLOW,
    SNP_DENY_RMP,           /* assignment, ASID or guest address */
    SNP_DENY_SIZE,          /* nested page size against RMP page size */
    SNP_DENY_VALIDATED,     /* to the guest as #VC, not to the host */
    SNP_DENY_VMPL,
} SNPVerdict;

typedef struct SNPGuestAccess {
    uint64_t gpa;           /* 4K aligned */
    uint32_t asid;
    uint8_t vmpl;
    bool private;           /* effective C-bit */
    bool npt_large;         /* nested leaf of 2M or more */
    /* The manual does not say whether a guest may use its immutable pages */
    bool immutable_open;
    SNPAccess access;
} SNPGuestAccess;

/* A write by the host, the IOMMU or a page walk to a page with entry @e */
bool snp_rule_host_write(const SNPRmpEntry *e);
SNPVerdict snp_rule_guest(const SNPRmpEntry *e, const SNPGuestAccess *a);

/* Rules for the guest's page-state instructions, after translation */

typedef struct SNPGuestPage {
    uint64_t gpa;           /* aligned to the requested size */
    uint32_t asid;
    uint8_t vmpl;
    bool large;             /* requested size */
    bool npt_large;
} SNPGuestPage;

/*
 * Verdict first: anything but SNP_ALLOW is a nested fault and no code. Then
 * @code, and @changed says whether the validated bit differs.
 */
SNPVerdict snp_rule_pvalidate(const SNPRmpEntry *e, const SNPGuestPage *p,
                              bool validate, SNPCode *code, bool *changed);
SNPVerdict snp_rule_rmpadjust(const SNPRmpEntry *e, const SNPGuestPage *p,
                              uint8_t target_vmpl, uint8_t perms, bool vmsa,
                              SNPCode *code);

/* The machine's table */

/* Some CPU has SNP_EN: the RMP is being enforced */
bool snp_enabled_any(void);

/* Whether the RMP has an entry for the page */
bool snp_rmp_covers(hwaddr spa);

/*
 * Read an entry. Without coverage the page counts as the hypervisor's and
 * the result is false.
 */
bool snp_rmp_get(hwaddr spa, SNPRmpEntry *e);

/*
 * Store entries with the right of the firmware: no rule is applied, no
 * reserved state refused. @e->large stores 512 entries from the 2M page's
 * first, with consecutive guest addresses. A page that changes its ASID is
 * re-keyed (see below). Flushes the TLBs of all CPUs when rights shrink.
 * Returns false when the RMP does not cover the page. Takes the RMP lock.
 */
bool snp_rmp_set(hwaddr spa, const SNPRmpEntry *e);

/* Whether a host write to the 4K page is allowed: true when not enforced */
bool snp_rmp_host_may_write(hwaddr spa);

/* The instructions on the table; @spa as in the register */
SNPCode snp_rmp_update(hwaddr spa, const SNPUpdate *req);
SNPCode snp_rmp_psmash(hwaddr spa);

/* Forget every counter derived from the table; called when it is rewritten */
void snp_rmp_rescan(void);

/* A reset takes the keys: what guests had becomes what others saw of it */
void snp_rmp_lose_keys(void);

/* Flush every CPU's TLB before the calling CPU's next translation block */
void snp_tlb_flush_all(void);

/*
 * Change the entry of a page under the lock, without a flush. @fn returns
 * whether to store; it is called once with the entry of @spa.
 */
typedef bool (*SNPRmpChange)(SNPRmpEntry *e, void *opaque);
void snp_rmp_change(hwaddr spa, SNPRmpChange fn, void *opaque);

/* Whether any 4K page of the 2M region around @spa is assigned */
bool snp_rmp_region_has_assigned(hwaddr spa);

/*
 * Pages that a VMRUN uses: the host's page-state instructions refuse them.
 * Holding a page that is held already fails.
 */
bool snp_rmp_hold(hwaddr spa);
void snp_rmp_release(hwaddr spa);
void snp_rmp_release_all(void);

#endif
