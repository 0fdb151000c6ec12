// SPDX-License-Identifier: GPL-2.0-only
/*
 * The launch of an SNP guest beside what else takes its memory in hand.
 *
 * Worked example: 511 pages of 2M are launched one by one, the last one fails
 * time and again, and scans look for ranges to promote.
 *
 *	copied, assigned, refused, taken back	under the folio lock
 *	all 512 assigned?			under the folio lock: no
 *
 * Had a scan found the page assigned, it would make the 512 immutable one after
 * the other; by the time it comes to the last one that is the host's again, and the
 * next attempt writes to it.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <time.h>

#include "gmem_snp.h"
#include "gmem_snp_host.h"
#include "kselftest_harness.h"

#define LAST			(GMEM_SNP_NR_4K - 1)
#define FOR_EVER		0x7fffffff
#define PAGE_RECLAIM_CMD	0xc7
#define INVALID_PAGE_STATE	0x1a
#define NR_THREADS		4
#define RACE_SECONDS		3

static void *image;

FIXTURE(race) {
	struct kvm_vm *vm;
	int fd;
	u64 quarantined;
	/* What the test means to lose. */
	u64 lost;
};

/* Folios of guest_memfd and other pages. */
static u64 all_quarantined(void)
{
	return gmem_snp_quarantined() + kvm_get_module_param_integer("snp_quarantine", "pages");
}

FIXTURE_SETUP(race)
{
	const struct vm_shape shape = { .mode = VM_MODE_DEFAULT, .type = KVM_X86_SNP_VM };
	struct kvm_vm *vm = __vm_create(shape, 1, 0);
	void *hva = kvm_mmap(SZ_2M, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	snp_rmp_ignore_owned();
	self->quarantined = all_quarantined();
	image = kvm_mmap(SZ_2M, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	self->fd = vm_create_guest_memfd(vm, SZ_2M, GUEST_MEMFD_FLAG_LARGE_FOLIOS);
	vm_set_user_memory_region2(vm, GMEM_SNP_SLOT, KVM_MEM_GUEST_MEMFD, GMEM_SNP_GPA, SZ_2M,
				   hva, self->fd, 0);
	vm_mem_set_private(vm, GMEM_SNP_GPA, SZ_2M);
	snp_vm_launch_start(vm, snp_default_policy());
	self->vm = vm;
}

FIXTURE_TEARDOWN(race)
{
	snp_inject_nothing();
	kvm_free_fd(self->fd);
	kvm_vm_free(self->vm);
	TEST_ASSERT_EQ(all_quarantined() - self->quarantined, self->lost);
	TEST_ASSERT_EQ(snp_rmp_nr_owned(), self->lost);
}

/* With @sev_fd -1 there is no firmware to give it to.  Returns 0 or errno. */
static int launch(struct kvm_vm *vm, u64 page, u64 nr_pages, int sev_fd)
{
	struct kvm_sev_snp_launch_update data = {
		.gfn_start	= GMEM_SNP_GPA / PAGE_SIZE + page,
		.uaddr		= (u64)image,
		.len		= nr_pages * PAGE_SIZE,
		.type		= KVM_SEV_SNP_PAGE_TYPE_NORMAL,
	};
	struct kvm_sev_cmd command = {
		.id	= KVM_SEV_SNP_LAUNCH_UPDATE,
		.data	= (u64)&data,
		.sev_fd	= sev_fd,
	};

	return ioctl(vm->fd, KVM_MEMORY_ENCRYPT_OP, &command) ? errno : 0;
}

static bool time_is_left(const struct timespec *start)
{
	return timespec_to_ns(timespec_elapsed(*start)) < RACE_SECONDS * NSEC_PER_SEC;
}

/* The range is complete for as long as its last page is refused, and never longer. */
TEST_F_TIMEOUT(race, page_beside_promotion, GMEM_SNP_TIMEOUT)
{
	struct timespec start;
	u64 tries = 0;

	TEST_ASSERT_EQ(launch(self->vm, 0, LAST, self->vm->arch.sev_fd), 0);
	gmem_snp_set_promote_ms(1);

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (; time_is_left(&start); tries++)
		TEST_ASSERT_EQ(launch(self->vm, LAST, 1, -1), EIO);
	ksft_print_msg("%lu tries\n", tries);

	TEST_ASSERT_EQ(vm_get_stat(self->vm, rmp_promotions), 0);
	/* Which says as well that the VM is not dead. */
	TEST_ASSERT_EQ(launch(self->vm, LAST, 1, self->vm->arch.sev_fd), 0);
	snp_vm_launch_finish(self->vm);
}

static pthread_barrier_t barrier;

static void *launch_all(void *arg)
{
	pthread_barrier_wait(&barrier);
	return (void *)(long)launch(arg, 0, GMEM_SNP_NR_4K, -1);
}

/*
 * The 2M can't be taken back from the launch that failed: the VM is dead, and those
 * that waited for their turn find memory that nobody may clear.
 */
TEST_F_TIMEOUT(race, launches_of_what_is_lost, GMEM_SNP_TIMEOUT)
{
	pthread_t threads[NR_THREADS];
	void *r;
	int i;

	gmem_snp_set_promote_ms(0);
	snp_inject(SNP_INJECT_PSP_STATUS, (struct snp_inject) {
		.count = FOR_EVER, .match = PAGE_RECLAIM_CMD, .value = INVALID_PAGE_STATE,
	});

	pthread_barrier_init(&barrier, NULL, NR_THREADS);
	for (i = 0; i < NR_THREADS; i++)
		pthread_create(&threads[i], NULL, launch_all, self->vm);
	for (i = 0; i < NR_THREADS; i++) {
		pthread_join(threads[i], &r);
		TEST_ASSERT((long)r == EIO, "Launch %d should fail with EIO, got %ld", i, (long)r);
	}
	pthread_barrier_destroy(&barrier);
	self->lost = GMEM_SNP_NR_4K;
}

/*
 * The RMP refuses once to give a page back from a launch that failed.  The VM is dead,
 * and its memory is taken back all the same when the file is closed.
 */
TEST_F_TIMEOUT(race, page_is_not_lost_at_once, GMEM_SNP_TIMEOUT)
{
	snp_inject(SNP_INJECT_RMPUPDATE_INUSE, (struct snp_inject) { .skip = 1, .count = 1 });
	TEST_ASSERT_EQ(launch(self->vm, 0, 1, -1), EIO);
	TEST_ASSERT_EQ(snp_inject_left(SNP_INJECT_RMPUPDATE_INUSE), 0);
	TEST_ASSERT_EQ(launch(self->vm, 1, 1, self->vm->arch.sev_fd), EIO);
}

static int run(int argc, char **argv)
{
	snp_host_require();
	snp_inject_nothing();
	return test_harness_run(argc, argv);
}

int main(int argc, char **argv)
{
	return gmem_snp_main(argc, argv, 0, run);
}
