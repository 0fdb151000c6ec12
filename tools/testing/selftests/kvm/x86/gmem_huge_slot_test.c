// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memslots and files come and go around 2M mappings.
 *
 * Worked example: two memslots share one folio.
 *
 *	page of file	0		256		512
 *	memslot 10	| gfn 0 ... 255 |
 *	memslot 11			| gfn 256 ... 511 |
 *
 * File, gfn and folio line up, but a mapping must not reach beyond its memslot:
 * 512 x 4K.  Deleting memslot 11 unmaps its 256 pages and no other.
 */
#include "gmem_huge.h"
#include "kselftest_harness.h"

#define SLOT_A	GMEM_HUGE_SLOT
#define SLOT_B	(GMEM_HUGE_SLOT + 1)
#define TAG_A	0x44
#define TAG_B	0x55

static struct gmem_huge create(u64 size)
{
	return gmem_huge_create_file(size, GUEST_MEMFD_FLAG_LARGE_FOLIOS);
}

FIXTURE(slots) {};
FIXTURE_SETUP(slots) {}
FIXTURE_TEARDOWN(slots) {}

/* Example: [0, 512) and [512, 1024) of one file at gfns 1024 and 0. */
TEST_F_TIMEOUT(slots, own_a_folio_each, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge g = create(2 * SZ_2M);
	struct gmem_huge_stats before;

	gmem_huge_add_private(&g, SLOT_A, 1024, 512, 0);
	gmem_huge_add_private(&g, SLOT_B, 0, 512, 512);
	gmem_huge_write(&g, gmem_huge_page(1024), SZ_2M, TAG_A);
	gmem_huge_write(&g, gmem_huge_page(0), SZ_2M, TAG_B);
	TEST_GMEM_MAPPED(&g, 2, 0, "Each memslot should map its folio 2M");

	before = gmem_huge_stats(&g);
	gmem_huge_delete_slot(&g, SLOT_A, gmem_huge_page(1024));
	TEST_GMEM_MAPPED(&g, 1, 0, "Deleting a memslot should unmap its folio");
	gmem_huge_check(&g, gmem_huge_page(0), SZ_2M, TAG_B);
	TEST_GMEM_SINCE(&g, before, 0, 0, 0, "The other memslot should stay mapped");

	gmem_huge_add_private(&g, SLOT_A, 1024, 512, 0);
	gmem_huge_check(&g, gmem_huge_page(1024), SZ_2M, TAG_A);
	TEST_GMEM_MAPPED(&g, 2, 0, "A new memslot should map the folio 2M again");
	gmem_huge_free(&g);
}

/* The worked example. */
TEST_F_TIMEOUT(slots, share_a_folio, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge g = create(SZ_2M);
	u64 folios = gmem_huge_nr_folios();
	struct gmem_huge_stats before;

	gmem_huge_add_private(&g, SLOT_A, 0, 256, 0);
	gmem_huge_add_private(&g, SLOT_B, 256, 256, 256);
	gmem_huge_write(&g, gmem_huge_page(0), SZ_1M, TAG_A);
	gmem_huge_write(&g, gmem_huge_page(256), SZ_1M, TAG_B);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios + 1);
	TEST_GMEM_MAPPED(&g, 0, 512, "No mapping should reach into the other memslot");

	before = gmem_huge_stats(&g);
	gmem_huge_delete_slot(&g, SLOT_B, gmem_huge_page(256));
	TEST_GMEM_MAPPED(&g, 0, 256, "Half of the folio should stay mapped");
	gmem_huge_check(&g, gmem_huge_page(0), SZ_1M, TAG_A);
	TEST_GMEM_SINCE(&g, before, 0, 0, 0, "The other memslot should not fault");
	gmem_huge_free(&g);
}

/*
 * Example: both memslots are gone, a single one takes their place and sees
 * what both wrote, with one fault.
 */
TEST_F_TIMEOUT(slots, hand_a_folio_over, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge g = create(SZ_2M);
	struct gmem_huge_stats before;

	gmem_huge_add_private(&g, SLOT_A, 0, 256, 0);
	gmem_huge_add_private(&g, SLOT_B, 256, 256, 256);
	gmem_huge_write(&g, gmem_huge_page(0), SZ_2M, TAG_A);
	gmem_huge_delete_slot(&g, SLOT_A, gmem_huge_page(0));
	gmem_huge_delete_slot(&g, SLOT_B, gmem_huge_page(256));
	TEST_GMEM_MAPPED(&g, 0, 0, "Nothing should be mapped without memslots");

	gmem_huge_add_private(&g, SLOT_A, 0, 512, 0);
	before = gmem_huge_stats(&g);
	gmem_huge_check(&g, gmem_huge_page(0), SZ_2M, TAG_A);
	TEST_GMEM_MAPPED(&g, 1, 0, "One memslot should map the folio 2M");
	TEST_GMEM_SINCE(&g, before, 1, 0, 1,
			"One fault should replace the page table by a leaf");
	gmem_huge_free(&g);
}

