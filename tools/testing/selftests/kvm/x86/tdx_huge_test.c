// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private memory of TDs at 2M: mapped, split and given back.
 *
 * Example: a TD accepts 16M at 2M, which takes 8 faults and makes 8 leaves.  It
 * shares one page of the third: that leaf becomes 512 of 4K, of which one is
 * unmapped, and the TD finds in the other 511 what it had written.  Accepted at
 * 4K, memory is mapped at 4K from then on: nothing is promoted in here, see
 * tdx_promote_test.c for that.
 */
#include "kselftest_harness.h"
#include "tdx_huge.h"

#define TAG		0x5a0ull
#define NR_2M		8
#define SIZE		(NR_2M * SZ_2M)
#define NR_4K		GMEM_HUGE_NR_4K

/* A page in the middle of the third 2M */
#define ODD_GPA		(TD_GPA + 2 * SZ_2M + 77 * PAGE_SIZE)

FIXTURE(tdx_huge) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[TD_MAX_VCPUS];
	struct gmem_huge_stats before;
};

static void setup(FIXTURE_DATA(tdx_huge) *self, u32 nr_vcpus, u64 size)
{
	self->before = td_create_running(&self->vm, nr_vcpus, size, self->vcpus);
}

/* Claim how many leaves there are more than in the beginning. */
#define TEST_LEAVES(self, nr_2m, nr_4k, nr_splits)			\
	test_leaves(self, nr_2m, nr_4k, nr_splits, __LINE__)

static void test_leaves(FIXTURE_DATA(tdx_huge) *self, u64 nr_2m, u64 nr_4k,
			u64 nr_splits, unsigned int line)
{
	struct gmem_huge_stats now = td_stats(self->vcpus[0]);
	u64 splits = now.splits - self->before.splits;

	test_td_leaves(self->vcpus[0], &self->before, nr_2m, nr_4k, line);
	TEST_ASSERT(splits == nr_splits, "Line %u: %ld splits, not %ld", line, splits,
		    nr_splits);
}

FIXTURE_SETUP(tdx_huge)
{
	if (td_huge_missing())
		SKIP(return, "%s", td_huge_missing());
	td_set_promote_ms(0);
}

FIXTURE_TEARDOWN(tdx_huge)
{
	if (self->vm)
		kvm_vm_free(self->vm);
	td_set_promote_ms(TD_PROMOTE_MS);
}

TEST_F(tdx_huge, accept_2m)
{
	struct gmem_huge_stats now;

	setup(self, 1, SIZE);
	td_accept(self->vcpus[0], TD_GPA, SIZE, 1);
	TEST_LEAVES(self, NR_2M, 0, 0);

	now = td_stats(self->vcpus[0]);
	TEST_ASSERT(now.faults - self->before.faults <= NR_2M + 1,
		    "%lu faults for %d leaves",
		    now.faults - self->before.faults, NR_2M);

	td_check(self->vcpus[0], TD_GPA, SIZE, 0);
	td_write(self->vcpus[0], TD_GPA, SIZE, TAG);
	td_check(self->vcpus[0], TD_GPA, SIZE, TAG);
}

/* The whole of it: as many faults as leaves, and given back in one go */
TEST_F_TIMEOUT(tdx_huge, accept_1g, GMEM_HUGE_TIMEOUT)
{
	u64 nr_2m = SZ_1G / SZ_2M;
	struct gmem_huge_stats now;

	setup(self, 1, SZ_1G);
	td_accept(self->vcpus[0], TD_GPA, SZ_1G, 1);
	TEST_LEAVES(self, nr_2m, 0, 0);

	now = td_stats(self->vcpus[0]);
	TEST_ASSERT(now.faults - self->before.faults <= nr_2m + 8,
		    "%lu faults for %lu leaves",
		    now.faults - self->before.faults, nr_2m);

	vm_guest_mem_punch_hole(self->vm, TD_GPA, SZ_1G);
	TEST_LEAVES(self, 0, 0, 0);
}

