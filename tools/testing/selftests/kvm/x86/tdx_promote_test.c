// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges of TDs that were split become whole again.
 *
 * Example: 2M of accepted and written memory, a scan every 20 ms.
 *
 *	share page 77			1 DEMOTE, 511 leaves of 4K
 *	back to private, accept it	512 leaves of 4K
 *	within a few scans		1 PROMOTE, 1 leaf of 2M
 *	read all pages			no fault, all content kept
 *
 * A range stays at 4K as long as a page of it is shared, or not accepted while
 * others are.
 */
#include "kselftest_harness.h"
#include "tdx_huge.h"

#define TAG	0x9a0ull
#define ODD_GPA	(TD_GPA + 77 * PAGE_SIZE)
#define NR_4K	GMEM_HUGE_NR_4K

#define SCAN_MS	20
/* Six tries are spread over 63 scans; a host under emulation is slow. */
#define WAIT_MS	20000

FIXTURE(promote) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[TD_MAX_VCPUS];
	struct gmem_huge_stats before;
};

static bool is_dead(struct kvm_vm *vm)
{
	return ioctl(vm->fd, KVM_CHECK_EXTENSION, 0) < 0;
}

/* Wait until the counter of promotions, or of tries in vain, is at @nr. */
static bool wait_for(FIXTURE_DATA(promote) *self, bool promoted, u64 nr)
{
	int ms;

	for (ms = 0; ms < WAIT_MS && !is_dead(self->vm); ms += SCAN_MS) {
		if ((promoted ? vm_get_stat(self->vm, sept_promotions) :
				vm_get_stat(self->vm, sept_promotion_fails)) >= nr)
			return true;
		usleep(SCAN_MS * 1000);
	}
	return false;
}

static bool wait_for_promotions(FIXTURE_DATA(promote) *self, u64 nr)
{
	return wait_for(self, true, nr);
}

/* Wait until the range was looked at @nr more times, in vain. */
static bool wait_for_fails(FIXTURE_DATA(promote) *self, u64 nr)
{
	u64 wanted = vm_get_stat(self->vm, sept_promotion_fails) + nr;

	return wait_for(self, false, wanted);
}

/*
 * Wait until the first range is one leaf.  The number of promotions does not tell
 * where a scan may come between a split and the vCPU that has it split.
 */
static bool wait_for_leaf(FIXTURE_DATA(promote) *self)
{
	int ms;

	for (ms = 0; ms < WAIT_MS && !is_dead(self->vm); ms += SCAN_MS) {
		if (td_stats(self->vcpus[0]).pages_2m > self->before.pages_2m)
			return true;
		usleep(SCAN_MS * 1000);
	}
	return false;
}

/* Claim how many leaves there are more than in the beginning. */
#define TEST_LEAVES(self, nr_2m, nr_4k) test_leaves(self, nr_2m, nr_4k, __LINE__)

static void test_leaves(FIXTURE_DATA(promote) *self, u64 nr_2m, u64 nr_4k,
			unsigned int line)
{
	test_td_leaves(self->vcpus[0], &self->before, nr_2m, nr_4k, line);
}

FIXTURE_SETUP(promote)
{
	if (td_huge_missing())
		SKIP(return, "%s", td_huge_missing());

	td_set_promote_ms(SCAN_MS);
	self->before = td_create_running(&self->vm, 4, 2 * SZ_2M, self->vcpus);
}

FIXTURE_TEARDOWN(promote)
{
	if (self->vm)
		kvm_vm_free(self->vm);
	td_set_promote_ms(TD_PROMOTE_MS);
}

static void accept_and_write(FIXTURE_DATA(promote) *self)
{
	td_accept(self->vcpus[0], TD_GPA, SZ_2M, 1);
	td_write(self->vcpus[0], TD_GPA, SZ_2M, TAG);
	TEST_LEAVES(self, 1, 0);
}

static void convert_back(FIXTURE_DATA(promote) *self, gpa_t gpa)
{
	td_unshare(self->vcpus[0], gpa, PAGE_SIZE);
	td_accept(self->vcpus[0], gpa, PAGE_SIZE, 0);
	td_write(self->vcpus[0], gpa, PAGE_SIZE, TAG);
}

