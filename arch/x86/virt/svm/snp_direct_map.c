// SPDX-License-Identifier: GPL-2.0-only
/*
 * The direct map around pages that the RMP assigns at 4K.
 *
 * A write through a 2M mapping faults if any page of the 2M is assigned, no
 * matter which one is written.  So the mapping is split before the first page
 * of a range is assigned, and made one of 2M again after the last one returned.
 *
 * Worked example: a VMSA at pfn 0x12345, kernel data around it.
 *
 *	assign 0x12345		0x12200-0x123ff is split, 0x12345 is marked
 *	assign 0x12346		nothing
 *	unassign 0x12345	nothing
 *	unassign 0x12346	soon the mark goes, and with it the page table
 *
 * Soon, as there are pages which change hands with every command of the
 * firmware, and to split and to collapse costs a flush of all TLBs each.
 *
 * The mark is _PAGE_KERNEL_4K, which also keeps others from collapsing the
 * range.  Which pages are assigned is known here only of those that were
 * assigned alone: who owns all of the 2M, see rmp_make_private_whole(), does
 * without.  So the RMP has the last word before a range is collapsed, and when
 * the first page of such an owner's returns.
 */
#include <linux/bitmap.h>
#include <linux/cc_platform.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/lockdep.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/panic.h>
#include <linux/pgtable.h>
#include <linux/set_memory.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <asm/sev.h>

#include "snp_direct_map.h"

struct split_range {
	/* The page whose mapping is marked. */
	u64 marked;
	bool held;
	DECLARE_BITMAP(assigned, PTRS_PER_PMD);
};

#define COLLAPSE_DELAY_MS	100
#define SPLIT_TRIES		3

/* By number of the 2M range.  Entries come and go under the mutex. */
static DEFINE_XARRAY(split_ranges);
static DEFINE_MUTEX(split_mutex);

/*
 * Ranges in which the owner of all the 2M had pages assigned, maybe not any more.
 * Only there does a page that nobody owns have neighbours that somebody does, below
 * one mapping.  A bit is set before the first of them is assigned, and cleared when
 * none is found.  Memory that was added after boot has no bits.
 */
static unsigned long *whole_ranges __ro_after_init;
static unsigned long nr_whole_ranges __ro_after_init;

static void collapse_unused(struct work_struct *work);
static DECLARE_DELAYED_WORK(collapse_work, collapse_unused);

static unsigned long range_nr(u64 pfn)
{
	return pfn / PTRS_PER_PMD;
}

static unsigned int page_nr(u64 pfn)
{
	return pfn % PTRS_PER_PMD;
}

/*
 * Set the bits of the pages that the RMP says are assigned, or may be as their
 * entry can't be read.  With one entry of 2M there are none that have neighbours of
 * another owner.  A page without an entry is the host's.  Returns whether there is
 * an owner at all.
 */
static bool read_rmp(u64 base, unsigned long *bits)
{
	bool assigned, any = false;
	int i, level, r;

	for (i = 0; i < PTRS_PER_PMD; i++) {
		r = snp_lookup_rmpentry(base + i, &assigned, &level);
		if (r < 0 || (!r && !assigned))
			continue;

		any = true;
		if (!r && level == PG_LEVEL_2M)
			break;
		__set_bit(i, bits);
	}
	return any;
}

static bool may_be_whole(unsigned long nr)
{
	return nr >= nr_whole_ranges || test_bit(nr, whole_ranges);
}

/* Nobody writes to a page that is not mapped. */
static bool is_mapped(unsigned long vaddr)
{
	unsigned int level;
	pte_t *pte;

	/* Others may collapse what they split. */
	guard(mmap_read_lock)(&init_mm);
	pte = lookup_address(vaddr, &level);
	return pte && !pte_none(*pte);
}

/* A page that returns is lost if its mapping can't be split: ask more than once. */
static int split_mapping(unsigned long vaddr)
{
	int i, r = -ENOMEM;

	for (i = 0; i < SPLIT_TRIES && r == -ENOMEM; i++)
		r = set_memory_4k(vaddr, 1);
	return r;
}

/*
 * Split the range of @pfn, which has no entry.  Returns the new entry, NULL if
 * there is none to be had, in which case the range is not collapsed later on.
 */
static struct split_range *split_around(u64 pfn)
{
	unsigned long vaddr = (unsigned long)pfn_to_kaddr(pfn);
	struct split_range *range;
	int r;

	lockdep_assert_held(&split_mutex);

	if (!is_mapped(vaddr))
		return NULL;

	r = split_mapping(vaddr);
	if (r) {
		pr_warn("SEV-SNP: Failed to split the direct map around PFN 0x%llx: %d\n", pfn, r);
		return ERR_PTR(r);
	}

	range = kzalloc_obj(*range);
	if (!range)
		return NULL;

	range->marked = pfn;
	if (xa_err(xa_store(&split_ranges, range_nr(pfn), range, GFP_KERNEL))) {
		kfree(range);
		return NULL;
	}

	return range;
}