/*
 * Example: a hole of one page in a folio that two memslots share unmaps that
 * page from the memslot that has it.
 */
TEST_F_TIMEOUT(slots, share_a_hole, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge g = create(2 * SZ_2M);
	struct gmem_huge_stats before;

	/* 768 pages each: one folio of its own, half of the one in between. */
	gmem_huge_add_private(&g, SLOT_A, 0, 512 + 256, 0);
	gmem_huge_add_private(&g, SLOT_B, 512 + 256, 256, 512 + 256);
	gmem_huge_write(&g, gmem_huge_page(0), 2 * SZ_2M, TAG_A);
	TEST_GMEM_MAPPED(&g, 1, 512, "Only the folio of one memslot should be 2M");

	before = gmem_huge_stats(&g);
	gmem_huge_punch(&g, (512 + 255) * PAGE_SIZE, 2 * PAGE_SIZE);
	TEST_GMEM_MAPPED(&g, 1, 510, "Each memslot should lose one page");
	gmem_huge_check(&g, gmem_huge_page(0), (512 + 255) * PAGE_SIZE, TAG_A);
	gmem_huge_check(&g, gmem_huge_page(512 + 257), 255 * PAGE_SIZE, TAG_A);
	TEST_GMEM_SINCE(&g, before, 0, 0, 0, "Nothing else should fault");
	gmem_huge_check(&g, gmem_huge_page(512 + 255), 2 * PAGE_SIZE, 0);
	gmem_huge_free(&g);
}

/* Example: a range of the file that a memslot has can't be bound again. */
TEST_F_TIMEOUT(slots, do_not_overlap, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge g = create(SZ_2M);
	int r;

	gmem_huge_add_private(&g, SLOT_A, 0, 256, 0);
	r = __vm_set_user_memory_region2(g.vm, SLOT_B, KVM_MEM_GUEST_MEMFD,
					 gmem_huge_page(512), SZ_1M, NULL,
					 g.fd, SZ_1M - PAGE_SIZE);
	TEST_ASSERT(r && errno == EEXIST, "A bound page should not be bound again");
	gmem_huge_free(&g);
}

FIXTURE(file) {};
FIXTURE_SETUP(file) {}
FIXTURE_TEARDOWN(file) {}

struct toucher {
	struct gmem_huge g;
	u64 rounds;
	int error;
};

static void *touch_until_error(void *data)
{
	struct toucher *t = data;
	int r;

	do {
		r = __gmem_huge_write(&t->g, GMEM_HUGE_GPA, 2 * SZ_2M, TAG_A);
		WRITE_ONCE(t->rounds, t->rounds + 1);
	} while (!r);

	t->error = r;
	return NULL;
}

/*
 * Example: the guest writes 4M over and over when the last reference to the
 * file goes.  Both leaves are zapped, the next access exits as memory fault.
 */
TEST_F_TIMEOUT(file, closed_while_running, GMEM_HUGE_TIMEOUT)
{
	struct toucher t = { .g = gmem_huge_create_private(2 * SZ_2M) };
	u64 folios = gmem_huge_nr_folios();
	pthread_t thread;

	kvm_pthread_create(&thread, NULL, touch_until_error, &t);
	while (READ_ONCE(t.rounds) < 3)
		cpu_relax();
	TEST_GMEM_MAPPED(&t.g, 2, 0, "The guest should run on 2M mappings");
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios + 2);

	kvm_free_fd(t.g.fd);
	kvm_pthread_join(thread, NULL);

	TEST_ASSERT(t.error == -EFAULT, "KVM_RUN should return -EFAULT, not %d", t.error);
	TEST_ASSERT_KVM_EXIT_REASON(t.g.vcpu, KVM_EXIT_MEMORY_FAULT);
	TEST_ASSERT(t.g.vcpu->run->memory_fault.flags == KVM_MEMORY_EXIT_FLAG_PRIVATE,
		    "The fault should be one on private memory");
	TEST_GMEM_MAPPED(&t.g, 0, 0, "Nothing of a closed file should be mapped");
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios);
	gmem_huge_free(&t.g);
}

/* Example: one of two file descriptors is closed, the file lives on. */
TEST_F_TIMEOUT(file, survives_on_a_duplicate, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge g = gmem_huge_create_private(SZ_2M);
	struct gmem_huge_stats before;
	int fd;

	gmem_huge_write(&g, GMEM_HUGE_GPA, SZ_2M, TAG_A);
	before = gmem_huge_stats(&g);
	fd = kvm_dup(g.fd);
	kvm_close(g.fd);
	gmem_huge_check(&g, GMEM_HUGE_GPA, SZ_2M, TAG_A);
	TEST_GMEM_MAPPED(&g, 1, 0, "The file should stay mapped");
	TEST_GMEM_SINCE(&g, before, 0, 0, 0, "The file should not fault again");
	g.fd = fd;
	gmem_huge_free(&g);
}

