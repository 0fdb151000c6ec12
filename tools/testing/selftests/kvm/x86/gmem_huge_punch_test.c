// SPDX-License-Identifier: GPL-2.0-only
/*
 * Punching holes into 2M folios.
 *
 * Worked example: the guest wrote 2M of private memory, one fault, one leaf.
 *
 *	punch page 7			1 split, then 511 x 4K; one page is freed
 *	read the other pages		0 faults, they hold what they held
 *	read page 7			1 fault, zero; 512 x 4K, no promotion
 *	punch all 512 pages		0 x 4K; 2M are freed
 *	read them			1 fault, zero; 1 x 2M
 *
 * A hole goes into the folio itself: unlike after a conversion, the range
 * can't be 2M again before all of its pages were given back.
 */
#include "gmem_huge.h"
#include "kselftest_harness.h"

#define NR_PAGES	(2 * GMEM_HUGE_NR_4K)
#define TAG		0x33

static void punch(struct gmem_huge *g, u64 page, u64 nr)
{
	gmem_huge_punch(g, page * PAGE_SIZE, nr * PAGE_SIZE);
}

static void check_pages(struct gmem_huge *g, u64 page, u64 nr, u64 tag)
{
	gmem_huge_check(g, gmem_huge_page(page), nr * PAGE_SIZE, tag);
}

/*
 * One row punches [page, page + nr) into two ranges that are mapped 2M.  That
 * splits @splits mappings and leaves @nr_2m and @nr_4k; @nr_back faults bring
 * the hole back, after which @all_2m ranges are mapped 2M.
 */
FIXTURE(punch) {
	struct gmem_huge g;
	u64 folios;
};

FIXTURE_VARIANT(punch) {
	u64 page;
	u64 nr;
	u64 splits;
	u64 nr_2m;
	u64 nr_4k;
	u64 nr_back;
	u64 all_2m;
};

FIXTURE_VARIANT_ADD(punch, first_page)		{   0,    1, 1, 1,  511,    1, 1 };
FIXTURE_VARIANT_ADD(punch, second_page)		{   1,    1, 1, 1,  511,    1, 1 };
FIXTURE_VARIANT_ADD(punch, middle_page)		{ 255,    1, 1, 1,  511,    1, 1 };
FIXTURE_VARIANT_ADD(punch, odd_pages)		{ 100,   37, 1, 1,  475,   37, 1 };
FIXTURE_VARIANT_ADD(punch, last_page)		{ 511,    1, 1, 1,  511,    1, 1 };
FIXTURE_VARIANT_ADD(punch, first_half)		{   0,  256, 1, 1,  256,  256, 1 };
FIXTURE_VARIANT_ADD(punch, second_half)		{ 256,  256, 1, 1,  256,  256, 1 };
FIXTURE_VARIANT_ADD(punch, all_but_the_first)	{   1,  511, 1, 1,    1,  511, 1 };
FIXTURE_VARIANT_ADD(punch, all_but_the_last)	{   0,  511, 1, 1,    1,  511, 1 };
FIXTURE_VARIANT_ADD(punch, inner_pages)		{   1,  510, 1, 1,    2,  510, 1 };
FIXTURE_VARIANT_ADD(punch, first_range)		{   0,  512, 0, 1,    0,    1, 2 };
FIXTURE_VARIANT_ADD(punch, second_range)	{ 512,  512, 0, 1,    0,    1, 2 };
FIXTURE_VARIANT_ADD(punch, both_ranges)		{   0, 1024, 0, 0,    0,    2, 2 };
FIXTURE_VARIANT_ADD(punch, across_the_boundary)	{ 511,    2, 2, 0, 1022,    2, 0 };
FIXTURE_VARIANT_ADD(punch, range_and_a_page)	{   0,  513, 1, 0,  511,    2, 1 };
FIXTURE_VARIANT_ADD(punch, page_and_a_range)	{ 511,  513, 1, 0,  511,    2, 1 };
FIXTURE_VARIANT_ADD(punch, all_but_both_ends)	{   1, 1022, 2, 0,    2, 1022, 0 };

