// SPDX-License-Identifier: GPL-2.0-only
/*
 * The size of an SNP guest's private memory in the RMP.
 *
 * Worked example, 4M of private memory that nobody touched:
 *
 *	validate [0, 2M) at 2M	1 fault, 1 RMPUPDATE of 2M, 1 leaf of 2M
 *	write all 512 pages	nothing
 *	validate page 7 at 4K	1 fault, 1 PSMASH, 512 leaves of 4K; the page
 *				was valid before, PVALIDATE says so
 *	write all 512 pages	nothing
 */
#include "gmem_huge.h"
#include "gmem_snp.h"
#include "kselftest_harness.h"

#define TAG_A	0x11
#define TAG_B	0x22

FIXTURE(snp) {
	struct gmem_snp g;
	struct gmem_snp_stats before;
};

FIXTURE_SETUP(snp)
{
	gmem_snp_create(&self->g, 2 * SZ_2M);
	self->before = gmem_snp_stats(&self->g);
}

static void free_and_lose_nothing(struct gmem_snp *g)
{
	u64 quarantined = gmem_snp_quarantined();

	gmem_snp_free(g);
	TEST_ASSERT_EQ(gmem_snp_quarantined(), quarantined);
}

FIXTURE_TEARDOWN(snp)
{
	free_and_lose_nothing(&self->g);
}

static void claim_mapped(struct gmem_snp *g, u64 nr_2m, u64 nr_4k, u64 base_4k)
{
	struct gmem_snp_stats now = gmem_snp_stats(g);

	TEST_ASSERT(now.pages_2m == nr_2m && now.pages_4k - base_4k == nr_4k,
		    "Wanted %lu x 2M + %lu x 4K, got %lu + %lu", nr_2m, nr_4k,
		    now.pages_2m, now.pages_4k - base_4k);
}

/* A first 2M range that is accepted and written. */
static struct gmem_snp_stats write_first_range(struct gmem_snp *g)
{
	gmem_snp_accept(g, gmem_snp_page(0), SZ_2M);
	gmem_snp_write(g, gmem_snp_page(0), SZ_2M, TAG_A);
	return gmem_snp_stats(g);
}

TEST_F_TIMEOUT(snp, assign_and_map_2m, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp_stats before = gmem_snp_stats(&self->g);

	TEST_ASSERT_EQ(gmem_snp_pvalidate(&self->g, gmem_snp_page(0), PG_LEVEL_2M, true),
		       SNP_OK);
	gmem_snp_write(&self->g, gmem_snp_page(0), SZ_2M, TAG_A);
	gmem_snp_check(&self->g, gmem_snp_page(0), SZ_2M, TAG_A);

	TEST_SNP_SINCE(&self->g, before, assigns_2m, 1, "One RMPUPDATE should do");
	TEST_SNP_SINCE(&self->g, before, assigns_4k, 0, "None should be of 4K");
	TEST_SNP_SINCE(&self->g, before, faults, 1, "One fault should do");
	TEST_SNP_SINCE(&self->g, before, smashes, 0, "Nothing asked for 4K");
	TEST_SNP_SINCE(&self->g, before, dm_splits, 0, "The direct map stays whole");
	claim_mapped(&self->g, 1, 0, before.pages_4k);
}

/* The allocator hands out first what came back last, of the same kind: an ended VM's. */
static void dirty_free_memory(void)
{
	struct gmem_huge host = gmem_huge_create(KVM_X86_DEFAULT_VM);
	void *mem;

	gmem_huge_open(&host, SZ_64M, GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED |
		       GUEST_MEMFD_FLAG_LARGE_FOLIOS);
	mem = kvm_mmap(SZ_64M, PROT_READ | PROT_WRITE, MAP_SHARED, host.fd);
	memset(mem, 0xa5, SZ_64M);
	kvm_munmap(mem, SZ_64M);
	gmem_huge_free(&host);
}

/*
 * The RMP does not check reads without the key: there must be nothing to read.
 * With kvm_amd.snp_clear=0 there is.
 */
