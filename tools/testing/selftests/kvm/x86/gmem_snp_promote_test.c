// SPDX-License-Identifier: GPL-2.0-only
/*
 * Smashed 2M ranges of an SNP guest become whole again.
 *
 * Worked example: 2M of accepted and written memory, a scan every 20 ms.
 *
 *	validate page 7 at 4K	1 PSMASH, 512 leaves of 4K
 *	within a few scans	1 promotion, nothing mapped
 *	read all pages		1 fault, 1 leaf of 2M, all content kept
 *
 * A range stays at 4K as long as a page of it is shared, is not valid, or has
 * permissions of its own.
 */
#include "gmem_snp.h"
#include "kselftest_harness.h"

#define TAG	0x11

#define SCAN_MS	20
/* Six tries are spread over 63 scans; a host under emulation is slow. */
#define WAIT_MS	20000

static bool wait_for_promotions(struct gmem_snp *g, u64 nr)
{
	int ms;

	for (ms = 0; ms < WAIT_MS; ms += SCAN_MS) {
		if (vm_get_stat(g->vm, rmp_promotions) >= nr && !gmem_snp_nr_smashed(g))
			return true;
		usleep(SCAN_MS * 1000);
	}
	return false;
}

/* Wait until the host asked @nr times for a range, in vain. */
static bool wait_for_fails(struct gmem_snp *g, u64 nr)
{
	int ms;

	for (ms = 0; ms < WAIT_MS; ms += SCAN_MS) {
		if (vm_get_stat(g->vm, rmp_promotion_fails) >= nr)
			return true;
		usleep(SCAN_MS * 1000);
	}
	return false;
}

static void create(struct gmem_snp *g, unsigned int promote_ms)
{
	gmem_snp_set_promote_ms(promote_ms);
	gmem_snp_create(g, SZ_2M);
	gmem_snp_accept(g, gmem_snp_page(0), SZ_2M);
	gmem_snp_write(g, gmem_snp_page(0), SZ_2M, TAG);
}

static void destroy(struct gmem_snp *g, const struct gmem_snp_stats *before)
{
	u64 quarantined = gmem_snp_quarantined();

	TEST_SNP_SINCE(g, *before, dm_splits, 0, "All of the range was the guest's all along");
	gmem_snp_free(g);
	TEST_ASSERT_EQ(gmem_snp_quarantined(), quarantined);
}

FIXTURE(promote) {
	struct gmem_snp g;
	struct gmem_snp_stats before;
};

FIXTURE_SETUP(promote)
{
	create(&self->g, SCAN_MS);
	self->before = gmem_snp_stats(&self->g);
}

FIXTURE_TEARDOWN(promote)
{
	destroy(&self->g, &self->before);
}

/*
 * The range is mapped as it was when the test began.  The host may have promoted
 * it as soon as the guest validated the last page, before the guest wrote to that:
 * then it was this write that mapped the leaf.
 */
static void claim_2m_and_kept(struct gmem_snp *g, const struct gmem_snp_stats *start)
{
	struct gmem_snp_stats now, before = gmem_snp_stats(g);

	gmem_snp_check(g, gmem_snp_page(0), SZ_2M, TAG);
	now = gmem_snp_stats(g);
	TEST_ASSERT(now.faults - before.faults <= 1, "One leaf should map it, got %lu faults",
		    now.faults - before.faults);
	TEST_ASSERT(now.pages_2m == start->pages_2m && now.pages_4k == start->pages_4k,
		    "All of it should be mapped 2M, got %lu x 2M, %lu x 4K",
		    now.pages_2m, now.pages_4k);
	TEST_SNP_SINCE(g, before, smashes, 0, "And the entry as well");
	TEST_ASSERT_EQ(gmem_snp_pvalidate(g, gmem_snp_page(0), PG_LEVEL_2M, true),
		       SNP_UNCHANGED);
}

