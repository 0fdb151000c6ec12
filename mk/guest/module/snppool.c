// SPDX-License-Identifier: GPL-2.0-only
/*
 * snppool pages=NUMBER [fragment=1] [node=NUMBER]: take pages from the pool of those that the RMP assigns at 4K, tell in how many ranges of 2M they lie, and
 * give them back with the module. None may be 2M-aligned. With fragment=1 no range of 2M is free meanwhile, but for memory in pieces. All that
 * on the node alone, if one is given.
 */
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pgtable.h>
#include <linux/slab.h>

static uint pages;
module_param(pages, uint, 0444);
static bool fragment;
module_param(fragment, bool, 0444);
static int node = NUMA_NO_NODE;
module_param(node, int, 0444);

/* Only the patched kernel has them. */
static struct page *(*pool_alloc)(int node, gfp_t gfp, unsigned int order);
static void (*pool_free)(struct page *page, unsigned int order);
static struct page **taken;
/* The first page of each range of 2M that was free. */
static LIST_HEAD(heads);

static bool take_heads(void)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN | (node == NUMA_NO_NODE ? 0 : __GFP_THISNODE);
	struct page *range, *next;
	unsigned int nr;
	LIST_HEAD(found);

	while ((range = alloc_pages_node(node, gfp, PMD_ORDER))) {
		split_page(range, PMD_ORDER);
		list_add(&range->lru, &found);
	}
	if (list_empty(&found))
		return false;
	list_for_each_entry_safe(range, next, &found, lru) {
		for (nr = 1; nr < PTRS_PER_PMD; nr++)
			__free_page(range + nr);
		list_move(&range->lru, &heads);
	}
	return true;
}

/* The allocator keeps a reserve as long as little is free: ask again when much is. */
static void fragment_memory(void)
{
	while (take_heads())
		;
}

static void free_heads(void)
{
	struct page *range, *next;

	list_for_each_entry_safe(range, next, &heads, lru) {
		list_del(&range->lru);
		__free_page(range);
	}
}

static void give_back(unsigned int nr)
{
	while (nr--)
		pool_free(taken[nr], 0);
	kvfree(taken);
	free_heads();
}

static unsigned int count_ranges(void)
{
	unsigned int nr, other, ranges = 0;

	for (nr = 0; nr < pages; nr++) {
		for (other = 0; other < nr; other++)
			if (page_to_pfn(taken[other]) / PTRS_PER_PMD == page_to_pfn(taken[nr]) / PTRS_PER_PMD)
				break;
		ranges += other == nr;
	}
	return ranges;
}

static int __init snppool_init(void)
{
	unsigned int nr, aligned = 0;

	pool_alloc = __symbol_get("snp_pool_alloc");
	pool_free = __symbol_get("snp_pool_free");
	if (!pool_alloc || !pool_free)
		return -ENOENT;
	taken = kvcalloc(pages, sizeof(*taken), GFP_KERNEL);
	if (!taken)
		return -ENOMEM;
	for (nr = 0; nr < pages; nr++) {
		/* Others give back memory meanwhile. */
		if (fragment)
			fragment_memory();
		taken[nr] = pool_alloc(node, GFP_KERNEL | __GFP_ZERO, 0);
		if (!taken[nr]) {
			give_back(nr);
			return -ENOMEM;
		}
		aligned += IS_ALIGNED(page_to_pfn(taken[nr]), PTRS_PER_PMD);
		memset(page_address(taken[nr]), 0xff, PAGE_SIZE);
	}
	pr_notice("snppool: %u pages in %u ranges, %u aligned\n", pages, count_ranges(), aligned);
	return 0;
}

static void __exit snppool_exit(void)
{
	give_back(pages);
	__symbol_put("snp_pool_alloc");
	__symbol_put("snp_pool_free");
}

module_init(snppool_init);
module_exit(snppool_exit);
MODULE_DESCRIPTION("Take pages from the pool of those that the RMP assigns at 4K");
MODULE_LICENSE("GPL");
