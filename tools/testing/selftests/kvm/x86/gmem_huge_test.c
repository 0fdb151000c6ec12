// SPDX-License-Identifier: GPL-2.0-only
/*
 * The size at which private memory is allocated and mapped.
 *
 * A file of guest_memfd that was created with GUEST_MEMFD_FLAG_LARGE_FOLIOS
 * backs each aligned 2M range of the *file* with one folio.  A gfn is mapped
 * 2M if that folio exists, if gfn and page of the file lie at the same offset
 * in their 2M ranges, and if the memslot covers the whole range.
 */
#include <linux/bitmap.h>

#include "gmem_huge.h"
#include "kselftest_harness.h"

FIXTURE(flag) {};
FIXTURE_SETUP(flag) {}
FIXTURE_TEARDOWN(flag) {}

/*
 * Example: KVM_CAP_GUEST_MEMFD_FLAGS of a KVM_X86_SW_PROTECTED_VM has bit 8,
 * the file can be created.  A type of VM without the bit answers EINVAL.
 */
TEST_F_TIMEOUT(flag, creation_follows_the_capability, GMEM_HUGE_TIMEOUT)
{
	unsigned long types = kvm_check_cap(KVM_CAP_VM_TYPES), type;
	struct kvm_vm *vm;
	bool supported;
	int fd;

	for_each_set_bit(type, &types, BITS_PER_TYPE(types)) {
		vm = vm_create_barebones_type(type);
		supported = vm_check_cap(vm, KVM_CAP_GUEST_MEMFD_FLAGS) &
			    GUEST_MEMFD_FLAG_LARGE_FOLIOS;
		fd = __vm_create_guest_memfd(vm, SZ_2M,
					     GUEST_MEMFD_FLAG_LARGE_FOLIOS);
		if (supported)
			TEST_ASSERT(fd >= 0,
				    "VM type %lu should do what it advertises", type);
		else
			TEST_ASSERT(fd < 0 && errno == EINVAL,
				    "VM type %lu should refuse what it does not advertise",
				    type);
		if (fd >= 0)
			close(fd);
		kvm_vm_free(vm);
	}
}

TEST_F_TIMEOUT(flag, both_software_types_support_it, GMEM_HUGE_TIMEOUT)
{
	TEST_ASSERT(gmem_huge_supported_flags(KVM_X86_SW_PROTECTED_VM) &
		    GUEST_MEMFD_FLAG_LARGE_FOLIOS,
		    "KVM_X86_SW_PROTECTED_VM should support large folios");
	TEST_ASSERT(gmem_huge_supported_flags(KVM_X86_DEFAULT_VM) &
		    GUEST_MEMFD_FLAG_LARGE_FOLIOS,
		    "KVM_X86_DEFAULT_VM should support large folios");
}

/* Example: without the flag, 2M cost 512 faults and 512 mappings. */
TEST_F_TIMEOUT(flag, without_it_memory_is_4k, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge g = gmem_huge_create_file(SZ_2M, 0);
	u64 folios = gmem_huge_nr_folios();
	struct gmem_huge_stats before;

	gmem_huge_add_private(&g, GMEM_HUGE_SLOT, 0, GMEM_HUGE_NR_4K, 0);

	before = gmem_huge_stats(&g);
	gmem_huge_write(&g, GMEM_HUGE_GPA, SZ_2M, 1);
	TEST_GMEM_SINCE(&g, before, GMEM_HUGE_NR_4K, 0, 0,
			"Each page should fault by itself");
	TEST_GMEM_MAPPED(&g, 0, GMEM_HUGE_NR_4K, "Each page should be mapped 4K");
	TEST_ASSERT(gmem_huge_nr_folios() == folios,
		    "A file without the flag should own no 2M folio");
	gmem_huge_free(&g);
}

/*
 * Worked example, all numbers in pages: a memslot of 1024 pages starts at gfn
 * 1 of a 2M range and at page 1 of the file.
 *
 *	gfn    1       512      1024     (offsets from the start of a range)
 *	page   1       512      1024
 *	       | 511 x 4K | 1 x 2M | 1 x 4K |
 *
 * Offset and page agree, so that [512, 1024) is mapped 2M.  What lies outside
 * of a whole range is mapped 4K, whatever folio backs it.  One fault each.
 */
FIXTURE(alignment) {
	struct gmem_huge g;
};

FIXTURE_VARIANT(alignment) {
	u64 file;	/* size of the file */
	u64 page;	/* where the memslot starts in the file */
	u64 gfn;	/* where the memslot starts in the guest */
	u64 slot;	/* size of the memslot */
	u64 nr_2m;
	u64 nr_4k;
};

