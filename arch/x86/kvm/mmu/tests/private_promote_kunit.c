// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of when a range is tried to be promoted, and of when it is forgotten.
 *
 * Worked example: range 3 is smashed and noted, 0.  A scan begins to try it,
 * TRYING, and promotes it.  Before the scan ends the guest has the range smashed
 * again, which notes it, 0.  The scan's end finds that it is not TRYING any more
 * and leaves it to the next one.
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

/* An entry of range 3 that was tried @tries times before, being tried */
static void begin(struct kunit *test, struct xarray *ranges, unsigned long tries)
{
	xa_init(ranges);
	xa_store(ranges, 3, xa_mk_value(tries), GFP_KERNEL);
	KUNIT_EXPECT_TRUE(test, kvm_promote_begin(ranges, 3, xa_mk_value(tries)));
}

static void test_forgets(struct kunit *test)
{
	struct xarray ranges;

	begin(test, &ranges, 0);
	kvm_promote_end(&ranges, 3, NULL);
	KUNIT_EXPECT_TRUE(test, xa_empty(&ranges));

	begin(test, &ranges, 4);
	kvm_promote_end(&ranges, 3, xa_mk_value(5));
	KUNIT_EXPECT_PTR_EQ(test, xa_load(&ranges, 3), xa_mk_value(5));
	xa_destroy(&ranges);
}

/* Whatever the try came to, and however often it had failed before */
static void test_keeps_what_is_noted_meanwhile(struct kunit *test)
{
	struct xarray ranges;
	unsigned long tries;

	for (tries = 0; tries < 3; tries++) {
		begin(test, &ranges, tries);
		kvm_promote_note(&ranges, 3, GFP_KERNEL);
		kvm_promote_end(&ranges, 3, tries ? xa_mk_value(tries + 1) : NULL);
		KUNIT_EXPECT_PTR_EQ(test, xa_load(&ranges, 3), xa_mk_value(0));
		xa_destroy(&ranges);
	}
}

/* What the scan found is old news: it is not tried as that. */
static void test_begins_with_what_it_found(struct kunit *test)
{
	struct xarray ranges;

	xa_init(&ranges);
	xa_store(&ranges, 3, xa_mk_value(2), GFP_KERNEL);
	kvm_promote_note(&ranges, 3, GFP_KERNEL);
	KUNIT_EXPECT_FALSE(test, kvm_promote_begin(&ranges, 3, xa_mk_value(2)));
	KUNIT_EXPECT_PTR_EQ(test, xa_load(&ranges, 3), xa_mk_value(0));
	xa_destroy(&ranges);
}

static struct kunit_case private_promote_cases[] = {
	KUNIT_CASE(test_due),
	KUNIT_CASE(test_backs_off),
	KUNIT_CASE(test_forgets),
	KUNIT_CASE(test_keeps_what_is_noted_meanwhile),
	KUNIT_CASE(test_begins_with_what_it_found),
	{}
};

static struct kunit_suite private_promote_suite = {
	.name = "kvm_private_promote",
	.test_cases = private_promote_cases,
};

kunit_test_suite(private_promote_suite);
