// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page state changes that an SNP guest asks for with the GHCB.
 *
 * Worked example, 4M that the guest accepted and wrote:
 *
 *	SMASH 2M at page 0	1 PSMASH, 512 leaves of 4K, no fault
 *	validate page 7 at 4K	no fault, it was smashed before
 *	UNSMASH 2M at page 0	1 promotion, soon
 *	UNSMASH 2M at 1G	nothing, no memory is there
 *	SHARED 2M at page 512	the range is shared, nothing was smashed
 *	PRIVATE 2M at page 512	it is one entry of 2M again, to be accepted anew
 */
#include "gmem_snp.h"
#include "kselftest_harness.h"

#define TAG	0x11

FIXTURE(psc) {
	struct gmem_snp g;
	struct gmem_snp_stats before;
};

FIXTURE_SETUP(psc)
{
	gmem_snp_set_promote_ms(0);
	gmem_snp_create(&self->g, 2 * SZ_2M);
	/* The GHCB and the operation once, on memory that is not tested. */
	TEST_ASSERT_EQ(gmem_snp_psc(&self->g, GMEM_SNP_GPA + self->g.size + SZ_2M,
				    PG_LEVEL_2M, SNP_PSC_SMASH), 0);
	gmem_snp_accept(&self->g, gmem_snp_page(0), 2 * SZ_2M);
	gmem_snp_write(&self->g, gmem_snp_page(0), 2 * SZ_2M, TAG);
	self->before = gmem_snp_stats(&self->g);
}

FIXTURE_TEARDOWN(psc)
{
	gmem_snp_free(&self->g);
}

TEST_F_TIMEOUT(psc, smash, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp *g = &self->g;

	TEST_ASSERT_EQ(gmem_snp_psc(g, gmem_snp_page(0), PG_LEVEL_2M, SNP_PSC_SMASH), 0);
	TEST_SNP_SINCE(g, self->before, smashes, 1, "The hint should be taken");
	TEST_ASSERT_EQ(gmem_snp_pvalidate(g, gmem_snp_page(7), PG_LEVEL_4K, true),
		       SNP_UNCHANGED);
	gmem_snp_check(g, gmem_snp_page(0), 2 * SZ_2M, TAG);
	TEST_SNP_SINCE(g, self->before, smashes, 1, "Once is enough");
	TEST_SNP_SINCE(g, self->before, faults, 0, "Nothing is left to fault");
}

/* A hint about a page is one about the range around it. */
TEST_F_TIMEOUT(psc, smash_4k, GMEM_SNP_TIMEOUT)
{
	TEST_ASSERT_EQ(gmem_snp_psc(&self->g, gmem_snp_page(700), PG_LEVEL_4K,
				    SNP_PSC_SMASH), 0);
	TEST_SNP_SINCE(&self->g, self->before, smashes, 1, "The range around page 700");
	gmem_snp_check(&self->g, gmem_snp_page(0), 2 * SZ_2M, TAG);
}

/* What is smashed, shared or not there can't be smashed, and that is fine. */
TEST_F_TIMEOUT(psc, smash_in_vain, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp *g = &self->g;

	TEST_ASSERT_EQ(gmem_snp_psc(g, gmem_snp_page(0), PG_LEVEL_2M, SNP_PSC_SMASH), 0);
	TEST_ASSERT_EQ(gmem_snp_psc(g, gmem_snp_page(0), PG_LEVEL_2M, SNP_PSC_SMASH), 0);
	TEST_ASSERT_EQ(gmem_snp_psc(g, SZ_1G, PG_LEVEL_2M, SNP_PSC_SMASH), 0);
	TEST_SNP_SINCE(g, self->before, smashes, 1, "The first time counts");
}

static bool wait_for_promotion(struct gmem_snp *g)
{
	int ms;

	for (ms = 0; ms < 20000 && !vm_get_stat(g->vm, rmp_promotions); ms += 20)
		usleep(20000);

	return vm_get_stat(g->vm, rmp_promotions) == 1;
}

