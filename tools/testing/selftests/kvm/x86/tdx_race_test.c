// SPDX-License-Identifier: GPL-2.0-only
/*
 * Four vCPUs of a TD populate the same ranges at the same time, at 2M and at 4K,
 * while the host converts and punches a range beside, and promotes what it can.
 *
 * Worked example: quarter i of each range is vCPU i's.  All four come to range 0
 * together.  vCPU 0 accepts it as a whole, i.e. wants a leaf of 2M; vCPU 1
 * accepts its 128 pages one by one, i.e. wants a table; vCPU 2 and 3 do the same
 * and have the host prefault before.  Whoever is first maps, the others find
 * it, or split it.  Each writes to its quarter and finds that later.
 *
 * Between two rounds nobody runs: the leaves that KVM counts are those that the
 * S-EPT has.  The module says busy to each third call of each leaf meanwhile (-b).
 * Then the host takes ranges, quarters or pages away, and all begin anew.  Where
 * the module can't split a leaf (-4) all of that happens at 4K.
 */
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "tdx_host.h"
#include "tdx_huge.h"

#define NR_VCPUS	4
#define NR_RANGES	4
#define QUARTER		(SZ_2M / NR_VCPUS)
/* Nobody's: converted and punched all the while */
#define SPARE_GPA	(TD_GPA + NR_RANGES * SZ_2M)
#define SIZE		((NR_RANGES + 1) * SZ_2M)

/* A debug kernel under emulation takes its time for what is in flight. */
#define SETTLE_MS	20000

static const u32 busy_leaves[] = {
	TDH_MEM_SEPT_ADD, TDH_MEM_PAGE_AUG, TDH_MEM_RANGE_BLOCK, TDH_MEM_PAGE_DEMOTE,
	TDH_MEM_PAGE_PROMOTE, TDH_MEM_PAGE_REMOVE, TDH_MEM_TRACK,
};

struct worker {
	struct kvm_vcpu *vcpu;
	pthread_t thread;
	unsigned int seed;
	/* What its quarters hold, 0 if that was taken away */
	u64 tags[NR_RANGES];
};

static struct worker workers[NR_VCPUS];
static pthread_barrier_t all, side_by_side;
static atomic_int nr_done;
static bool stop;

static gpa_t range_gpa(int range)
{
	return TD_GPA + range * SZ_2M;
}

static gpa_t quarter_gpa(struct worker *w, int range)
{
	return range_gpa(range) + (w - workers) * QUARTER;
}

/* Of the spare range a part may be on its way to the other side. */
static void prefault(struct worker *w, gpa_t gpa, u64 size, bool may_fail)
{
	struct kvm_pre_fault_memory range = { .gpa = gpa, .size = size };

	while (range.size) {
		if (!__vcpu_ioctl(w->vcpu, KVM_PRE_FAULT_MEMORY, &range) ||
		    errno == EINTR || errno == EAGAIN)
			continue;
		TEST_ASSERT(may_fail, "Prefaulting 0x%lx failed with errno %d", gpa, errno);
		return;
	}
}

static void populate(struct worker *w, int range)
{
	unsigned int how = rand_r(&w->seed);

	if (how & 1)
		prefault(w, how & 2 ? range_gpa(range) : quarter_gpa(w, range),
			 how & 2 ? SZ_2M : PAGE_SIZE, false);
	if (how & 4)
		td_accept_any(w->vcpu, range_gpa(range), SZ_2M, 1);
	else
		td_accept_any(w->vcpu, quarter_gpa(w, range), QUARTER, 0);
}

static void work_on(struct worker *w, int range)
{
	if (w->tags[range])
		td_check(w->vcpu, quarter_gpa(w, range), QUARTER, w->tags[range]);

	/* To the same range at the same time */
	pthread_barrier_wait(&side_by_side);
	populate(w, range);

	w->tags[range] = 1 + rand_r(&w->seed) % (PAGE_SIZE - 1);
	td_write(w->vcpu, quarter_gpa(w, range), QUARTER, w->tags[range]);
	prefault(w, SPARE_GPA, 8 * PAGE_SIZE, true);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	int range;

	for (;;) {
		pthread_barrier_wait(&all);
		if (stop)
			return NULL;
		for (range = 0; range < NR_RANGES; range++)
			work_on(w, range);
		for (range = 0; range < NR_RANGES; range++)
			td_check(w->vcpu, quarter_gpa(w, range), QUARTER, w->tags[range]);
		atomic_fetch_add(&nr_done, 1);
		pthread_barrier_wait(&all);
	}
}

/* The host's side, until the vCPUs have come through. */
static void disturb(struct kvm_vm *vm, unsigned int *seed)
{
	u64 nr;

	for (nr = 1; atomic_load(&nr_done) < NR_VCPUS; nr++) {
		gpa_t gpa = SPARE_GPA + rand_r(seed) % 8 * PAGE_SIZE;

		vm_mem_set_shared(vm, gpa, PAGE_SIZE);
		usleep(1000);
		vm_mem_set_private(vm, gpa, PAGE_SIZE);
		if (nr % 4 == 0)
			vm_guest_mem_punch_hole(vm, SPARE_GPA, SZ_2M);
		usleep(10000);
	}
	atomic_store(&nr_done, 0);
}

