// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory failure inside a 2M folio.
 *
 * Worked example: user space and a KVM_X86_DEFAULT_VM wrote 2M that are one
 * folio.  Page 100 fails.  Whoever touches page 100 is told, SIGBUS for user
 * space and EHWPOISON for the vCPU.  The other 511 pages hold what they held.
 * Once page 100 is punched, a new and zero page takes its place.
 */
#include <sys/mman.h>

#include "gmem_huge.h"
#include "kselftest_harness.h"

#define TAG		0x99
#define NR_PAGES	GMEM_HUGE_NR_4K

FIXTURE(poison) {
	struct gmem_huge g;
	void *mem;
};

FIXTURE_VARIANT(poison) {
	u64 page;
	u64 flags;
	bool mapped;	/* does the guest map the folio when the page fails? */
};

#define LARGE	GUEST_MEMFD_FLAG_LARGE_FOLIOS

FIXTURE_VARIANT_ADD(poison, first_page)			{   0, LARGE, true };
FIXTURE_VARIANT_ADD(poison, middle_page)		{ 100, LARGE, true };
FIXTURE_VARIANT_ADD(poison, last_page)			{ 511, LARGE, true };
FIXTURE_VARIANT_ADD(poison, middle_page_unmapped)	{ 100, LARGE, false };
FIXTURE_VARIANT_ADD(poison, page_of_4k_file)		{ 100, 0, true };

FIXTURE_SETUP(poison)
{
	struct gmem_huge *g = &self->g;

	*g = gmem_huge_create(KVM_X86_DEFAULT_VM);
	gmem_huge_open(g, SZ_2M, GUEST_MEMFD_FLAG_MMAP |
				 GUEST_MEMFD_FLAG_INIT_SHARED | variant->flags);
	vm_set_user_memory_region2(g->vm, GMEM_HUGE_SLOT, KVM_MEM_GUEST_MEMFD,
				   GMEM_HUGE_GPA, SZ_2M, NULL, g->fd, 0);
	self->mem = kvm_mmap(SZ_2M, PROT_READ | PROT_WRITE, MAP_SHARED, g->fd);

	gmem_huge_host_write(self->mem, GMEM_HUGE_GPA, SZ_2M, TAG);
	if (variant->mapped)
		gmem_huge_check(g, GMEM_HUGE_GPA, SZ_2M, TAG);
	TEST_ASSERT_EQ(vm_get_stat(g->vm, pages_2m), variant->mapped && variant->flags);
}

FIXTURE_TEARDOWN(poison)
{
	kvm_munmap(self->mem, SZ_2M);
	gmem_huge_free(&self->g);
}

/*
 * The page stays in the file until it is punched: memory_failure() takes that
 * for a user who holds on to it, and may report the page as busy.
 */
static void poison_page(void *mem, u64 page)
{
	void *addr = mem + page * PAGE_SIZE;

	TEST_EXPECT_SIGBUS({
		TEST_ASSERT(!madvise(addr, PAGE_SIZE, MADV_HWPOISON) || errno == EBUSY,
			    "MADV_HWPOISON should poison the page, errno %d", errno);
		(void)READ_ONCE(*(char *)addr);
	});
}

static void host_check(void *mem, u64 page, u64 nr)
{
	gmem_huge_host_check(mem + page * PAGE_SIZE, gmem_huge_page(page),
			     nr * PAGE_SIZE, TAG);
}

static void guest_check(struct gmem_huge *g, u64 page, u64 nr)
{
	gmem_huge_check(g, gmem_huge_page(page), nr * PAGE_SIZE, TAG);
}

TEST_F_TIMEOUT(poison, spares_the_other_pages, GMEM_HUGE_TIMEOUT)
{
	const u64 page = variant->page;

	poison_page(self->mem, page);

	host_check(self->mem, 0, page);
	host_check(self->mem, page + 1, NR_PAGES - page - 1);
	guest_check(&self->g, 0, page);
	guest_check(&self->g, page + 1, NR_PAGES - page - 1);
	TEST_ASSERT(!vm_get_stat(self->g.vm, pages_2m),
		    "A folio with a bad page should not be mapped 2M");
}

TEST_F_TIMEOUT(poison, is_reported, GMEM_HUGE_TIMEOUT)
{
	char *bad = self->mem + variant->page * PAGE_SIZE;
	struct kvm_run *run = self->g.vcpu->run;
	int r;

	poison_page(self->mem, variant->page);

	TEST_EXPECT_SIGBUS((void)READ_ONCE(*bad));
	r = __gmem_huge_check(&self->g, gmem_huge_page(variant->page), PAGE_SIZE, TAG);
	TEST_ASSERT(r == -EHWPOISON, "KVM_RUN should return -EHWPOISON, not %d", r);
	TEST_ASSERT_KVM_EXIT_REASON(self->g.vcpu, KVM_EXIT_MEMORY_FAULT);
	TEST_ASSERT_EQ(run->memory_fault.gpa, gmem_huge_page(variant->page));
}

TEST_F_TIMEOUT(poison, ends_with_the_page, GMEM_HUGE_TIMEOUT)
{
	const u64 page = variant->page;

	poison_page(self->mem, page);
	gmem_huge_punch(&self->g, page * PAGE_SIZE, PAGE_SIZE);

	/* A punch leaves the mark in user space's page table alone. */
	kvm_madvise(self->mem + page * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED);

	gmem_huge_check(&self->g, gmem_huge_page(page), PAGE_SIZE, 0);
	gmem_huge_host_check(self->mem + page * PAGE_SIZE, gmem_huge_page(page),
			     PAGE_SIZE, 0);
	guest_check(&self->g, 0, page);
	guest_check(&self->g, page + 1, NR_PAGES - page - 1);
}

/* Example: the whole range is punched, the bad page is not handed out again. */
TEST_F_TIMEOUT(poison, ends_with_the_folio, GMEM_HUGE_TIMEOUT)
{
	poison_page(self->mem, variant->page);
	gmem_huge_punch(&self->g, 0, SZ_2M);

	gmem_huge_check(&self->g, GMEM_HUGE_GPA, SZ_2M, 0);
	TEST_ASSERT(vm_get_stat(self->g.vm, pages_2m) == !!variant->flags,
		    "A new folio should be mapped 2M");
}

int main(int argc, char *argv[])
{
	gmem_huge_require();

	return test_harness_run(argc, argv);
}
