// SPDX-License-Identifier: GPL-2.0-only
/*
 * A save area that an SNP guest made for a vCPU, inside of a range of 2M.
 *
 * Worked example: the guest owns [0, 512) by one entry of 2M.
 *
 *	make page 7 a save area		the entry is smashed
 *	have vCPU 1 go on from it	it does, as often as it is run
 *	meanwhile, every 20 ms		nothing is promoted: a save area that is
 *					immutable can't be run
 *	move vCPU 1 elsewhere, make	the range is whole again
 *	page 7 a plain page, UNSMASH
 *
 * Page 0 of a range is never taken for a save area: a processor with the
 * erratum would see writes to all of the 2M around it collide.
 */
#include "gmem_snp.h"
#include "kselftest_harness.h"

#define TAG		0x11
#define NEW_TAG		0x22

#define SCAN_MS		20
#define WAIT_MS		20000
/* So many attempts in vain tell that it is not by chance. */
#define TRIES		6

/* What SW_EXITINFO1 tells of a request that makes no sense. */
#define MALFORMED_INPUT	2

#define VMSA_PAGE	7
#define OTHER_PAGE	(GMEM_SNP_NR_4K + 5)

FIXTURE(vmsa) {
	struct gmem_snp g;
	u64 quarantined;
};

/* The vCPU that makes save areas, and the one that moves. */
static void use(struct gmem_snp *g, int cpu)
{
	g->cpu = &g->cpus[cpu];
}

FIXTURE_SETUP(vmsa)
{
	const struct gmem_snp_shape shape = {
		.size		= 2 * SZ_2M,
		.flags		= GUEST_MEMFD_FLAG_LARGE_FOLIOS,
		.nr_vcpus	= 2,
	};

	gmem_snp_set_promote_ms(SCAN_MS);
	self->quarantined = gmem_snp_quarantined();
	gmem_snp_create_shape(&self->g, &shape);
	use(&self->g, 0);
	gmem_snp_accept(&self->g, gmem_snp_page(0), 2 * SZ_2M);
	gmem_snp_write(&self->g, gmem_snp_page(0), 2 * SZ_2M, TAG);
}

FIXTURE_TEARDOWN(vmsa)
{
	gmem_snp_free(&self->g);
	TEST_ASSERT_EQ(gmem_snp_quarantined(), self->quarantined);
}

/* vCPU 1 leaves whatever it did behind and starts anew, up to its report. */
static void move(struct gmem_snp *g, u64 page)
{
	use(g, 0);
	TEST_ASSERT_EQ(gmem_snp_make_vmsa(g, gmem_snp_page(page), 1), SNP_OK);
	TEST_ASSERT_EQ(gmem_snp_create_ap(g, gmem_snp_page(page), 1), 0);
	use(g, 1);
	gmem_snp_start(g);
}

static void claim_runs(struct gmem_snp *g, u64 tag)
{
	use(g, 1);
	gmem_snp_write(g, gmem_snp_page(100), 10 * PAGE_SIZE, tag);
	use(g, 0);
	gmem_snp_check(g, gmem_snp_page(100), 10 * PAGE_SIZE, tag);
	gmem_snp_check(g, gmem_snp_page(110), 402 * PAGE_SIZE, TAG);
}

static bool wait_for(struct gmem_snp *g, u64 smashed, u64 fails)
{
	int ms;

	for (ms = 0; ms < WAIT_MS; ms += SCAN_MS) {
		if (gmem_snp_nr_smashed(g) == smashed &&
		    vm_get_stat(g->vm, rmp_promotion_fails) >= fails)
			return true;
		claim_runs(g, NEW_TAG);
		usleep(SCAN_MS * 1000);
	}
	return false;
}

TEST_F_TIMEOUT(vmsa, not_promoted_while_in_use, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp *g = &self->g;

	TEST_ASSERT_EQ(gmem_snp_nr_smashed(g), 0);
	move(g, VMSA_PAGE);
	TEST_ASSERT(wait_for(g, 1, TRIES), "The range should be tried, in vain");
	claim_runs(g, TAG);
	TEST_ASSERT_EQ(gmem_snp_nr_smashed(g), 1);
}

TEST_F_TIMEOUT(vmsa, promoted_afterwards, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp *g = &self->g;

	move(g, VMSA_PAGE);
	TEST_ASSERT(wait_for(g, 1, TRIES), "The range should be tried, in vain");
	move(g, OTHER_PAGE);

	use(g, 0);
	TEST_ASSERT_EQ(gmem_snp_rmpadjust(g, gmem_snp_page(VMSA_PAGE), PG_LEVEL_4K,
					  SNP_VMPL1_NONE), SNP_OK);
	TEST_ASSERT_EQ(gmem_snp_psc(g, gmem_snp_page(0), PG_LEVEL_2M, SNP_PSC_UNSMASH), 0);
	TEST_ASSERT(wait_for(g, 1, TRIES), "The other range alone should be smashed");
	TEST_ASSERT_EQ(gmem_snp_pvalidate(g, gmem_snp_page(0), PG_LEVEL_2M, true),
		       SNP_UNCHANGED);
	claim_runs(g, TAG);
}

/* The folio of a save area in use goes: the vCPU can't be run, the host can. */
TEST_F_TIMEOUT(vmsa, punched_while_in_use, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp *g = &self->g;

	move(g, VMSA_PAGE);
	TEST_ASSERT(!fallocate(g->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SZ_2M),
		    "The hole should be punched");
	vcpu_run(g->cpus[1].vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(g->cpus[1].vcpu, KVM_EXIT_FAIL_ENTRY);
	use(g, 0);
	gmem_snp_check(g, gmem_snp_page(GMEM_SNP_NR_4K), SZ_2M, TAG);
}

/* The erratum, and what is no page. */
TEST_F_TIMEOUT(vmsa, refused, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp *g = &self->g;

	TEST_ASSERT_EQ(gmem_snp_make_vmsa(g, gmem_snp_page(0), 1), SNP_OK);
	TEST_ASSERT_EQ(gmem_snp_create_ap(g, gmem_snp_page(0), 1), MALFORMED_INPUT);
	TEST_ASSERT_EQ(gmem_snp_create_ap(g, gmem_snp_page(VMSA_PAGE) + 8, 1), MALFORMED_INPUT);
	claim_runs(g, NEW_TAG);
}

int main(int argc, char **argv)
{
	return gmem_snp_main(argc, argv, SCAN_MS, test_harness_run);
}
