// SPDX-License-Identifier: GPL-2.0-only
/*
 * Four vCPUs smash, write and check private memory while the host promotes,
 * converts and punches it.
 *
 * Worked example: page 4 * n + i of each range is vCPU i's.  It validates one of
 * its pages at 4K, which smashes the range under the others' feet, writes all of
 * its pages, and finds them later as it wrote them, no matter how often the
 * range was promoted and smashed meanwhile.
 *
 * The last pages of each range are nobody's: the host converts one and, in the
 * last range, punches the other.  No page but those may ever change.
 */
#include <getopt.h>
#include <pthread.h>
#include <time.h>

#include "gmem_snp.h"

#define NR_VCPUS	4
#define NR_RANGES	4
#define NR_OWNED	(GMEM_SNP_NR_4K - NR_VCPUS)
#define CONVERTED_PAGE	511
#define PUNCHED_PAGE	510

struct worker {
	struct gmem_snp g;
	pthread_t thread;
	unsigned int seed;
	u64 tags[NR_RANGES];
	u64 rounds;
};

static time_t deadline;

static u64 pick(struct worker *w, u64 limit)
{
	return rand_r(&w->seed) % limit;
}

static gva_t owned(struct worker *w, u64 range, u64 n)
{
	return gmem_snp_page(range * GMEM_SNP_NR_4K + n * NR_VCPUS +
			     (w->g.cpu - w->g.cpus));
}

/* Its pages are four apart, the guest is told to do one after the other. */
static void write_owned(struct worker *w, u64 range)
{
	u64 n;

	w->tags[range] = 1 + pick(w, PAGE_SIZE - 1);
	for (n = 0; n < NR_OWNED / NR_VCPUS; n += 8)
		gmem_snp_write(&w->g, owned(w, range, n), PAGE_SIZE, w->tags[range]);
}

static void check_owned(struct worker *w, u64 range)
{
	u64 n;

	for (n = 0; n < NR_OWNED / NR_VCPUS; n += 8)
		gmem_snp_check(&w->g, owned(w, range, n), PAGE_SIZE, w->tags[range]);
}

static void smash(struct worker *w, u64 range)
{
	gva_t page = owned(w, range, pick(w, NR_OWNED / NR_VCPUS));
	u64 ret = gmem_snp_pvalidate(&w->g, page, PG_LEVEL_4K, true);

	TEST_ASSERT(ret == SNP_UNCHANGED, "Page 0x%lx was valid, PVALIDATE returned 0x%lx",
		    page, ret);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	u64 range;

	/* The copy of the VM says which vCPU acts. */
	while (time(NULL) < deadline) {
		range = pick(w, NR_RANGES);
		smash(w, range);
		check_owned(w, range);
		write_owned(w, range);
		w->rounds++;
	}
	for (range = 0; range < NR_RANGES; range++)
		check_owned(w, range);
	return NULL;
}

static void punch(struct gmem_snp *g, u64 page)
{
	int r = fallocate(g->fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
			  page * PAGE_SIZE, PAGE_SIZE);

	TEST_ASSERT(!r, "Punching page %lu should succeed", page);
}

/* The host's side, until time is up. */
static u64 disturb(struct gmem_snp *g)
{
	u64 round, range;

	for (round = 0; time(NULL) < deadline; round++) {
		range = round % NR_RANGES;
		vm_mem_set_shared(g->vm, gmem_snp_page(range * GMEM_SNP_NR_4K +
						       CONVERTED_PAGE), PAGE_SIZE);
		usleep(2000);
		vm_mem_set_private(g->vm, gmem_snp_page(range * GMEM_SNP_NR_4K +
							CONVERTED_PAGE), PAGE_SIZE);
		if (range == NR_RANGES - 1)
			punch(g, range * GMEM_SNP_NR_4K + PUNCHED_PAGE);
		usleep(20000);
	}
	return round;
}

static void start(struct worker *w, struct gmem_snp *g, int i)
{
	u64 range;

	*w = (struct worker) { .g = *g, .seed = i + 1 };
	w->g.cpu = &w->g.cpus[i];
	for (range = 0; range < NR_RANGES; range++)
		write_owned(w, range);
	kvm_pthread_create(&w->thread, NULL, work, w);
}

static void race(struct gmem_snp *g, int seconds)
{
	struct worker workers[NR_VCPUS];
	u64 rounds;
	int i;

	gmem_snp_accept(g, gmem_snp_page(0), NR_RANGES * SZ_2M);
	deadline = time(NULL) + seconds;
	for (i = 0; i < NR_VCPUS; i++)
		start(&workers[i], g, i);

	rounds = disturb(g);
	for (i = 0; i < NR_VCPUS; i++) {
		kvm_pthread_join(workers[i].thread, NULL);
		TEST_ASSERT(workers[i].rounds, "vCPU %d should have had its turn", i);
	}
	printf("%lu rounds of the host, %lu smashes, %lu promotions, %lu refused\n",
	       rounds, vm_get_stat(g->vm, rmp_smashes),
	       vm_get_stat(g->vm, rmp_promotions),
	       vm_get_stat(g->vm, rmp_promotion_fails));
}

int main(int argc, char *argv[])
{
	const struct gmem_snp_shape shape = {
		.size		= NR_RANGES * SZ_2M,
		.flags		= GUEST_MEMFD_FLAG_LARGE_FOLIOS,
		.nr_vcpus	= NR_VCPUS,
	};
	u64 quarantined;
	struct gmem_snp g;
	int seconds = 10, opt;

	while ((opt = getopt(argc, argv, "s:")) != -1) {
		TEST_ASSERT(opt == 's', "Usage: %s [-s seconds]", argv[0]);
		seconds = atoi_positive("seconds", optarg);
	}
	gmem_snp_require();
	gmem_snp_set_promote_ms(20);
	quarantined = gmem_snp_quarantined();

	gmem_snp_create_shape(&g, &shape);
	race(&g, seconds);
	TEST_ASSERT(vm_get_stat(g.vm, rmp_smashes) && vm_get_stat(g.vm, rmp_promotions),
		    "Ranges should have been smashed and promoted");
	gmem_snp_free(&g);

	TEST_ASSERT_EQ(gmem_snp_quarantined(), quarantined);
	gmem_snp_set_promote_ms(500);
	return 0;
}
