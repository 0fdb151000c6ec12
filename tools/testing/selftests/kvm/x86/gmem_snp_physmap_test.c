// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's direct map around the pages of SNP guests.
 *
 * Worked example, 50 VMs with 4 vCPUs each, one after the other or all at once:
 *
 *	at boot		the firmware's pages are in one block of 2M, which is split
 *	all at once	contexts, response buffers and VMSAs fill up that block
 *	afterwards	as at boot
 */
#include "gmem_snp.h"
#include "gmem_window.h"
#include "kselftest_harness.h"

#define MAX_VMS		50
#define NR_VCPUS	4
#define PATIENCE_MS	10000

/* A context and a response buffer a VM, a VMSA a vCPU. */
#define PAGES_A_VM	(2 + NR_VCPUS)

/* "-n VMS" takes fewer where a VM takes long. */
static int nr_vms = MAX_VMS;

struct direct_map {
	u64 kb_4k;
	/* At 2M or 1G: what is collapsed to 2M may be the last of 1G that was not. */
	u64 kb_large;
	u64 splits;
	u64 collapses;
};

static struct direct_map direct_map(void)
{
	return (struct direct_map) {
		.kb_4k		= gmem_read_field("/proc/meminfo", "DirectMap4k:"),
		.kb_large	= gmem_read_field("/proc/meminfo", "DirectMap2M:") +
				  gmem_read_field("/proc/meminfo", "DirectMap1G:"),
		.splits		= gmem_read_field("/proc/vmstat", "direct_map_level2_splits "),
		.collapses	= gmem_read_field("/proc/vmstat", "direct_map_level2_collapses "),
	};
}

static u64 pool(const char *param)
{
	char path[64];
	FILE *file;
	u64 value;

	snprintf(path, sizeof(path), "/sys/module/snp_pool/parameters/%s", param);
	file = fopen(path, "r");
	TEST_ASSERT(file && fscanf(file, "%lu", &value) == 1, "%s should be a number", path);
	fclose(file);
	return value;
}

/*
 * What was split is collapsed soon, but not at once.  And the counts are read one
 * after the other: a collapse in between is in some of them, so go by what a
 * second look confirms.
 */
static struct direct_map wait_for_collapses(const struct direct_map *before)
{
	struct direct_map last, now = direct_map();
	int left = PATIENCE_MS;

	do {
		last = now;
		usleep(1000);
		now = direct_map();
	} while ((now.kb_large < before->kb_large || memcmp(&last, &now, sizeof(now))) &&
		 left-- > 0);
	return now;
}

/* Not one 2M mapping less than before. */
static void claim_whole(const struct direct_map *before)
{
	struct direct_map now = wait_for_collapses(before);

	TEST_ASSERT(now.kb_large + now.kb_4k == before->kb_large + before->kb_4k,
		    "The direct map should stay as large as it was");
	TEST_ASSERT(now.kb_large == before->kb_large, "At 2M and more: wanted %lu kB, got %lu",
		    before->kb_large, now.kb_large);
	TEST_ASSERT(now.splits - before->splits == now.collapses - before->collapses,
		    "%lu splits should be as many as collapses, %lu",
		    now.splits - before->splits, now.collapses - before->collapses);
}

static void create(struct gmem_snp *g, u64 size, int nr_vcpus)
{
	const struct gmem_snp_shape shape = {
		.size		= size,
		.flags		= GUEST_MEMFD_FLAG_LARGE_FOLIOS,
		.nr_vcpus	= nr_vcpus,
	};

	gmem_snp_create_shape(g, &shape);
}

static void touch(struct gmem_snp *g)
{
	gmem_snp_accept(g, GMEM_SNP_GPA, g->size);
	gmem_snp_write(g, GMEM_SNP_GPA, g->size, 1);
}

FIXTURE(physmap) {
	struct direct_map before;
	u64 blocks, pages, fallbacks;
};

FIXTURE_SETUP(physmap)
{
	gmem_snp_wait_for_collapses();
	self->before	= direct_map();
	self->blocks	= pool("blocks");
	self->pages	= pool("pages");
	self->fallbacks	= pool("fallbacks");
}

/* However many VMs there were, all is as before. */
FIXTURE_TEARDOWN(physmap)
{
	TEST_ASSERT_EQ(pool("blocks"), self->blocks);
	TEST_ASSERT_EQ(pool("pages"), self->pages);
	claim_whole(&self->before);
}

/* The bar: 1 GiB of private memory costs no mapping, then or afterwards. */
TEST_F_TIMEOUT(physmap, gib_splits_nothing, GMEM_SNP_TIMEOUT)
{
	struct direct_map launched, touched;
	struct gmem_snp g;

	create(&g, SZ_1G, 1);
	launched = direct_map();
	touch(&g);
	touched = direct_map();
	TEST_ASSERT_EQ(touched.splits, launched.splits);
	/* More, if what the launch split was collapsed meanwhile. */
	TEST_ASSERT(touched.kb_large >= launched.kb_large, "At 2M and more: %lu kB, %lu before",
		    touched.kb_large, launched.kb_large);
	gmem_snp_free(&g);
}

/* One after the other. */
TEST_F_TIMEOUT(physmap, vms_come_and_go, 2 * GMEM_SNP_TIMEOUT)
{
	struct gmem_snp g;
	int i;

	for (i = 0; i < nr_vms; i++) {
		create(&g, SZ_2M, NR_VCPUS);
		TEST_ASSERT_EQ(pool("pages"), self->pages + PAGES_A_VM);
		gmem_snp_free(&g);
	}
	TEST_ASSERT_EQ(pool("fallbacks"), self->fallbacks);
}

/* All at once: their pages share one more block at most. */
TEST_F_TIMEOUT(physmap, vms_share_blocks, 2 * GMEM_SNP_TIMEOUT)
{
	static struct gmem_snp g[MAX_VMS];
	int i;

	for (i = 0; i < nr_vms; i++)
		create(&g[i], SZ_2M, NR_VCPUS);
	TEST_ASSERT_EQ(pool("pages"), self->pages + nr_vms * PAGES_A_VM);
	TEST_ASSERT(pool("blocks") <= self->blocks + 1, "%lu blocks, %lu before",
		    pool("blocks"), self->blocks);

	for (i = 0; i < nr_vms; i++)
		gmem_snp_free(&g[i]);
}

/*
 * The negative case: memory that is assigned at 4K, in folios of 4K among those
 * of others, does cost mappings.  They are back as soon as it is free.  More of
 * it than is mapped at 4K anyway can't all lie there.
 */
TEST_F_TIMEOUT(physmap, small_folios_split, GMEM_SNP_TIMEOUT)
{
	const struct gmem_snp_shape shape = {
		.size = align_up(self->before.kb_4k * SZ_1K + PAGE_SIZE, SZ_2M),
	};
	struct direct_map during;
	struct gmem_snp g;

	gmem_snp_create_shape(&g, &shape);
	touch(&g);
	during = direct_map();
	TEST_ASSERT(during.kb_large < self->before.kb_large,
		    "At 2M and more should be less than %lu kB: %lu", self->before.kb_large,
		    during.kb_large);
	gmem_snp_free(&g);
}

int main(int argc, char **argv)
{
	/* The harness knows other options. */
	if (argc > 2 && !strcmp(argv[1], "-n")) {
		nr_vms = atoi_positive("VMS", argv[2]);
		TEST_ASSERT(nr_vms <= MAX_VMS, "Not more than %d VMs", MAX_VMS);
		argv[2] = argv[0];
		argv += 2;
		argc -= 2;
	}

	return gmem_snp_main(argc, argv, 0, test_harness_run);
}