/* One leaf, and no vCPU has to fault to find in it what it left there. */
static void claim_2m_and_kept(FIXTURE_DATA(promote) *self)
{
	u64 faults = td_stats(self->vcpus[0]).faults;

	TEST_LEAVES(self, 1, 0);
	td_check(self->vcpus[0], TD_GPA, SZ_2M, TAG);
	TEST_ASSERT_EQ(td_stats(self->vcpus[0]).faults, faults);
}

TEST_F_TIMEOUT(promote, after_a_conversion, GMEM_HUGE_TIMEOUT)
{
	u64 promotions;

	accept_and_write(self);
	promotions = td_stats(self->vcpus[0]).promotions;
	td_share(self->vcpus[0], ODD_GPA, PAGE_SIZE);
	TEST_LEAVES(self, 0, NR_4K - 1);

	convert_back(self, ODD_GPA);
	TEST_ASSERT(wait_for_promotions(self, 1), "The range should come back");
	claim_2m_and_kept(self);
	TEST_ASSERT_EQ(td_stats(self->vcpus[0]).promotions, promotions + 1);
}

/* Once is not for ever, and a leaf that came back is split like any other. */
TEST_F_TIMEOUT(promote, again_and_again, GMEM_HUGE_TIMEOUT)
{
	int i;

	accept_and_write(self);
	for (i = 1; i <= 3; i++) {
		td_share(self->vcpus[0], TD_GPA + 100 * i * PAGE_SIZE, PAGE_SIZE);
		convert_back(self, TD_GPA + 100 * i * PAGE_SIZE);
		TEST_ASSERT(wait_for_promotions(self, i), "Time %d should work", i);
		claim_2m_and_kept(self);
	}
}

/* A TD that accepts page by page has leaves of 2M in the end. */
TEST_F_TIMEOUT(promote, accepted_at_4k, GMEM_HUGE_TIMEOUT)
{
	td_accept(self->vcpus[0], TD_GPA, SZ_2M, 0);
	td_write(self->vcpus[0], TD_GPA, SZ_2M, TAG);
	TEST_ASSERT(wait_for_promotions(self, 1), "The range should become whole");
	claim_2m_and_kept(self);
}

TEST_F_TIMEOUT(promote, not_while_shared, GMEM_HUGE_TIMEOUT)
{
	accept_and_write(self);
	td_share(self->vcpus[0], ODD_GPA, PAGE_SIZE);
	TEST_ASSERT(wait_for_fails(self, 4), "The range should be looked at");
	TEST_LEAVES(self, 0, NR_4K - 1);
	TEST_ASSERT_EQ(vm_get_stat(self->vm, sept_promotions), 0);
	td_check(self->vcpus[0], TD_GPA, ODD_GPA - TD_GPA, TAG);

	convert_back(self, ODD_GPA);
	TEST_ASSERT(wait_for_promotions(self, 1), "The range should come back");
	claim_2m_and_kept(self);
}

/* KVM can't know what is accepted: the module refuses, and the TD goes on. */
TEST_F_TIMEOUT(promote, not_while_pending, GMEM_HUGE_TIMEOUT)
{
	struct kvm_pre_fault_memory page = {
		.gpa = ODD_GPA,
		.size = PAGE_SIZE,
	};

	accept_and_write(self);
	td_share(self->vcpus[0], ODD_GPA, PAGE_SIZE);
	td_unshare(self->vcpus[0], ODD_GPA, PAGE_SIZE);
	vcpu_ioctl(self->vcpus[0], KVM_PRE_FAULT_MEMORY, &page);
	TEST_LEAVES(self, 0, NR_4K);

	TEST_ASSERT(wait_for_fails(self, 3), "The module should be asked");
	TEST_LEAVES(self, 0, NR_4K);
	TEST_ASSERT_EQ(vm_get_stat(self->vm, sept_promotions), 0);
	td_check(self->vcpus[0], TD_GPA, ODD_GPA - TD_GPA, TAG);

	td_accept(self->vcpus[0], ODD_GPA, PAGE_SIZE, 0);
	td_write(self->vcpus[0], ODD_GPA, PAGE_SIZE, TAG);
	TEST_ASSERT(wait_for_promotions(self, 1), "The range should come back");
	claim_2m_and_kept(self);
}

