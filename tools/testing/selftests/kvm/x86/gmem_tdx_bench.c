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
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "gmem_window.h"
#include "tdx.h"

#define RANGE_GPA	(TD_GPA + SZ_2M)
#define ODD_GPA		(RANGE_GPA + 77 * PAGE_SIZE)

/* Counts of calls, by leaf and by what they were about */
#define MSR_COUNT	0x54440000u
#define KIND_4K		BIT(0)
#define KIND_2M		BIT(1)
#define CALLS(leaf, kinds) ((leaf) << 4 | (kinds))

static bool has_large_folios;

static bool read_msr(u32 msr, u64 *value)
{
	int fd = open("/dev/cpu/0/msr", O_RDONLY);
	bool done = fd >= 0 && pread(fd, value, sizeof(*value), msr) == sizeof(*value);

	if (fd >= 0)
		close(fd);
	return done;
}

static u64 read_calls(u64 calls)
{
	u32 msr = MSR_COUNT | (calls & ~0xfull);
	u64 value, sum = 0;
	int kind;

	for (kind = 0; kind < 2; kind++)
		if (calls & BIT(kind) && read_msr(msr | kind, &value))
			sum += value;
	return sum;
}

static const struct gmem_bench_count calls[] = {
	{ "augs_4k", read_calls, CALLS(6, KIND_4K) },
	{ "augs_2m", read_calls, CALLS(6, KIND_2M) },
	{ "blocks", read_calls, CALLS(7, KIND_4K | KIND_2M) },
	{ "tracks", read_calls, CALLS(38, KIND_4K) },
	{ "demotes", read_calls, CALLS(15, KIND_2M) },
	{ "promotes", read_calls, CALLS(23, KIND_2M) },
	{ "removes", read_calls, CALLS(29, KIND_4K | KIND_2M) },
	{ "reclaims", read_calls, CALLS(28, KIND_4K | KIND_2M) },
	{ "writebacks", read_calls, CALLS(41, KIND_4K) },
};

static void accept(struct kvm_vcpu *vcpu, gpa_t gpa, u64 size)
{
	struct td_op *done = td_do(vcpu, (struct td_op){ TD_ACCEPT_ANY, gpa, size });

	TEST_ASSERT(!done->result, "Accepting should work, not 0x%lx", done->result);
}

static void run_touch(struct gmem_bench *b)
{
	accept(b->vcpus[0], RANGE_GPA, b->size);
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
		accept(user.vcpu, TD_GPA, SZ_2M);
		kvm_pthread_create(&user.thread, NULL, use_memory, &user);
	}
	gmem_window(b, "zap", run_zap);
	WRITE_ONCE(user.stop, true);
	if (b->nr_vcpus > 1)
		kvm_pthread_join(user.thread, NULL);
}

static void run_teardown(struct gmem_bench *b)
{
	kvm_vm_free(b->vm);
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
	u64 value;

	TEST_REQUIRE(td_is_supported());
	if (read_msr(MSR_COUNT, &value)) {
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
