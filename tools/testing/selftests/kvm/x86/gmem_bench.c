// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measure what private memory costs: fault it in, prefault it, convert and
 * punch pages of it, tear it down.
 *
 * Each operation is a window: counters are read before and after, and the
 * edges are marked with a no-operation that an instruction-counting emulator
 * can recognize.  One line is printed per window:
 *
 *   gmem_bench id=0 op=touch size_mib=1024 vcpus=1 npf=512 ... wall_s=0.8
 *
 * The program also runs on a kernel without large folios in guest_memfd; the
 * line that starts with "gmem_bench flags=" says which it was.
 */
#include <getopt.h>
#include <pthread.h>
#include <time.h>
#include <linux/sizes.h>
#include <linux/stringify.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"

#ifndef GUEST_MEMFD_FLAG_LARGE_FOLIOS
#define GUEST_MEMFD_FLAG_LARGE_FOLIOS	BIT_ULL(8)
#endif

#define MAX_VCPUS	16
#define MEM_SLOT	10
#define MEM_GPA		SZ_4G
#define MARKER		0x6b760000

struct bench {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[MAX_VCPUS];
	int nr_vcpus;
	u64 size;
	int fd;
};

struct counts {
	u64 npf;
	u64 pt_pages;
	u64 dm_splits;
	u64 pages_4k;
	u64 pages_2m;
	struct timespec time;
};

struct worker {
	struct bench *bench;
	void (*work)(struct bench *b, int index);
	int index;
	pthread_t thread;
};

static int next_window;
static pthread_barrier_t start_line;

/* Report once, which maps code and stack; then touch the range each time. */
static void guest_code(u64 base, u64 size)
{
	u64 gva;

	GUEST_SYNC(0);
	for (;;) {
		for (gva = base; gva < base + size; gva += PAGE_SIZE)
			WRITE_ONCE(*(u64 *)gva, gva);
		GUEST_SYNC(0);
	}
}

/*
 * One stub of eight bytes per edge: NOPL (MARKER + id)(%rax), RET.  The
 * displacement is part of the instruction, hence a stub each.
 */
#define MARKS		12
#define MARK_BYTES	8

extern const char marks[];
asm(".pushsection .text\n"
	"marks:\n"
	".irp id, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n"
	"nopl (" __stringify(MARKER) " + \\id)(%rax)\n"
	"ret\n"
	".endr\n"
	".popsection");

static void mark(int id)
{
	void (*stub)(void) = (void *)(marks + id * MARK_BYTES);

	TEST_ASSERT(id < MARKS, "No marker for window edge %d", id);
	stub();
}

/* Read the number that follows @name in a file of "name number" lines. */
static u64 read_field(const char *path, const char *name)
{
	FILE *file = fopen(path, "r");
	char line[256];
	u64 value = 0;

	TEST_ASSERT(file, "Cannot open %s", path);
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, name, strlen(name)))
			value = strtoull(line + strlen(name), NULL, 10);
	}
	fclose(file);
	return value;
}

/* Fold the per-CPU remainders of the node counters, or small deltas vanish. */
static void refresh_vmstat(void)
{
	FILE *file = fopen("/proc/sys/vm/stat_refresh", "w");

	TEST_ASSERT(file, "Cannot open /proc/sys/vm/stat_refresh, run as root");
	fputs("1\n", file);
	fclose(file);
}

static struct counts read_counts(struct bench *b)
{
	struct counts c = { };
	int i;

	refresh_vmstat();
	c.pt_pages = read_field("/proc/meminfo", "SecPageTables:") / 4;
	c.dm_splits = read_field("/proc/vmstat", "direct_map_level2_splits ");
	for (i = 0; b->vm && i < b->nr_vcpus; i++)
		c.npf += vcpu_get_stat(b->vcpus[i], pf_taken);
	if (b->vm) {
		c.pages_4k = vm_get_stat(b->vm, pages_4k);
		c.pages_2m = vm_get_stat(b->vm, pages_2m);
	}
	clock_gettime(CLOCK_MONOTONIC, &c.time);
	return c;
}

static double seconds_between(struct timespec from, struct timespec to)
{
	return to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9;
}

static void print_window(struct bench *b, const char *op, struct counts before,
			 struct counts after, struct timespec end)
{
	printf("gmem_bench id=%d op=%s size_mib=%lu vcpus=%d", next_window++, op,
	       b->size / SZ_1M, b->nr_vcpus);
	if (b->vm)
		printf(" npf=%lu pages_4k=%ld pages_2m=%ld", after.npf - before.npf,
		       after.pages_4k - before.pages_4k,
		       after.pages_2m - before.pages_2m);
	printf(" pt_pages=%ld dm_splits=%lu wall_s=%.6f\n",
	       after.pt_pages - before.pt_pages,
	       after.dm_splits - before.dm_splits,
	       seconds_between(before.time, end));
	fflush(stdout);
}

static void measure(struct bench *b, const char *op, void (*run)(struct bench *b))
{
	struct counts before = read_counts(b), after;
	struct timespec end;

	mark(2 * next_window);
	run(b);
	mark(2 * next_window + 1);
	clock_gettime(CLOCK_MONOTONIC, &end);
	after = read_counts(b);
	print_window(b, op, before, after, end);
}

static void *worker_main(void *data)
{
	struct worker *w = data;

	pthread_barrier_wait(&start_line);
	w->work(w->bench, w->index);
	return NULL;
}

