// SPDX-License-Identifier: GPL-2.0-only
/*
 * Converting part of a 2M mapping to shared and back.
 *
 * Worked example: the guest wrote 2M of private memory, one fault, one leaf.
 *
 *	convert page 7 to shared	1 split, then 511 x 4K
 *	touch the other pages		0 faults
 *	touch page 7, shared		1 fault
 *	convert page 7 back		511 x 4K
 *	touch page 7, private		1 fault, 1 promotion, then 1 x 2M
 *
 * Conversion moves no data: page 7 holds again what it held before.
 */
#include "gmem_huge.h"
#include "kselftest_harness.h"

#define PRIVATE_TAG	0x11
#define SHARED_TAG	0x22

static void to_shared(struct gmem_huge *g, u64 page, u64 nr)
{
	vm_mem_set_shared(g->vm, gmem_huge_page(page), nr * PAGE_SIZE);
}

static void to_private(struct gmem_huge *g, u64 page, u64 nr)
{
	vm_mem_set_private(g->vm, gmem_huge_page(page), nr * PAGE_SIZE);
}

static void write_pages(struct gmem_huge *g, u64 page, u64 nr, u64 tag)
{
	gmem_huge_write(g, gmem_huge_page(page), nr * PAGE_SIZE, tag);
}

static void check_pages(struct gmem_huge *g, u64 page, u64 nr, u64 tag)
{
	gmem_huge_check(g, gmem_huge_page(page), nr * PAGE_SIZE, tag);
}

/* A file of 4M, all of it private and written. */
static struct gmem_huge create_written(void)
{
	struct gmem_huge g = gmem_huge_create_private(2 * SZ_2M);

	write_pages(&g, 0, 2 * GMEM_HUGE_NR_4K, PRIVATE_TAG);
	TEST_GMEM_MAPPED(&g, 2, 0, "Both ranges should start out mapped 2M");
	return g;
}

/*
 * One row converts [page, page + nr) to shared and back.  It cuts @splits
 * mappings, takes @nr_2m of them with it or cuts them, and leaves @nr_4k pages
 * beside it.
 */
FIXTURE(convert) {
	struct gmem_huge g;
};

FIXTURE_VARIANT(convert) {
	u64 page;
	u64 nr;
	u64 splits;
	u64 nr_2m;
	u64 nr_4k;
};

FIXTURE_VARIANT_ADD(convert, first_page)		{   0,    1, 1, 1,  511 };
FIXTURE_VARIANT_ADD(convert, second_page)		{   1,    1, 1, 1,  511 };
FIXTURE_VARIANT_ADD(convert, middle_page)		{ 255,    1, 1, 1,  511 };
FIXTURE_VARIANT_ADD(convert, last_page)			{ 511,    1, 1, 1,  511 };
FIXTURE_VARIANT_ADD(convert, first_half)		{   0,  256, 1, 1,  256 };
FIXTURE_VARIANT_ADD(convert, second_half)		{ 256,  256, 1, 1,  256 };
FIXTURE_VARIANT_ADD(convert, all_but_the_first)		{   1,  511, 1, 1,    1 };
FIXTURE_VARIANT_ADD(convert, all_but_the_last)		{   0,  511, 1, 1,    1 };
FIXTURE_VARIANT_ADD(convert, inner_pages)		{   1,  510, 1, 1,    2 };
FIXTURE_VARIANT_ADD(convert, whole_range)		{   0,  512, 0, 1,    0 };
FIXTURE_VARIANT_ADD(convert, both_ranges)		{   0, 1024, 0, 2,    0 };
FIXTURE_VARIANT_ADD(convert, across_the_boundary)	{ 511,    2, 2, 2, 1022 };
FIXTURE_VARIANT_ADD(convert, range_and_a_page)		{   0,  513, 1, 2,  511 };
FIXTURE_VARIANT_ADD(convert, all_but_both_ends)		{   1, 1022, 2, 2,    2 };

FIXTURE_SETUP(convert)
{
	self->g = create_written();
}

FIXTURE_TEARDOWN(convert)
{
	gmem_huge_free(&self->g);
}

static void check_beside(struct gmem_huge *g, u64 page, u64 nr)
{
	check_pages(g, 0, page, PRIVATE_TAG);
	check_pages(g, page + nr, 2 * GMEM_HUGE_NR_4K - page - nr, PRIVATE_TAG);
}

