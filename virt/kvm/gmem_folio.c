// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large folios of guest_memfd: allocate, zero, split.
 *
 * Worked example, for a file of 5 MiB:
 *
 *	index   0        512       1024    1280
 *	        |  2 MiB  |  2 MiB  | 1 MiB |
 *
 * A touch of page 700 allocates one order-9 folio for [512, 1024).  A touch of
 * page 1100 allocates one page, as the file ends before 1536.  Punching
 * [600, 602) splits the folio at 600 and at 602: the pieces keep their content
 * and their order stays as large as the two cuts permit.
 */
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/sched/signal.h>

#include "gmem_folio.h"

/* How long to wait for references to go away: 1 + 2 + ... + 128 ms. */
#define GMEM_SPLIT_TRIES	9

static struct folio *gmem_add_large_folio(struct inode *inode, pgoff_t start,
					  struct mempolicy *policy)
{
	struct address_space *mapping = inode->i_mapping;
	gfp_t gfp = mapping_gfp_mask(mapping) | __GFP_NORETRY | __GFP_NOWARN;
	struct folio *folio;

	folio = filemap_alloc_folio(gfp, GMEM_LARGE_ORDER, policy);
	if (!folio)
		return NULL;

	/*
	 * Any failure, e.g. a memory cgroup at its limit or a page that a
	 * concurrent fault added to the range, is a reason to use pages.
	 */
	if (filemap_add_folio(mapping, folio, start, gfp)) {
		folio_put(folio);
		return NULL;
	}

	return folio;
}

/*
 * Does @policy apply to all of the large range at @start?  A file without any
 * policy, the usual case, is told at once.  Else look at every page: no policy
 * at either end says nothing about the pages between.
 */
static bool gmem_policy_is_uniform(struct shared_policy *shared,
				   struct mempolicy *policy, pgoff_t start)
{
	struct mempolicy *other;
	pgoff_t i;

	if (!READ_ONCE(shared->root.rb_node))
		return !policy;

	for (i = start; i < start + GMEM_LARGE_PAGES; i++) {
		other = mpol_shared_policy_lookup(shared, i);
		mpol_cond_put(other);
		if (other != policy)
			return false;
	}

	return true;
}

struct folio *kvm_gmem_alloc_large_folio(struct inode *inode,
					 struct shared_policy *policy,
					 pgoff_t index)
{
	pgoff_t start = ALIGN_DOWN(index, GMEM_LARGE_PAGES);
	struct address_space *mapping = inode->i_mapping;
	struct mempolicy *first;
	struct folio *folio = NULL;

	if (!gmem_large_range_fits(index, i_size_read(inode) >> PAGE_SHIFT))
		return NULL;

	if (filemap_range_has_page(mapping, (loff_t)start << PAGE_SHIFT,
				   ((loff_t)(start + GMEM_LARGE_PAGES) << PAGE_SHIFT) - 1))
		return NULL;

	/* Use pages if the NUMA policy changes inside the range. */
	first = mpol_shared_policy_lookup(policy, start);
	if (gmem_policy_is_uniform(policy, first, start))
		folio = gmem_add_large_folio(inode, start, first);

	mpol_cond_put(first);
	return folio;
}

void kvm_gmem_clear_folio(struct folio *folio)
{
	long i, nr_pages = folio_nr_pages(folio);

	for (i = 0; i < nr_pages; i++) {
		/* A write to it may end in a machine check, and nobody reads it. */
		if (!PageHWPoison(folio_page(folio, i)))
			clear_highpage(folio_page(folio, i));
		cond_resched();
	}
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_gmem_clear_folio);

void kvm_gmem_zero_folio(struct folio *folio)
{
	VM_WARN_ON_ONCE_FOLIO(!folio_test_locked(folio), folio);

	if (folio_test_uptodate(folio))
		return;

	kvm_gmem_clear_folio(folio);
	folio_mark_uptodate(folio);
}

static int gmem_try_split_at(struct address_space *mapping, pgoff_t index)
{
	unsigned long offset;
	struct folio *folio;
	int r = 0;

	folio = filemap_lock_folio(mapping, index);
	if (IS_ERR(folio))
		return PTR_ERR(folio) == -ENOENT ? 0 : PTR_ERR(folio);

	offset = index - folio->index;
	if (offset)
		r = folio_split(folio, gmem_split_order(offset),
				folio_page(folio, offset), NULL);

	folio_unlock(folio);
	folio_put(folio);
	return r;
}

static int gmem_split_at(struct address_space *mapping, pgoff_t index)
{
	int i, r;

	for (i = 0; i < GMEM_SPLIT_TRIES; i++) {
		r = gmem_try_split_at(mapping, index);
		if (r != -EAGAIN && r != -EBUSY)
			return r;

		/*
		 * A fault that looked up the folio before the invalidation
		 * began drops its reference as soon as it notices.  A page
		 * that is pinned, e.g. for DMA, stays referenced.
		 */
		if (fatal_signal_pending(current))
			return -EINTR;
		fsleep(USEC_PER_MSEC << i);
	}

	return -EBUSY;
}

int kvm_gmem_split_edges(struct address_space *mapping, pgoff_t start,
			 pgoff_t end)
{
	int r;

	lockdep_assert_held_write(&mapping->invalidate_lock);

	r = gmem_split_at(mapping, start);
	if (r)
		return r;

	return gmem_split_at(mapping, end);
}
