// SPDX-License-Identifier: GPL-2.0-only
/*
 * A gfn has two halves: private memory of guest_memfd, and shared memory that
 * user space has mapped at the gfn's address.  What becomes of the shared half is
 * nothing to a gfn that is private.
 *
 * Worked example: 4M of private memory, mapped by two leaves of 2M.  Pages 7 and
 * 600 were shared once and hold something in user space.
 *
 *	user space unmaps all 4M	both leaves stay
 *	the guest reads 4M		0 faults, what it wrote as private memory
 *
 * Where page 7 is shared the event matters: the guest faults, and reads what user
 * space has at that address by then, or fails if that is nothing.
 */
#include "gmem_huge.h"
#include "kselftest_harness.h"
#include "kvm_syscalls.h"
#include "numaif.h"

#define SIZE		(2 * SZ_2M)
#define NR_PAGES	(SIZE / PAGE_SIZE)
#define PRIVATE_TAG	0x11
#define SHARED_TAG	0x22
#define NEW_TAG		0x33
#define FAILS		-1

/* What user space, or the kernel on its own, does to the shared half. */
static void discard(void *mem)
{
	kvm_madvise(mem, SIZE, MADV_DONTNEED);
}

static void discard_and_write(void *mem)
{
	discard(mem);
	gmem_huge_host_write(mem, GMEM_HUGE_GPA, SIZE, NEW_TAG);
}

static void unmap(void *mem)
{
	kvm_munmap(mem, SIZE);
}

static void forbid(void *mem)
{
	TEST_ASSERT(!mprotect(mem, SIZE, PROT_NONE), "mprotect() failed, errno %d", errno);
}