TEST_F_TIMEOUT(psc, unsmash, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp *g = &self->g;

	TEST_ASSERT_EQ(gmem_snp_psc(g, gmem_snp_page(0), PG_LEVEL_2M, SNP_PSC_SMASH), 0);
	gmem_snp_set_promote_ms(20);
	TEST_ASSERT_EQ(gmem_snp_psc(g, gmem_snp_page(0), PG_LEVEL_2M, SNP_PSC_UNSMASH), 0);
	TEST_ASSERT(wait_for_promotion(g), "The range should be promoted");
	gmem_snp_check(g, gmem_snp_page(0), 2 * SZ_2M, TAG);
	TEST_SNP_SINCE(g, self->before, faults, 1, "One leaf of 2M again");
}

#define NR_IN_VAIN	64

/*
 * A guest may name any gfn.  Where it has no memory nothing is remembered: each would
 * be looked at before the range that is promoted, and counted as a try that failed, as
 * are ranges of the guest's image now and then.
 */
TEST_F_TIMEOUT(psc, unsmash_in_vain, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp *g = &self->g;
	int i;

	for (i = 0; i < NR_IN_VAIN; i++)
		TEST_ASSERT_EQ(gmem_snp_psc(g, SZ_1G + i * SZ_2M, PG_LEVEL_2M,
					    SNP_PSC_UNSMASH), 0);
	TEST_ASSERT_EQ(gmem_snp_psc(g, gmem_snp_page(0), PG_LEVEL_2M, SNP_PSC_SMASH), 0);
	gmem_snp_set_promote_ms(20);
	TEST_ASSERT_EQ(gmem_snp_psc(g, gmem_snp_page(0), PG_LEVEL_2M, SNP_PSC_UNSMASH), 0);
	TEST_ASSERT(wait_for_promotion(g), "The range should be promoted");
	TEST_ASSERT(vm_get_stat(g->vm, rmp_promotion_fails) < NR_IN_VAIN / 2,
		    "Ranges that are not there should not be tried");
}

TEST_F_TIMEOUT(psc, convert_2m, GMEM_SNP_TIMEOUT)
{
	const gva_t gva = gmem_snp_page(GMEM_SNP_NR_4K);
	struct gmem_snp *g = &self->g;

	TEST_ASSERT_EQ(gmem_snp_pvalidate(g, gva, PG_LEVEL_2M, false), SNP_OK);
	TEST_ASSERT_EQ(gmem_snp_psc(g, gva, PG_LEVEL_2M, SNP_PSC_SHARED), 0);
	gmem_snp_write(g, gmem_snp_shared(gva), SZ_2M, TAG);

	TEST_ASSERT_EQ(gmem_snp_psc(g, gva, PG_LEVEL_2M, SNP_PSC_PRIVATE), 0);
	TEST_ASSERT_EQ(gmem_snp_pvalidate(g, gva, PG_LEVEL_2M, true), SNP_OK);
	gmem_snp_write(g, gva, SZ_2M, TAG);
	gmem_snp_check(g, gmem_snp_page(0), 2 * SZ_2M, TAG);
	TEST_SNP_SINCE(g, self->before, smashes, 0, "All of it was 2M all along");
}

/* The protocol has no name for a 2M page that does not start at one. */
TEST_F_TIMEOUT(psc, unaligned_2m_is_refused, GMEM_SNP_TIMEOUT)
{
	TEST_ASSERT(gmem_snp_psc(&self->g, gmem_snp_page(1), PG_LEVEL_2M, SNP_PSC_SHARED),
		    "An entry of 2M at page 1 should be invalid");
	gmem_snp_check(&self->g, gmem_snp_page(0), 2 * SZ_2M, TAG);
}

int main(int argc, char **argv)
{
	return gmem_snp_main(argc, argv, 0, test_harness_run);
}