FIXTURE_SETUP(punch)
{
	self->folios = gmem_huge_nr_folios();
	self->g = gmem_huge_create_private(2 * SZ_2M);
	gmem_huge_write(&self->g, GMEM_HUGE_GPA, 2 * SZ_2M, TAG);
	TEST_GMEM_MAPPED(&self->g, 2, 0, "Both ranges should start out mapped 2M");
}

FIXTURE_TEARDOWN(punch)
{
	gmem_huge_free(&self->g);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), self->folios);
}

static void check_beside(struct gmem_huge *g, u64 page, u64 nr)
{
	check_pages(g, 0, page, TAG);
	check_pages(g, page + nr, NR_PAGES - page - nr, TAG);
}

TEST_F_TIMEOUT(punch, keeps_what_lies_beside, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before = gmem_huge_stats(&self->g);

	punch(&self->g, variant->page, variant->nr);
	TEST_GMEM_MAPPED(&self->g, variant->nr_2m, variant->nr_4k,
			 "What was not punched should stay mapped");
	TEST_GMEM_SINCE(&self->g, before, 0, variant->splits, 0,
			"Only a mapping that is cut should be split");
	TEST_ASSERT(gmem_huge_nr_folios() == self->folios + variant->nr_2m,
		    "Only a folio that is cut or punched should be gone");

	check_beside(&self->g, variant->page, variant->nr);
	TEST_GMEM_SINCE(&self->g, before, 0, variant->splits, 0,
			"Pages beside the hole should not fault");
}

TEST_F_TIMEOUT(punch, hole_comes_back_zero, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before;

	punch(&self->g, variant->page, variant->nr);
	gmem_huge_dirty_free_memory();

	before = gmem_huge_stats(&self->g);
	check_pages(&self->g, variant->page, variant->nr, 0);
	TEST_GMEM_MAPPED(&self->g, variant->all_2m,
			 NR_PAGES - variant->all_2m * GMEM_HUGE_NR_4K,
			 "Only ranges without a page left should be mapped 2M");
	TEST_GMEM_SINCE(&self->g, before, variant->nr_back, 0, 0,
			"Each new mapping should fault once");
	check_beside(&self->g, variant->page, variant->nr);
}

TEST_F_TIMEOUT(punch, whole_ranges_are_2m_again, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before;

	punch(&self->g, variant->page, variant->nr);
	check_pages(&self->g, variant->page, variant->nr, 0);
	punch(&self->g, 0, NR_PAGES);
	TEST_GMEM_MAPPED(&self->g, 0, 0, "Nothing should be mapped");
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), self->folios);

	before = gmem_huge_stats(&self->g);
	check_pages(&self->g, 0, NR_PAGES, 0);
	TEST_GMEM_MAPPED(&self->g, 2, 0, "Empty ranges should be mapped 2M");
	TEST_ASSERT(gmem_huge_stats(&self->g).faults - before.faults == 2,
		    "Each range should come back with one fault");
}

/* The same in a file of 2M that nobody has touched yet. */
FIXTURE(hole) {
	struct gmem_huge g;
};

FIXTURE_SETUP(hole)
{
	self->g = gmem_huge_create_private(SZ_2M);
}

FIXTURE_TEARDOWN(hole)
{
	gmem_huge_free(&self->g);
}

/* Return the counts from which a test goes on. */
static struct gmem_huge_stats write_all(struct gmem_huge *g)
{
	gmem_huge_write(g, GMEM_HUGE_GPA, SZ_2M, TAG);
	return gmem_huge_stats(g);
}

/*
 * Example: 512 holes of one page each.  The first one splits, the last one
 * leaves nothing, and the range can be 2M again.
 */
TEST_F_TIMEOUT(hole, page_by_page, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before = write_all(&self->g);
	u64 i, page;

	/* 37 and 512 have no common factor, i.e. every page gets its turn. */
	for (i = 0; i < GMEM_HUGE_NR_4K; i++) {
		page = i * 37 % GMEM_HUGE_NR_4K;
		punch(&self->g, page, 1);
		TEST_GMEM_MAPPED(&self->g, 0, GMEM_HUGE_NR_4K - 1 - i,
				 "Hole %lu should unmap page %lu only", i, page);
	}
	TEST_GMEM_SINCE(&self->g, before, 0, 1, 0, "One mapping should split once");

	check_pages(&self->g, 0, GMEM_HUGE_NR_4K, 0);
	TEST_GMEM_MAPPED(&self->g, 1, 0, "An empty range should be mapped 2M");
}

