// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memslots and files of TDs come and go while 2M leaves map them.
 *
 * Example: a slot of 8M is mapped by 4 leaves of 2M.  Deleting the slot takes
 * them from the TD, and with them their content.  Added anew, with an odd end,
 * the last range of the slot is mapped at 4K.
 */
#include "kselftest_harness.h"
#include "tdx_huge.h"

#define TAG	0x510ull
#define NR_2M	4
#define SIZE	(NR_2M * SZ_2M)
#define NR_4K	GMEM_HUGE_NR_4K
#define ODD_GPA	(TD_GPA + SZ_2M + 77 * PAGE_SIZE)

FIXTURE(tdx_slot) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[TD_MAX_VCPUS];
	struct gmem_huge_stats before;
};

/* Claim how many leaves there are more than in the beginning. */
#define TEST_LEAVES(self, nr_2m, nr_4k) test_leaves(self, nr_2m, nr_4k, __LINE__)

static void test_leaves(FIXTURE_DATA(tdx_slot) *self, u64 nr_2m, u64 nr_4k,
			unsigned int line)
{
	test_td_leaves(self->vcpus[0], &self->before, nr_2m, nr_4k, line);
}

FIXTURE_SETUP(tdx_slot)
{
	if (td_huge_missing())
		SKIP(return, "%s", td_huge_missing());

	td_set_promote_ms(0);
	self->before = td_create_running(&self->vm, 2, SIZE, self->vcpus);
}

FIXTURE_TEARDOWN(tdx_slot)
{
	if (self->vm)
		kvm_vm_free(self->vm);
	td_set_promote_ms(TD_PROMOTE_MS);
}

/* Change the slot of the tests' memory; a size of 0 deletes it. */
static int set_slot(FIXTURE_DATA(tdx_slot) *self, gpa_t gpa, u64 size)
{
	struct kvm_userspace_memory_region2 *slot =
		&memslot2region(self->vm, TD_SLOT)->region;

	return __vm_set_user_memory_region2(self->vm, TD_SLOT, slot->flags, gpa, size,
					    (void *)slot->userspace_addr,
					    slot->guest_memfd, slot->guest_memfd_offset);
}

static void accept_and_write(FIXTURE_DATA(tdx_slot) *self)
{
	td_accept(self->vcpus[0], TD_GPA, SIZE, 1);
	td_write(self->vcpus[0], TD_GPA, SIZE, TAG);
	TEST_LEAVES(self, NR_2M, 0);
}

TEST_F(tdx_slot, delete_and_add)
{
	accept_and_write(self);
	td_share(self->vcpus[0], ODD_GPA, PAGE_SIZE);
	TEST_LEAVES(self, NR_2M - 1, NR_4K - 1);

	TEST_ASSERT_EQ(set_slot(self, TD_GPA, 0), 0);
	TEST_LEAVES(self, 0, 0);

	TEST_ASSERT_EQ(set_slot(self, TD_GPA, SIZE), 0);
	td_accept(self->vcpus[1], TD_GPA, SZ_2M, 1);
	td_check(self->vcpus[1], TD_GPA, SZ_2M, 0);
	TEST_LEAVES(self, 1, 0);
	td_accept(self->vcpus[1], TD_GPA + 2 * SZ_2M, 2 * SZ_2M, 1);
	td_check(self->vcpus[0], TD_GPA + 2 * SZ_2M, 2 * SZ_2M, 0);
	TEST_LEAVES(self, 3, 0);
}

/* No leaf is larger than what the slot has of its range. */
TEST_F(tdx_slot, odd_end)
{
	struct td_op *done;

	TEST_ASSERT_EQ(set_slot(self, TD_GPA, 0), 0);
	TEST_ASSERT_EQ(set_slot(self, TD_GPA, SIZE - SZ_1M), 0);
	td_accept(self->vcpus[0], TD_GPA, SIZE - SZ_2M, 1);
	TEST_LEAVES(self, NR_2M - 1, 0);

	done = td_do(self->vcpus[0], (struct td_op){
		TD_ACCEPT, TD_GPA + SIZE - SZ_2M, SZ_2M, 0, 1,
	});
	TEST_ASSERT_EQ(done->result >> 32, TD_SIZE_MISMATCH);
	td_accept(self->vcpus[0], TD_GPA + SIZE - SZ_2M, SZ_1M, 0);
	TEST_LEAVES(self, NR_2M - 1, NR_4K / 2);
	td_write(self->vcpus[0], TD_GPA, SIZE - SZ_1M, TAG);
	td_check(self->vcpus[1], TD_GPA, SIZE - SZ_1M, TAG);
}

/* KVM moves no slot with a file: nothing happens to what is mapped. */
TEST_F(tdx_slot, move_is_refused)
{
	accept_and_write(self);
	TEST_ASSERT_EQ(set_slot(self, TD_GPA + SZ_1G, SIZE), -1);
	TEST_ASSERT_EQ(errno, EINVAL);
	TEST_LEAVES(self, NR_2M, 0);
	td_check(self->vcpus[1], TD_GPA, SIZE, TAG);
}

/* What is mapped before the TD comes is there, and it accepts it without a fault. */
TEST_F(tdx_slot, prefault)
{
	struct kvm_pre_fault_memory range = {
		.gpa = TD_GPA,
		.size = SIZE,
	};
	u64 faults;

	while (range.size)
		vcpu_ioctl(self->vcpus[0], KVM_PRE_FAULT_MEMORY, &range);
	TEST_LEAVES(self, NR_2M, 0);

	faults = td_stats(self->vcpus[0]).faults;
	td_accept(self->vcpus[0], TD_GPA, SIZE, 1);
	TEST_ASSERT_EQ(td_stats(self->vcpus[0]).faults, faults);
	td_check(self->vcpus[1], TD_GPA, SIZE, 0);
	TEST_LEAVES(self, NR_2M, 0);
}

/* A hole among 4K leaves is prefaulted with its own page, not with the first. */
TEST_F(tdx_slot, prefault_into_table)
{
	struct kvm_pre_fault_memory page = {
		.gpa = ODD_GPA,
		.size = PAGE_SIZE,
	};

	accept_and_write(self);
	td_share(self->vcpus[0], ODD_GPA, PAGE_SIZE);
	td_unshare(self->vcpus[0], ODD_GPA, PAGE_SIZE);
	vcpu_ioctl(self->vcpus[0], KVM_PRE_FAULT_MEMORY, &page);
	TEST_LEAVES(self, NR_2M - 1, NR_4K);

	td_accept(self->vcpus[0], ODD_GPA, PAGE_SIZE, 0);
	td_check(self->vcpus[0], ODD_GPA, PAGE_SIZE, 0);
	td_write(self->vcpus[0], ODD_GPA, PAGE_SIZE, TAG);
	td_check(self->vcpus[1], TD_GPA, SIZE, TAG);
}

/* The file takes the memory along when it goes, and the TD goes on without. */
TEST_F(tdx_slot, file_closed_in_use)
{
	struct userspace_mem_region *region = memslot2region(self->vm, TD_SLOT);

	accept_and_write(self);
	td_share(self->vcpus[0], ODD_GPA, PAGE_SIZE);
	kvm_free_fd(region->region.guest_memfd);
	TEST_LEAVES(self, 0, 0);
	td_write(self->vcpus[1], TD_GPA, 0, 0);
	TEST_LEAVES(self, 0, 0);
}

TEST_HARNESS_MAIN
