// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of what counts as a private leaf, a split and a promotion.
 */
#include <kunit/test.h>

#include "../private_spte.h"

#define PRESENT		SPTE_MMU_PRESENT_MASK
#define PRIVATE_4K	(PRESENT | SPTE_PRIVATE_MASK)
#define PRIVATE_2M	(PRESENT | SPTE_PRIVATE_MASK | PT_PAGE_SIZE_MASK)
#define SHARED_2M	(PRESENT | PT_PAGE_SIZE_MASK)
#define TABLE		PRESENT

/* One bit tells private from shared, at each level a leaf can have. */
static void test_private_leaf(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, is_private_leaf_spte(PRIVATE_4K, PG_LEVEL_4K));
	KUNIT_EXPECT_TRUE(test, is_private_leaf_spte(PRIVATE_2M, PG_LEVEL_2M));
	KUNIT_EXPECT_FALSE(test, is_private_leaf_spte(SHARED_2M, PG_LEVEL_2M));
	KUNIT_EXPECT_FALSE(test, is_private_leaf_spte(TABLE, PG_LEVEL_2M));
}

/* Neither an empty nor a frozen SPTE maps anything. */
static void test_nothing_mapped(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, is_private_leaf_spte(SHADOW_NONPRESENT_VALUE, PG_LEVEL_4K));
	KUNIT_EXPECT_FALSE(test, is_private_leaf_spte(FROZEN_SPTE, PG_LEVEL_2M));
	KUNIT_EXPECT_FALSE(test, is_table_spte(FROZEN_SPTE, PG_LEVEL_2M));
}

/* A split is leaf to table; a zap, or a split of shared memory, is none. */
static void test_split(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, is_private_split(PRIVATE_2M, TABLE, PG_LEVEL_2M));
	KUNIT_EXPECT_FALSE(test, is_private_split(PRIVATE_2M, SHADOW_NONPRESENT_VALUE,
						  PG_LEVEL_2M));
	KUNIT_EXPECT_FALSE(test, is_private_split(PRIVATE_2M, FROZEN_SPTE, PG_LEVEL_2M));
	KUNIT_EXPECT_FALSE(test, is_private_split(SHARED_2M, TABLE, PG_LEVEL_2M));
}

/* A promotion is table to leaf; a first mapping at 2M is none. */
static void test_promotion(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, is_private_promotion(TABLE, PRIVATE_2M, PG_LEVEL_2M));
	KUNIT_EXPECT_FALSE(test, is_private_promotion(SHADOW_NONPRESENT_VALUE, PRIVATE_2M,
						      PG_LEVEL_2M));
	KUNIT_EXPECT_FALSE(test, is_private_promotion(TABLE, SHARED_2M, PG_LEVEL_2M));
	KUNIT_EXPECT_FALSE(test, is_private_promotion(TABLE, FROZEN_SPTE, PG_LEVEL_2M));
}

static struct kunit_case private_spte_cases[] = {
	KUNIT_CASE(test_private_leaf),
	KUNIT_CASE(test_nothing_mapped),
	KUNIT_CASE(test_split),
	KUNIT_CASE(test_promotion),
	{}
};

static struct kunit_suite private_spte_suite = {
	.name = "kvm_private_spte",
	.test_cases = private_spte_cases,
};

kunit_test_suite(private_spte_suite);
