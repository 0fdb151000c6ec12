/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages, their states and the instructions that change them. */
#ifndef SNP_TEST_RMP_H
#define SNP_TEST_RMP_H

#include "snp.h"

enum page_state {
    HYPERVISOR, HV_FIXED, FIRMWARE, RECLAIM, CONTEXT, METADATA, PRE_GUEST,
    PRE_SWAP, GUEST_INVALID, GUEST_VALID, GUEST_VMSA, VMSA_SWAP, UNKNOWN,
    PAGE_STATES = UNKNOWN,
};
extern const char *const state_names[PAGE_STATES + 1];

struct entry {
    bool assigned, large, immutable, vmsa, validated;
    u32 asid;
    u64 gpa;
    u32 perms;          /* VMPL0 in the low byte */
};

/* What RMPUPDATE reads */
struct update {
    u64 gpa;
    u8 assigned, large, immutable, reserved;
    u32 asid;
};
_Static_assert(sizeof(struct update) == 16, "operand of RMPUPDATE");

/* Permissions of a VMPL */
#define PERM_R      1
#define PERM_W      2
#define PERM_UX     4
#define PERM_SX     8
#define PERM_ALL    15
/* What a page assigned anew gives: everything to VMPL0, nothing to others */
#define PERMS_NEW   PERM_ALL

/* The ASID of the tests' guest and the guest address of a page of the arena */
#define TEST_ASID   1
#define TEST_GPA(spa) ((spa) + 0x100000000ull)

/* The machine's quirks of these names, as the image was told */
extern bool repeat_keeps, immutable_open;

bool snp_enabled(void);
void snp_enable(void);
bool snp_has_rmpread(void);
bool snp_is_segmented(void);
u32 snp_max_asid(void);
/* First address without an entry */
u64 rmp_covered(void);

struct trap rmpupdate(u64 spa, const struct update *u);
/* RMPUPDATE that must succeed */
void assign(u64 spa, u64 gpa, u32 asid, bool large);
void unassign(u64 spa, bool large);

struct entry entry_read(u64 spa);
enum page_state entry_state(const struct entry *e);
/*
 * Change what no instruction of the host can: the image stands in for the
 * firmware while the table is still writable, before SNP_INIT. The assigned
 * bit stays as it is.
 */
void entry_poke(u64 spa, const struct entry *e, bool large);

/* Store a whole entry: only before SNP_EN, when nothing has read it yet */
void entry_store(u64 spa, u64 low, u64 high);

/* Bring a Hypervisor page, 4K or 2M, to @state; the ASID is TEST_ASID */
void page_make_at(u64 spa, enum page_state state, bool large, u64 gpa);
static inline void page_make(u64 spa, enum page_state state, bool large)
{
    page_make_at(spa, state, large, TEST_GPA(spa));
}
void want_state(u64 spa, enum page_state state, bool large);

#endif
