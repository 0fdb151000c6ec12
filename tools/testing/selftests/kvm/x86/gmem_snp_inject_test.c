// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private memory of SNP guests when the processor or the firmware refuses.
 *
 * Worked example: 2M that the guest owns at 2M, and a PSMASH that fails.
 *
 *	validate page 7 at 4K	KVM_RUN returns EIO, the VM is dead
 *	free the VM		the 2M are taken back, nothing is lost
 *
 * Had taking them back failed as well, the folio would be quarantined: its 512
 * pages are counted, and those that the RMP still gives to the guest are among
 * them.  The host goes on in any case: the next VM works.
 */
#include "gmem_snp.h"
#include "gmem_snp_host.h"
#include "kselftest_harness.h"

#define TAG		0x5a
#define FOR_EVER	0x7fffffff

/* How often KVM and the kernel try before they give up. */
#define SMASH_TRIES	1024
#define UPDATE_TRIES	10000

#define PAGE_RECLAIM_CMD	0xc7
#define PAGE_UNSMASH_CMD	0xc8
#define INVALID_PAGE_STATE	0x1a

#define SCAN_MS		20
#define WAIT_MS		20000

FIXTURE(inject) {
	struct gmem_snp g;
	u64 quarantined;
	/* What the test means to lose. */
	u64 lost_pages;
	u64 lost_owned;
};

FIXTURE_SETUP(inject)
{
	gmem_snp_set_promote_ms(0);
	snp_rmp_ignore_owned();
	self->quarantined = gmem_snp_quarantined();
	gmem_snp_create(&self->g, 2 * SZ_2M);
}

static void claim_next_vm_works(void)
{
	struct gmem_snp g;

	gmem_snp_create(&g, SZ_2M);
	gmem_snp_accept(&g, gmem_snp_page(0), SZ_2M);
	gmem_snp_write(&g, gmem_snp_page(0), SZ_2M, TAG);
	gmem_snp_check(&g, gmem_snp_page(0), SZ_2M, TAG);
	TEST_ASSERT_EQ(vm_get_stat(g.vm, rmp_assigns_2m), 1);
	gmem_snp_free(&g);
}

FIXTURE_TEARDOWN(inject)
{
	gmem_snp_free(&self->g);
	snp_inject_nothing();
	TEST_ASSERT_EQ(gmem_snp_quarantined() - self->quarantined, self->lost_pages);
	TEST_ASSERT_EQ(snp_rmp_nr_owned(), self->lost_owned);
	claim_next_vm_works();
	TEST_ASSERT_EQ(snp_rmp_nr_owned(), self->lost_owned);
}

/* All of the first range is the guest's, and written. */
static u64 own_first_range(struct gmem_snp *g)
{
	gmem_snp_accept(g, gmem_snp_page(0), SZ_2M);
	gmem_snp_write(g, gmem_snp_page(0), SZ_2M, TAG);
	return snp_rmp_find(gmem_snp_page(0));
}

static void hit(enum snp_inject_point point, u32 count, u32 match)
{
	snp_inject(point, (struct snp_inject){ .count = count, .match = match });
}

static void refuse(u32 command, u32 count)
{
	snp_inject(SNP_INJECT_PSP_STATUS, (struct snp_inject) {
		.count = count, .match = command, .value = INVALID_PAGE_STATE,
	});
}

static void claim_all_hit(enum snp_inject_point point)
{
	TEST_ASSERT_EQ(snp_inject_left(point), 0);
}

static void claim_dead(struct gmem_snp *g)
{
	TEST_ASSERT_EQ(__gmem_snp_write(g, gmem_snp_page(0), PAGE_SIZE, TAG), -EIO);
}

/* An overlap that passes is waited for, and leaves no trace. */
TEST_F_TIMEOUT(inject, overlap_passes, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp_stats before = gmem_snp_stats(&self->g);

	hit(SNP_INJECT_RMPUPDATE_OVERLAP, UPDATE_TRIES - 1, 0);
	own_first_range(&self->g);
	claim_all_hit(SNP_INJECT_RMPUPDATE_OVERLAP);
	TEST_SNP_SINCE(&self->g, before, assigns_2m, 1, "It should be waited for");
	TEST_SNP_SINCE(&self->g, before, assigns_4k, 0, "In one piece");
}

