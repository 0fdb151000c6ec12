/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_X86_SNP_POOL_H
#define _ASM_X86_SNP_POOL_H

#include <linux/gfp.h>

#ifdef CONFIG_KVM_AMD_SEV
/*
 * Pages that are going to be assigned at 4K: 1 << @order contiguous ones, from
 * few ranges of 2M, none of them 2M-aligned.  Like alloc_pages_node(), but each
 * page has a reference of its own.  Takes pages from anywhere if no range of 2M
 * is free, if @order is too large, and on a host without SNP.  May sleep.
 */
struct page *snp_pool_alloc(int node, gfp_t gfp, unsigned int order);

/*
 * Give back pages that snp_pool_alloc() returned, all of which are the host's
 * again but for those that were quarantined.  May sleep.
 */
void snp_pool_free(struct page *page, unsigned int order);
#else
static inline struct page *snp_pool_alloc(int node, gfp_t gfp, unsigned int order)
{
	return alloc_pages_node(node, gfp, order);
}

static inline void snp_pool_free(struct page *page, unsigned int order)
{
	__free_pages(page, order);
}
#endif

#endif /* _ASM_X86_SNP_POOL_H */
