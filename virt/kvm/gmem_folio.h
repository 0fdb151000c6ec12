/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_GMEM_FOLIO_H__
#define __KVM_GMEM_FOLIO_H__

#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/kvm_types.h>
#include <linux/mempolicy.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>

/*
 * guest_memfd knows two sizes of folio: the large one, which the MMU can map
 * with one leaf, and the page.  Whatever lies between is left over from a
 * split and counts as pages.
 */
#define GMEM_LARGE_ORDER	PMD_ORDER
#define GMEM_LARGE_PAGES	BIT(GMEM_LARGE_ORDER)

/* All indices are in pages of the file, ranges are [start, end). */

/* Does the large range around @index end at or before a file of @file_pages? */
static inline bool gmem_large_range_fits(pgoff_t index, pgoff_t file_pages)
{
	return ALIGN_DOWN(index, GMEM_LARGE_PAGES) + GMEM_LARGE_PAGES <= file_pages;
}

/* The order that a folio of @order lends to a mapping of one of its pages. */
static inline int gmem_mapping_order(int order)
{
	return order >= GMEM_LARGE_ORDER ? GMEM_LARGE_ORDER : 0;
}

static inline int gmem_folio_mapping_order(struct folio *folio)
{
	int order = folio_order(folio);

	/* Memory failure marks the one bad page, map its neighbours alone. */
	if (order && folio_test_has_hwpoisoned(folio))
		return 0;

	return gmem_mapping_order(order);
}

static inline bool gmem_page_is_poisoned(struct folio *folio, pgoff_t index)
{
	return PageHWPoison(folio_file_page(folio, index));
}

/* The largest order to which a split makes page @offset of a folio a head. */
static inline int gmem_split_order(unsigned long offset)
{
	return __ffs(offset);
}

/*
 * Allocate the large folio around @index and add it to the page cache of
 * @inode.  Returns it locked, with a reference and not up to date, or NULL if
 * the range can't be had in one piece and must be backed by pages.
 */
struct folio *kvm_gmem_alloc_large_folio(struct inode *inode,
					 struct shared_policy *policy,
					 pgoff_t index);

/* Zero all of @folio but pages that memory failure marked.  May sleep. */
void kvm_gmem_clear_folio(struct folio *folio);

/* Zero what no one wrote yet and mark @folio up to date.  Needs its lock. */
void kvm_gmem_zero_folio(struct folio *folio);

/*
 * Split the folios that @start and @end cut, so that [start, end) holds whole
 * folios only.  Needs the mapping's invalidate_lock held for write, and an
 * invalidation in progress that covers the folios, or faults will keep taking
 * references.  Returns 0, -EBUSY if someone holds on to a page of a folio,
 * -ENOMEM or -EINTR.  Nothing is freed and nothing is lost on failure.
 */
int kvm_gmem_split_edges(struct address_space *mapping, pgoff_t start,
			 pgoff_t end);

#endif /* __KVM_GMEM_FOLIO_H__ */