TEST_F_TIMEOUT(promote, after_a_smash, GMEM_SNP_TIMEOUT)
{
	gmem_snp_pvalidate(&self->g, gmem_snp_page(7), PG_LEVEL_4K, true);

	TEST_ASSERT(wait_for_promotions(&self->g, 1), "The range should come back");
	claim_2m_and_kept(&self->g, &self->before);
}

/* Once is not for ever. */
TEST_F_TIMEOUT(promote, again_and_again, GMEM_SNP_TIMEOUT)
{
	int i;

	for (i = 1; i <= 3; i++) {
		gmem_snp_pvalidate(&self->g, gmem_snp_page(7 * i), PG_LEVEL_4K, true);
		TEST_ASSERT(wait_for_promotions(&self->g, i), "Time %d should work", i);
		claim_2m_and_kept(&self->g, &self->before);
	}
}

static void to_shared(struct gmem_snp *g, u64 page)
{
	TEST_ASSERT_EQ(gmem_snp_pvalidate(g, gmem_snp_page(page), PG_LEVEL_4K, false), SNP_OK);
	vm_mem_set_shared(g->vm, gmem_snp_page(page), PAGE_SIZE);
}

static void to_private(struct gmem_snp *g, u64 page)
{
	vm_mem_set_private(g->vm, gmem_snp_page(page), PAGE_SIZE);
	TEST_ASSERT_EQ(gmem_snp_pvalidate(g, gmem_snp_page(page), PG_LEVEL_4K, true), SNP_OK);
	gmem_snp_write(g, gmem_snp_page(page), PAGE_SIZE, TAG);
}

TEST_F_TIMEOUT(promote, not_while_a_page_is_shared, GMEM_SNP_TIMEOUT)
{
	to_shared(&self->g, 300);
	TEST_ASSERT(wait_for_fails(&self->g, 6), "The firmware should refuse");
	TEST_ASSERT_EQ(gmem_snp_nr_smashed(&self->g), 1);

	to_private(&self->g, 300);
	TEST_ASSERT(wait_for_promotions(&self->g, 1), "The last page came back");
	claim_2m_and_kept(&self->g, &self->before);
}

/* The firmware refuses, as it must, and all that was done is undone. */
TEST_F_TIMEOUT(promote, not_while_a_page_is_invalid, GMEM_SNP_TIMEOUT)
{
	const gva_t page = gmem_snp_page(300);

	TEST_ASSERT_EQ(gmem_snp_pvalidate(&self->g, page, PG_LEVEL_4K, false), SNP_OK);
	TEST_ASSERT(wait_for_fails(&self->g, 6), "The firmware should refuse");
	TEST_ASSERT_EQ(gmem_snp_nr_smashed(&self->g), 1);
	gmem_snp_check(&self->g, gmem_snp_page(0), 300 * PAGE_SIZE, TAG);
	gmem_snp_check(&self->g, gmem_snp_page(301), 211 * PAGE_SIZE, TAG);

	TEST_ASSERT_EQ(gmem_snp_pvalidate(&self->g, page, PG_LEVEL_4K, true), SNP_OK);
	gmem_snp_write(&self->g, page, PAGE_SIZE, TAG);
	gmem_snp_check(&self->g, gmem_snp_page(0), SZ_2M, TAG);

	/* User space made a page of it private: the host asks again. */
	vm_mem_set_private(self->g.vm, page, PAGE_SIZE);
	TEST_ASSERT(wait_for_promotions(&self->g, 1), "All pages are valid");
	claim_2m_and_kept(&self->g, &self->before);
}

/*
 * That the guest faults its pages in again after each try is no reason to ask
 * the firmware sooner: six tries take 63 scans, seven 127.
 */