/* Nothing is accepted, i.e. all is alike.  Who accepts 4K then has it split. */
TEST_F_TIMEOUT(promote, all_pending, GMEM_HUGE_TIMEOUT)
{
	struct kvm_pre_fault_memory range = {
		.gpa = TD_GPA,
		.size = SZ_2M,
	};

	/* Wanted at 4K by who accepts a page of it, which goes away again */
	td_accept(self->vcpus[0], ODD_GPA, PAGE_SIZE, 0);
	vm_guest_mem_punch_hole(self->vm, TD_GPA, SZ_2M);
	while (range.size)
		vcpu_ioctl(self->vcpus[0], KVM_PRE_FAULT_MEMORY, &range);
	TEST_ASSERT(wait_for_promotions(self, 1), "All pending is alike");
	TEST_LEAVES(self, 1, 0);

	td_accept(self->vcpus[0], TD_GPA, SZ_2M, 0);
	td_write(self->vcpus[0], TD_GPA, SZ_2M, TAG);
	TEST_ASSERT(wait_for_promotions(self, 2) && wait_for_leaf(self), "And so is all accepted");
	claim_2m_and_kept(self);
}

/* The neighbour of a hole keeps its pages; what is freed is no leaf's part. */
TEST_F_TIMEOUT(promote, not_over_a_hole, GMEM_HUGE_TIMEOUT)
{
	accept_and_write(self);
	vm_guest_mem_punch_hole(self->vm, ODD_GPA, PAGE_SIZE);
	td_accept(self->vcpus[0], ODD_GPA, PAGE_SIZE, 0);
	td_write(self->vcpus[0], ODD_GPA, PAGE_SIZE, TAG);
	TEST_LEAVES(self, 0, NR_4K);
	usleep(10 * SCAN_MS * 1000);
	TEST_LEAVES(self, 0, NR_4K);
	td_check(self->vcpus[0], TD_GPA, SZ_2M, TAG);
}

struct user {
	struct kvm_vcpu *vcpu;
	bool *stop;
	int nr_rounds;
};

static void *use_range(void *arg)
{
	struct user *user = arg;

	while (!READ_ONCE(*user->stop)) {
		td_check(user->vcpu, TD_GPA, ODD_GPA - TD_GPA, TAG);
		td_write(user->vcpu, TD_GPA, ODD_GPA - TD_GPA, TAG);
		user->nr_rounds++;
	}
	return NULL;
}

/* Others use the range all the while, and find what they left there. */
TEST_F_TIMEOUT(promote, under_others, GMEM_HUGE_TIMEOUT)
{
	struct user users[2];
	pthread_t threads[2];
	bool stop = false;
	int i;

	accept_and_write(self);
	for (i = 0; i < 2; i++) {
		users[i] = (struct user){ self->vcpus[i + 1], &stop };
		pthread_create(&threads[i], NULL, use_range, &users[i]);
	}
	for (i = 1; i <= 3; i++) {
		td_share(self->vcpus[0], ODD_GPA, PAGE_SIZE);
		convert_back(self, ODD_GPA);
		TEST_ASSERT(wait_for_promotions(self, i), "Time %d should work", i);
	}
	WRITE_ONCE(stop, true);
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		TEST_ASSERT(users[i].nr_rounds, "User %d did nothing", i);
	}
	claim_2m_and_kept(self);
}

/* Nothing is scanned if that is switched off; a TD may end while it is scanned. */
TEST_F_TIMEOUT(promote, switched_off, GMEM_HUGE_TIMEOUT)
{
	td_set_promote_ms(0);
	accept_and_write(self);
	td_share(self->vcpus[0], ODD_GPA, PAGE_SIZE);
	convert_back(self, ODD_GPA);
	usleep(10 * SCAN_MS * 1000);
	TEST_LEAVES(self, 0, NR_4K);

	td_set_promote_ms(1);
	td_share(self->vcpus[0], ODD_GPA, PAGE_SIZE);
	convert_back(self, ODD_GPA);
}

TEST_HARNESS_MAIN