/* Example: the folio was allocated and never mapped, there is nothing to split. */
TEST_F_TIMEOUT(hole, in_an_unmapped_folio, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before = gmem_huge_stats(&self->g);

	gmem_huge_dirty_free_memory();
	gmem_huge_fallocate(&self->g, 0, SZ_2M);
	punch(&self->g, 7, 1);
	TEST_GMEM_SINCE(&self->g, before, 0, 0, 0, "Nothing mapped, nothing to split");

	check_pages(&self->g, 0, GMEM_HUGE_NR_4K, 0);
	TEST_GMEM_MAPPED(&self->g, 0, 512, "A cut folio should be mapped 4K");
}

/* Example: the hole lies where no memory was ever allocated. */
TEST_F_TIMEOUT(hole, in_nothing, GMEM_HUGE_TIMEOUT)
{
	punch(&self->g, 7, 1);
	check_pages(&self->g, 0, GMEM_HUGE_NR_4K, 0);
	TEST_GMEM_MAPPED(&self->g, 1, 0, "A hole in nothing should leave the range 2M");
}

/*
 * Example: page 7 is shared when page 9 is punched.  The mapping was split by
 * the conversion; converting page 7 back can't promote what has no folio.
 */
TEST_F_TIMEOUT(hole, after_a_conversion, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before = write_all(&self->g);

	vm_mem_set_shared(self->g.vm, gmem_huge_page(7), PAGE_SIZE);
	punch(&self->g, 9, 1);
	TEST_GMEM_MAPPED(&self->g, 0, 510, "Two pages should be missing");

	vm_mem_set_private(self->g.vm, gmem_huge_page(7), PAGE_SIZE);
	check_pages(&self->g, 7, 1, TAG);
	check_pages(&self->g, 9, 1, 0);
	TEST_GMEM_MAPPED(&self->g, 0, 512, "A cut folio should not be promoted");
	TEST_GMEM_SINCE(&self->g, before, 2, 1, 0, "Only the two pages should fault");
}

/* Example: page 7 is punched while shared, i.e. while no private gfn maps it. */
TEST_F_TIMEOUT(hole, in_the_shared_part, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before;

	write_all(&self->g);
	vm_mem_set_shared(self->g.vm, gmem_huge_page(7), PAGE_SIZE);

	before = gmem_huge_stats(&self->g);
	punch(&self->g, 7, 1);
	check_pages(&self->g, 0, 7, TAG);
	check_pages(&self->g, 8, 504, TAG);
	TEST_GMEM_SINCE(&self->g, before, 0, 0, 0, "The private pages should stay mapped");

	vm_mem_set_private(self->g.vm, gmem_huge_page(7), PAGE_SIZE);
	check_pages(&self->g, 7, 1, 0);
	TEST_GMEM_MAPPED(&self->g, 0, 512, "A cut folio should not be promoted");
}

/* Example: offsets and lengths that are no multiple of 4K, as without 2M. */
TEST_F_TIMEOUT(hole, must_be_page_aligned, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before = write_all(&self->g);

	TEST_ASSERT(__gmem_huge_punch(&self->g, 1, PAGE_SIZE) == -EINVAL,
		    "An unaligned offset should be refused");
	TEST_ASSERT(__gmem_huge_punch(&self->g, 0, PAGE_SIZE + 1) == -EINVAL,
		    "An unaligned length should be refused");
	check_pages(&self->g, 0, GMEM_HUGE_NR_4K, TAG);
	TEST_GMEM_MAPPED(&self->g, 1, 0, "A refused hole should change nothing");
	TEST_GMEM_SINCE(&self->g, before, 0, 0, 0, "A refused hole should cost nothing");
}

int main(int argc, char *argv[])
{
	gmem_huge_require();

	return test_harness_run(argc, argv);
}
