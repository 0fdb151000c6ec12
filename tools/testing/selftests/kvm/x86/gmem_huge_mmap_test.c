// SPDX-License-Identifier: GPL-2.0-only
/*
 * 2M folios of a file that user space maps, too.
 *
 * Worked example: user space and a KVM_X86_DEFAULT_VM share a file of 4M + 4K.
 * User space writes one byte at 3M: that allocates, and zeroes, the folio of
 * [2M, 4M).  The guest maps that folio 2M, user space maps it page by page.
 * A hole can be punched into it unless someone holds on to a page of it: then
 * nothing is punched and nothing is lost.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "gmem_huge.h"
#include "kselftest_harness.h"

#define SHARED_FLAGS	(GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED | \
			 GUEST_MEMFD_FLAG_LARGE_FOLIOS)
#define FILE_SIZE	(2 * SZ_2M + PAGE_SIZE)
#define NR_PAGES	(FILE_SIZE / PAGE_SIZE)
#define HOST_TAG	0x77
#define GUEST_TAG	0x88

/* Memory of INIT_SHARED files isn't private, count all mappings instead. */
static void check_mapped_2m(struct gmem_huge *g, u64 nr, const char *claim)
{
	u64 nr_2m = vm_get_stat(g->vm, pages_2m);

	TEST_ASSERT(nr_2m == nr, "%s; wanted %lu x 2M, got %lu", claim, nr, nr_2m);
}

FIXTURE(mmap) {
	struct gmem_huge g;
	u64 folios;
	void *mem;
};

FIXTURE_SETUP(mmap)
{
	struct gmem_huge *g = &self->g;

	self->folios = gmem_huge_nr_folios();
	*g = gmem_huge_create(KVM_X86_DEFAULT_VM);
	gmem_huge_open(g, FILE_SIZE, SHARED_FLAGS);
	vm_set_user_memory_region2(g->vm, GMEM_HUGE_SLOT, KVM_MEM_GUEST_MEMFD,
				   GMEM_HUGE_GPA, FILE_SIZE, NULL, g->fd, 0);
	self->mem = kvm_mmap(2 * FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, g->fd);
	gmem_huge_dirty_free_memory();
}

FIXTURE_TEARDOWN(mmap)
{
	kvm_munmap(self->mem, 2 * FILE_SIZE);
	gmem_huge_free(&self->g);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), self->folios);
}

static void host_check(void *mem, u64 page, u64 nr, u64 tag)
{
	gmem_huge_host_check(mem + page * PAGE_SIZE, gmem_huge_page(page),
			     nr * PAGE_SIZE, tag);
}

static void guest_check(struct gmem_huge *g, u64 page, u64 nr, u64 tag)
{
	gmem_huge_check(g, gmem_huge_page(page), nr * PAGE_SIZE, tag);
}

TEST_F_TIMEOUT(mmap, first_touch_zeroes_all, GMEM_HUGE_TIMEOUT)
{
	gmem_huge_host_check(self->mem + SZ_2M + SZ_1M,
			     GMEM_HUGE_GPA + SZ_2M + SZ_1M, PAGE_SIZE, 0);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), self->folios + 1);

	guest_check(&self->g, GMEM_HUGE_NR_4K, GMEM_HUGE_NR_4K, 0);
	check_mapped_2m(&self->g, 1, "The guest should map the folio 2M");
	host_check(self->mem, 0, NR_PAGES, 0);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), self->folios + 2);
}

TEST_F_TIMEOUT(mmap, both_see_the_same, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge_stats before = gmem_huge_stats(&self->g);

	gmem_huge_host_write(self->mem, GMEM_HUGE_GPA, FILE_SIZE, HOST_TAG);
	guest_check(&self->g, 0, NR_PAGES, HOST_TAG);
	check_mapped_2m(&self->g, 2, "The guest should map both folios 2M");
	TEST_GMEM_SINCE(&self->g, before, 3, 0, 0, "Each folio should fault once");
	TEST_GMEM_MAPPED(&self->g, 0, 0, "Shared memory should not count as private");

	gmem_huge_write(&self->g, GMEM_HUGE_GPA, FILE_SIZE, GUEST_TAG);
	host_check(self->mem, 0, NR_PAGES, GUEST_TAG);

	kvm_madvise(self->mem, FILE_SIZE, MADV_DONTNEED);
	host_check(self->mem, 0, NR_PAGES, GUEST_TAG);
}

TEST_F_TIMEOUT(mmap, ends_with_the_file, GMEM_HUGE_TIMEOUT)
{
	char *end = self->mem + FILE_SIZE;

	WRITE_ONCE(end[-1], 1);
	TEST_EXPECT_SIGBUS(WRITE_ONCE(end[0], 1));
	TEST_ASSERT(gmem_huge_nr_folios() == self->folios,
		    "The tail of a file should be backed by pages");
}

