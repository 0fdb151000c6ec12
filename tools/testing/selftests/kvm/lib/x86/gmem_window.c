// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows of a benchmark.
 */
#include <getopt.h>
#include <time.h>
#include <linux/sizes.h>
#include <linux/stringify.h>

#include "gmem_window.h"
#include "processor.h"
#include "test_util.h"

#define MARKER		0x6b760000

struct counts {
	u64 npf;
	u64 pt_pages;
	u64 dm_splits;
	u64 pages_4k;
	u64 pages_2m;
	u64 more[GMEM_BENCH_MAX_COUNTS];
	struct timespec time;
};

static int next_window;

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

u64 gmem_read_field(const char *path, const char *name)
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

static struct counts read_counts(struct gmem_bench *b)
{
	struct counts c = { };
	int i;

	refresh_vmstat();
	c.pt_pages = gmem_read_field("/proc/meminfo", "SecPageTables:") / 4;
	c.dm_splits = gmem_read_field("/proc/vmstat", "direct_map_level2_splits ");
	for (i = 0; b->vm && i < b->nr_vcpus; i++)
		c.npf += vcpu_get_stat(b->vcpus[i], pf_taken);
	if (b->vm) {
		c.pages_4k = vm_get_stat(b->vm, pages_4k);
		c.pages_2m = vm_get_stat(b->vm, pages_2m);
	}
	for (i = 0; i < b->nr_more; i++)
		c.more[i] = b->more[i].read(b->more[i].arg);
	clock_gettime(CLOCK_MONOTONIC, &c.time);
	return c;
}

static double seconds_between(struct timespec from, struct timespec to)
{
	return to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9;
}

static void print_window(struct gmem_bench *b, const char *op, struct counts before,
			 struct counts after, struct timespec end)
{
	int i;

	printf("gmem_bench id=%d op=%s size_mib=%lu vcpus=%d", next_window++, op,
	       b->size / SZ_1M, b->nr_vcpus);
	if (b->vm)
		printf(" npf=%lu pages_4k=%ld pages_2m=%ld", after.npf - before.npf,
		       after.pages_4k - before.pages_4k,
		       after.pages_2m - before.pages_2m);
	for (i = 0; i < b->nr_more; i++)
		printf(" %s=%lu", b->more[i].name, after.more[i] - before.more[i]);
	printf(" pt_pages=%ld dm_splits=%lu wall_s=%.6f\n",
	       after.pt_pages - before.pt_pages,
	       after.dm_splits - before.dm_splits,
	       seconds_between(before.time, end));
	fflush(stdout);
}

void gmem_window(struct gmem_bench *b, const char *op,
		 void (*run)(struct gmem_bench *b))
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

u64 gmem_bench_flags(struct kvm_vm *vm)
{
	int flags = vm_check_cap(vm, KVM_CAP_GUEST_MEMFD_FLAGS);

	flags = flags > 0 ? flags & GUEST_MEMFD_FLAG_LARGE_FOLIOS : 0;
	printf("gmem_bench flags=%d\n", flags);
	return flags;
}

static void usage(const char *name, int max_vcpus)
{
	fprintf(stderr, "Usage: %s [-s size in MiB] [-v vCPUs, up to %d] [-t: touch only]\n",
		name, max_vcpus);
	exit(KSFT_FAIL);
}

struct gmem_bench gmem_bench_parse(int argc, char *argv[], int max_vcpus)
{
	struct gmem_bench b = { .nr_vcpus = 1, .size = SZ_64M };
	int opt;

	while ((opt = getopt(argc, argv, "s:v:t")) != -1) {
		if (opt == 's')
			b.size = atoi_positive("size", optarg) * (u64)SZ_1M;
		else if (opt == 'v')
			b.nr_vcpus = atoi_positive("vCPUs", optarg);
		else if (opt == 't')
			b.touch_only = true;
		else
			usage(argv[0], max_vcpus);
	}
	TEST_ASSERT(b.nr_vcpus <= max_vcpus && b.size % (b.nr_vcpus * SZ_2M) == 0,
		    "The size must be a multiple of 2M per vCPU, of %d at most", max_vcpus);
	return b;
}
