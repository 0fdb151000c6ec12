// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of guest_memfd's arithmetic on large folios.
 */
#include <kunit/test.h>

#include "../gmem_folio.h"

/*
 * A file of 1280 pages: [0, 512) and [512, 1024) fit, [1024, 1536) does not,
 * whichever page of the range is asked for.
 */
static void test_large_range_fits(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, gmem_large_range_fits(0, 1280));
	KUNIT_EXPECT_TRUE(test, gmem_large_range_fits(511, 1280));
	KUNIT_EXPECT_TRUE(test, gmem_large_range_fits(1023, 1280));
	KUNIT_EXPECT_FALSE(test, gmem_large_range_fits(1024, 1280));
	KUNIT_EXPECT_FALSE(test, gmem_large_range_fits(1279, 1280));
}

/* One page short of a large range is no large range, exactly one is. */
static void test_large_range_at_end_of_file(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, gmem_large_range_fits(0, GMEM_LARGE_PAGES - 1));
	KUNIT_EXPECT_TRUE(test, gmem_large_range_fits(0, GMEM_LARGE_PAGES));
}

/* What a split leaves between the two sizes is mapped as pages. */
static void test_mapping_order(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, gmem_mapping_order(0), 0);
	KUNIT_EXPECT_EQ(test, gmem_mapping_order(GMEM_LARGE_ORDER - 1), 0);
	KUNIT_EXPECT_EQ(test, gmem_mapping_order(GMEM_LARGE_ORDER), GMEM_LARGE_ORDER);
	KUNIT_EXPECT_EQ(test, gmem_mapping_order(GMEM_LARGE_ORDER + 9), GMEM_LARGE_ORDER);
}

/*
 * Page 88 of a folio, 88 = 64 + 16 + 8, is the head of a folio of at most 8
 * pages.  The middle of an order-9 folio needs no more than a split in two.
 */
static void test_split_order(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, gmem_split_order(88), 3);
	KUNIT_EXPECT_EQ(test, gmem_split_order(1), 0);
	KUNIT_EXPECT_EQ(test, gmem_split_order(GMEM_LARGE_PAGES / 2), GMEM_LARGE_ORDER - 1);
	KUNIT_EXPECT_EQ(test, gmem_split_order(GMEM_LARGE_PAGES - 1), 0);
}

/* Every cut makes its page a head and never asks for the order it has. */
static void test_split_order_bounds(struct kunit *test)
{
	unsigned long offset;

	for (offset = 1; offset < GMEM_LARGE_PAGES; offset++) {
		int order = gmem_split_order(offset);

		KUNIT_ASSERT_LT(test, order, GMEM_LARGE_ORDER);
		KUNIT_ASSERT_TRUE(test, IS_ALIGNED(offset, 1UL << order));
		KUNIT_ASSERT_FALSE(test, IS_ALIGNED(offset, 2UL << order));
	}
}

static struct kunit_case gmem_folio_cases[] = {
	KUNIT_CASE(test_large_range_fits),
	KUNIT_CASE(test_large_range_at_end_of_file),
	KUNIT_CASE(test_mapping_order),
	KUNIT_CASE(test_split_order),
	KUNIT_CASE(test_split_order_bounds),
	{}
};

static struct kunit_suite gmem_folio_suite = {
	.name = "kvm_gmem_folio",
	.test_cases = gmem_folio_cases,
};

kunit_test_suite(gmem_folio_suite);

MODULE_DESCRIPTION("KUnit tests of KVM's private memory");
MODULE_LICENSE("GPL");
