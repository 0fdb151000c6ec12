/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_X86_SVM_SNP_PLAN_H
#define __KVM_X86_SVM_SNP_PLAN_H

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/kvm_types.h>
#include <linux/minmax.h>
#include <linux/pgtable.h>

/*
 * What to do about the private memory of SNP guests, as far as it follows from
 * numbers alone.
 */

/* The level that an entry of the RMP lends to its page, which has an owner or not. */
static inline int snp_entry_level(bool assigned, int level)
{
	return assigned ? level : PG_LEVEL_NONE;
}

/* The highest level of a leaf over an entry of @rmp_level: 4K if it can't be read. */
static inline int snp_leaf_level(int rmp_level)
{
	return rmp_level > PG_LEVEL_NONE ? rmp_level : PG_LEVEL_4K;
}

/* How to take back the entry of a page, whose neighbours go along if @whole. */
enum snp_reclaim {
	/* The entry can't be read: the page may be anybody's. */
	SNP_RECLAIM_UNKNOWN,
	SNP_RECLAIM_NOTHING,
	SNP_RECLAIM_ENTRY,
	SNP_RECLAIM_SMASH_FIRST,
};

static inline enum snp_reclaim snp_reclaim_plan(int rmp_level, bool whole)
{
	if (rmp_level < PG_LEVEL_NONE)
		return SNP_RECLAIM_UNKNOWN;

	if (rmp_level == PG_LEVEL_NONE)
		return SNP_RECLAIM_NOTHING;

	/* What is left of a folio that was split: the rest may stay private. */
	if (rmp_level == PG_LEVEL_2M && !whole)
		return SNP_RECLAIM_SMASH_FIRST;

	return SNP_RECLAIM_ENTRY;
}

/* The 2M ranges that [@gfn, @gfn + @nr_pages) touches: the first, and how many. */
static inline gfn_t snp_first_range(gfn_t gfn)
{
	return ALIGN_DOWN(gfn, PTRS_PER_PMD);
}

static inline u64 snp_nr_ranges(gfn_t gfn, u64 nr_pages)
{
	if (!nr_pages)
		return 0;

	return (snp_first_range(gfn + nr_pages - 1) - snp_first_range(gfn)) / PTRS_PER_PMD + 1;
}

/* How many of @nr_pages from @gfn lie in the 2M range of @gfn. */
static inline u64 snp_batch(gfn_t gfn, u64 nr_pages)
{
	return min_t(u64, nr_pages, snp_first_range(gfn) + PTRS_PER_PMD - gfn);
}

#endif /* __KVM_X86_SVM_SNP_PLAN_H */
