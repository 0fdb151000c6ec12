/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_X86_SVM_SNP_CONTENT_H
#define __KVM_X86_SVM_SNP_CONTENT_H

#include <linux/cacheflush.h>
#include <linux/highmem.h>
#include <linux/kvm_host.h>
#include <linux/sched.h>

/*
 * What is in a page when it changes owners.  The RMP does not check what a guest reads
 * without its key: what the host left could be read that way, unless it is cleared.
 */

/*
 * All of a folio that is not up to date, before any page of it is assigned.  A launch
 * that failed may have left the guest's image in it.  May sleep.
 */
static inline void snp_clear_folio(struct folio *folio)
{
	long i, nr_pages = folio_nr_pages(folio);

	for (i = 0; i < nr_pages; i++) {
		/* A write to it may end in a machine check, and nobody reads it. */
		if (!PageHWPoison(folio_page(folio, i)))
			clear_highpage(folio_page(folio, i));
		cond_resched();
	}
}

/*
 * The caches may hold lines of the guest's, under its key, that would be
 * written back over the next owner's data.
 */
static inline void snp_flush_caches(kvm_pfn_t pfn, unsigned long nr_pages)
{
	if (!cpu_feature_enabled(X86_FEATURE_SME_COHERENT))
		clflush_cache_range(__va(pfn_to_hpa(pfn)), nr_pages << PAGE_SHIFT);
}

#endif /* __KVM_X86_SVM_SNP_CONTENT_H */