/* Nothing is mapped yet where the TD wants 4K: nothing is mapped larger. */
TEST_F(tdx_huge, accept_4k_first)
{
	setup(self, 1, SIZE);
	td_accept(self->vcpus[0], ODD_GPA, PAGE_SIZE, 0);
	TEST_LEAVES(self, 0, 1, 0);

	/* Nor is the rest of the 2M, but what lies beside. */
	td_accept(self->vcpus[0], ODD_GPA + PAGE_SIZE, PAGE_SIZE, 0);
	td_accept(self->vcpus[0], TD_GPA, 2 * SZ_2M, 1);
	TEST_LEAVES(self, 2, 2, 0);
	td_write(self->vcpus[0], ODD_GPA, 2 * PAGE_SIZE, TAG);
	td_check(self->vcpus[0], TD_GPA, 2 * SZ_2M, 0);
	td_check(self->vcpus[0], ODD_GPA, 2 * PAGE_SIZE, TAG);
}

/* A leaf that nobody has accepted is split by who accepts a part of it. */
TEST_F(tdx_huge, accept_4k_in_2m)
{
	struct kvm_pre_fault_memory range = {
		.gpa = ODD_GPA,
		.size = PAGE_SIZE,
	};

	setup(self, 1, SIZE);
	vcpu_ioctl(self->vcpus[0], KVM_PRE_FAULT_MEMORY, &range);
	TEST_LEAVES(self, 1, 0, 0);

	self->before = td_stats(self->vcpus[0]);
	td_accept(self->vcpus[0], TD_GPA + 2 * SZ_2M, SZ_2M, 0);
	TEST_LEAVES(self, -1ul, NR_4K, 1);
	TEST_ASSERT(td_stats(self->vcpus[0]).faults - self->before.faults <= 2,
		    "The rest needs no fault");
	td_check(self->vcpus[0], TD_GPA + 2 * SZ_2M, SZ_2M, 0);
}

/* At 2M the TD is told that the range is mapped smaller. */
TEST_F(tdx_huge, accept_2m_in_4k)
{
	struct td_op *done;

	setup(self, 1, SIZE);
	td_accept(self->vcpus[0], ODD_GPA, PAGE_SIZE, 0);
	done = td_do(self->vcpus[0], (struct td_op){
		TD_ACCEPT, TD_GPA + 2 * SZ_2M, SZ_2M, 0, 1,
	});
	TEST_ASSERT_EQ(done->result >> 32, TD_SIZE_MISMATCH);
	TEST_LEAVES(self, 0, 1, 0);
}

/* The neighbours of a page that is shared, and comes back, notice nothing. */
TEST_F(tdx_huge, convert_one_page)
{
	gpa_t third = TD_GPA + 2 * SZ_2M;
	struct gmem_huge_stats split;

	setup(self, 1, SIZE);
	td_accept(self->vcpus[0], TD_GPA, SIZE, 1);
	td_write(self->vcpus[0], TD_GPA, SIZE, TAG);

	td_share(self->vcpus[0], ODD_GPA, PAGE_SIZE);
	TEST_LEAVES(self, NR_2M - 1, NR_4K - 1, 1);
	split = td_stats(self->vcpus[0]);
	td_check(self->vcpus[0], third, ODD_GPA - third, TAG);
	td_check(self->vcpus[0], ODD_GPA + PAGE_SIZE,
		 third + SZ_2M - ODD_GPA - PAGE_SIZE, TAG);
	TEST_ASSERT_EQ(td_stats(self->vcpus[0]).faults, split.faults);

	td_unshare(self->vcpus[0], ODD_GPA, PAGE_SIZE);
	td_accept(self->vcpus[0], ODD_GPA, PAGE_SIZE, 0);
	TEST_LEAVES(self, NR_2M - 1, NR_4K, 1);
	td_check(self->vcpus[0], ODD_GPA, PAGE_SIZE, 0);
	td_write(self->vcpus[0], ODD_GPA, PAGE_SIZE, TAG);
	td_check(self->vcpus[0], TD_GPA, SIZE, TAG);
}

