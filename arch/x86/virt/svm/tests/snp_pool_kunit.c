// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the map of a block of the pool of pages that are assigned at
 * 4K.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "../snp_pool_map.h"

static struct snp_pool_map *new_map(struct kunit *test)
{
	struct snp_pool_map *map = kunit_kzalloc(test, sizeof(*map), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, map);
	snp_pool_map_init(map);
	return map;
}

static void test_first_page_stays(struct kunit *test)
{
	struct snp_pool_map *map = new_map(test);
	int nr;

	KUNIT_EXPECT_EQ(test, snp_pool_map_nr_used(map), 0);
	for (nr = 1; nr < SNP_POOL_PAGES; nr++)
		KUNIT_ASSERT_EQ(test, snp_pool_map_take(map, 0), nr);
	KUNIT_EXPECT_EQ(test, snp_pool_map_nr_used(map), SNP_POOL_PAGES - 1);
	KUNIT_EXPECT_EQ(test, snp_pool_map_take(map, 0), -1);
}

/* 4 pages start at 4, 8 of them at 8, and a single one fits in between. */
static void test_aligned(struct kunit *test)
{
	struct snp_pool_map *map = new_map(test);

	KUNIT_EXPECT_EQ(test, snp_pool_map_take(map, 2), 4);
	KUNIT_EXPECT_EQ(test, snp_pool_map_take(map, 3), 8);
	KUNIT_EXPECT_EQ(test, snp_pool_map_take(map, 0), 1);
	KUNIT_EXPECT_EQ(test, snp_pool_map_take(map, 1), 2);
	KUNIT_EXPECT_EQ(test, snp_pool_map_nr_used(map), 4 + 8 + 1 + 2);
}

/* Half of the block fits once, as the first page is missing from the other. */
static void test_largest(struct kunit *test)
{
	struct snp_pool_map *map = new_map(test);

	KUNIT_EXPECT_EQ(test, snp_pool_map_take(map, SNP_POOL_MAX_ORDER), SNP_POOL_PAGES / 2);
	KUNIT_EXPECT_EQ(test, snp_pool_map_take(map, SNP_POOL_MAX_ORDER), -1);
	KUNIT_EXPECT_EQ(test, snp_pool_map_take(map, SNP_POOL_MAX_ORDER - 1),
			SNP_POOL_PAGES / 4);
}

/* What was put back is taken next, and pages that were not are left alone. */
static void test_put(struct kunit *test)
{
	struct snp_pool_map *map = new_map(test);

	KUNIT_EXPECT_EQ(test, snp_pool_map_take(map, 0), 1);
	KUNIT_EXPECT_EQ(test, snp_pool_map_take(map, 0), 2);
	KUNIT_EXPECT_EQ(test, snp_pool_map_take(map, 0), 3);
	snp_pool_map_put(map, 2);
	KUNIT_EXPECT_EQ(test, snp_pool_map_nr_used(map), 2);
	KUNIT_EXPECT_EQ(test, snp_pool_map_take(map, 0), 2);
	KUNIT_EXPECT_EQ(test, snp_pool_map_take(map, 0), 4);
}

static struct kunit_case snp_pool_cases[] = {
	KUNIT_CASE(test_first_page_stays),
	KUNIT_CASE(test_aligned),
	KUNIT_CASE(test_largest),
	KUNIT_CASE(test_put),
	{}
};

static struct kunit_suite snp_pool_suite = {
	.name = "snp_pool",
	.test_cases = snp_pool_cases,
};

kunit_test_suite(snp_pool_suite);

MODULE_DESCRIPTION("KUnit tests of the pool of pages that the RMP assigns at 4K");
MODULE_LICENSE("GPL");