TEST_F_TIMEOUT(snp, nothing_of_the_hosts_is_read, GMEM_SNP_TIMEOUT)
{
	u64 i, word;

	dirty_free_memory();
	TEST_ASSERT_EQ(gmem_snp_pvalidate(&self->g, gmem_snp_page(0), PG_LEVEL_2M, true),
		       SNP_OK);
	TEST_SNP_SINCE(&self->g, self->before, assigns_2m, 1, "All of it is the guest's");
	for (i = 0; i < GMEM_SNP_NR_4K; i++) {
		word = gmem_snp_read(&self->g, gmem_snp_shared(gmem_snp_page(i)));
		TEST_ASSERT(!word, "Page %lu was the host's and holds 0x%lx", i, word);
	}
	TEST_SNP_SINCE(&self->g, self->before, faults, 1, "It is mapped for either access");
}

/* The same at 4K costs one more fault, the smash, and no more. */
TEST_F_TIMEOUT(snp, validate_4k_in_2m, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp_stats before = write_first_range(&self->g);

	TEST_ASSERT_EQ(gmem_snp_pvalidate(&self->g, gmem_snp_page(7), PG_LEVEL_4K, true),
		       SNP_UNCHANGED);
	gmem_snp_check(&self->g, gmem_snp_page(0), SZ_2M, TAG_A);
	gmem_snp_write(&self->g, gmem_snp_page(0), SZ_2M, TAG_B);

	TEST_SNP_SINCE(&self->g, before, smashes, 1, "One PSMASH should do");
	TEST_SNP_SINCE(&self->g, before, faults, 1, "The 511 others should not fault");
	TEST_SNP_SINCE(&self->g, before, assigns_4k, 0, "The guest owned them all along");
	claim_mapped(&self->g, 0, GMEM_SNP_NR_4K,
		     before.pages_4k);
}

TEST_F_TIMEOUT(snp, rmpadjust_4k_in_2m, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp_stats before = write_first_range(&self->g);

	TEST_ASSERT_EQ(gmem_snp_rmpadjust(&self->g, gmem_snp_page(0), PG_LEVEL_2M,
					  SNP_VMPL1_ALL), SNP_OK);
	TEST_SNP_SINCE(&self->g, before, smashes, 0, "2M fits 2M");

	TEST_ASSERT_EQ(gmem_snp_rmpadjust(&self->g, gmem_snp_page(511), PG_LEVEL_4K,
					  SNP_VMPL1_ALL), SNP_OK);
	gmem_snp_check(&self->g, gmem_snp_page(0), SZ_2M, TAG_A);
	TEST_SNP_SINCE(&self->g, before, smashes, 1, "One PSMASH should do");
	TEST_SNP_SINCE(&self->g, before, faults, 1, "The others should not fault");
}

/* 4K first: 2M afterwards does not fit any more, which the guest is told. */
TEST_F_TIMEOUT(snp, validate_2m_after_smash, GMEM_SNP_TIMEOUT)
{
	write_first_range(&self->g);
	gmem_snp_pvalidate(&self->g, gmem_snp_page(7), PG_LEVEL_4K, true);

	TEST_ASSERT_EQ(gmem_snp_pvalidate(&self->g, gmem_snp_page(0), PG_LEVEL_2M, true),
		       SNP_FAIL_SIZEMISMATCH);
}

/* Each range is smashed on its own. */
TEST_F_TIMEOUT(snp, neighbour_stays_2m, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp_stats before = gmem_snp_stats(&self->g);

	gmem_snp_accept(&self->g, gmem_snp_page(0), 2 * SZ_2M);
	gmem_snp_pvalidate(&self->g, gmem_snp_page(512), PG_LEVEL_4K, true);
	gmem_snp_write(&self->g, gmem_snp_page(0), 2 * SZ_2M, TAG_A);

	TEST_SNP_SINCE(&self->g, before, assigns_2m, 2, "Both start out 2M");
	TEST_SNP_SINCE(&self->g, before, smashes, 1, "One was smashed");
	claim_mapped(&self->g, 1, GMEM_SNP_NR_4K, before.pages_4k);
}

/*
 * The guest gives page 7 away as the GHCB's protocol wants it, uses it shared,
 * and takes it back: only the smash faults among the pages it kept.
 */
