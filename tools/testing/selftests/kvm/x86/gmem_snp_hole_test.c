// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holes in a part of a 2M folio that an SNP guest owns.
 *
 * Worked example: 2M of accepted and written memory, and a VMM that punches a
 * hole for each page that the guest shares.
 *
 *	share page 100, punch it	the others keep their content, the folio
 *					stays, and the direct map stays 2M
 *	private again, accept it	1 RMPUPDATE of 4K; 512 pages agree again
 *	soon				1 promotion, one leaf of 2M
 *	punch all pages one by one	with the last one the folio is freed
 *	accept the range		1 RMPUPDATE of 2M: it is another folio
 */
#include <fcntl.h>

#include "gmem_snp.h"
#include "gmem_snp_host.h"
#include "kselftest_harness.h"

#define TAG	0x11
#define SCAN_MS	20
#define WAIT_MS	20000

FIXTURE(hole) {
	struct gmem_snp g;
	struct gmem_snp_stats before;
};

FIXTURE_SETUP(hole)
{
	gmem_snp_create(&self->g, 2 * SZ_2M);
	gmem_snp_accept(&self->g, gmem_snp_page(0), 2 * SZ_2M);
	gmem_snp_write(&self->g, gmem_snp_page(0), 2 * SZ_2M, TAG);
	self->before = gmem_snp_stats(&self->g);
}

FIXTURE_TEARDOWN(hole)
{
	u64 quarantined = gmem_snp_quarantined();

	gmem_snp_free(&self->g);
	TEST_ASSERT_EQ(gmem_snp_quarantined(), quarantined);
}

static void punch(struct gmem_snp *g, u64 page, u64 nr)
{
	TEST_ASSERT(!fallocate(g->fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
			       page * PAGE_SIZE, nr * PAGE_SIZE),
		    "Punching %lu pages at page %lu should succeed", nr, page);
}

/* As a VMM does it: the guest rescinds, the VMM converts and punches. */
static void give_away(struct gmem_snp *g, u64 page, u64 nr)
{
	u64 i;

	for (i = page; i < page + nr; i++)
		gmem_snp_pvalidate(g, gmem_snp_page(i), PG_LEVEL_4K, false);
	vm_mem_set_shared(g->vm, gmem_snp_page(page), nr * PAGE_SIZE);
	punch(g, page, nr);
}

static void take_back(struct gmem_snp *g, u64 page, u64 nr)
{
	u64 i;

	vm_mem_set_private(g->vm, gmem_snp_page(page), nr * PAGE_SIZE);
	for (i = page; i < page + nr; i++)
		TEST_ASSERT_EQ(gmem_snp_pvalidate(g, gmem_snp_page(i), PG_LEVEL_4K, true), SNP_OK);
	gmem_snp_write(g, gmem_snp_page(page), nr * PAGE_SIZE, TAG);
}

static void claim_unowned(u64 page, u64 nr)
{
	u64 i;

	for (i = page; i < page + nr; i++)
		TEST_ASSERT(snp_rmp_find(gmem_snp_page(i)) == SNP_NO_PFN,
			    "Page %lu of the hole should be nobody's", i);
}

static void wait_for_promotions(struct gmem_snp *g, u64 nr)
{
	int ms;

	for (ms = 0; ms < WAIT_MS; ms += SCAN_MS) {
		if (vm_get_stat(g->vm, rmp_promotions) >= nr && !gmem_snp_nr_smashed(g))
			return;
		usleep(SCAN_MS * 1000);
	}
	TEST_FAIL("%lu ranges should be promoted, %lu were, %lu are not whole", nr,
		  vm_get_stat(g->vm, rmp_promotions), gmem_snp_nr_smashed(g));
}

/* Where the hole is, and how many folios of two it touches. */
FIXTURE_VARIANT(hole) {
	u64 page;
	u64 nr;
	u64 nr_folios;
};

FIXTURE_VARIANT_ADD(hole, first_page)	{ 0,   1,   1 };
FIXTURE_VARIANT_ADD(hole, one_page)	{ 100, 1,   1 };
FIXTURE_VARIANT_ADD(hole, last_page)	{ 511, 1,   1 };
FIXTURE_VARIANT_ADD(hole, all_but_one)	{ 1,   511, 1 };
FIXTURE_VARIANT_ADD(hole, both_folios)	{ 500, 20,  2 };

TEST_F_TIMEOUT(hole, comes_back_2m, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp *g = &self->g;

	give_away(g, variant->page, variant->nr);
	claim_unowned(variant->page, variant->nr);
	gmem_snp_check(g, gmem_snp_page(0), variant->page * PAGE_SIZE, TAG);
	gmem_snp_check(g, gmem_snp_page(variant->page + variant->nr),
		       (1024 - variant->page - variant->nr) * PAGE_SIZE, TAG);

	take_back(g, variant->page, variant->nr);
	TEST_SNP_SINCE(g, self->before, assigns_4k, variant->nr, "Each page of the hole is new");
	TEST_SNP_SINCE(g, self->before, assigns_2m, 0, "But the folio is not");

	wait_for_promotions(g, variant->nr_folios);
	gmem_snp_check(g, gmem_snp_page(0), 2 * SZ_2M, TAG);
	TEST_SNP_SINCE(g, self->before, pages_2m, 0, "What was mapped 2M is so again");
	TEST_SNP_SINCE(g, self->before, dm_splits, 0, "Nobody writes by the direct map");
}

