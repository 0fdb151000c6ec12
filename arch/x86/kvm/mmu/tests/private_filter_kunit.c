// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>

#include "../private_filter.h"

static u64 spared(enum kvm_gfn_range_filter filter, u32 slot_flags)
{
	struct kvm_memory_slot slot = { .flags = slot_flags };
	struct kvm_gfn_range range = {
		.slot		= &slot,
		.attr_filter	= filter,
	};

	return kvm_spared_leaves(&range);
}

static void test_shared_alone(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, spared(KVM_FILTER_SHARED, KVM_MEM_GUEST_MEMFD),
			SPTE_PRIVATE_MASK);
	KUNIT_EXPECT_EQ(test, spared(KVM_FILTER_SHARED, 0), SPTE_PRIVATE_MASK);
}

/* A hole in the file, a conversion to shared, a memslot that goes. */
static void test_private_too(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, spared(KVM_FILTER_PRIVATE, KVM_MEM_GUEST_MEMFD), 0ULL);
	KUNIT_EXPECT_EQ(test, spared(KVM_FILTER_PRIVATE | KVM_FILTER_SHARED,
				     KVM_MEM_GUEST_MEMFD), 0ULL);
	KUNIT_EXPECT_EQ(test, spared(0, KVM_MEM_GUEST_MEMFD), 0ULL);
}

/* User space maps the file itself. */
static void test_one_page_for_both(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, spared(KVM_FILTER_SHARED,
				     KVM_MEM_GUEST_MEMFD | KVM_MEMSLOT_GMEM_ONLY), 0ULL);
}

static struct kunit_case private_filter_cases[] = {
	KUNIT_CASE(test_shared_alone),
	KUNIT_CASE(test_private_too),
	KUNIT_CASE(test_one_page_for_both),
	{}
};

static struct kunit_suite private_filter_suite = {
	.name = "kvm_private_filter",
	.test_cases = private_filter_cases,
};

kunit_test_suite(private_filter_suite);