static bool mirror_is_equal(struct kvm_vm *vm)
{
	return vm_get_stat(vm, private_pages_4k) == tdx_host_leaves(0) &&
	       vm_get_stat(vm, private_pages_2m) == tdx_host_leaves(1);
}

/* No vCPU runs, but a promotion may be in flight: it passes, a difference stays. */
static void check_point(struct kvm_vm *vm)
{
	bool equal = mirror_is_equal(vm);
	int ms;

	for (ms = 0; ms < SETTLE_MS && !equal; ms++) {
		usleep(1000);
		equal = mirror_is_equal(vm);
	}
	TEST_ASSERT(equal, "The mirror has %lu x 2M + %lu x 4K, the S-EPT %lu + %lu",
		    vm_get_stat(vm, private_pages_2m), vm_get_stat(vm, private_pages_4k),
		    tdx_host_leaves(1), tdx_host_leaves(0));
	TEST_ASSERT(!tdx_host_broken(), "The module's bookkeeping should be sound");
}

static void take_quarter(struct kvm_vm *vm, int range, int i, u64 size)
{
	vm_guest_mem_punch_hole(vm, range_gpa(range) + i * QUARTER, size);
	workers[i].tags[range] = 0;
}

/* Something else of each range: nothing, all of it, a quarter or a page */
static void take_away(struct kvm_vm *vm, unsigned int *seed)
{
	int range, i;

	for (range = 0; range < NR_RANGES; range++) {
		unsigned int what = rand_r(seed) % 8;

		if (what < 4)
			vm_guest_mem_punch_hole(vm, range_gpa(range), SZ_2M);
		for (i = 0; i < NR_VCPUS && what < 4; i++)
			workers[i].tags[range] = 0;
		if (what == 4)
			take_quarter(vm, range, rand_r(seed) % NR_VCPUS, QUARTER);
		if (what == 5)
			take_quarter(vm, range, rand_r(seed) % NR_VCPUS, PAGE_SIZE);
	}
}

static void set_busy(bool busy)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(busy_leaves); i++)
		tdx_host_inject(busy_leaves[i], busy ? TDX_BUSY : 0, 3);
}

static void race(struct kvm_vm *vm, unsigned int seed, time_t deadline, bool busy)
{
	u64 rounds;

	for (rounds = 0; time(NULL) < deadline; rounds++) {
		if (busy)
			set_busy(true);
		pthread_barrier_wait(&all);
		disturb(vm, &seed);
		pthread_barrier_wait(&all);
		check_point(vm);
		take_away(vm, &seed);
	}
	set_busy(false);
	stop = true;
	pthread_barrier_wait(&all);
	pr_info("%lu rounds, %lu splits, %lu promotions, %lu refused\n", rounds,
		vm_get_stat(vm, private_splits), vm_get_stat(vm, sept_promotions),
		vm_get_stat(vm, sept_promotion_fails));
	TEST_ASSERT(rounds, "There should have been a round");
}

static void run(int seconds, unsigned int seed, bool busy)
{
	struct kvm_vcpu *vcpus[TD_MAX_VCPUS];
	struct kvm_vm *vm = td_create(NR_VCPUS, SIZE, vcpus);
	int i;

	pthread_barrier_init(&all, NULL, NR_VCPUS + 1);
	pthread_barrier_init(&side_by_side, NULL, NR_VCPUS);
	for (i = 0; i < NR_VCPUS; i++) {
		workers[i] = (struct worker){ .vcpu = vcpus[i], .seed = seed + i };
		kvm_pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	race(vm, seed, time(NULL) + seconds, busy);
	for (i = 0; i < NR_VCPUS; i++)
		kvm_pthread_join(workers[i].thread, NULL);
	kvm_vm_free(vm);
}

int main(int argc, char *argv[])
{
	unsigned int seed = time(NULL);
	int opt, seconds = 10;
	bool busy = false, small = false;
	u64 nr_2m;

	while ((opt = getopt(argc, argv, "s:r:b4")) != -1) {
		if (opt == 's')
			seconds = atoi_positive("seconds", optarg);
		else if (opt == 'r')
			seed = atoi_positive("seed", optarg);
		else if (opt == 'b')
			busy = true;
		else if (opt == '4')
			small = true;
		else
			TEST_FAIL("-s SECONDS, -r SEED, -b: the module is busy, -4: no split");
	}
	TEST_REQUIRE(!td_huge_missing() && tdx_host_is_there());

	pr_info("seed %u\n", seed);
	td_set_promote_ms(20);
	nr_2m = tdx_host_calls(TDH_MEM_PAGE_AUG, 1);
	run(seconds, seed, busy);
	nr_2m = tdx_host_calls(TDH_MEM_PAGE_AUG, 1) - nr_2m;
	TEST_ASSERT(!nr_2m == small, "%lu leaves of 2M were mapped", nr_2m);
	td_set_promote_ms(TD_PROMOTE_MS);
	return 0;
}