TEST_F_TIMEOUT(snp, convert_one_page, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp_stats before = write_first_range(&self->g);
	const gva_t page = gmem_snp_page(7);

	TEST_ASSERT_EQ(gmem_snp_pvalidate(&self->g, page, PG_LEVEL_4K, false), SNP_OK);
	vm_mem_set_shared(self->g.vm, page, PAGE_SIZE);
	gmem_snp_write(&self->g, gmem_snp_shared(page), PAGE_SIZE, TAG_B);
	gmem_snp_check(&self->g, gmem_snp_shared(page), PAGE_SIZE, TAG_B);
	gmem_snp_check(&self->g, gmem_snp_page(0), 7 * PAGE_SIZE, TAG_A);
	gmem_snp_check(&self->g, gmem_snp_page(8), 504 * PAGE_SIZE, TAG_A);

	vm_mem_set_private(self->g.vm, page, PAGE_SIZE);
	TEST_ASSERT_EQ(gmem_snp_pvalidate(&self->g, page, PG_LEVEL_4K, true), SNP_OK);
	gmem_snp_write(&self->g, page, PAGE_SIZE, TAG_B);
	gmem_snp_check(&self->g, page, PAGE_SIZE, TAG_B);

	TEST_SNP_SINCE(&self->g, before, smashes, 1, "One PSMASH should do");
	TEST_SNP_SINCE(&self->g, before, faults, 3, "Smash, shared page, private page");
	TEST_SNP_SINCE(&self->g, before, dm_splits, 0, "No page came back to the host");
}

/* A conversion that nobody told the guest about smashes on the next touch. */
TEST_F_TIMEOUT(snp, convert_behind_its_back, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp_stats before = write_first_range(&self->g);

	vm_mem_set_shared(self->g.vm, gmem_snp_page(511), PAGE_SIZE);
	gmem_snp_check(&self->g, gmem_snp_page(0), 511 * PAGE_SIZE, TAG_A);
	TEST_SNP_SINCE(&self->g, before, smashes, 1, "4K leaves need 4K entries");
	TEST_SNP_SINCE(&self->g, before, faults, 1, "Once for all of them");

	vm_mem_set_private(self->g.vm, gmem_snp_page(511), PAGE_SIZE);
	gmem_snp_check(&self->g, gmem_snp_page(0), SZ_2M, TAG_A);
}

static void punch(struct gmem_snp *g, u64 page, u64 nr)
{
	int r = fallocate(g->fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
			  page * PAGE_SIZE, nr * PAGE_SIZE);

	TEST_ASSERT(!r, "Punching %lu pages at page %lu should succeed", nr, page);
}

/* What is punched is new memory afterwards, which has to be accepted. */
TEST_F_TIMEOUT(snp, punch_one_page, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp_stats before = write_first_range(&self->g);
	const gva_t page = gmem_snp_page(100);

	punch(&self->g, 100, 1);
	gmem_snp_check(&self->g, gmem_snp_page(0), 100 * PAGE_SIZE, TAG_A);
	gmem_snp_check(&self->g, gmem_snp_page(101), 411 * PAGE_SIZE, TAG_A);
	TEST_ASSERT_EQ(gmem_snp_pvalidate(&self->g, page, PG_LEVEL_4K, true), SNP_OK);
	gmem_snp_write(&self->g, page, PAGE_SIZE, TAG_B);
	gmem_snp_check(&self->g, page, PAGE_SIZE, TAG_B);

	TEST_SNP_SINCE(&self->g, before, assigns_4k, 1, "One page is new");
}

TEST_F_TIMEOUT(snp, punch_all, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp_stats before = write_first_range(&self->g);

	punch(&self->g, 0, GMEM_SNP_NR_4K);
	gmem_snp_accept(&self->g, gmem_snp_page(0), SZ_2M);
	gmem_snp_write(&self->g, gmem_snp_page(0), SZ_2M, TAG_B);

	TEST_SNP_SINCE(&self->g, before, assigns_2m, 1, "A new folio is assigned 2M");
	TEST_SNP_SINCE(&self->g, before, assigns_4k, 0, "And nothing else");
	TEST_SNP_SINCE(&self->g, before, smashes, 0, "Nothing was cut");
}

/* Pairs of ranges, all the guest's, the first of each in pages of 4K. */
#define NR_PAIRS	8
#define PAIR_PAGES	(2 * GMEM_SNP_NR_4K)

FIXTURE(pairs) {
	struct gmem_snp g;
};

FIXTURE_SETUP(pairs)
{
	const u64 size = NR_PAIRS * PAIR_PAGES * PAGE_SIZE;
	int pair;

	gmem_snp_create(&self->g, size);
	gmem_snp_accept(&self->g, gmem_snp_page(0), size);
	for (pair = 0; pair < NR_PAIRS; pair++)
		gmem_snp_pvalidate(&self->g, gmem_snp_page(pair * PAIR_PAGES + 7),
				   PG_LEVEL_4K, true);
	gmem_snp_write(&self->g, gmem_snp_page(0), size, TAG_A);
}