TEST_F_TIMEOUT(promote, not_sooner_for_faults, GMEM_SNP_TIMEOUT)
{
	u64 fails, ms;

	TEST_ASSERT_EQ(gmem_snp_pvalidate(&self->g, gmem_snp_page(300), PG_LEVEL_4K, false),
		       SNP_OK);
	TEST_ASSERT(wait_for_fails(&self->g, 3), "The firmware should refuse");
	for (ms = 0; ms < 63 * SCAN_MS; ms += SCAN_MS) {
		gmem_snp_check(&self->g, gmem_snp_page(0), 300 * PAGE_SIZE, TAG);
		usleep(SCAN_MS * 1000);
	}
	fails = vm_get_stat(self->g.vm, rmp_promotion_fails);
	TEST_ASSERT(fails <= 16, "%lu tries in a time for six", fails);
	TEST_ASSERT_EQ(gmem_snp_nr_smashed(&self->g), 1);
}

/* Faults after which nothing was mapped, as the range was closed. */
static u64 nr_retries(struct gmem_snp *g)
{
	return vcpu_get_stat(g->cpu->vcpu, pf_taken) - vcpu_get_stat(g->cpu->vcpu, pf_fixed);
}

/* Those that ended, and one that may be under way. */
static u64 max_tries(struct gmem_snp *g)
{
	return vm_get_stat(g->vm, rmp_promotions) + vm_get_stat(g->vm, rmp_promotion_fails) + 1;
}

/*
 * The guest reads the range while the host tries to promote it, in vain.  A
 * vCPU that comes upon the closed range sleeps until it is open again: at each
 * try, one fault may be in vain, and another one that was under way.
 */
TEST_F_TIMEOUT(promote, a_closed_range_is_waited_for, GMEM_SNP_TIMEOUT)
{
	const gva_t page = gmem_snp_page(300);
	u64 retries;

	TEST_ASSERT_EQ(gmem_snp_pvalidate(&self->g, page, PG_LEVEL_4K, false), SNP_OK);
	retries = nr_retries(&self->g);
	while (vm_get_stat(self->g.vm, rmp_promotion_fails) < 6)
		gmem_snp_check(&self->g, gmem_snp_page(0), 300 * PAGE_SIZE, TAG);

	retries = nr_retries(&self->g) - retries;
	TEST_ASSERT(retries <= 2 * max_tries(&self->g), "%lu faults were in vain, at %lu tries",
		    retries, max_tries(&self->g));
	TEST_ASSERT_EQ(gmem_snp_nr_smashed(&self->g), 1);
}

TEST_F_TIMEOUT(promote, not_while_permissions_differ, GMEM_SNP_TIMEOUT)
{
	TEST_ASSERT_EQ(gmem_snp_rmpadjust(&self->g, gmem_snp_page(511), PG_LEVEL_4K,
					  SNP_VMPL1_ALL), SNP_OK);
	TEST_ASSERT(wait_for_fails(&self->g, 6), "The firmware should refuse");
	TEST_ASSERT_EQ(gmem_snp_nr_smashed(&self->g), 1);
	gmem_snp_check(&self->g, gmem_snp_page(0), SZ_2M, TAG);
}

/* All pages, each to shared and back, in an order with no pattern. */
TEST_F_TIMEOUT(promote, after_every_page_was_shared, GMEM_SNP_TIMEOUT)
{
	u64 i, page = 0;

	/* 193 and 512 have no common divisor: each page has its turn. */
	for (i = 0; i < GMEM_SNP_NR_4K; i++, page = (page + 193) % GMEM_SNP_NR_4K)
		to_shared(&self->g, page);
	for (i = 0; i < GMEM_SNP_NR_4K; i++, page = (page + 193) % GMEM_SNP_NR_4K)
		to_private(&self->g, page);

	TEST_ASSERT(wait_for_promotions(&self->g, 1), "All pages came back");
	claim_2m_and_kept(&self->g, &self->before);
}

FIXTURE(off) {
	struct gmem_snp g;
	struct gmem_snp_stats before;
};

FIXTURE_SETUP(off)
{
	create(&self->g, 0);
	self->before = gmem_snp_stats(&self->g);
}

FIXTURE_TEARDOWN(off)
{
	destroy(&self->g, &self->before);
	gmem_snp_set_promote_ms(SCAN_MS);
}