/* One that lasts is given up: had it been tried once more, it would be 2M. */
TEST_F_TIMEOUT(inject, overlap_lasts, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp_stats before = gmem_snp_stats(&self->g);

	hit(SNP_INJECT_RMPUPDATE_OVERLAP, UPDATE_TRIES, 0);
	own_first_range(&self->g);
	claim_all_hit(SNP_INJECT_RMPUPDATE_OVERLAP);
	TEST_SNP_SINCE(&self->g, before, assigns_2m, 0, "2M should be given up");
	TEST_SNP_SINCE(&self->g, before, assigns_4k, GMEM_SNP_NR_4K, "4K takes its place");
	gmem_snp_check(&self->g, gmem_snp_page(0), SZ_2M, TAG);
}

/* The processor refuses 2M: the page is assigned alone, and so are the others. */
TEST_F_TIMEOUT(inject, assign_2m_refused, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp_stats before = gmem_snp_stats(&self->g);

	hit(SNP_INJECT_RMPUPDATE_INUSE, 1, 0);
	own_first_range(&self->g);
	claim_all_hit(SNP_INJECT_RMPUPDATE_INUSE);
	TEST_SNP_SINCE(&self->g, before, assigns_2m, 0, "2M was refused");
	TEST_SNP_SINCE(&self->g, before, assigns_4k, GMEM_SNP_NR_4K, "4K takes its place");
}

/* And 4K as well: KVM_RUN says so, and the next attempt works. */
TEST_F_TIMEOUT(inject, assign_refused, GMEM_SNP_TIMEOUT)
{
	int r;

	hit(SNP_INJECT_RMPUPDATE_INUSE, 2, 0);
	r = __gmem_snp_pvalidate(&self->g, gmem_snp_page(0), PG_LEVEL_4K, true);
	TEST_ASSERT(r == -EFAULT, "KVM_RUN should fail with EFAULT, got %d", r);
	claim_all_hit(SNP_INJECT_RMPUPDATE_INUSE);

	TEST_ASSERT_EQ(__gmem_snp_pvalidate(&self->g, gmem_snp_page(0), PG_LEVEL_4K, true), 0);
	gmem_snp_write(&self->g, gmem_snp_page(0), PAGE_SIZE, TAG);
	gmem_snp_check(&self->g, gmem_snp_page(0), PAGE_SIZE, TAG);
}

/* In use for less than KVM's patience, and for more: the guest does not notice. */
static void smash_in_use(struct gmem_snp *g, u32 count, u64 faults)
{
	u64 pfn = own_first_range(g);
	struct gmem_snp_stats before = gmem_snp_stats(g);

	hit(SNP_INJECT_PSMASH_INUSE, count, pfn);
	TEST_ASSERT_EQ(gmem_snp_pvalidate(g, gmem_snp_page(7), PG_LEVEL_4K, true),
		       SNP_UNCHANGED);
	claim_all_hit(SNP_INJECT_PSMASH_INUSE);
	TEST_SNP_SINCE(g, before, smashes, 1, "It should be smashed once");
	TEST_SNP_SINCE(g, before, faults, faults, "In use %u times", count);
	gmem_snp_check(g, gmem_snp_page(0), SZ_2M, TAG);
}

TEST_F_TIMEOUT(inject, smash_in_use_for_a_while, GMEM_SNP_TIMEOUT)
{
	smash_in_use(&self->g, SMASH_TRIES - 1, 1);
}

TEST_F_TIMEOUT(inject, smash_in_use_for_long, GMEM_SNP_TIMEOUT)
{
	smash_in_use(&self->g, 3 * SMASH_TRIES, 4);
}

/* A real failure ends the VM, and no other. */
TEST_F_TIMEOUT(inject, smash_fails, GMEM_SNP_TIMEOUT)
{
	u64 pfn = own_first_range(&self->g);
	int r;

	hit(SNP_INJECT_PSMASH_FAIL, 1, pfn);
	r = __gmem_snp_pvalidate(&self->g, gmem_snp_page(7), PG_LEVEL_4K, true);
	TEST_ASSERT(r == -EIO, "The VM should be dead, got %d", r);
	claim_all_hit(SNP_INJECT_PSMASH_FAIL);
	claim_dead(&self->g);
}