TEST_F_TIMEOUT(convert, splits_in_place, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before = gmem_huge_stats(&self->g);

	to_shared(&self->g, variant->page, variant->nr);
	TEST_GMEM_MAPPED(&self->g, 2 - variant->nr_2m, variant->nr_4k,
			 "What stays private should stay mapped");
	TEST_GMEM_SINCE(&self->g, before, 0, variant->splits, 0,
			"Only a mapping that is cut should be split");

	check_beside(&self->g, variant->page, variant->nr);
	TEST_GMEM_SINCE(&self->g, before, 0, variant->splits, 0,
			"Pages beside the converted ones should not fault");
}

TEST_F_TIMEOUT(convert, back_maps_2m_again, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before;

	to_shared(&self->g, variant->page, variant->nr);
	write_pages(&self->g, variant->page, variant->nr, SHARED_TAG);
	check_pages(&self->g, variant->page, variant->nr, SHARED_TAG);
	TEST_GMEM_MAPPED(&self->g, 2 - variant->nr_2m, variant->nr_4k,
			 "Shared memory should not count as private");

	to_private(&self->g, variant->page, variant->nr);
	TEST_GMEM_MAPPED(&self->g, 2 - variant->nr_2m, variant->nr_4k,
			 "Converting should map nothing");

	before = gmem_huge_stats(&self->g);
	check_pages(&self->g, variant->page, variant->nr, PRIVATE_TAG);
	TEST_GMEM_MAPPED(&self->g, 2, 0, "Both ranges should be mapped 2M again");
	TEST_GMEM_SINCE(&self->g, before, variant->nr_2m, 0, variant->splits,
			"Each range should come back with one fault");

	check_pages(&self->g, 0, 2 * GMEM_HUGE_NR_4K, PRIVATE_TAG);
	TEST_GMEM_SINCE(&self->g, before, variant->nr_2m, 0, variant->splits,
			"All pages should be mapped");
}

/* What other sequences come to on the same file. */
FIXTURE(written) {
	struct gmem_huge g;
};

FIXTURE_SETUP(written)
{
	self->g = create_written();
}

FIXTURE_TEARDOWN(written)
{
	gmem_huge_free(&self->g);
}

/* The bar of the series: convert one page, touch it, convert back, touch it. */
TEST_F_TIMEOUT(written, one_page_and_back_in_4_faults, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before = gmem_huge_stats(&self->g), after;

	to_shared(&self->g, 7, 1);
	write_pages(&self->g, 7, 1, SHARED_TAG);
	check_beside(&self->g, 7, 1);
	to_private(&self->g, 7, 1);
	check_pages(&self->g, 0, 2 * GMEM_HUGE_NR_4K, PRIVATE_TAG);

	after = gmem_huge_stats(&self->g);
	TEST_ASSERT(after.faults - before.faults <= 4,
		    "One page and back should take at most 4 faults, not %lu",
		    after.faults - before.faults);
	TEST_GMEM_MAPPED(&self->g, 2, 0, "The range should be mapped 2M again");
}

/* Example: pages 3 and 400 are shared, one of them comes back: still 4K. */
TEST_F_TIMEOUT(written, mixed_until_the_last_page_is_back, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before = gmem_huge_stats(&self->g);

	to_shared(&self->g, 3, 1);
	to_shared(&self->g, 400, 1);
	TEST_GMEM_MAPPED(&self->g, 1, 510, "Two pages should be missing");

	to_private(&self->g, 3, 1);
	check_pages(&self->g, 3, 1, PRIVATE_TAG);
	TEST_GMEM_MAPPED(&self->g, 1, 511, "A mixed range should not be promoted");
	TEST_GMEM_SINCE(&self->g, before, 1, 1, 0, "A split range should split once");

	to_private(&self->g, 400, 1);
	check_pages(&self->g, 400, 1, PRIVATE_TAG);
	TEST_GMEM_MAPPED(&self->g, 2, 0, "A uniform range should be promoted");
	TEST_GMEM_SINCE(&self->g, before, 2, 1, 1, "The last page should promote");
}

