// SPDX-License-Identifier: GPL-2.0-only
/*
 * Falling back to 4K when a 2M folio can't be had.
 *
 * Worked example: no free 2M block is left when the guest touches pages 0 to
 * 63 of a 2M range; it gets 64 pages.  Blocks are free again when it touches
 * the rest: 448 pages more, as pages of the range exist.  The next range is
 * mapped 2M.  All of it is zero, whatever it is made of.
 */
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include "gmem_huge.h"
#include "kselftest_harness.h"

#define NR_EARLY	64
#define TAG		0x66

static long read_number(const char *path)
{
	FILE *f = fopen(path, "r");
	long nr = -1;

	TEST_ASSERT(f, "%s should be readable", path);
	TEST_ASSERT(fscanf(f, "%ld", &nr) == 1, "%s should hold a number", path);
	fclose(f);
	return nr;
}

static void write_number(const char *path, long nr)
{
	int fd = open(path, O_WRONLY);

	TEST_ASSERT(fd >= 0, "%s should be writable", path);
	TEST_ASSERT(dprintf(fd, "%ld", nr) > 0, "%s should take %ld", path, nr);
	kvm_close(fd);
}

/*
 * Claim the worked example, with @shortage holding during the first touches.
 * Don't count faults: compaction and reclaim may unmap the guest's own code.
 */
static void test_shortage(struct gmem_huge *g, void (*shortage)(bool on))
{
	const u64 early = NR_EARLY * PAGE_SIZE;
	u64 folios = gmem_huge_nr_folios();

	gmem_huge_dirty_free_memory();
	shortage(true);
	gmem_huge_check(g, GMEM_HUGE_GPA, early, 0);
	gmem_huge_write(g, GMEM_HUGE_GPA, early, TAG);
	TEST_GMEM_MAPPED(g, 0, NR_EARLY, "A shortage should leave 4K pages");
	shortage(false);

	gmem_huge_check(g, GMEM_HUGE_GPA + early, SZ_2M - early, 0);
	TEST_GMEM_MAPPED(g, 0, GMEM_HUGE_NR_4K, "A range with 4K pages should stay 4K");
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios);

	gmem_huge_check(g, GMEM_HUGE_GPA + SZ_2M, SZ_2M, 0);
	TEST_GMEM_MAPPED(g, 1, GMEM_HUGE_NR_4K, "The next range should be mapped 2M");
	gmem_huge_check(g, GMEM_HUGE_GPA, early, TAG);

	gmem_huge_punch(g, 0, SZ_2M);
	gmem_huge_check(g, GMEM_HUGE_GPA, SZ_2M, 0);
	TEST_GMEM_MAPPED(g, 2, 0, "A range that lost its 4K pages should be mapped 2M");
}

/*
 * Forced fragmentation.  Two pools of memory make it:
 *
 * 1. A file without large folios, i.e. of pages that can't be moved.  Every
 *    other page of it is given back, so that there is free memory in pieces
 *    of one page that no compaction can join: more of it than the kernel
 *    keeps in reserve, or the reserve would have to be made of 2M blocks.
 * 2. All 2M blocks of the machine, held by HugeTLB, which tries harder to get
 *    a block than guest_memfd does.  Ask again until it gets nothing more.
 *
 * Pages that a CPU keeps for itself do not count as free, and out of memory is
 * who finds nothing else: let CPUs keep as little as they can meanwhile.
 */
#define NR_HUGEPAGES	"/proc/sys/vm/nr_hugepages"
#define MIN_FREE_KBYTES	"/proc/sys/vm/min_free_kbytes"
#define KEEP_FRACTION	"/proc/sys/vm/percpu_pagelist_high_fraction"
#define KEEP_LITTLE	1000000
#define KEEP_DEFAULT	0

static struct gmem_huge pool = { .fd = -1 };
static u64 pool_size;
static long nr_hugepages;

static void give_blocks_back(void)
{
	write_number(NR_HUGEPAGES, nr_hugepages);
	write_number(KEEP_FRACTION, KEEP_DEFAULT);
}

static void take_all_blocks(void)
{
	long nr, last;

	for (nr = -1, last = -2; nr != last; ) {
		last = nr;
		write_number(NR_HUGEPAGES, 1L << 30);
		nr = read_number(NR_HUGEPAGES);
	}
	TEST_ASSERT(nr > nr_hugepages, "HugeTLB should get some 2M blocks");
}

static void fragment(bool on)
{
	u64 off;

	if (!on) {
		give_blocks_back();
		return;
	}

	write_number(KEEP_FRACTION, KEEP_LITTLE);
	for (off = 0; off < pool_size; off += 2 * PAGE_SIZE)
		gmem_huge_punch(&pool, off, PAGE_SIZE);
	take_all_blocks();
}

FIXTURE(fragmentation) {
	struct gmem_huge g;
};

FIXTURE_SETUP(fragmentation)
{
	nr_hugepages = read_number(NR_HUGEPAGES);
	TEST_ASSERT(!atexit(give_blocks_back), "atexit() should succeed");

	self->g = gmem_huge_create_private(2 * SZ_2M);
	pool = self->g;
	pool_size = 4 * read_number(MIN_FREE_KBYTES) * SZ_1K + SZ_64M;
	gmem_huge_open(&pool, pool_size, 0);
	gmem_huge_fallocate(&pool, 0, pool_size);
}

