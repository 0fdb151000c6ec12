// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the level at which guest_memfd memory is mapped.
 */
#include <kunit/test.h>

#include "../private_level.c"

#define NR_2M	2

/*
 * The worked example of private_level.c: gfns [0x800, 0xc00), two 2M ranges,
 * at page 0x200 of the file, in folios of 2M.  The memslot ends on a 2M
 * boundary but inside of a 1G range.
 */
struct fixture {
	struct kvm_lpage_info info_2m[NR_2M];
	struct kvm_lpage_info info_1g[1];
	struct kvm_memory_slot slot;
	struct kvm_gmem_map map;
};

static int fixture_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);

	f->info_1g[0].disallow_lpage = 1;
	f->slot.base_gfn = 0x800;
	f->slot.npages = NR_2M * 512;
	f->slot.gmem.pgoff = 0x200;
	f->slot.arch.lpage_info[PG_LEVEL_2M - 2] = f->info_2m;
	f->slot.arch.lpage_info[PG_LEVEL_1G - 2] = f->info_1g;
	f->map = (struct kvm_gmem_map) {
		.slot = &f->slot,
		.gfn = 0x8ff,
		.pfn = 0x45eff,
		.folio_level = PG_LEVEL_2M,
	};
	test->priv = f;
	return 0;
}

static u8 level_of(struct fixture *f)
{
	return kvm_gmem_map_level(&f->map, KVM_MAX_HUGEPAGE_LEVEL);
}

static void test_all_agree(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, level_of(test->priv), PG_LEVEL_2M);
}

/* A page, or what a split left of a folio, is mapped 4K. */
static void test_folio(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->map.folio_level = PG_LEVEL_4K;
	KUNIT_EXPECT_EQ(test, level_of(f), PG_LEVEL_4K);
}

/* The file starts one page later: gfn and page of the file disagree. */
static void test_file_offset(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->slot.gmem.pgoff = 0x201;
	KUNIT_EXPECT_EQ(test, level_of(f), PG_LEVEL_4K);

	/* Another multiple of 2M is as good as the first. */
	f->slot.gmem.pgoff = 0x600;
	KUNIT_EXPECT_EQ(test, level_of(f), PG_LEVEL_2M);
}

static void test_pfn(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->map.pfn++;
	KUNIT_EXPECT_EQ(test, level_of(f), PG_LEVEL_4K);
}

/* Mixed attributes in one 2M range say nothing about the next. */
static void test_attributes(struct kunit *test)
{
	struct fixture *f = test->priv;

	/* The flag that mmu.c sets where the attributes of a range differ. */
	f->info_2m[0].disallow_lpage = BIT(31);
	KUNIT_EXPECT_EQ(test, level_of(f), PG_LEVEL_4K);

	f->map.gfn += 512;
	f->map.pfn += 512;
	KUNIT_EXPECT_EQ(test, level_of(f), PG_LEVEL_2M);
}

/* The last 2M range of a memslot that ends in the middle of it. */
static void test_memslot_edge(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->info_2m[1].disallow_lpage = 1;
	KUNIT_EXPECT_EQ(test, level_of(f), PG_LEVEL_2M);

	f->map.gfn = 0xbff;
	KUNIT_EXPECT_EQ(test, level_of(f), PG_LEVEL_4K);
}

/* RMP or S-EPT hold the page at 4K, at 2M, or larger than the folio. */
static void test_hardware(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->map.hw_level = PG_LEVEL_4K;
	KUNIT_EXPECT_EQ(test, level_of(f), PG_LEVEL_4K);

	f->map.hw_level = PG_LEVEL_2M;
	KUNIT_EXPECT_EQ(test, level_of(f), PG_LEVEL_2M);

	f->map.hw_level = PG_LEVEL_1G;
	KUNIT_EXPECT_EQ(test, level_of(f), PG_LEVEL_2M);
}

/* What the caller rules out stays ruled out. */
static void test_max_level(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, kvm_gmem_map_level(&f->map, PG_LEVEL_4K), PG_LEVEL_4K);
	KUNIT_EXPECT_EQ(test, kvm_gmem_map_level(&f->map, PG_LEVEL_2M), PG_LEVEL_2M);
}

/* 1G once a folio fills it: the same rules, one level up. */
static void test_1g(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->info_1g[0].disallow_lpage = 0;
	f->slot.gmem.pgoff = 0x800;
	f->map.folio_level = PG_LEVEL_1G;
	f->map.pfn = 0x408ff;
	KUNIT_EXPECT_EQ(test, level_of(f), PG_LEVEL_1G);

	f->slot.gmem.pgoff = 0x200;
	KUNIT_EXPECT_EQ(test, level_of(f), PG_LEVEL_2M);
}

static void test_level_for_order(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kvm_level_for_order(0), PG_LEVEL_4K);
	KUNIT_EXPECT_EQ(test, kvm_level_for_order(8), PG_LEVEL_4K);
	KUNIT_EXPECT_EQ(test, kvm_level_for_order(9), PG_LEVEL_2M);
	KUNIT_EXPECT_EQ(test, kvm_level_for_order(17), PG_LEVEL_2M);
	KUNIT_EXPECT_EQ(test, kvm_level_for_order(18), PG_LEVEL_1G);
}

/* 0x8ff and 0x45eff meet modulo 512, 0x8ff and 0x45f00 only modulo 1. */
static void test_congruent_level(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kvm_congruent_level(0x8ff, 0x45eff), PG_LEVEL_2M);
	KUNIT_EXPECT_EQ(test, kvm_congruent_level(0x8ff, 0x45f00), PG_LEVEL_4K);
	KUNIT_EXPECT_EQ(test, kvm_congruent_level(0x40000, 0), PG_LEVEL_1G);
	KUNIT_EXPECT_EQ(test, kvm_congruent_level(7, 7), KVM_MAX_HUGEPAGE_LEVEL);
}

static struct kunit_case private_level_cases[] = {
	KUNIT_CASE(test_all_agree),
	KUNIT_CASE(test_folio),
	KUNIT_CASE(test_file_offset),
	KUNIT_CASE(test_pfn),
	KUNIT_CASE(test_attributes),
	KUNIT_CASE(test_memslot_edge),
	KUNIT_CASE(test_hardware),
	KUNIT_CASE(test_max_level),
	KUNIT_CASE(test_1g),
	KUNIT_CASE(test_level_for_order),
	KUNIT_CASE(test_congruent_level),
	{}
};

static struct kunit_suite private_level_suite = {
	.name = "kvm_private_level",
	.init = fixture_init,
	.test_cases = private_level_cases,
};

kunit_test_suite(private_level_suite);
