// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that the RMP assigns at 4K, from few ranges of 2M.
 *
 * Command buffers and contexts of the firmware, VMSAs and bounce buffers are
 * single pages.  Each of them costs the 2M mapping of the direct map that it
 * happens to lie in, so that a host with many VMs ends up without any.  Take
 * them from blocks of 2M.
 *
 * Worked example: 50 VMs with 4 vCPUs, each with a context, a response buffer
 * and 4 VMSAs.
 *
 *	from the allocator	300 pages in up to 300 ranges, split for good
 *	from the pool		one block, split while it is in use
 *
 * The host writes to these pages before they are assigned, between commands,
 * and after they are its own again.  So the direct map of a block is split as
 * long as any page of it is in use, not only while one is assigned: a command
 * buffer that changes hands with every command costs no more than the first.
 */
#include <linux/cc_platform.h>
#include <linux/cleanup.h>
#include <linux/highmem.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/page-flags.h>
#include <linux/panic.h>
#include <linux/slab.h>
#include <asm/snp-pool.h>

#include "snp_direct_map.h"
#include "snp_pool_map.h"

struct snp_block {
	struct list_head list;
	struct page *page;
	struct snp_pool_map map;
};

static LIST_HEAD(blocks);
static DEFINE_MUTEX(pool_mutex);

/* In /sys/module/snp_pool/parameters. */
static unsigned int nr_blocks;
module_param_named(blocks, nr_blocks, uint, 0444);
static unsigned long nr_pages;
module_param_named(pages, nr_pages, ulong, 0444);
static unsigned long nr_fallbacks;
module_param_named(fallbacks, nr_fallbacks, ulong, 0444);

/* Quarantined pages are marked as poisoned: nobody frees them. */
static void free_each(struct page *page, unsigned int nr)
{
	for (; nr; nr--, page++)
		if (!PageHWPoison(page))
			__free_page(page);
}

static struct snp_block *add_block(int node)
{
	struct snp_block *block = kzalloc_obj(*block);
	gfp_t gfp = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;

	/* Nobody who asks for pages of the node would find another node's block again. */
	if (node != NUMA_NO_NODE)
		gfp |= __GFP_THISNODE;

	lockdep_assert_held(&pool_mutex);

	if (!block)
		return NULL;

	block->page = alloc_pages_node(node, gfp, PMD_ORDER);
	if (!block->page)
		goto free_block;

	split_page(block->page, PMD_ORDER);
	if (snp_direct_map_hold(page_to_pfn(block->page)))
		goto free_pages;

	snp_pool_map_init(&block->map);
	list_add(&block->list, &blocks);
	nr_blocks++;
	return block;

free_pages:
	free_each(block->page, SNP_POOL_PAGES);
free_block:
	kfree(block);
	return NULL;
}

static void remove_block(struct snp_block *block)
{
	lockdep_assert_held(&pool_mutex);

	list_del(&block->list);
	nr_blocks--;
	snp_direct_map_release(page_to_pfn(block->page));
	free_each(block->page, SNP_POOL_PAGES);
	kfree(block);
}

static struct snp_block *block_of(struct page *page)
{
	struct snp_block *block;

	lockdep_assert_held(&pool_mutex);

	list_for_each_entry(block, &blocks, list)
		if (page_to_pfn(page) - page_to_pfn(block->page) < SNP_POOL_PAGES)
			return block;
	return NULL;
}

/* The oldest block first, so that the others get empty. */
static struct page *take(int node, unsigned int order)
{
	struct snp_block *block;
	int at;

	lockdep_assert_held(&pool_mutex);

	list_for_each_entry_reverse(block, &blocks, list) {
		if (node != NUMA_NO_NODE && node != page_to_nid(block->page))
			continue;

		at = snp_pool_map_take(&block->map, order);
		if (at >= 0)
			return block->page + at;
	}

	block = add_block(node);
	if (!block)
		return NULL;

	at = snp_pool_map_take(&block->map, order);
	return block->page + at;
}

static int charge(struct page *page, gfp_t gfp, unsigned int nr)
{
	int r = 0;

	for (; nr && !r; nr--)
		r = memcg_kmem_charge_page(page++, gfp, 0);
	return r;
}

static void give_back(struct snp_block *block, struct page *page, unsigned int nr)
{
	lockdep_assert_held(&pool_mutex);

	for (; nr; nr--, page++) {
		if (PageHWPoison(page))
			continue;

		memcg_kmem_uncharge_page(page, 0);
		snp_pool_map_put(&block->map, page - block->page);
		nr_pages--;
	}

	if (!snp_pool_map_nr_used(&block->map))
		remove_block(block);
}

/*
 * The page before or after is not 2M-aligned, see snp_pool_map.h.  Of more than
 * one page none is a VMSA.
 */
static struct page *alloc_anywhere(int node, gfp_t gfp, unsigned int order)
{
	unsigned int spare = !order;
	struct page *page = alloc_pages_node(node, gfp, order + spare);

	if (!page)
		return NULL;

	if (order + spare)
		split_page(page, order + spare);
	if (spare)
		__free_page(IS_ALIGNED(page_to_pfn(page), PTRS_PER_PMD) ? page++ : page + 1);
	return page;
}

struct page *snp_pool_alloc(int node, gfp_t gfp, unsigned int order)
{
	unsigned int nr = 1U << order, i;
	struct page *page;

	if (!cc_platform_has(CC_ATTR_HOST_SEV_SNP) || order > SNP_POOL_MAX_ORDER)
		return alloc_anywhere(node, gfp, order);

	guard(mutex)(&pool_mutex);
	page = take(node, order);
	if (!page) {
		nr_fallbacks++;
		return alloc_anywhere(node, gfp, order);
	}

	nr_pages += nr;
	if (gfp & __GFP_ACCOUNT && charge(page, gfp, nr)) {
		give_back(block_of(page), page, nr);
		return NULL;
	}

	for (i = 0; gfp & __GFP_ZERO && i < nr; i++)
		clear_highpage(page + i);
	return page;
}
EXPORT_SYMBOL_GPL(snp_pool_alloc);

void snp_pool_free(struct page *page, unsigned int order)
{
	unsigned int nr = 1U << order;
	struct snp_block *block;

	/* The other CPUs are stopped, perhaps with the mutex held. */
	if (panic_in_progress())
		return;

	guard(mutex)(&pool_mutex);
	block = block_of(page);
	if (block)
		give_back(block, page, nr);
	else
		free_each(page, nr);
}
EXPORT_SYMBOL_GPL(snp_pool_free);
