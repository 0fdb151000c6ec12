// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of what an exit of a TD tells about the size of a page.
 */
#include <kunit/test.h>

#include "../tdx_huge.h"

#define PENDING		TDX_EXT_EXIT_QUAL_TYPE_PENDING_EPT_VIOLATION
#define ACCEPT		TDX_EXT_EXIT_QUAL_TYPE_ACCEPT
#define REQ(level)	FIELD_PREP(TDX_EXT_EXIT_QUAL_REQ_LEVEL, level)

/* The module counts levels from 0, KVM from 1. */
static void test_accept_level(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, tdx_accept_level(ACCEPT | REQ(0)), PG_LEVEL_4K);
	KUNIT_EXPECT_EQ(test, tdx_accept_level(ACCEPT | REQ(1)), PG_LEVEL_2M);
	KUNIT_EXPECT_EQ(test, tdx_accept_level(ACCEPT | REQ(2)), PG_LEVEL_1G);
}

/* An access tells nothing about a size, whatever the other bits are. */
static void test_no_accept(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, tdx_accept_level(0), PG_LEVEL_NONE);
	KUNIT_EXPECT_EQ(test, tdx_accept_level(REQ(1)), PG_LEVEL_NONE);
	KUNIT_EXPECT_EQ(test, tdx_accept_level(PENDING | REQ(1)), PG_LEVEL_NONE);
}

/* Where the walk ended and in what state does not matter. */
static void test_other_fields(struct kunit *test)
{
	u64 others = GENMASK_ULL(63, 35) | GENMASK_ULL(31, 4);

	KUNIT_EXPECT_EQ(test, tdx_accept_level(others | ACCEPT | REQ(0)), PG_LEVEL_4K);
	KUNIT_EXPECT_EQ(test, tdx_accept_level(others | REQ(0)), PG_LEVEL_NONE);
}

static struct kunit_case tdx_huge_cases[] = {
	KUNIT_CASE(test_accept_level),
	KUNIT_CASE(test_no_accept),
	KUNIT_CASE(test_other_fields),
	{}
};

static struct kunit_suite tdx_huge_suite = {
	.name = "kvm_tdx_huge",
	.test_cases = tdx_huge_cases,
};

kunit_test_suite(tdx_huge_suite);
