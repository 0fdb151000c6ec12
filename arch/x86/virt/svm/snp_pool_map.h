/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which pages of a block of 2M are in use: a bitmap, and no more than that.
 *
 * The first page is never given out.  An SNP erratum has the CPU take a write
 * through a 2M mapping for an RMP violation while the 2M-aligned page of the
 * range is a VMSA in use.
 */
#ifndef __X86_VIRT_SVM_SNP_POOL_MAP_H
#define __X86_VIRT_SVM_SNP_POOL_MAP_H

#include <linux/bitmap.h>
#include <linux/pgtable.h>

#define SNP_POOL_PAGES		PTRS_PER_PMD

/* Half of a block, as the first page is missing. */
#define SNP_POOL_MAX_ORDER	(PMD_SHIFT - PAGE_SHIFT - 1)

struct snp_pool_map {
	DECLARE_BITMAP(used, SNP_POOL_PAGES);
};

static inline void snp_pool_map_init(struct snp_pool_map *map)
{
	bitmap_zero(map->used, SNP_POOL_PAGES);
	__set_bit(0, map->used);
}

static inline unsigned int snp_pool_map_nr_used(const struct snp_pool_map *map)
{
	return bitmap_weight(map->used, SNP_POOL_PAGES) - 1;
}

/* The first of 1 << @order pages, aligned to as many, or -1. */
static inline int snp_pool_map_take(struct snp_pool_map *map, unsigned int order)
{
	unsigned int nr = 1U << order, at;

	at = bitmap_find_next_zero_area(map->used, SNP_POOL_PAGES, 0, nr, nr - 1);
	if (at >= SNP_POOL_PAGES)
		return -1;

	bitmap_set(map->used, at, nr);
	return at;
}

static inline void snp_pool_map_put(struct snp_pool_map *map, unsigned int at)
{
	WARN_ON_ONCE(!at || !__test_and_clear_bit(at, map->used));
}

#endif /* __X86_VIRT_SVM_SNP_POOL_MAP_H */