/* Example: the file outlives the VM's file descriptor; its folio is still cut. */
TEST_F_TIMEOUT(file, outlives_the_vm, GMEM_HUGE_TIMEOUT)
{
	u64 folios = gmem_huge_nr_folios();
	struct gmem_huge g = gmem_huge_create_private(2 * SZ_2M);
	struct gmem_huge rest = { .fd = kvm_dup(g.fd) };

	gmem_huge_write(&g, GMEM_HUGE_GPA, 2 * SZ_2M, TAG_A);
	gmem_huge_free(&g);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios + 2);

	gmem_huge_punch(&rest, 7 * PAGE_SIZE, PAGE_SIZE);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios + 1);
	gmem_huge_punch(&rest, 0, 2 * SZ_2M);
	gmem_huge_fallocate(&rest, 0, SZ_2M);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios + 1);
	kvm_close(rest.fd);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios);
}

FIXTURE(dirty_log) {};
FIXTURE_SETUP(dirty_log) {}
FIXTURE_TEARDOWN(dirty_log) {}

/*
 * Example: dirty logging of a plain memslot goes on and off.  Private memory
 * has no dirty log, i.e. stays 2M and does not fault.
 */
TEST_F_TIMEOUT(dirty_log, of_another_memslot, GMEM_HUGE_TIMEOUT)
{
	struct gmem_huge g = gmem_huge_create_private(2 * SZ_2M);
	struct gmem_huge_stats before;
	unsigned long bitmap = 0;
	int i;

	gmem_huge_write(&g, GMEM_HUGE_GPA, 2 * SZ_2M, TAG_A);

	for (i = 0; i < 3; i++) {
		vm_mem_region_set_flags(g.vm, GMEM_HUGE_WARM_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
		gmem_huge_write(&g, GMEM_HUGE_WARM_GPA, PAGE_SIZE, TAG_B);
		kvm_vm_get_dirty_log(g.vm, GMEM_HUGE_WARM_SLOT, &bitmap);
		TEST_ASSERT(bitmap & 1, "The plain page should be logged as dirty");

		before = gmem_huge_stats(&g);
		gmem_huge_write(&g, GMEM_HUGE_GPA, 2 * SZ_2M, TAG_A + i);
		TEST_GMEM_MAPPED(&g, 2, 0, "Logging should not split private memory");
		TEST_GMEM_SINCE(&g, before, 0, 0, 0, "Logging should not unmap private memory");

		vm_mem_region_set_flags(g.vm, GMEM_HUGE_WARM_SLOT, 0);
		gmem_huge_check(&g, GMEM_HUGE_GPA, 2 * SZ_2M, TAG_A + i);
		TEST_GMEM_MAPPED(&g, 2, 0, "The end of logging should not unmap private memory");
		TEST_GMEM_SINCE(&g, before, 0, 0, 0, "The end of logging should cost nothing");
	}
	gmem_huge_free(&g);
}

/* Example: a memslot with a file can't be logged, neither new nor later. */
TEST_F_TIMEOUT(dirty_log, of_private_memory_is_refused, GMEM_HUGE_TIMEOUT)
{
	const u32 flags = KVM_MEM_GUEST_MEMFD | KVM_MEM_LOG_DIRTY_PAGES;
	struct gmem_huge g = create(2 * SZ_2M);
	struct gmem_huge_stats before;
	void *hva;
	int r;

	hva = gmem_huge_add_private(&g, SLOT_A, 0, GMEM_HUGE_NR_4K, 0);
	gmem_huge_write(&g, GMEM_HUGE_GPA, SZ_2M, TAG_A);
	before = gmem_huge_stats(&g);

	r = __vm_set_user_memory_region2(g.vm, SLOT_A, flags, GMEM_HUGE_GPA,
					 SZ_2M, hva, g.fd, 0);
	TEST_ASSERT(r && errno == EINVAL, "Switching on a dirty log should be refused");
	r = __vm_set_user_memory_region2(g.vm, SLOT_B, flags, gmem_huge_page(512),
					 SZ_2M, hva, g.fd, SZ_2M);
	TEST_ASSERT(r && errno == EINVAL, "A memslot with a dirty log should be refused");

	gmem_huge_check(&g, GMEM_HUGE_GPA, SZ_2M, TAG_A);
	TEST_GMEM_MAPPED(&g, 1, 0, "Refused flags should change nothing");
	TEST_GMEM_SINCE(&g, before, 0, 0, 0, "Refused flags should cost nothing");
	gmem_huge_free(&g);
}

int main(int argc, char *argv[])
{
	gmem_huge_require();

	return test_harness_run(argc, argv);
}
