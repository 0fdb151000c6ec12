// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measure what the private memory of a TD costs: accept it, share one page of
 * it and take that back, zap it, tear it down.
 *
 *	TD_GPA		2M	which the other vCPU uses, if there is one
 *	RANGE_GPA	size	which is measured
 *
 * The TD accepts as Linux does: 2M at a time, and page by page what the host
 * mapped smaller.  The program also runs on a kernel without large folios in
 * guest_memfd; the line that starts with "gmem_bench flags=" says which it was.
 *
 * On an emulated host the machine says how often the TDX module was called.
 */
#include <pthread.h>

#include "gmem_window.h"
#include "tdx.h"
#include "tdx_host.h"

#define RANGE_GPA	(TD_GPA + SZ_2M)
#define ODD_GPA		(RANGE_GPA + 77 * PAGE_SIZE)

#define AT_4K		BIT(0)
#define AT_2M		BIT(1)
#define CALLS(leaf, levels) ((leaf) << 2 | (levels))

static bool has_large_folios;

static u64 read_calls(u64 calls)
{
	u64 sum = 0;
	int level;

	for (level = 0; level < 2; level++)
		if (calls & BIT(level))
			sum += tdx_host_calls(calls >> 2, level);
	return sum;
}

static const struct gmem_bench_count calls[] = {
	{ "augs_4k", read_calls, CALLS(TDH_MEM_PAGE_AUG, AT_4K) },
	{ "augs_2m", read_calls, CALLS(TDH_MEM_PAGE_AUG, AT_2M) },
	{ "blocks", read_calls, CALLS(TDH_MEM_RANGE_BLOCK, AT_4K | AT_2M) },
	{ "tracks", read_calls, CALLS(TDH_MEM_TRACK, AT_4K) },
	{ "demotes", read_calls, CALLS(TDH_MEM_PAGE_DEMOTE, AT_2M) },
	{ "promotes", read_calls, CALLS(TDH_MEM_PAGE_PROMOTE, AT_2M) },
	{ "removes", read_calls, CALLS(TDH_MEM_PAGE_REMOVE, AT_4K | AT_2M) },
	{ "reclaims", read_calls, CALLS(TDH_PHYMEM_PAGE_RECLAIM, AT_4K) },
	{ "writebacks", read_calls, CALLS(TDH_PHYMEM_PAGE_WBINVD, AT_4K) },
};

static void run_touch(struct gmem_bench *b)
{
	td_accept_any(b->vcpus[0], RANGE_GPA, b->size, 1);
}

/* All that was beside the page is used afterwards. */
static void run_share(struct gmem_bench *b)
{
	td_share(b->vcpus[0], ODD_GPA, PAGE_SIZE);
	td_check(b->vcpus[0], RANGE_GPA, ODD_GPA - RANGE_GPA, 0);
	td_check(b->vcpus[0], ODD_GPA + PAGE_SIZE,
		 RANGE_GPA + SZ_2M - ODD_GPA - PAGE_SIZE, 0);
}

/* Until the range is what it was, where it was 2M */
static void run_return(struct gmem_bench *b)
{
	td_unshare(b->vcpus[0], ODD_GPA, PAGE_SIZE);
	td_accept(b->vcpus[0], ODD_GPA, PAGE_SIZE, 0);
	while (has_large_folios && !vm_get_stat(b->vm, sept_promotions))
		usleep(10000);
	td_check(b->vcpus[0], RANGE_GPA, SZ_2M, 0);
}

struct user {
	struct kvm_vcpu *vcpu;
	bool stop;
	pthread_t thread;
};

static void *use_memory(void *arg)
{
	struct user *user = arg;

	while (!READ_ONCE(user->stop))
		td_check(user->vcpu, TD_GPA, SZ_2M, 0);
	return NULL;
}

static void run_zap(struct gmem_bench *b)
{
	vm_guest_mem_punch_hole(b->vm, RANGE_GPA, b->size);
}

/* The other vCPU is inside all the while. */
static void zap(struct gmem_bench *b)
{
	struct user user = { b->vcpus[b->nr_vcpus - 1] };

	if (b->nr_vcpus > 1) {
		td_accept_any(user.vcpu, TD_GPA, SZ_2M, 1);
		kvm_pthread_create(&user.thread, NULL, use_memory, &user);
	}
	gmem_window(b, "zap", run_zap);
	WRITE_ONCE(user.stop, true);
	if (b->nr_vcpus > 1)
		kvm_pthread_join(user.thread, NULL);
}

/* As when a VMM ends: who runs the TD is gone when its files are released. */
static void run_teardown(struct gmem_bench *b)
{
	static const u32 slots[] = { TD_SLOT, 0, TD_BOOT_SLOT };
	int i;

	kvm_vm_release(b->vm);
	for (i = 0; i < ARRAY_SIZE(slots); i++)
		close(memslot2region(b->vm, slots[i])->region.guest_memfd);
	b->vm = NULL;
}

static void create(struct gmem_bench *b)
{
	int i;

	b->vm = td_create(b->nr_vcpus, SZ_2M + b->size, b->vcpus);
	has_large_folios = gmem_bench_flags(b->vm);
	/* Code and stack are mapped from then on. */
	for (i = 0; i < b->nr_vcpus; i++)
		td_write(b->vcpus[i], TD_GPA, 0, 0);
}

int main(int argc, char *argv[])
{
	struct gmem_bench b = gmem_bench_parse(argc, argv, 2);

	TEST_REQUIRE(td_is_supported());
	if (tdx_host_is_there()) {
		b.more = calls;
		b.nr_more = ARRAY_SIZE(calls);
	}

	create(&b);
	gmem_window(&b, "touch", run_touch);
	if (!b.touch_only) {
		gmem_window(&b, "share-page", run_share);
		gmem_window(&b, "return-page", run_return);
		zap(&b);
		run_touch(&b);
	}
	gmem_window(&b, "teardown", run_teardown);
	return 0;
}