static struct gmem_snp_stats accept_one_folio(struct gmem_snp *g)
{
	gmem_snp_create(g, SZ_2M);
	gmem_snp_accept(g, gmem_snp_page(0), SZ_2M);
	return gmem_snp_stats(g);
}

FIXTURE(empty) {
	struct gmem_snp g;
	struct gmem_snp_stats before;
};

FIXTURE_SETUP(empty)
{
	self->before = accept_one_folio(&self->g);
}

FIXTURE_TEARDOWN(empty)
{
	gmem_snp_free(&self->g);
}

/* @step is odd: all pages but @spared, from page @first on, in steps of @step. */
FIXTURE_VARIANT(empty) {
	u64 first;
	u64 step;
	u64 spared;
};

FIXTURE_VARIANT_ADD(empty, upwards)		{ 0,   1,   GMEM_SNP_NR_4K };
FIXTURE_VARIANT_ADD(empty, downwards)		{ 511, 511, GMEM_SNP_NR_4K };
FIXTURE_VARIANT_ADD(empty, from_within)		{ 300, 101, GMEM_SNP_NR_4K };
FIXTURE_VARIANT_ADD(empty, all_but_first)	{ 0,   1,   0 };
FIXTURE_VARIANT_ADD(empty, all_but_last)	{ 511, 511, 511 };
FIXTURE_VARIANT_ADD(empty, all_but_one)		{ 300, 101, 77 };

TEST_F_TIMEOUT(empty, page_by_page, GMEM_SNP_TIMEOUT)
{
	const bool all = variant->spared == GMEM_SNP_NR_4K;
	struct gmem_snp *g = &self->g;
	u64 i, page = variant->first;

	for (i = 0; i < GMEM_SNP_NR_4K; i++) {
		if (page != variant->spared)
			punch(g, page, 1);
		page = (page + variant->step) % GMEM_SNP_NR_4K;
	}
	TEST_SNP_SINCE(g, self->before, smashes, 1, "The first hole makes the others 4K");

	/* The next touch tells a new folio from what is left of the old one. */
	page = variant->spared ? 0 : 1;
	gmem_snp_pvalidate(g, gmem_snp_page(page), PG_LEVEL_4K, true);
	TEST_SNP_SINCE(g, self->before, assigns_2m, all ? 1 : 0, "A new folio is assigned 2M");
	TEST_SNP_SINCE(g, self->before, assigns_4k, all ? 0 : 1, "The old one a page at a time");
}

FIXTURE(cut) {
	struct gmem_snp g;
	struct gmem_snp_stats before;
};

FIXTURE_SETUP(cut)
{
	/* Else the folio may lie where the direct map is still split. */
	gmem_snp_wait_for_collapses();
	self->before = accept_one_folio(&self->g);
}

FIXTURE_TEARDOWN(cut)
{
	gmem_snp_free(&self->g);
}

/*
 * The kernel cuts a folio with a bad page.  From then on its pages return to the
 * host one by one, those that are nobody's too, beside others that the host must
 * not write to.
 */
TEST_F_TIMEOUT(cut, by_memory_failure, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp *g = &self->g;
	FILE *corrupt = fopen("/sys/kernel/debug/hwpoison/corrupt-pfn", "w");

	TEST_ASSERT(corrupt, "A kernel with CONFIG_HWPOISON_INJECT is needed");

	punch(g, 100, 1);
	TEST_SNP_SINCE(g, self->before, dm_splits, 0, "The folio is kept");
	fprintf(corrupt, "0x%lx\n", snp_rmp_find(gmem_snp_page(7)));
	/* The bad page stays in the file, which the kernel takes for a failure. */
	TEST_ASSERT(!fclose(corrupt) || errno == EBUSY, "Memory failure should cut the folio");
	TEST_SNP_SINCE(g, self->before, dm_splits, 1, "The folio is cut");

	/* Both kinds of pages that return. */
	punch(g, 100, 1);
	punch(g, 200, 1);
	gmem_snp_pvalidate(g, gmem_snp_page(200), PG_LEVEL_4K, true);
	TEST_SNP_SINCE(g, self->before, assigns_4k, 1, "What was cut out is a page");
	TEST_ASSERT(__gmem_snp_check(g, gmem_snp_page(7), PAGE_SIZE, 0) == -EHWPOISON,
		    "The bad page should be refused");
}

static int run_tests(int argc, char **argv)
{
	snp_host_require();
	/* What an earlier test lost. */
	snp_rmp_ignore_owned();
	return test_harness_run(argc, argv);
}

int main(int argc, char **argv)
{
	return gmem_snp_main(argc, argv, SCAN_MS, run_tests);
}