FIXTURE_TEARDOWN(fragmentation)
{
	kvm_close(pool.fd);
	gmem_huge_free(&self->g);
}

TEST_F_TIMEOUT(fragmentation, touch, GMEM_HUGE_TIMEOUT)
{
	test_shortage(&self->g, fragment);
}

/* Example: fallocate() during the shortage allocates 512 pages, and succeeds. */
TEST_F_TIMEOUT(fragmentation, fallocate, GMEM_HUGE_TIMEOUT)
{
	u64 folios = gmem_huge_nr_folios();

	fragment(true);
	gmem_huge_fallocate(&self->g, 0, SZ_2M);
	fragment(false);
	gmem_huge_fallocate(&self->g, 0, 2 * SZ_2M);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios + 1);

	gmem_huge_check(&self->g, GMEM_HUGE_GPA, 2 * SZ_2M, 0);
	TEST_GMEM_MAPPED(&self->g, 1, GMEM_HUGE_NR_4K,
			 "Allocated 4K pages should be mapped 4K");
}

/* Example: prefaulting one page during the shortage maps that page. */
TEST_F_TIMEOUT(fragmentation, prefault, GMEM_HUGE_TIMEOUT)
{
	fragment(true);
	gmem_huge_prefault(&self->g, gmem_huge_page(7), PAGE_SIZE);
	TEST_GMEM_MAPPED(&self->g, 0, 1, "Prefaulting should fall back like touching");
	fragment(false);
	gmem_huge_check(&self->g, gmem_huge_page(7), PAGE_SIZE, 0);
}

/*
 * A memory cgroup of its own.  Example: it has 1M left, which is less than a
 * folio and more than the 64 pages of the worked example.
 */
#define CGROUP_ROOT	"/sys/fs/cgroup"
#define CGROUP		CGROUP_ROOT "/gmem_huge_test"

static void limit_memory(bool on)
{
	long current = read_number(CGROUP "/memory.current");

	write_number(CGROUP "/memory.max", on ? current + SZ_1M : current + SZ_1G);
}

static void mount_cgroups(void)
{
	if (!access(CGROUP_ROOT "/cgroup.controllers", F_OK))
		return;

	TEST_ASSERT(!mount("cgroup2", CGROUP_ROOT, "cgroup2", 0, NULL),
		    "cgroup2 should be mountable at %s, errno %d", CGROUP_ROOT, errno);
}

FIXTURE(memcg) {
	struct gmem_huge g;
};

FIXTURE_SETUP(memcg)
{
	int fd;

	mount_cgroups();
	fd = open(CGROUP_ROOT "/cgroup.subtree_control", O_WRONLY);
	TEST_ASSERT(fd >= 0 && write(fd, "+memory", 7) == 7,
		    "The memory controller should be available, errno %d", errno);
	kvm_close(fd);

	TEST_ASSERT(!mkdir(CGROUP, 0755), "%s should be new, errno %d", CGROUP, errno);
	write_number(CGROUP "/cgroup.procs", getpid());
	self->g = gmem_huge_create_private(2 * SZ_2M);
}

FIXTURE_TEARDOWN(memcg)
{
	gmem_huge_free(&self->g);
	write_number(CGROUP_ROOT "/cgroup.procs", getpid());
	TEST_ASSERT(!rmdir(CGROUP), "%s should be empty, errno %d", CGROUP, errno);
}

TEST_F_TIMEOUT(memcg, touch, GMEM_HUGE_TIMEOUT)
{
	test_shortage(&self->g, limit_memory);
}

/* Example: the cgroup has 1G left, its limit is no reason for 4K pages. */
TEST_F_TIMEOUT(memcg, below_the_limit, GMEM_HUGE_TIMEOUT)
{
	limit_memory(false);
	gmem_huge_check(&self->g, GMEM_HUGE_GPA, 2 * SZ_2M, 0);
	TEST_GMEM_MAPPED(&self->g, 2, 0, "A folio below the limit should be 2M");
}

/* What a CPU may hold in stock for a cgroup, which counts as charged. */
#define CHARGE_STOCK	(64 * getpagesize())

/*
 * Example: 4M of private memory are charged to the cgroup that touched them.  A
 * CPU that gives back its stock meanwhile makes that 256K less; memory that is
 * not charged would make it 4M less, and half of it 2M.
 */
TEST_F_TIMEOUT(memcg, is_charged, GMEM_HUGE_TIMEOUT)
{
	long before = read_number(CGROUP "/memory.current"), charged;
	long least = 2 * SZ_2M - get_nprocs() * CHARGE_STOCK;

	TEST_ASSERT(least > SZ_2M, "%d CPUs are too many to tell 4M from 2M", get_nprocs());
	gmem_huge_check(&self->g, GMEM_HUGE_GPA, 2 * SZ_2M, 0);
	charged = read_number(CGROUP "/memory.current") - before;
	TEST_ASSERT(charged >= least, "4M should be charged, not %ld", charged);

	before += charged;
	gmem_huge_punch(&self->g, 0, 2 * SZ_2M);
	charged = before - read_number(CGROUP "/memory.current");
	TEST_ASSERT(charged >= least, "4M should be uncharged, not %ld", charged);
}

int main(int argc, char *argv[])
{
	gmem_huge_require();

	return test_harness_run(argc, argv);
}
