// SPDX-License-Identifier: GPL-2.0-only
/*
 * NUMA policies on a file with 2M folios.
 *
 * Worked example: mbind() binds [0, 1M) of a file of 4M to node 0 and leaves
 * the rest alone.  [0, 2M) has two policies and is backed by 4K pages, of
 * which 256 come from node 0.  [2M, 4M) has one policy and is one folio.
 */
#include "gmem_huge.h"
#include "kselftest_harness.h"
#include "numaif.h"

#define FILE_SIZE	(2 * SZ_2M)
#define NR_PAGES	(FILE_SIZE / PAGE_SIZE)
#define NODE_BITS	BITS_PER_TYPE(unsigned long)

static void bind_pages(void *mem, u64 page, u64 nr, int node)
{
	unsigned long mask = BIT(node);

	kvm_mbind(mem + page * PAGE_SIZE, nr * PAGE_SIZE, MPOL_BIND, &mask,
		  NODE_BITS, 0);
}

/*
 * One row binds [page, page + nr) to node 0 before the guest touches private
 * memory; then there are @nr_2m and @nr_4k mappings.
 */
FIXTURE(policy) {
	struct gmem_huge g;
	void *mem;
};

FIXTURE_VARIANT(policy) {
	u64 page;
	u64 nr;
	u64 nr_2m;
	u64 nr_4k;
};

FIXTURE_VARIANT_ADD(policy, whole_file)			{    0, 1024, 2,    0 };
FIXTURE_VARIANT_ADD(policy, first_range)		{    0,  512, 2,    0 };
FIXTURE_VARIANT_ADD(policy, second_range)		{  512,  512, 2,    0 };
FIXTURE_VARIANT_ADD(policy, first_half)			{    0,  256, 1,  512 };
FIXTURE_VARIANT_ADD(policy, second_half)		{  256,  256, 1,  512 };
FIXTURE_VARIANT_ADD(policy, first_page)			{    0,    1, 1,  512 };
FIXTURE_VARIANT_ADD(policy, last_page)			{ 1023,    1, 1,  512 };
FIXTURE_VARIANT_ADD(policy, middle_page)		{  100,    1, 1,  512 };
FIXTURE_VARIANT_ADD(policy, all_but_the_first)		{    1, 1023, 1,  512 };
FIXTURE_VARIANT_ADD(policy, across_the_boundary)	{  511,    2, 0, 1024 };

FIXTURE_SETUP(policy)
{
	struct gmem_huge *g = &self->g;

	TEST_REQUIRE(is_numa_available());

	*g = gmem_huge_create_file(FILE_SIZE, GUEST_MEMFD_FLAG_MMAP |
					      GUEST_MEMFD_FLAG_LARGE_FOLIOS);
	gmem_huge_add_private(g, GMEM_HUGE_SLOT, 0, FILE_SIZE / PAGE_SIZE, 0);
	self->mem = kvm_mmap(FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, g->fd);
}

FIXTURE_TEARDOWN(policy)
{
	kvm_munmap(self->mem, FILE_SIZE);
	gmem_huge_free(&self->g);
}

TEST_F_TIMEOUT(policy, decides_on_the_size, GMEM_HUGE_TIMEOUT)
{
	bind_pages(self->mem, variant->page, variant->nr, 0);
	gmem_huge_check(&self->g, GMEM_HUGE_GPA, FILE_SIZE, 0);
	TEST_GMEM_MAPPED(&self->g, variant->nr_2m, variant->nr_4k,
			 "A range with two policies should be mapped 4K");
}

TEST_F_TIMEOUT(policy, comes_too_late, GMEM_HUGE_TIMEOUT)
{
	gmem_huge_write(&self->g, GMEM_HUGE_GPA, FILE_SIZE, 1);
	bind_pages(self->mem, variant->page, variant->nr, 0);
	gmem_huge_check(&self->g, GMEM_HUGE_GPA, FILE_SIZE, 1);
	TEST_GMEM_MAPPED(&self->g, 2, 0, "A policy should not split what exists");
}

TEST_F_TIMEOUT(policy, is_taken_back, GMEM_HUGE_TIMEOUT)
{
	bind_pages(self->mem, variant->page, variant->nr, 0);
	kvm_mbind(self->mem, FILE_SIZE, MPOL_DEFAULT, NULL, 0, 0);
	gmem_huge_check(&self->g, GMEM_HUGE_GPA, FILE_SIZE, 0);
	TEST_GMEM_MAPPED(&self->g, 2, 0, "No policy should be no obstacle");
}

/* Placement takes two nodes, and user space that maps what the guest uses. */
FIXTURE(placement) {
	struct gmem_huge g;
	void *mem;
};

FIXTURE_SETUP(placement)
{
	__TEST_REQUIRE(is_multi_numa_node_system(), "Placement needs two NUMA nodes");

	self->g = gmem_huge_create(KVM_X86_DEFAULT_VM);
	gmem_huge_open(&self->g, FILE_SIZE, GUEST_MEMFD_FLAG_MMAP |
					    GUEST_MEMFD_FLAG_INIT_SHARED |
					    GUEST_MEMFD_FLAG_LARGE_FOLIOS);
	self->mem = kvm_mmap(FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->g.fd);
}

FIXTURE_TEARDOWN(placement)
{
	kvm_munmap(self->mem, FILE_SIZE);
	gmem_huge_free(&self->g);
}

static void check_node(void *mem, u64 page, u64 nr, int node)
{
	void *addr;
	int status;
	u64 i;

	for (i = page; i < page + nr; i++) {
		addr = mem + i * PAGE_SIZE;
		kvm_move_pages(0, 1, &addr, NULL, &status, 0);
		TEST_ASSERT(status == node, "Page %lu should be on node %d, is on %d",
			    i, node, status);
	}
}

/* Example: [0, 2M) is bound to node 1, [2M, 4M) to node 0: a folio on each. */
TEST_F_TIMEOUT(placement, of_folios, GMEM_HUGE_TIMEOUT)
{
	u64 folios = gmem_huge_nr_folios();
	int first;

	for (first = 0; first < 2; first++) {
		bind_pages(self->mem, 0, GMEM_HUGE_NR_4K, first);
		bind_pages(self->mem, GMEM_HUGE_NR_4K, GMEM_HUGE_NR_4K, !first);
		gmem_huge_host_write(self->mem, GMEM_HUGE_GPA, FILE_SIZE, 1);
		TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios + 2);
		check_node(self->mem, 0, GMEM_HUGE_NR_4K, first);
		check_node(self->mem, GMEM_HUGE_NR_4K, GMEM_HUGE_NR_4K, !first);
		gmem_huge_punch(&self->g, 0, FILE_SIZE);
	}
}

/* Example: page 100 is bound to node 1, all others to node 0. */
TEST_F_TIMEOUT(placement, of_pages, GMEM_HUGE_TIMEOUT)
{
	u64 folios = gmem_huge_nr_folios();

	bind_pages(self->mem, 0, NR_PAGES, 0);
	bind_pages(self->mem, 100, 1, 1);
	gmem_huge_host_write(self->mem, GMEM_HUGE_GPA, FILE_SIZE, 1);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios + 1);
	check_node(self->mem, 0, 100, 0);
	check_node(self->mem, 100, 1, 1);
	check_node(self->mem, 101, NR_PAGES - 101, 0);
}

int main(int argc, char *argv[])
{
	gmem_huge_require();

	return test_harness_run(argc, argv);
}
