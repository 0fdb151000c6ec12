/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an emulated SNP host shows and does to itself for the sake of tests: the
 * RMP as it is in memory, the digest of a launch, and faults on demand.
 */
#ifndef SELFTEST_KVM_GMEM_SNP_HOST_H
#define SELFTEST_KVM_GMEM_SNP_HOST_H

#include "test_util.h"

#define SNP_NO_PFN	(-1ul)

/* An entry of the RMP. */
struct snp_rmp_entry {
	bool assigned;
	bool large;
	bool immutable;
	bool vmsa;
	bool valid;
	u32 asid;
	u64 gpa;
	/* Permissions of VMPL0 to VMPL3. */
	u8 perms[4];
};

/* Is the RMP a table in memory, and can faults be injected?  Else skip the test. */
bool snp_host_is_there(void);
void snp_host_require(void);

struct snp_rmp_entry snp_rmp_entry(u64 pfn);

/*
 * What guests own now does not count from now on.  For if a page could not be
 * taken back from one that is gone, the RMP keeps calling it the owner.
 */
void snp_rmp_ignore_owned(void);

/* The page that a guest owns at @gpa, if only one guest has that address. */
u64 snp_rmp_find(u64 gpa);

/* The first page from @pfn on that a guest owns, and its address there. */
u64 snp_rmp_next_owned(u64 pfn, u64 *gpa);

/* How many pages guests own, a page of 2M being 512. */
u64 snp_rmp_nr_owned(void);

/*
 * Bytes that the kernel's direct map has at 4K.  Modules keep some of it so, and
 * what is allocated page by page may well lie there: only more pages than these
 * are sure to split a mapping.
 */
u64 snp_direct_map_4k(void);

/*
 * Print a line with the stage and the kernel's direct map in mappings of 4K and
 * 2M, then lines with a character for each 2M of memory: a guest owns it by one
 * entry (2), or some pages of it (4), the firmware owns some (f), nobody does (.).
 */
void snp_rmp_print_map(const char *stage);

/* Where a fault can be injected, in the order of the machine's window. */
enum snp_inject_point {
	SNP_INJECT_RMPUPDATE_OVERLAP,
	SNP_INJECT_RMPUPDATE_INUSE,
	SNP_INJECT_PSMASH_INUSE,
	SNP_INJECT_PVALIDATE_SIZE,
	SNP_INJECT_PSP_STATUS,
	SNP_INJECT_PSP_SLOW,
	SNP_INJECT_PSP_STUCK,
	SNP_INJECT_PSMASH_FAIL,
	SNP_INJECT_NR,
};

struct snp_inject {
	u32 skip;
	u32 count;
	/* A page number or a command, 0 for any. */
	u32 match;
	/* The status that a command returns. */
	u32 value;
};

/* Let the next @inject.skip occasions pass and hit @inject.count of them. */
void snp_inject(enum snp_inject_point point, struct snp_inject inject);

/* How many of them are still to come. */
u32 snp_inject_left(enum snp_inject_point point);

void snp_inject_nothing(void);

#define SNP_DIGEST_SIZE	48

/* The digest of the launch that was finished last. */
void snp_launch_digest(u8 digest[SNP_DIGEST_SIZE]);

#endif /* SELFTEST_KVM_GMEM_SNP_HOST_H */