/* Example: a page that is private already is made private: nothing to do. */
TEST_F_TIMEOUT(written, no_change_splits_nothing, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before = gmem_huge_stats(&self->g);

	to_private(&self->g, 7, 1);
	to_private(&self->g, 0, 2 * GMEM_HUGE_NR_4K);
	check_pages(&self->g, 0, 2 * GMEM_HUGE_NR_4K, PRIVATE_TAG);
	TEST_GMEM_MAPPED(&self->g, 2, 0, "Unchanged attributes should not split");
	TEST_GMEM_SINCE(&self->g, before, 0, 0, 0, "Unchanged attributes should cost nothing");
}

/* Example: prefaulting the page that came back promotes like touching it. */
TEST_F_TIMEOUT(written, prefault_promotes, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before;

	to_shared(&self->g, 7, 1);
	to_private(&self->g, 7, 1);

	before = gmem_huge_stats(&self->g);
	gmem_huge_prefault(&self->g, gmem_huge_page(7), PAGE_SIZE);
	TEST_GMEM_MAPPED(&self->g, 2, 0, "Prefaulting should promote");
	check_pages(&self->g, 0, 2 * GMEM_HUGE_NR_4K, PRIVATE_TAG);
	TEST_GMEM_SINCE(&self->g, before, 0, 0, 1, "No fault should be left to the guest");
}

FIXTURE(attributes) {};
FIXTURE_SETUP(attributes) {}
FIXTURE_TEARDOWN(attributes) {}

/*
 * Example: page 7 is shared before anything is touched.  The folio is 2M all
 * the same, the mappings are 4K until page 7 is private and touched.
 */
TEST_F_TIMEOUT(attributes, mixed_before_the_first_touch, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge g = gmem_huge_create_private(SZ_2M);
	struct gmem_huge_stats before = gmem_huge_stats(&g);

	to_shared(&g, 7, 1);
	write_pages(&g, 0, 7, PRIVATE_TAG);
	write_pages(&g, 8, 504, PRIVATE_TAG);
	TEST_GMEM_MAPPED(&g, 0, 511, "A mixed range should be mapped 4K");
	TEST_GMEM_SINCE(&g, before, 511, 0, 0, "4K pages should fault one by one");

	to_private(&g, 7, 1);
	write_pages(&g, 7, 1, PRIVATE_TAG);
	TEST_GMEM_MAPPED(&g, 1, 0, "A uniform range should be mapped 2M");
	TEST_GMEM_SINCE(&g, before, 512, 0, 1, "The last fault should promote");
	check_pages(&g, 0, GMEM_HUGE_NR_4K, PRIVATE_TAG);
	gmem_huge_free(&g);
}

/* Example: an untouched range is converted, there is no mapping to split. */
TEST_F_TIMEOUT(attributes, unmapped_range_is_not_split, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge g = gmem_huge_create_private(SZ_2M);
	struct gmem_huge_stats before = gmem_huge_stats(&g);

	to_shared(&g, 7, 1);
	to_private(&g, 7, 1);
	TEST_GMEM_SINCE(&g, before, 0, 0, 0, "Nothing mapped, nothing to split");
	write_pages(&g, 0, GMEM_HUGE_NR_4K, PRIVATE_TAG);
	TEST_GMEM_MAPPED(&g, 1, 0, "A uniform range should be mapped 2M");
	TEST_GMEM_SINCE(&g, before, 1, 0, 0, "The first touch is no promotion");
	gmem_huge_free(&g);
}

/*
 * Example: the file is one page off against the guest.  Nothing was 2M, so
 * converting a page and back must not make it so.
 */
TEST_F_TIMEOUT(attributes, misaligned_memslot_is_never_promoted, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge g = gmem_huge_create_file(2 * SZ_2M, GUEST_MEMFD_FLAG_LARGE_FOLIOS);
	struct gmem_huge_stats before;

	gmem_huge_add_private(&g, GMEM_HUGE_SLOT, 0, GMEM_HUGE_NR_4K, 1);
	write_pages(&g, 0, GMEM_HUGE_NR_4K, PRIVATE_TAG);

	before = gmem_huge_stats(&g);
	to_shared(&g, 7, 1);
	to_private(&g, 7, 1);
	check_pages(&g, 7, 1, PRIVATE_TAG);
	TEST_GMEM_MAPPED(&g, 0, 512, "An incongruent range should stay 4K");
	TEST_GMEM_SINCE(&g, before, 1, 0, 0, "Nothing 2M, nothing to split or promote");
	gmem_huge_free(&g);
}

int main(int argc, char *argv[])
{
	gmem_huge_require();

	return test_harness_run(argc, argv);
}
