// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of when a range is tried to be promoted.
 */
#include <kunit/test.h>

#include "../private_promote.h"

/* After two failures a range is due in scans 4, 8, 12, ... */
static void test_due(struct kunit *test)
{
	unsigned long scan;

	for (scan = 1; scan <= 16; scan++) {
		KUNIT_EXPECT_TRUE(test, kvm_promote_due(scan, 0));
		KUNIT_EXPECT_EQ(test, kvm_promote_due(scan, 2), scan % 4 == 0);
	}
}

/* Six tries in 63 scans, ten in 1,023, and then one in each 1,024. */
static void test_backs_off(struct kunit *test)
{
	unsigned long scan, tries = 0;

	for (scan = 1; scan <= 4096; scan++) {
		tries += kvm_promote_due(scan, tries);
		if (scan == 63)
			KUNIT_EXPECT_EQ(test, tries, 6);
		if (scan == 1023)
			KUNIT_EXPECT_EQ(test, tries, 10);
	}
	KUNIT_EXPECT_EQ(test, tries, 14);
	KUNIT_EXPECT_FALSE(test, kvm_promote_due(1023, ULONG_MAX));
	KUNIT_EXPECT_TRUE(test, kvm_promote_due(2048, ULONG_MAX));
}

static struct kunit_case private_promote_cases[] = {
	KUNIT_CASE(test_due),
	KUNIT_CASE(test_backs_off),
	{}
};

static struct kunit_suite private_promote_suite = {
	.name = "kvm_private_promote",
	.test_cases = private_promote_cases,
};

kunit_test_suite(private_promote_suite);