FIXTURE_TEARDOWN(pairs)
{
	free_and_lose_nothing(&self->g);
}

static u64 flushes_of(struct gmem_snp *g, void (*act)(struct gmem_snp *, u64 page, u64 nr),
		      u64 page, u64 nr)
{
	u64 before = vm_get_stat(g->vm, remote_tlb_flush_requests);

	act(g, page, nr);
	return vm_get_stat(g->vm, remote_tlb_flush_requests) - before;
}

/*
 * What @act costs on the pair where it costs least: in the midst of a pair KVM
 * may give way to another task, and flushes before it does.
 */
static u64 fewest_flushes(struct gmem_snp *g,
			  void (*act)(struct gmem_snp *, u64 page, u64 nr))
{
	u64 fewest = -1ul;
	int pair;

	for (pair = 0; pair < NR_PAIRS; pair++) {
		u64 nr = flushes_of(g, act, pair * PAIR_PAGES, PAIR_PAGES);

		TEST_ASSERT(nr, "What is mapped is flushed");
		if (nr < fewest)
			fewest = nr;
	}
	return fewest;
}

static void set_shared(struct gmem_snp *g, u64 page, u64 nr)
{
	vm_mem_set_shared(g->vm, gmem_snp_page(page), nr * PAGE_SIZE);
}

static void set_private(struct gmem_snp *g, u64 page, u64 nr)
{
	vm_mem_set_private(g->vm, gmem_snp_page(page), nr * PAGE_SIZE);
}

/* However many leaves and RMP entries of whatever size are in it. */
TEST_F_TIMEOUT(pairs, hole_is_flushed_once, GMEM_SNP_TIMEOUT)
{
	TEST_ASSERT_EQ(fewest_flushes(&self->g, punch), 1);
	TEST_ASSERT_EQ(flushes_of(&self->g, punch, 0, NR_PAIRS * PAIR_PAGES), 0);
}

TEST_F_TIMEOUT(pairs, conversion_is_flushed_once, GMEM_SNP_TIMEOUT)
{
	TEST_ASSERT_EQ(fewest_flushes(&self->g, set_shared), 1);
	TEST_ASSERT_EQ(flushes_of(&self->g, set_private, 0, NR_PAIRS * PAIR_PAGES), 0);
}

FIXTURE(other) {};
FIXTURE_SETUP(other) {}
FIXTURE_TEARDOWN(other) {}

/* gfn and page of the file are not congruent: all of it is 4K. */
TEST_F_TIMEOUT(other, unaligned_slot_is_4k, GMEM_SNP_TIMEOUT)
{
	const struct gmem_snp_shape shape = {
		.size	= SZ_2M,
		.flags	= GUEST_MEMFD_FLAG_LARGE_FOLIOS,
		.offset	= PAGE_SIZE,
	};
	struct gmem_snp_stats before;
	struct gmem_snp g;

	gmem_snp_create_shape(&g, &shape);
	before = gmem_snp_stats(&g);

	TEST_ASSERT_EQ(gmem_snp_pvalidate(&g, gmem_snp_page(0), PG_LEVEL_2M, true),
		       SNP_FAIL_SIZEMISMATCH);
	write_first_range(&g);
	TEST_SNP_SINCE(&g, before, assigns_4k, GMEM_SNP_NR_4K, "Each page on its own");
	TEST_SNP_SINCE(&g, before, assigns_2m, 0, "A 2M entry would be at no gfn");
	gmem_snp_free(&g);
}

/* Without the flag nothing changes. */
TEST_F_TIMEOUT(other, no_flag_is_4k, GMEM_SNP_TIMEOUT)
{
	const struct gmem_snp_shape shape = { .size = SZ_2M };
	struct gmem_snp_stats before;
	struct gmem_snp g;

	gmem_snp_create_shape(&g, &shape);
	before = gmem_snp_stats(&g);

	write_first_range(&g);
	TEST_SNP_SINCE(&g, before, assigns_4k, GMEM_SNP_NR_4K, "Each page on its own");
	TEST_SNP_SINCE(&g, before, assigns_2m, 0, "Nobody asked for it");
	gmem_snp_free(&g);
}

int main(int argc, char **argv)
{
	/* What is smashed stays smashed while it is looked at. */
	return gmem_snp_main(argc, argv, 0, test_harness_run);
}