/* Example: without INIT_SHARED the file can be mapped and not be touched. */
TEST_F_TIMEOUT(mmap, private_file_stays_private, GMEM_HUGE_TIMEOUT)
{
	const u64 flags = SHARED_FLAGS & ~GUEST_MEMFD_FLAG_INIT_SHARED;
	int fd = vm_create_guest_memfd(self->g.vm, SZ_2M, flags);
	char *mem = kvm_mmap(SZ_2M, PROT_READ | PROT_WRITE, MAP_SHARED, fd);

	TEST_EXPECT_SIGBUS((void)READ_ONCE(mem[0]));
	kvm_fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, SZ_2M);
	TEST_EXPECT_SIGBUS((void)READ_ONCE(mem[0]));
	kvm_munmap(mem, SZ_2M);
	kvm_close(fd);
}

/*
 * How many pages of the file there are.  Unmap them first: mincore() then asks
 * the page cache, and a folio that is not split answers for all of its pages.
 */
static u64 nr_resident(void *mem)
{
	unsigned char map[NR_PAGES];
	u64 i, nr = 0;

	kvm_madvise(mem, FILE_SIZE, MADV_DONTNEED);
	TEST_ASSERT(!mincore(mem, FILE_SIZE, map), "mincore() should succeed");

	for (i = 0; i < NR_PAGES; i++)
		nr += map[i] & 1;
	return nr;
}

/* Each row punches [page, page + nr), a hole of exactly that size must remain. */
static const struct {
	u64 page;
	u64 nr;
	u64 nr_folios;
} holes[] = {
	{ 0, 1, 1 }, { 511, 1, 1 }, { 0, 256, 1 }, { 256, 256, 1 },
	{ 1, 510, 1 }, { 511, 2, 0 }, { 0, 512, 1 }, { 512, 513, 1 },
	{ 1023, 2, 1 }, { 1024, 1, 2 }, { 1, 1023, 0 }, { 0, 1025, 0 },
};

TEST_F_TIMEOUT(mmap, punch_frees_just_the_hole, GMEM_HUGE_TIMEOUT)
{
	u64 page, nr;
	int i;

	for (i = 0; i < ARRAY_SIZE(holes); i++) {
		page = holes[i].page;
		nr = holes[i].nr;

		gmem_huge_host_write(self->mem, GMEM_HUGE_GPA, FILE_SIZE, HOST_TAG);
		guest_check(&self->g, 0, NR_PAGES, HOST_TAG);
		check_mapped_2m(&self->g, 2, "Both folios should start out 2M");

		gmem_huge_punch(&self->g, page * PAGE_SIZE, nr * PAGE_SIZE);
		check_mapped_2m(&self->g, holes[i].nr_folios,
				"What was not punched should stay mapped");
		TEST_ASSERT_EQ(nr_resident(self->mem), NR_PAGES - nr);
		TEST_ASSERT_EQ(gmem_huge_nr_folios(),
			       self->folios + holes[i].nr_folios);

		host_check(self->mem, 0, page, HOST_TAG);
		host_check(self->mem, page, nr, 0);
		host_check(self->mem, page + nr, NR_PAGES - page - nr, HOST_TAG);
		guest_check(&self->g, page, nr, 0);

		gmem_huge_punch(&self->g, 0, FILE_SIZE);
		TEST_ASSERT_EQ(nr_resident(self->mem), 0);
	}
}

/* A page that sits in a pipe is referenced by it, as a page under I/O is. */
struct pin {
	int pipe[2];
	u64 page;
};

static struct pin pin_page(void *mem, u64 page)
{
	struct iovec iov = {
		.iov_base = mem + page * PAGE_SIZE,
		.iov_len = PAGE_SIZE,
	};
	struct pin pin = { .page = page };

	TEST_ASSERT(!pipe(pin.pipe), "pipe() should succeed");
	TEST_ASSERT(vmsplice(pin.pipe[1], &iov, 1, 0) == PAGE_SIZE,
		    "vmsplice() should take the page, errno %d", errno);
	return pin;
}

/* Let go of the page after claiming that its content is still there. */
static void unpin_page(struct pin *pin, u64 tag)
{
	u64 page[PAGE_SIZE / sizeof(u64)];

	TEST_ASSERT(read(pin->pipe[0], page, PAGE_SIZE) == PAGE_SIZE,
		    "The pipe should return the page");
	gmem_huge_host_check(page, gmem_huge_page(pin->page), PAGE_SIZE, tag);
	kvm_close(pin->pipe[0]);
	kvm_close(pin->pipe[1]);
}