static struct split_range *get_or_split(u64 pfn)
{
	return xa_load(&split_ranges, range_nr(pfn)) ?: split_around(pfn);
}

static int split_to_assign(u64 pfn)
{
	struct split_range *range = get_or_split(pfn);

	if (!IS_ERR_OR_NULL(range))
		__set_bit(page_nr(pfn), range->assigned);
	return PTR_ERR_OR_ZERO(range);
}

/* Pages around @pfn return to the host, @pfn among them if it @returns. */
static int split_to_return(u64 pfn, bool returns)
{
	DECLARE_BITMAP(others, PTRS_PER_PMD) = {};
	unsigned long nr = range_nr(pfn);
	struct split_range *range;

	lockdep_assert_held(&split_mutex);

	if (xa_load(&split_ranges, nr))
		return 0;

	/* Whoever assigned would own all of the range, of which this page returns. */
	if (!read_rmp(ALIGN_DOWN(pfn, PTRS_PER_PMD), others) && nr < nr_whole_ranges)
		clear_bit(nr, whole_ranges);
	if (returns)
		__clear_bit(page_nr(pfn), others);
	if (bitmap_empty(others, PTRS_PER_PMD))
		return 0;

	range = split_around(pfn);
	if (!IS_ERR_OR_NULL(range))
		bitmap_copy(range->assigned, others, PTRS_PER_PMD);
	return PTR_ERR_OR_ZERO(range);
}

int snp_direct_map_split(u64 pfn, bool assign)
{
	if (!pfn_valid(pfn))
		return -EINVAL;

	/* The other CPUs are stopped, perhaps with the mutex held. */
	if (panic_in_progress())
		return 0;

	guard(mutex)(&split_mutex);
	return assign ? split_to_assign(pfn) : split_to_return(pfn, true);
}

void snp_direct_map_leave(u64 pfn)
{
	unsigned long nr = range_nr(pfn);

	if (nr < nr_whole_ranges && !test_bit(nr, whole_ranges))
		set_bit(nr, whole_ranges);
}

int snp_direct_map_split_assigned(u64 pfn)
{
	if (!pfn_valid(pfn))
		return -EINVAL;

	/* So it is for all memory of VMs that are no SNP guests: do not serialize them. */
	if (!may_be_whole(range_nr(pfn)))
		return 0;

	guard(mutex)(&split_mutex);
	return split_to_return(pfn, false);
}

static bool is_unused(const struct split_range *range)
{
	return !range->held && bitmap_empty(range->assigned, PTRS_PER_PMD);
}

static void collapse(unsigned long nr, struct split_range *range)
{
	lockdep_assert_held(&split_mutex);

	read_rmp((u64)nr * PTRS_PER_PMD, range->assigned);
	if (!is_unused(range))
		return;

	/* It stays as it is if others changed the mapping of a page in it. */
	set_memory_large((unsigned long)pfn_to_kaddr(range->marked), 1);
	xa_erase(&split_ranges, nr);
	kfree(range);
}

static void collapse_unused(struct work_struct *work)
{
	struct split_range *range;
	unsigned long nr;

	guard(mutex)(&split_mutex);
	xa_for_each(&split_ranges, nr, range) {
		if (is_unused(range))
			collapse(nr, range);
		cond_resched();
	}
}

static void collapse_soon(const struct split_range *range)
{
	lockdep_assert_held(&split_mutex);

	if (is_unused(range))
		schedule_delayed_work(&collapse_work, msecs_to_jiffies(COLLAPSE_DELAY_MS));
}

void snp_direct_map_restore(u64 pfn, unsigned int nr_pages)
{
	struct split_range *range;

	/* Most ranges are not split. */
	if (!xa_load(&split_ranges, range_nr(pfn)) || panic_in_progress())
		return;

	guard(mutex)(&split_mutex);
	range = xa_load(&split_ranges, range_nr(pfn));
	if (!range)
		return;

	bitmap_clear(range->assigned, page_nr(pfn), nr_pages);
	collapse_soon(range);
}

int snp_direct_map_hold(u64 pfn)
{
	struct split_range *range;

	guard(mutex)(&split_mutex);
	range = get_or_split(pfn);
	if (IS_ERR(range))
		return PTR_ERR(range);
	if (!range)
		return -ENOMEM;

	range->held = true;
	return 0;
}

void snp_direct_map_release(u64 pfn)
{
	struct split_range *range;

	guard(mutex)(&split_mutex);
	range = xa_load(&split_ranges, range_nr(pfn));
	if (WARN_ON_ONCE(!range || !range->held))
		return;

	range->held = false;
	collapse_soon(range);
}

/* Without bits each page that returns is looked up. */
static int __init snp_direct_map_init(void)
{
	unsigned long nr = DIV_ROUND_UP(max_pfn, PTRS_PER_PMD);

	if (!cc_platform_has(CC_ATTR_HOST_SEV_SNP))
		return 0;

	whole_ranges = vcalloc(BITS_TO_LONGS(nr), sizeof(long));
	if (whole_ranges)
		nr_whole_ranges = nr;
	return 0;
}
subsys_initcall(snp_direct_map_init);
