// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private memory when allocations fail.
 *
 * Worked example: the guest wrote 4M, two leaves.  User space converts page 7
 * to shared while the n-th allocation of the ioctl fails, n = 1, 2, 3, ...
 *
 *	n hits an attribute	ENOMEM, page 7 stays private
 *	n hits the table that	success, the leaf is zapped as a whole and its
 *	the split needs		pages fault again
 *	n is past the last	success, the leaf is split
 *
 * Whichever it is, no page beside page 7 changes its content.
 */
#include "gmem_fail.h"
#include "gmem_huge.h"
#include "kselftest_harness.h"

#define TAG		0x33
#define NEW_TAG		0x44
#define NR_PAGES	(2 * GMEM_HUGE_NR_4K)
#define PAGE_UNDER_TEST	7
#define NEXT_PAGE	(PAGE_UNDER_TEST + 1)

/* More allocations than any of the operations needs. */
#define MAX_NTH		200

static int convert(struct gmem_huge *g, u64 attributes)
{
	return gmem_fail_convert(g->vm, gmem_huge_page(PAGE_UNDER_TEST), attributes);
}

static int do_to_shared(struct gmem_huge *g)
{
	return convert(g, 0);
}

static int do_to_private(struct gmem_huge *g)
{
	return convert(g, KVM_MEMORY_ATTRIBUTE_PRIVATE);
}

static int do_punch(struct gmem_huge *g)
{
	return __gmem_huge_punch(g, PAGE_UNDER_TEST * PAGE_SIZE, PAGE_SIZE);
}

static int do_fallocate(struct gmem_huge *g)
{
	return __gmem_huge_fallocate(g, 0, SZ_2M);
}

static int do_prefault(struct gmem_huge *g)
{
	struct kvm_pre_fault_memory range = {
		.gpa = GMEM_HUGE_GPA,
		.size = SZ_2M,
	};

	return __vcpu_ioctl(g->vcpu, KVM_PRE_FAULT_MEMORY, &range) ? -errno : 0;
}

/* KVM_RUN and nothing else, what it stopped at is looked up later. */
static int do_touch(struct gmem_huge *g)
{
	return __vcpu_run(g->vcpu) ? -errno : 0;
}

static void share_page(struct gmem_huge *g)
{
	TEST_ASSERT(!do_to_shared(g), "Converting to shared should succeed");
}

static void empty_first_range(struct gmem_huge *g)
{
	gmem_huge_punch(g, 0, SZ_2M);
}

static void touch_first_range(struct gmem_huge *g)
{
	empty_first_range(g);
	gmem_huge_set_write(g, GMEM_HUGE_GPA, SZ_2M, TAG);
}

static void write_all(struct gmem_huge *g)
{
	gmem_huge_write(g, GMEM_HUGE_GPA, NR_PAGES * PAGE_SIZE, TAG);
}

static void restore(struct gmem_huge *g)
{
	TEST_ASSERT(!do_to_private(g), "Converting to private should succeed");
	gmem_huge_punch(g, 0, NR_PAGES * PAGE_SIZE);
	write_all(g);
	TEST_GMEM_MAPPED(g, 2, 0, "Without a failure both ranges are mapped 2M");
}

FIXTURE(fail) {
	struct gmem_huge g;
};

FIXTURE_VARIANT(fail) {
	void (*prepare)(struct gmem_huge *g);
	int (*run)(struct gmem_huge *g);
	/* The pages that keep TAG whatever happens: from here to the end. */
	u64 first_kept;
	/* Is there an allocation that can fail? */
	bool allocates;
};

