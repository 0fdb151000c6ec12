// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of what follows from numbers alone about the private memory of
 * SNP guests.
 */
#include <kunit/test.h>
#include <linux/kvm_host.h>

#include "../snp_plan.h"

/* A page without an owner has no level, whatever its entry says. */
static void test_entry_level(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, snp_entry_level(true, PG_LEVEL_2M), PG_LEVEL_2M);
	KUNIT_EXPECT_EQ(test, snp_entry_level(true, PG_LEVEL_4K), PG_LEVEL_4K);
	KUNIT_EXPECT_EQ(test, snp_entry_level(false, PG_LEVEL_2M), PG_LEVEL_NONE);
}

/* A leaf is never larger than the entry, and 4K where there is none. */
static void test_leaf_level(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, snp_leaf_level(PG_LEVEL_2M), PG_LEVEL_2M);
	KUNIT_EXPECT_EQ(test, snp_leaf_level(PG_LEVEL_4K), PG_LEVEL_4K);
	KUNIT_EXPECT_EQ(test, snp_leaf_level(PG_LEVEL_NONE), PG_LEVEL_4K);
	KUNIT_EXPECT_EQ(test, snp_leaf_level(-EFAULT), PG_LEVEL_4K);
}

/*
 * One update for all of a 2M entry; for a part of it a smash comes first.  What
 * can't be read is not given back.
 */
static void test_reclaim(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, snp_reclaim_plan(PG_LEVEL_2M, true), SNP_RECLAIM_ENTRY);
	KUNIT_EXPECT_EQ(test, snp_reclaim_plan(PG_LEVEL_2M, false), SNP_RECLAIM_SMASH_FIRST);
	KUNIT_EXPECT_EQ(test, snp_reclaim_plan(PG_LEVEL_4K, true), SNP_RECLAIM_ENTRY);
	KUNIT_EXPECT_EQ(test, snp_reclaim_plan(PG_LEVEL_4K, false), SNP_RECLAIM_ENTRY);
	KUNIT_EXPECT_EQ(test, snp_reclaim_plan(PG_LEVEL_NONE, true), SNP_RECLAIM_NOTHING);
	KUNIT_EXPECT_EQ(test, snp_reclaim_plan(-EFAULT, false), SNP_RECLAIM_UNKNOWN);
}

/* Pages 0x3ff and 0x400 lie in two ranges, 0x200 to 0x3ff in one. */
static void test_range_walk(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, snp_first_range(0x3ff), 0x200);
	KUNIT_EXPECT_EQ(test, snp_nr_ranges(0x3ff, 1), 1);
	KUNIT_EXPECT_EQ(test, snp_nr_ranges(0x3ff, 2), 2);
	KUNIT_EXPECT_EQ(test, snp_nr_ranges(0x200, 0x200), 1);
	KUNIT_EXPECT_EQ(test, snp_nr_ranges(0x1ff, 0x202), 3);
	KUNIT_EXPECT_EQ(test, snp_nr_ranges(0x200, 0), 0);
}

/* [0x1fe, 0x603): 2 pages, two whole ranges, 3 pages. */
static void test_batch(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, snp_batch(0x1fe, 0x405), 2);
	KUNIT_EXPECT_EQ(test, snp_batch(0x200, 0x403), 0x200);
	KUNIT_EXPECT_EQ(test, snp_batch(0x400, 0x203), 0x200);
	KUNIT_EXPECT_EQ(test, snp_batch(0x600, 3), 3);

	/* A page short of a range on either side is no range. */
	KUNIT_EXPECT_EQ(test, snp_batch(0x201, 0x200), 0x1ff);
	KUNIT_EXPECT_EQ(test, snp_batch(0x200, 0x1ff), 0x1ff);
}

static struct kunit_case snp_plan_cases[] = {
	KUNIT_CASE(test_entry_level),
	KUNIT_CASE(test_leaf_level),
	KUNIT_CASE(test_reclaim),
	KUNIT_CASE(test_range_walk),
	KUNIT_CASE(test_batch),
	{}
};

static struct kunit_suite snp_plan_suite = {
	.name = "kvm_snp_plan",
	.test_cases = snp_plan_cases,
};

kunit_test_suite(snp_plan_suite);
