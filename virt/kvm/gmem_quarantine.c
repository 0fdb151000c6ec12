// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folios of guest_memfd that stay their former owner's.
 *
 * Nobody may touch such a folio: not the allocator, not whoever would get it
 * next, and not a dump of memory, which skips poisoned pages.  The number of
 * pages is in /sys/module/kvm/parameters/gmem_quarantined_pages.
 */
#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/page-flags.h>
#include <linux/sysfs.h>

#include "gmem_quarantine.h"

static atomic_long_t gmem_quarantined_pages;

static int gmem_get_quarantined(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%ld\n", atomic_long_read(&gmem_quarantined_pages));
}

static const struct kernel_param_ops gmem_quarantined_ops = {
	.get = gmem_get_quarantined,
};
module_param_cb(gmem_quarantined_pages, &gmem_quarantined_ops, NULL, 0444);

/* True if the page was not marked before.  Without the mark, nobody else marks pages. */
static bool mark_lost(struct page *page)
{
#ifdef CONFIG_MEMORY_FAILURE
	return !TestSetPageHWPoison(page);
#else
	return true;
#endif
}

long kvm_gmem_quarantine_folio(struct folio *folio)
{
	long i, nr_pages = folio_nr_pages(folio), nr = 0;

	/* Nobody puts this reference.  A dump of memory skips poisoned pages. */
	folio_get(folio);
	/* A page that is marked already is counted by whoever did that. */
	for (i = 0; i < nr_pages; i++)
		nr += mark_lost(folio_page(folio, i));
	atomic_long_add(nr, &gmem_quarantined_pages);

	pr_err_ratelimited("guest_memfd: PFNs 0x%lx to 0x%lx can't be reclaimed and are lost\n",
			   folio_pfn(folio), folio_pfn(folio) + nr_pages - 1);
	return nr;
}