TEST_F_TIMEOUT(off, never_when_switched_off, GMEM_SNP_TIMEOUT)
{
	gmem_snp_pvalidate(&self->g, gmem_snp_page(7), PG_LEVEL_4K, true);
	usleep(50 * SCAN_MS * 1000);
	TEST_ASSERT_EQ(vm_get_stat(self->g.vm, rmp_promotions), 0);
	TEST_ASSERT_EQ(vm_get_stat(self->g.vm, rmp_promotion_fails), 0);
	gmem_snp_check(&self->g, gmem_snp_page(0), SZ_2M, TAG);
	TEST_ASSERT_EQ(gmem_snp_pvalidate(&self->g, gmem_snp_page(0), PG_LEVEL_2M, true),
		       SNP_FAIL_SIZEMISMATCH);
}

/* A guest that asks for 2M all the time, and keeps a page of each range invalid. */
#define NR_RANGES	16
/* KVM_PROMOTE_BUDGET / KVM_PROMOTE_COST_UNDONE of the kernel. */
#define MAX_PER_SCAN	8
/* What the launch filled is in a folio of 4K: tried once, undone never. */
#define NR_LAUNCHED	1
/* Long beside the time that all tries take: else that alone bounds them. */
#define LONG_SCAN_MS	2000

static u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void ask_for_all(struct gmem_snp *g)
{
	int i;

	for (i = 0; i < NR_RANGES; i++)
		TEST_ASSERT_EQ(gmem_snp_psc(g, gmem_snp_page(i * GMEM_SNP_NR_4K), PG_LEVEL_2M,
					    SNP_PSC_UNSMASH), 0);
}

/*
 * Each try is 512 commands of the firmware, which all VMs share: however often the
 * guest asks, a scan ends after 8.  Time 0 is before the first scan can begin.
 */
TEST(a_guest_does_not_keep_the_firmware_busy)
{
	u64 start, fails, scans;
	struct gmem_snp g;
	int i;

	gmem_snp_set_promote_ms(0);
	gmem_snp_create(&g, NR_RANGES * SZ_2M);
	gmem_snp_accept(&g, gmem_snp_page(0), NR_RANGES * SZ_2M);
	for (i = 0; i < NR_RANGES; i++)
		TEST_ASSERT_EQ(gmem_snp_pvalidate(&g, gmem_snp_page(i * GMEM_SNP_NR_4K + 300),
						  PG_LEVEL_4K, false), SNP_OK);
	TEST_ASSERT_EQ(gmem_snp_nr_smashed(&g), NR_RANGES);

	start = now_ms();
	gmem_snp_set_promote_ms(LONG_SCAN_MS);
	do {
		ask_for_all(&g);
		usleep(LONG_SCAN_MS * 1000 / 16);
		fails = vm_get_stat(g.vm, rmp_promotion_fails);
		scans = (now_ms() - start) / LONG_SCAN_MS;
		TEST_ASSERT(fails <= scans * MAX_PER_SCAN + NR_LAUNCHED,
			    "%lu tries in at most %lu scans", fails, scans);
		TEST_ASSERT(scans * LONG_SCAN_MS < WAIT_MS, "Just %lu tries", fails);
	} while (fails < NR_RANGES + NR_LAUNCHED);

	/* All had their turn: those that are whole now come back. */
	for (i = 0; i < NR_RANGES; i++)
		TEST_ASSERT_EQ(gmem_snp_pvalidate(&g, gmem_snp_page(i * GMEM_SNP_NR_4K + 300),
						  PG_LEVEL_4K, true), SNP_OK);
	ask_for_all(&g);
	TEST_ASSERT(wait_for_promotions(&g, NR_RANGES), "All should be whole");
	gmem_snp_free(&g);
	gmem_snp_set_promote_ms(SCAN_MS);
}

int main(int argc, char **argv)
{
	return gmem_snp_main(argc, argv, SCAN_MS, test_harness_run);
}
