// SPDX-License-Identifier: GPL-2.0-only
/*
 * SNP guests when allocations fail.
 *
 * Worked example: the guest owns 4M by two entries of 2M and validates page 7
 * at 4K while the n-th allocation of KVM_RUN fails, n = 1, 2, 3, ...
 *
 *	n hits the table that	the entry is smashed, the leaf zapped as a
 *	the split needs		whole, its pages fault again
 *	n hits the note that	the range stays at 4K until someone asks again
 *	the range is smashed
 *	n is past the last	the leaf is split
 *
 * Whichever it is, no page changes its content, and no page is lost to the host.
 */
#include "gmem_fail.h"
#include "gmem_snp.h"
#include "gmem_snp_host.h"
#include "kselftest_harness.h"

#define TAG		0x5a
#define NR_PAGES	(2 * GMEM_SNP_NR_4K)
#define PAGE_UNDER_TEST	7

/* More allocations than any of the operations needs. */
#define MAX_NTH		300

static u64 lost(void)
{
	return gmem_snp_quarantined() + kvm_get_module_param_integer("snp_quarantine", "pages");
}

static void own_all(struct gmem_snp *g)
{
	gmem_snp_accept(g, GMEM_SNP_GPA, NR_PAGES * PAGE_SIZE);
	gmem_snp_write(g, GMEM_SNP_GPA, NR_PAGES * PAGE_SIZE, TAG);
}

static int punch(struct gmem_snp *g, u64 page, u64 nr)
{
	return fallocate(g->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 page * PAGE_SIZE, nr * PAGE_SIZE) ? -errno : 0;
}

static int convert(struct gmem_snp *g, u64 attributes)
{
	return gmem_fail_convert(g->vm, gmem_snp_page(PAGE_UNDER_TEST), attributes);
}

static int do_to_shared(struct gmem_snp *g)
{
	return convert(g, 0);
}

static int do_to_private(struct gmem_snp *g)
{
	return convert(g, KVM_MEMORY_ATTRIBUTE_PRIVATE);
}

static int do_punch_4k(struct gmem_snp *g)
{
	return punch(g, PAGE_UNDER_TEST, 1);
}

static int do_punch_2m(struct gmem_snp *g)
{
	return punch(g, 0, GMEM_SNP_NR_4K);
}

static int do_smash(struct gmem_snp *g)
{
	return __gmem_snp_pvalidate(g, gmem_snp_page(PAGE_UNDER_TEST), PG_LEVEL_4K, true);
}

static int do_touch(struct gmem_snp *g)
{
	return __gmem_snp_pvalidate(g, gmem_snp_page(0), PG_LEVEL_2M, true);
}

static void share(struct gmem_snp *g)
{
	TEST_ASSERT(!do_to_shared(g), "Converting to shared should succeed");
}

static void empty(struct gmem_snp *g)
{
	TEST_ASSERT(!do_punch_2m(g), "The hole should be punched");
}

FIXTURE(fail) {
	struct gmem_snp g;
	u64 lost;
};

FIXTURE_VARIANT(fail) {
	void (*prepare)(struct gmem_snp *g);
	int (*run)(struct gmem_snp *g);
	/* The pages that keep TAG whatever happens: from here to the end. */
	u64 first_kept;
	/* A vCPU whose access failed is to finish it. */
	bool runs;
};

#define NEXT_PAGE	(PAGE_UNDER_TEST + 1)

FIXTURE_VARIANT_ADD(fail, to_shared)	{ NULL,  do_to_shared,  NEXT_PAGE,      false };
FIXTURE_VARIANT_ADD(fail, to_private)	{ share, do_to_private, NEXT_PAGE,      false };
FIXTURE_VARIANT_ADD(fail, punch_4k)	{ NULL,  do_punch_4k,   NEXT_PAGE,      false };
FIXTURE_VARIANT_ADD(fail, punch_2m)	{ NULL,  do_punch_2m,   GMEM_SNP_NR_4K, false };
FIXTURE_VARIANT_ADD(fail, smash)	{ NULL,  do_smash,      0,              true };
FIXTURE_VARIANT_ADD(fail, touch)	{ empty, do_touch,      GMEM_SNP_NR_4K, true };

FIXTURE_SETUP(fail)
{
	snp_rmp_ignore_owned();
	self->lost = lost();
	gmem_snp_create(&self->g, NR_PAGES * PAGE_SIZE);
	own_all(&self->g);
}

/* Nothing was refused, so there is no reason to lose anything. */
FIXTURE_TEARDOWN(fail)
{
	gmem_snp_free(&self->g);
	TEST_ASSERT_EQ(snp_rmp_nr_owned(), 0);
	TEST_ASSERT_EQ(lost(), self->lost);
}

static void restore(struct gmem_snp *g)
{
	TEST_ASSERT(!do_to_private(g), "Converting to private should succeed");
	TEST_ASSERT(!punch(g, 0, NR_PAGES), "The hole should be punched");
	own_all(g);
	TEST_ASSERT_EQ(gmem_snp_pvalidate(g, gmem_snp_page(0), PG_LEVEL_2M, true),
		       SNP_UNCHANGED);
}

TEST_F_TIMEOUT(fail, loses_nothing, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp *g = &self->g;
	int fd = gmem_fail_open(), nth, r;
	bool failed = true;

	for (nth = 1; failed && nth < MAX_NTH; nth++) {
		if (variant->prepare)
			variant->prepare(g);

		gmem_fail_arm(fd, nth);
		r = variant->run(g);
		failed = gmem_fail_over(fd, nth, r);

		if (r && variant->runs)
			TEST_ASSERT(!variant->run(g), "Guest should carry on");

		gmem_snp_check(g, gmem_snp_page(variant->first_kept),
			       (NR_PAGES - variant->first_kept) * PAGE_SIZE, TAG);
		restore(g);
	}

	TEST_ASSERT(!failed, "The operation should end after %d allocations", MAX_NTH);
	ksft_print_msg("%d allocations\n", nth - 2);
	close(fd);
}

static int run(int argc, char **argv)
{
	snp_host_require();
	gmem_fail_require();
	return test_harness_run(argc, argv);
}

int main(int argc, char **argv)
{
	return gmem_snp_main(argc, argv, 0, run);
}