/* The processor keeps the entry: all of the folio is out of use, 2M of it owned. */
TEST_F_TIMEOUT(inject, reclaim_of_2m_refused, GMEM_SNP_TIMEOUT)
{
	u64 pfn = own_first_range(&self->g);

	hit(SNP_INJECT_RMPUPDATE_INUSE, FOR_EVER, pfn);
	self->lost_pages = GMEM_SNP_NR_4K;
	self->lost_owned = GMEM_SNP_NR_4K;
}

/* The same for page 7 of a smashed range: those behind it are not asked for. */
TEST_F_TIMEOUT(inject, reclaim_of_4k_refused, GMEM_SNP_TIMEOUT)
{
	u64 pfn = own_first_range(&self->g);

	gmem_snp_pvalidate(&self->g, gmem_snp_page(7), PG_LEVEL_4K, true);
	hit(SNP_INJECT_RMPUPDATE_INUSE, FOR_EVER, pfn + 7);
	self->lost_pages = GMEM_SNP_NR_4K;
	self->lost_owned = GMEM_SNP_NR_4K - 7;
}

static void wait_for(struct gmem_snp *g, bool fails, u64 nr)
{
	u64 got = 0;
	int ms;

	for (ms = 0; ms < WAIT_MS && got < nr; ms += SCAN_MS) {
		usleep(SCAN_MS * 1000);
		got = fails ? vm_get_stat(g->vm, rmp_promotion_fails) :
			      vm_get_stat(g->vm, rmp_promotions);
	}
	TEST_ASSERT(got >= nr, "There should be %lu promotions that %s, not %lu", nr,
		    fails ? "fail" : "succeed", got);
}

static u64 smash_first_range(struct gmem_snp *g)
{
	u64 pfn = own_first_range(g);

	gmem_snp_set_promote_ms(SCAN_MS);
	gmem_snp_pvalidate(g, gmem_snp_page(7), PG_LEVEL_4K, true);
	return pfn;
}

/* What the firmware refuses is undone and tried again. */
TEST_F_TIMEOUT(inject, unsmash_refused, GMEM_SNP_TIMEOUT)
{
	refuse(PAGE_UNSMASH_CMD, 2);
	smash_first_range(&self->g);
	wait_for(&self->g, true, 2);
	gmem_snp_check(&self->g, gmem_snp_page(0), SZ_2M, TAG);
	wait_for(&self->g, false, 1);
	gmem_snp_check(&self->g, gmem_snp_page(0), SZ_2M, TAG);
	TEST_ASSERT_EQ(gmem_snp_pvalidate(&self->g, gmem_snp_page(0), PG_LEVEL_2M, true),
		       SNP_UNCHANGED);
}

/* An RMPUPDATE in the middle of a promotion: 300 pages are undone. */
TEST_F_TIMEOUT(inject, immutable_refused, GMEM_SNP_TIMEOUT)
{
	u64 pfn = own_first_range(&self->g);

	/* The first update of the page from now on. */
	hit(SNP_INJECT_RMPUPDATE_INUSE, 1, pfn + 300);
	gmem_snp_set_promote_ms(SCAN_MS);
	gmem_snp_pvalidate(&self->g, gmem_snp_page(7), PG_LEVEL_4K, true);
	wait_for(&self->g, true, 1);
	wait_for(&self->g, false, 1);
	gmem_snp_check(&self->g, gmem_snp_page(0), SZ_2M, TAG);
}

/* The page is one of 2M, and stays immutable: the VM is dead, the folio lost. */
TEST_F_TIMEOUT(inject, page_reclaim_refused, GMEM_SNP_TIMEOUT)
{
	int ms;

	refuse(PAGE_RECLAIM_CMD, 1);
	smash_first_range(&self->g);
	for (ms = 0; ms < WAIT_MS && snp_inject_left(SNP_INJECT_PSP_STATUS); ms += SCAN_MS)
		usleep(SCAN_MS * 1000);
	claim_all_hit(SNP_INJECT_PSP_STATUS);
	claim_dead(&self->g);
	self->lost_pages = GMEM_SNP_NR_4K;
	self->lost_owned = GMEM_SNP_NR_4K;
}

static int run(int argc, char **argv)
{
	snp_host_require();
	snp_inject_nothing();
	return test_harness_run(argc, argv);
}

int main(int argc, char **argv)
{
	return gmem_snp_main(argc, argv, 0, run);
}