FIXTURE_VARIANT_ADD(alignment, one_range)		{   512,   0,   0,  512, 1,    0 };
FIXTURE_VARIANT_ADD(alignment, four_ranges)		{  2048,   0,   0, 2048, 4,    0 };
FIXTURE_VARIANT_ADD(alignment, file_offset_of_2m)	{  2048, 512, 512, 1024, 2,    0 };
FIXTURE_VARIANT_ADD(alignment, other_2m_of_file)	{  2048, 512,   0, 1024, 2,    0 };
FIXTURE_VARIANT_ADD(alignment, slot_starts_inside)	{  2048,   1,   1, 1024, 1,  512 };
FIXTURE_VARIANT_ADD(alignment, slot_starts_at_end)	{  2048, 511, 511,  513, 1,    1 };
FIXTURE_VARIANT_ADD(alignment, slot_ends_inside)	{  2048,   0,   0, 1023, 1,  511 };
FIXTURE_VARIANT_ADD(alignment, slot_is_one_page)	{  2048,   0,   0,    1, 0,    1 };
FIXTURE_VARIANT_ADD(alignment, slot_in_the_middle)	{  2048, 256, 256,  512, 0,  512 };
FIXTURE_VARIANT_ADD(alignment, page_off_by_one)		{  2048,   1,   0, 1024, 0, 1024 };
FIXTURE_VARIANT_ADD(alignment, gfn_off_by_one)		{  2048,   0,   1, 1024, 0, 1024 };
FIXTURE_VARIANT_ADD(alignment, off_by_half)		{  2048, 256,   0, 1024, 0, 1024 };
FIXTURE_VARIANT_ADD(alignment, file_has_a_tail)		{   513,   0,   0,  513, 1,    1 };
FIXTURE_VARIANT_ADD(alignment, file_has_a_long_tail)	{  1023,   0,   0, 1023, 1,  511 };
FIXTURE_VARIANT_ADD(alignment, file_is_too_small)	{   511,   0,   0,  511, 0,  511 };
FIXTURE_VARIANT_ADD(alignment, file_is_one_page)	{     1,   0,   0,    1, 0,    1 };

FIXTURE_SETUP(alignment)
{
	self->g = gmem_huge_create_file(variant->file * PAGE_SIZE,
					GUEST_MEMFD_FLAG_LARGE_FOLIOS);
	gmem_huge_add_private(&self->g, GMEM_HUGE_SLOT, variant->gfn,
			      variant->slot, variant->page);
}

FIXTURE_TEARDOWN(alignment)
{
	gmem_huge_delete_slot(&self->g, GMEM_HUGE_SLOT, gmem_huge_page(variant->gfn));
	TEST_GMEM_MAPPED(&self->g, 0, 0, "Nothing should be mapped without memslot");
	gmem_huge_free(&self->g);
}

TEST_F_TIMEOUT(alignment, touch, GMEM_HUGE_TIMEOUT)
{
	const gpa_t gpa = gmem_huge_page(variant->gfn);
	const u64 size = variant->slot * PAGE_SIZE;
	struct gmem_huge_stats before = gmem_huge_stats(&self->g);

	gmem_huge_write(&self->g, gpa, size, 1);
	TEST_GMEM_MAPPED(&self->g, variant->nr_2m, variant->nr_4k,
			 "Whole congruent ranges should be mapped 2M");
	TEST_GMEM_SINCE(&self->g, before, variant->nr_2m + variant->nr_4k, 0, 0,
			"Each mapping should cost one fault");
	gmem_huge_check(&self->g, gpa, size, 1);
}

TEST_F_TIMEOUT(alignment, prefault, GMEM_HUGE_TIMEOUT)
{
	const gpa_t gpa = gmem_huge_page(variant->gfn);
	const u64 size = variant->slot * PAGE_SIZE;
	struct gmem_huge_stats before;

	gmem_huge_prefault(&self->g, gpa, size);
	TEST_GMEM_MAPPED(&self->g, variant->nr_2m, variant->nr_4k,
			 "Prefaulting should map like touching");

	before = gmem_huge_stats(&self->g);
	gmem_huge_write(&self->g, gpa, size, 1);
	gmem_huge_check(&self->g, gpa, size, 1);
	TEST_GMEM_SINCE(&self->g, before, 0, 0, 0,
			"Prefaulted memory should not fault");
}

FIXTURE(size) {};
FIXTURE_SETUP(size) {}
FIXTURE_TEARDOWN(size) {}

/*
 * Example: the memslot's user address is one page past a multiple of 2M.  It
 * backs shared memory only, private memory is mapped 2M all the same.
 */
TEST_F_TIMEOUT(size, user_address_does_not_matter, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge g = gmem_huge_create_file(SZ_2M, GUEST_MEMFD_FLAG_LARGE_FOLIOS);
	void *mem = kvm_mmap(3 * SZ_2M, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1);
	void *hva = align_ptr_up(mem, SZ_2M) + PAGE_SIZE;

	vm_set_user_memory_region2(g.vm, GMEM_HUGE_SLOT, KVM_MEM_GUEST_MEMFD,
				   GMEM_HUGE_GPA, SZ_2M, hva, g.fd, 0);
	vm_mem_set_private(g.vm, GMEM_HUGE_GPA, SZ_2M);

	gmem_huge_write(&g, GMEM_HUGE_GPA, SZ_2M, 1);
	TEST_GMEM_MAPPED(&g, 1, 0, "The user address should not limit private memory");
	gmem_huge_free(&g);
	kvm_munmap(mem, 3 * SZ_2M);
}