/* Whole leaves are converted without a split. */
TEST_F(tdx_huge, convert_leaves)
{
	setup(self, 1, SIZE);
	td_accept(self->vcpus[0], TD_GPA, SIZE, 1);
	td_share(self->vcpus[0], TD_GPA + SZ_2M, 2 * SZ_2M);
	TEST_LEAVES(self, NR_2M - 2, 0, 0);

	td_unshare(self->vcpus[0], TD_GPA + SZ_2M, 2 * SZ_2M);
	td_accept(self->vcpus[0], TD_GPA + SZ_2M, 2 * SZ_2M, 1);
	TEST_LEAVES(self, NR_2M, 0, 0);
	td_check(self->vcpus[0], TD_GPA + SZ_2M, 2 * SZ_2M, 0);
}

/* A hole takes what is in it, and splits what it cuts. */
TEST_F(tdx_huge, punch_hole)
{
	setup(self, 1, SIZE);
	td_accept(self->vcpus[0], TD_GPA, SIZE, 1);
	td_write(self->vcpus[0], TD_GPA, SIZE, TAG);

	vm_guest_mem_punch_hole(self->vm, TD_GPA + SZ_2M / 2, 2 * SZ_2M);
	TEST_LEAVES(self, NR_2M - 3, NR_4K, 2);
	td_check(self->vcpus[0], TD_GPA, SZ_2M / 2, TAG);
	td_check(self->vcpus[0], TD_GPA + 2 * SZ_2M + SZ_2M / 2,
		 SIZE - 2 * SZ_2M - SZ_2M / 2, TAG);
}

/* However small the leaves are, a hole takes them together. */
TEST_F_TIMEOUT(tdx_huge, zap_4k, GMEM_HUGE_TIMEOUT)
{
	u64 size = 2 * SIZE;

	setup(self, 2, size);
	td_accept(self->vcpus[0], TD_GPA, size, 0);
	td_write(self->vcpus[1], TD_GPA, size, TAG);
	TEST_LEAVES(self, 0, 2 * NR_2M * NR_4K, 0);

	vm_guest_mem_punch_hole(self->vm, TD_GPA, size);
	TEST_LEAVES(self, 0, 0, 0);
	/* Who wanted 4K gets 4K again. */
	td_accept(self->vcpus[1], ODD_GPA, PAGE_SIZE, 0);
	td_check(self->vcpus[0], ODD_GPA, PAGE_SIZE, 0);
	TEST_LEAVES(self, 0, 1, 0);
}

/* A TD ends with memory of both sizes, of which not everything is accepted. */
TEST_F(tdx_huge, end_with_both_sizes)
{
	setup(self, 2, SIZE);
	td_accept(self->vcpus[0], TD_GPA, SIZE / 2, 1);
	td_accept(self->vcpus[1], TD_GPA + SIZE / 2, SZ_2M, 0);
	td_share(self->vcpus[1], ODD_GPA, 3 * PAGE_SIZE);
	TEST_LEAVES(self, NR_2M / 2 - 1, 2 * NR_4K - 3, 1);
}

/* One vCPU uses what another one has split below it. */
TEST_F(tdx_huge, split_under_others)
{
	int i;

	setup(self, 4, SIZE);
	td_accept(self->vcpus[0], TD_GPA, SIZE, 1);
	td_write(self->vcpus[1], TD_GPA, SIZE, TAG);
	for (i = 0; i < 4; i++) {
		td_share(self->vcpus[i], TD_GPA + i * SZ_2M, PAGE_SIZE);
		td_check(self->vcpus[(i + 1) % 4],
			 TD_GPA + i * SZ_2M + PAGE_SIZE, SZ_2M - PAGE_SIZE, TAG);
	}
	TEST_LEAVES(self, NR_2M - 4, 4 * (NR_4K - 1), 4);
	td_check(self->vcpus[3], TD_GPA + 4 * SZ_2M, SIZE - 4 * SZ_2M, TAG);
}

TEST_HARNESS_MAIN