/* Run @work once per vCPU, in threads if there is more than one. */
static void on_each_vcpu(struct bench *b, void (*work)(struct bench *b, int index))
{
	struct worker workers[MAX_VCPUS];
	int i;

	if (b->nr_vcpus == 1) {
		work(b, 0);
		return;
	}
	pthread_barrier_init(&start_line, NULL, b->nr_vcpus);
	for (i = 0; i < b->nr_vcpus; i++) {
		workers[i] = (struct worker){ .bench = b, .work = work, .index = i };
		kvm_pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]);
	}
	for (i = 0; i < b->nr_vcpus; i++)
		kvm_pthread_join(workers[i].thread, NULL);
	pthread_barrier_destroy(&start_line);
}

static void touch_share(struct bench *b, int index)
{
	struct ucall uc;

	vcpu_run(b->vcpus[index]);
	TEST_ASSERT_EQ(get_ucall(b->vcpus[index], &uc), UCALL_SYNC);
}

static void prefault_share(struct bench *b, int index)
{
	u64 share = b->size / b->nr_vcpus;
	struct kvm_pre_fault_memory range = {
		.gpa = MEM_GPA + index * share,
		.size = share,
	};
	int ret;

	do {
		ret = __vcpu_ioctl(b->vcpus[index], KVM_PRE_FAULT_MEMORY, &range);
		TEST_ASSERT(!ret || errno == EINTR || errno == EAGAIN,
			    "KVM_PRE_FAULT_MEMORY failed with 0x%llx bytes left", range.size);
	} while (range.size);
}

static void run_touch(struct bench *b)
{
	on_each_vcpu(b, touch_share);
}

static void run_prefault(struct bench *b)
{
	on_each_vcpu(b, prefault_share);
}

/* Convert the first page of each 2M range to shared and back, touch all. */
static void run_convert(struct bench *b)
{
	u64 offset;

	for (offset = 0; offset < b->size; offset += SZ_2M) {
		vm_mem_set_shared(b->vm, MEM_GPA + offset, PAGE_SIZE);
		vm_mem_set_private(b->vm, MEM_GPA + offset, PAGE_SIZE);
	}
	run_touch(b);
}

/* Punch the first page of each 2M range out of the file, touch all. */
static void run_punch(struct bench *b)
{
	u64 offset;

	for (offset = 0; offset < b->size; offset += SZ_2M)
		vm_guest_mem_punch_hole(b->vm, MEM_GPA + offset, PAGE_SIZE);
	run_touch(b);
}

static void run_teardown(struct bench *b)
{
	kvm_vm_free(b->vm);
	close(b->fd);
	b->vm = NULL;
}

static u64 usable_flags(struct kvm_vm *vm)
{
	int flags = vm_check_cap(vm, KVM_CAP_GUEST_MEMFD_FLAGS);

	return flags > 0 ? flags & GUEST_MEMFD_FLAG_LARGE_FOLIOS : 0;
}

static void create(struct bench *b)
{
	const struct vm_shape shape = {
		.mode = VM_MODE_DEFAULT,
		.type = KVM_X86_SW_PROTECTED_VM,
	};
	u64 share = b->size / b->nr_vcpus, flags;
	int i;

	b->vm = __vm_create_with_vcpus(shape, b->nr_vcpus, 0, guest_code, b->vcpus);
	flags = usable_flags(b->vm);
	printf("gmem_bench flags=%lu\n", flags);
	b->fd = vm_create_guest_memfd(b->vm, b->size, flags);
	vm_mem_add(b->vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
		   b->size / PAGE_SIZE, KVM_MEM_GUEST_MEMFD, b->fd, 0);
	vm_mem_set_private(b->vm, MEM_GPA, b->size);
	virt_map_level(b->vm, MEM_GPA, MEM_GPA, b->size, PG_LEVEL_2M);
	for (i = 0; i < b->nr_vcpus; i++) {
		vcpu_args_set(b->vcpus[i], 2, MEM_GPA + i * share, share);
		touch_share(b, i);
	}
}

static void usage(const char *name)
{
	fprintf(stderr, "Usage: %s [-s size in MiB] [-v vCPUs] [-t: touch only]\n", name);
	exit(KSFT_FAIL);
}

int main(int argc, char *argv[])
{
	struct bench b = { .nr_vcpus = 1, .size = SZ_64M };
	bool touch_only = false;
	int opt;

	while ((opt = getopt(argc, argv, "s:v:t")) != -1) {
		if (opt == 's')
			b.size = atoi_positive("size", optarg) * (u64)SZ_1M;
		else if (opt == 'v')
			b.nr_vcpus = atoi_positive("vCPUs", optarg);
		else if (opt == 't')
			touch_only = true;
		else
			usage(argv[0]);
	}
	TEST_ASSERT(b.nr_vcpus <= MAX_VCPUS && b.size % (b.nr_vcpus * SZ_2M) == 0,
		    "The size must be a multiple of 2M per vCPU");
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_SW_PROTECTED_VM));

	create(&b);
	measure(&b, "touch", run_touch);
	if (!touch_only) {
		measure(&b, "convert", run_convert);
		measure(&b, "punch", run_punch);
	}
	measure(&b, "teardown", run_teardown);
	if (touch_only)
		return 0;

	create(&b);
	measure(&b, "prefault", run_prefault);
	kvm_vm_free(b.vm);
	close(b.fd);
	return 0;
}