/* Example: the guest reads page 300 first, one folio backs all 512 pages. */
TEST_F_TIMEOUT(size, first_touch_anywhere_zeroes_all, GMEM_HUGE_TIMEOUT)
{
	const u64 first[] = { 0, 1, 300, 511 };
	struct gmem_huge g;
	int i;

	for (i = 0; i < ARRAY_SIZE(first); i++) {
		g = gmem_huge_create_private(SZ_2M);
		gmem_huge_dirty_free_memory();
		gmem_huge_check(&g, gmem_huge_page(first[i]), PAGE_SIZE, 0);
		TEST_GMEM_MAPPED(&g, 1, 0, "Page %lu should bring its 2M", first[i]);
		gmem_huge_check(&g, GMEM_HUGE_GPA, SZ_2M, 0);
		gmem_huge_free(&g);
	}
}

/*
 * Example: fallocate() of 4M + 4K in a file of that size allocates two folios
 * and a page, maps nothing, and leaves three faults to the guest.
 */
TEST_F_TIMEOUT(size, fallocate_allocates_2m, GMEM_HUGE_TIMEOUT)
{
	const u64 size = 2 * SZ_2M + PAGE_SIZE;
	struct gmem_huge g = gmem_huge_create_private(size);
	u64 folios = gmem_huge_nr_folios();
	struct gmem_huge_stats before = gmem_huge_stats(&g);

	gmem_huge_dirty_free_memory();
	gmem_huge_fallocate(&g, 0, size);
	TEST_GMEM_MAPPED(&g, 0, 0, "Allocating should map nothing");
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios + 2);

	gmem_huge_check(&g, GMEM_HUGE_GPA, size, 0);
	TEST_GMEM_MAPPED(&g, 2, 1, "Allocated folios should be mapped whole");
	TEST_GMEM_SINCE(&g, before, 3, 0, 0, "Each folio should fault once");

	gmem_huge_free(&g);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios);
}

/* Example: allocating page 700 of 1024 allocates the folio for [512, 1024). */
TEST_F_TIMEOUT(size, fallocate_of_one_page_allocates_its_2m, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge g = gmem_huge_create_private(2 * SZ_2M);
	u64 folios = gmem_huge_nr_folios();

	gmem_huge_fallocate(&g, 700 * PAGE_SIZE, PAGE_SIZE);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios + 1);

	gmem_huge_write(&g, gmem_huge_page(512), SZ_2M, 1);
	TEST_GMEM_MAPPED(&g, 1, 0, "The range around the page should be mapped 2M");
	gmem_huge_free(&g);
}

TEST_F_TIMEOUT(size, fallocate_ends_with_the_file, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge g = gmem_huge_create_private(SZ_2M + PAGE_SIZE);
	u64 folios = gmem_huge_nr_folios();

	TEST_ASSERT(__gmem_huge_fallocate(&g, SZ_2M, SZ_2M) == -EINVAL,
		    "A range that ends behind the file should be refused");
	TEST_ASSERT(__gmem_huge_fallocate(&g, SZ_2M + PAGE_SIZE, PAGE_SIZE) == -EINVAL,
		    "A range behind the file should be refused");
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios);
	gmem_huge_free(&g);
}

/*
 * Example: 64M are 32 mappings.  They need no page table below their own, a
 * file without the flag needs one for each 2M.
 */
TEST_F_TIMEOUT(size, page_tables_are_saved, GMEM_HUGE_TIMEOUT)
{
	const u64 size = GMEM_HUGE_MAX_SIZE, nr_2m = size / SZ_2M;
	u64 tables[2], before;
	struct gmem_huge g;
	int i;

	for (i = 0; i < 2; i++) {
		g = gmem_huge_create_file(size, i ? GUEST_MEMFD_FLAG_LARGE_FOLIOS : 0);
		gmem_huge_add_private(&g, GMEM_HUGE_SLOT, 0, size / PAGE_SIZE, 0);

		before = gmem_huge_meminfo("SecPageTables");
		gmem_huge_write(&g, GMEM_HUGE_GPA, size, 1);
		tables[i] = (gmem_huge_meminfo("SecPageTables") - before) / 4;
		gmem_huge_free(&g);
	}

	TEST_ASSERT(tables[0] == nr_2m, "4K mappings should take %lu page tables, not %lu",
		    nr_2m, tables[0]);
	TEST_ASSERT(!tables[1], "2M mappings should take no page table, not %lu",
		    tables[1]);
}

int main(int argc, char *argv[])
{
	gmem_huge_require();

	return test_harness_run(argc, argv);
}