static void move_away(void *mem)
{
	void *to = kvm_mmap(SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	TEST_ASSERT(mremap(mem, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to,
		    "mremap() failed, errno %d", errno);
}

/* As the kernel's balancing and compaction do; a page that is busy stays. */
static void migrate(void *mem)
{
	unsigned long node = BIT(1), other = BIT(0);

	kvm_mbind(mem, SIZE, MPOL_BIND, &node, BITS_PER_LONG, MPOL_MF_MOVE);
	kvm_mbind(mem, SIZE, MPOL_BIND, &other, BITS_PER_LONG, MPOL_MF_MOVE);
}

/*
 * One row is one event, and which tag a shared page that held SHARED_TAG holds
 * for the guest afterwards.
 */
FIXTURE(alias) {
	struct gmem_huge g;
	void *mem;
};

FIXTURE_VARIANT(alias) {
	void (*event)(void *mem);
	int shared_tag;
	bool two_nodes;
};

FIXTURE_VARIANT_ADD(alias, discarded)	{ discard,		0 };
FIXTURE_VARIANT_ADD(alias, rewritten)	{ discard_and_write,	NEW_TAG };
FIXTURE_VARIANT_ADD(alias, unmapped)	{ unmap,		FAILS };
FIXTURE_VARIANT_ADD(alias, forbidden)	{ forbid,		FAILS };
FIXTURE_VARIANT_ADD(alias, moved_away)	{ move_away,		FAILS };
FIXTURE_VARIANT_ADD(alias, migrated)	{ migrate,		SHARED_TAG, true };

FIXTURE_SETUP(alias)
{
	if (variant->two_nodes && !is_multi_numa_node_system())
		SKIP(return, "There is one NUMA node");

	/* All of it shared and written, so that there is something behind it. */
	self->g = gmem_huge_create_file(SIZE, GUEST_MEMFD_FLAG_LARGE_FOLIOS);
	self->mem = gmem_huge_add_slot(&self->g, GMEM_HUGE_SLOT, GMEM_HUGE_GPA, SIZE, 0);
	gmem_huge_write(&self->g, GMEM_HUGE_GPA, SIZE, SHARED_TAG);
}

FIXTURE_TEARDOWN(alias)
{
	if (self->g.vm)
		gmem_huge_free(&self->g);
}

static void make_private(struct gmem_huge *g, u64 page, u64 nr)
{
	vm_mem_set_private(g->vm, gmem_huge_page(page), nr * PAGE_SIZE);
	gmem_huge_write(g, gmem_huge_page(page), nr * PAGE_SIZE, PRIVATE_TAG);
}

TEST_F_TIMEOUT(alias, private_stays, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before;
	struct gmem_huge *g = &self->g;

	make_private(g, 0, NR_PAGES);
	TEST_GMEM_MAPPED(g, 2, 0, "Private memory should be mapped 2M");
	before = gmem_huge_stats(g);

	variant->event(self->mem);
	TEST_GMEM_MAPPED(g, 2, 0, "Private memory should stay mapped");
	gmem_huge_check(g, GMEM_HUGE_GPA, SIZE, PRIVATE_TAG);
	gmem_huge_write(g, GMEM_HUGE_GPA, SIZE, PRIVATE_TAG);
	TEST_GMEM_SINCE(g, before, 0, 0, 0, "Nothing should have happened to it");
}

/*
 * The guest must not keep what user space does not have any more.  It stays at an
 * access that fails.
 */
static void check_shared(struct gmem_huge *g, u64 page, u64 nr, int tag)
{
	gpa_t gpa = gmem_huge_page(page);
	int r;

	if (tag != FAILS) {
		gmem_huge_check(g, gpa, nr * PAGE_SIZE, tag);
		return;
	}

	r = __gmem_huge_write(g, gpa, nr * PAGE_SIZE, PRIVATE_TAG);
	TEST_ASSERT(r == -EFAULT, "The guest should find nothing, KVM_RUN returned %d", r);
}

TEST_F_TIMEOUT(alias, shared_goes, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before = gmem_huge_stats(&self->g);

	variant->event(self->mem);
	check_shared(&self->g, 0, NR_PAGES, variant->shared_tag);
	TEST_ASSERT(gmem_huge_stats(&self->g).faults > before.faults,
		    "Shared memory should have been unmapped");
}

/* Both kinds side by side: pages [100, 612) private, one memslot, one event. */
TEST_F_TIMEOUT(alias, mixed, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before;
	struct gmem_huge *g = &self->g;

	make_private(g, 100, 512);
	gmem_huge_check(g, gmem_huge_page(0), 100 * PAGE_SIZE, SHARED_TAG);
	TEST_GMEM_MAPPED(g, 0, 512, "Ranges of both kinds should be mapped 4K");
	before = gmem_huge_stats(g);

	variant->event(self->mem);
	TEST_GMEM_MAPPED(g, 0, 512, "Private pages should stay mapped");
	gmem_huge_check(g, gmem_huge_page(100), 512 * PAGE_SIZE, PRIVATE_TAG);
	TEST_GMEM_SINCE(g, before, 0, 0, 0, "Private pages should not fault");
	check_shared(g, 0, 100, variant->shared_tag);
}

/* A gfn that changes sides: what is behind its other half must never be seen. */
TEST_F_TIMEOUT(alias, there_and_back, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge *g = &self->g;

	make_private(g, 0, NR_PAGES);
	variant->event(self->mem);
	vm_mem_set_shared(g->vm, gmem_huge_page(7), PAGE_SIZE);
	TEST_GMEM_MAPPED(g, 1, GMEM_HUGE_NR_4K - 1, "A page that is shared should go");
	check_shared(g, 7, 1, variant->shared_tag);

	/* Where it failed, the guest ends that access first, which is the same. */
	make_private(g, 7, 1);
	gmem_huge_check(g, GMEM_HUGE_GPA, SIZE, PRIVATE_TAG);
	TEST_GMEM_MAPPED(g, 2, 0, "Private memory should be mapped 2M again");
}

/* User space makes private, too, what is private and mapped already. */
FIXTURE(again) {
	struct gmem_huge g;
};

FIXTURE_SETUP(again)
{
	self->g = gmem_huge_create_file(SIZE, GUEST_MEMFD_FLAG_LARGE_FOLIOS);
	gmem_huge_add_slot(&self->g, GMEM_HUGE_SLOT, GMEM_HUGE_GPA, SIZE, 0);
	make_private(&self->g, 0, GMEM_HUGE_NR_4K);
	gmem_huge_write(&self->g, gmem_huge_page(GMEM_HUGE_NR_4K), SZ_2M, SHARED_TAG);
}

FIXTURE_TEARDOWN(again)
{
	gmem_huge_free(&self->g);
}

TEST_F_TIMEOUT(again, half_of_a_leaf, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before = gmem_huge_stats(&self->g);

	vm_mem_set_private(self->g.vm, gmem_huge_page(256), SZ_2M);
	TEST_GMEM_MAPPED(&self->g, 1, 0, "The leaf should neither be split nor go");
	gmem_huge_check(&self->g, GMEM_HUGE_GPA, SZ_2M, PRIVATE_TAG);
	TEST_GMEM_SINCE(&self->g, before, 0, 0, 0, "Nothing should have happened to it");

	/* And the rest is private now, and zero. */
	gmem_huge_check(&self->g, gmem_huge_page(GMEM_HUGE_NR_4K), SZ_2M / 2, 0);
	gmem_huge_check(&self->g, gmem_huge_page(768), SZ_2M / 2, SHARED_TAG);
}

TEST_F_TIMEOUT(again, all_but_one, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before;

	vm_mem_set_shared(self->g.vm, gmem_huge_page(7), PAGE_SIZE);
	before = gmem_huge_stats(&self->g);
	vm_mem_set_private(self->g.vm, GMEM_HUGE_GPA, SZ_2M);
	TEST_GMEM_MAPPED(&self->g, 0, GMEM_HUGE_NR_4K - 1, "What was private should stay");

	gmem_huge_check(&self->g, GMEM_HUGE_GPA, SZ_2M, PRIVATE_TAG);
	TEST_GMEM_MAPPED(&self->g, 1, 0, "The last page should make it 2M again");
	TEST_GMEM_SINCE(&self->g, before, 1, 0, 1, "It should cost one fault");
}

int main(int argc, char **argv)
{
	gmem_huge_require();
	return test_harness_run(argc, argv);
}