/* Example: page 100 is in use; [100, 101) can't be punched, nor can [7, 8). */
TEST_F_TIMEOUT(mmap, pinned_page_blocks_a_hole, GMEM_HUGE_TIMEOUT)
{
	const u64 page[] = { 100, 7 };
	struct pin pin;
	int i;

	gmem_huge_host_write(self->mem, GMEM_HUGE_GPA, FILE_SIZE, HOST_TAG);
	guest_check(&self->g, 0, NR_PAGES, HOST_TAG);

	pin = pin_page(self->mem, 100);
	for (i = 0; i < ARRAY_SIZE(page); i++) {
		TEST_ASSERT(__gmem_huge_punch(&self->g, page[i] * PAGE_SIZE, PAGE_SIZE) == -EBUSY,
			    "Punching page %lu should return -EBUSY", page[i]);
		TEST_ASSERT_EQ(gmem_huge_nr_folios(), self->folios + 2);
		host_check(self->mem, 0, NR_PAGES, HOST_TAG);
		guest_check(&self->g, 0, NR_PAGES, HOST_TAG);
	}
	unpin_page(&pin, HOST_TAG);

	gmem_huge_punch(&self->g, 7 * PAGE_SIZE, PAGE_SIZE);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), self->folios + 1);
	host_check(self->mem, 7, 1, 0);
	host_check(self->mem, 8, NR_PAGES - 8, HOST_TAG);
}

/* Example: page 100 is in use; that is no concern of the other folio. */
TEST_F_TIMEOUT(mmap, pinned_page_blocks_no_other_folio, GMEM_HUGE_TIMEOUT)
{
	struct pin pin;

	gmem_huge_host_write(self->mem, GMEM_HUGE_GPA, FILE_SIZE, HOST_TAG);
	pin = pin_page(self->mem, 100);
	gmem_huge_punch(&self->g, (GMEM_HUGE_NR_4K + 100) * PAGE_SIZE, PAGE_SIZE);
	host_check(self->mem, GMEM_HUGE_NR_4K + 100, 1, 0);
	unpin_page(&pin, HOST_TAG);
}

/*
 * Example: page 100 is in use and its whole folio is punched.  There is nothing
 * to split: the file gets a new folio, the pipe keeps the old page.
 */
TEST_F_TIMEOUT(mmap, pinned_page_outlives_its_folio, GMEM_HUGE_TIMEOUT)
{
	struct pin pin;

	gmem_huge_host_write(self->mem, GMEM_HUGE_GPA, FILE_SIZE, HOST_TAG);
	pin = pin_page(self->mem, 100);
	gmem_huge_punch(&self->g, 0, SZ_2M);
	host_check(self->mem, 0, GMEM_HUGE_NR_4K, 0);
	gmem_huge_host_write(self->mem, GMEM_HUGE_GPA, SZ_2M, GUEST_TAG);
	unpin_page(&pin, HOST_TAG);
	guest_check(&self->g, 0, GMEM_HUGE_NR_4K, GUEST_TAG);
}

#define RACE_ROUNDS	2000
#define RACE_HOLE	(128 * PAGE_SIZE)

struct race {
	pthread_barrier_t barrier;
	char *mem;
	int fd;
};

static void *punch_start_of_range(void *data)
{
	struct race *race = data;
	int i;

	for (i = 0; i < RACE_ROUNDS; i++) {
		pthread_barrier_wait(&race->barrier);
		/* One round earlier, one round later. */
		usleep(i % 8 * 50);
		kvm_fallocate(race->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, RACE_HOLE);
		pthread_barrier_wait(&race->barrier);
	}
	return NULL;
}

/*
 * Page 300 is touched for the first time, which adds a folio of 2M, while pages
 * 0 to 127 are punched, which must not take the folio along: what was written
 * beside the hole is there afterwards.
 */
TEST_F_TIMEOUT(mmap, hole_spares_a_folio_that_comes, GMEM_HUGE_TIMEOUT)
{
	struct race race = { .mem = self->mem, .fd = self->g.fd };
	char *page = race.mem + 300 * PAGE_SIZE;
	pthread_t thread;
	int i;

	pthread_barrier_init(&race.barrier, NULL, 2);
	pthread_create(&thread, NULL, punch_start_of_range, &race);
	for (i = 0; i < RACE_ROUNDS; i++) {
		kvm_fallocate(race.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SZ_2M);
		pthread_barrier_wait(&race.barrier);
		WRITE_ONCE(*page, HOST_TAG);
		pthread_barrier_wait(&race.barrier);
		TEST_ASSERT(READ_ONCE(*page) == HOST_TAG, "Round %d: page 300 was lost", i);
	}
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&race.barrier);
}

int main(int argc, char *argv[])
{
	gmem_huge_require();

	return test_harness_run(argc, argv);
}