FIXTURE_VARIANT_ADD(fail, to_shared)	{ NULL,              do_to_shared,  NEXT_PAGE,       true };
/* The attribute has its place, and nothing is split. */
FIXTURE_VARIANT_ADD(fail, to_private)	{ share_page,        do_to_private, NEXT_PAGE,     false };
FIXTURE_VARIANT_ADD(fail, punch)	{ NULL,              do_punch,      NEXT_PAGE,       true };
FIXTURE_VARIANT_ADD(fail, fallocate)	{ empty_first_range, do_fallocate,  GMEM_HUGE_NR_4K, true };
FIXTURE_VARIANT_ADD(fail, prefault)	{ empty_first_range, do_prefault,   GMEM_HUGE_NR_4K, true };
FIXTURE_VARIANT_ADD(fail, touch)	{ touch_first_range, do_touch,      GMEM_HUGE_NR_4K, true };

FIXTURE_SETUP(fail)
{
	self->g = gmem_huge_create_private(NR_PAGES * PAGE_SIZE);
	write_all(&self->g);
}

FIXTURE_TEARDOWN(fail)
{
	gmem_huge_free(&self->g);
}

/* A vCPU whose fault failed is still at the access: let it finish. */
static void finish_touch(struct gmem_huge *g, int r)
{
	if (r)
		vcpu_run(g->vcpu);
	TEST_ASSERT(gmem_huge_get_ucall(g->vcpu) == UCALL_SYNC,
		    "Guest should carry on where the fault failed");
}

static void check_kept(struct gmem_huge *g, u64 first)
{
	gmem_huge_check(g, gmem_huge_page(first), (NR_PAGES - first) * PAGE_SIZE, TAG);
	if (first == NEXT_PAGE)
		gmem_huge_check(g, GMEM_HUGE_GPA, PAGE_UNDER_TEST * PAGE_SIZE, TAG);
}

TEST_F_TIMEOUT(fail, loses_nothing, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge *g = &self->g;
	int fd = gmem_fail_open(), nth, r;
	bool failed = true;

	for (nth = 1; failed && nth < MAX_NTH; nth++) {
		if (variant->prepare)
			variant->prepare(g);

		gmem_fail_arm(fd, nth);
		r = variant->run(g);
		failed = gmem_fail_over(fd, nth, r);

		if (variant->run == do_touch)
			finish_touch(g, r);

		check_kept(g, variant->first_kept);
		restore(g);
	}

	TEST_ASSERT((nth > 2) == variant->allocates,
		    "The operation should %sallocate", variant->allocates ? "" : "not ");
	TEST_ASSERT(!failed, "The operation should end after %d allocations", MAX_NTH);
	close(fd);
}

/*
 * Fill the first range while there are no 512 pages in one piece: pages take the
 * folio's place.  The next range is not affected.
 */
TEST(falls_back_to_pages)
{
	struct gmem_huge g = gmem_huge_create_private(NR_PAGES * PAGE_SIZE);
	struct kvm_pre_fault_memory range = {
		.gpa = GMEM_HUGE_GPA,
		.size = PAGE_SIZE,
	};
	int r;

	gmem_fail_2m(true);
	r = __vcpu_ioctl(g.vcpu, KVM_PRE_FAULT_MEMORY, &range) ? errno : 0;
	gmem_fail_2m(false);
	TEST_ASSERT(!r, "Prefault should do without a folio, errno %d", r);
	TEST_GMEM_MAPPED(&g, 0, 1, "A page should take the place of the folio");

	gmem_huge_write(&g, gmem_huge_page(1), PAGE_SIZE, NEW_TAG);
	gmem_huge_check(&g, GMEM_HUGE_GPA, PAGE_SIZE, 0);
	TEST_GMEM_MAPPED(&g, 0, 2, "Pages should take the place of the folio");
	gmem_huge_write(&g, gmem_huge_page(GMEM_HUGE_NR_4K), PAGE_SIZE, NEW_TAG);
	TEST_GMEM_MAPPED(&g, 1, 2, "The next range should be mapped 2M");
	gmem_huge_free(&g);
}

int main(int argc, char *argv[])
{
	gmem_huge_require();
	gmem_fail_require();

	return test_harness_run(argc, argv);
}
