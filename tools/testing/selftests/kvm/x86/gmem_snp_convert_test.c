// SPDX-License-Identifier: GPL-2.0-only
/*
 * An SNP guest shares all of its memory page by page, in an order with no
 * pattern, takes it back likewise, and touches it.
 *
 * Worked example, 8M: 2048 pages to shared, 2048 pages back and validated at 4K,
 * as a guest does that keeps its bounce buffers wherever there is room.
 *
 *	promotion on	at least 99 of 100 pages are mapped by leaves of 2M
 *	promotion off	all pages are mapped at 4K, and hold the same
 */
#include <getopt.h>

#include "gmem_snp.h"

#define TAG		0x42
#define SCAN_MS		20
/* Without a new promotion for this long there will be none. */
#define IDLE_MS		10000
#define WANT_PERCENT	99

/* The next page of an order that visits each of @nr, a power of two, once. */
static u64 next_page(u64 page, u64 nr)
{
	return (page * 5 + 12345) & (nr - 1);
}

static void share_all(struct gmem_snp *g, u64 nr, u64 page)
{
	u64 i;

	for (i = 0; i < nr; i++, page = next_page(page, nr)) {
		TEST_ASSERT_EQ(gmem_snp_pvalidate(g, gmem_snp_page(page), PG_LEVEL_4K, false),
			       SNP_OK);
		vm_mem_set_shared(g->vm, gmem_snp_page(page), PAGE_SIZE);
	}
}

static void take_all_back(struct gmem_snp *g, u64 nr, u64 page)
{
	u64 i;

	for (i = 0; i < nr; i++, page = next_page(page, nr)) {
		vm_mem_set_private(g->vm, gmem_snp_page(page), PAGE_SIZE);
		TEST_ASSERT_EQ(gmem_snp_pvalidate(g, gmem_snp_page(page), PG_LEVEL_4K, true),
			       SNP_OK);
		gmem_snp_write(g, gmem_snp_page(page), PAGE_SIZE, TAG);
	}
}

static void wait_for_promotions(struct gmem_snp *g, u64 nr)
{
	u64 before = 0, now;
	int idle = 0;

	while ((now = vm_get_stat(g->vm, rmp_promotions)) < nr && idle < IDLE_MS) {
		idle = now == before ? idle + SCAN_MS : 0;
		before = now;
		usleep(SCAN_MS * 1000);
	}
}

/* What the range that is tested has, and not what lies beside it. */
static void claim_mapped(struct gmem_snp *g, u64 nr, u64 base_4k, bool promote)
{
	struct gmem_snp_stats now = gmem_snp_stats(g);
	u64 in_2m = now.pages_2m * GMEM_SNP_NR_4K, in_4k = now.pages_4k - base_4k;

	TEST_ASSERT_EQ(in_2m + in_4k, nr);
	if (promote)
		TEST_ASSERT(in_2m * 100 >= nr * WANT_PERCENT,
			    "Wanted %u percent of %lu pages in 2M, got %lu", WANT_PERCENT,
			    nr, in_2m);
	else
		TEST_ASSERT(!in_2m, "Nothing should be 2M without promotion, got %lu", in_2m);
	printf("promotion %s: %lu of %lu pages mapped 2M, %lu smashes, %lu promotions\n",
	       promote ? "on" : "off", in_2m, nr, vm_get_stat(g->vm, rmp_smashes),
	       vm_get_stat(g->vm, rmp_promotions));
	fflush(stdout);
}

static void convert(u64 size, bool promote)
{
	u64 nr = size / PAGE_SIZE, base_4k;
	struct gmem_snp g;

	/* Look at ranges when they are whole again, not each time they are not. */
	gmem_snp_set_promote_ms(0);
	gmem_snp_create(&g, size);
	gmem_snp_accept(&g, gmem_snp_page(0), size);
	gmem_snp_write(&g, gmem_snp_page(0), size, 1);
	/* All of it is 2M now; the guest's page tables for it are not. */
	base_4k = gmem_snp_stats(&g).pages_4k;

	share_all(&g, nr, 7);
	gmem_snp_set_promote_ms(promote ? SCAN_MS : 0);
	take_all_back(&g, nr, 1234 % nr);
	if (promote)
		wait_for_promotions(&g, size / SZ_2M);

	gmem_snp_check(&g, gmem_snp_page(0), size, TAG);
	claim_mapped(&g, nr, base_4k, promote);
	gmem_snp_free(&g);
}

struct options {
	u64 size;
	bool on;
	bool off;
};

static void explain(const char *name)
{
	printf("usage: %s [-m MiB] [-p on|off]\n", name);
	printf("-p: with promotion on or off alone, not with one after the other\n");
	exit(1);
}

static struct options parse(int argc, char *argv[])
{
	struct options o = { .size = 4 * SZ_2M, .on = true, .off = true };
	int opt;

	while ((opt = getopt(argc, argv, "m:p:")) != -1) {
		if (opt == 'm') {
			o.size = atoi_positive("MiB", optarg) * (u64)SZ_1M;
		} else if (opt == 'p') {
			o.on = !strcmp(optarg, "on");
			o.off = !strcmp(optarg, "off");
		} else {
			explain(argv[0]);
		}
	}
	if (!o.on && !o.off)
		explain(argv[0]);

	TEST_ASSERT(o.size >= SZ_2M && !(o.size & (o.size - 1)),
		    "MiB should be a power of two");
	return o;
}

int main(int argc, char *argv[])
{
	struct options o = parse(argc, argv);
	u64 quarantined;

	gmem_snp_require();
	quarantined = gmem_snp_quarantined();

	if (o.on)
		convert(o.size, true);
	if (o.off)
		convert(o.size, false);

	TEST_ASSERT_EQ(gmem_snp_quarantined(), quarantined);
	gmem_snp_set_promote_ms(GMEM_SNP_PROMOTE_MS);
	return 0;
}
