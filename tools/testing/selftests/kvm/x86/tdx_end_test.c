// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a TD: its key goes first, its memory is reclaimed afterwards.
 *
 * Example: a TD has 8 leaves of 2M when its VMM is killed.
 *
 *	VP.FLUSH, MNG.VPFLUSHDONE, PHYMEM.CACHE.WB, MNG.KEY.FREEID
 *	8 x PHYMEM.PAGE.RECLAIM		no BLOCK, no TRACK, no REMOVE
 *
 * A file of guest_memfd that another process shares is reclaimed when that lets
 * go of it, in parts as it likes: what it cuts is lost, as nobody will read it.
 *
 * Nobody asks the module for something that takes a key once there is none: that
 * the kernel says nothing is part of each test.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "tdx_host.h"
#include "tdx_huge.h"

#define TAG		0x77ull
#define NR_2M		8
#define SIZE		(NR_2M * SZ_2M)
#define QUARANTINED	"/sys/module/kvm/parameters/gmem_quarantined_pages"

/* Calls that zap leaves of a TD that has a key, and those that take any page */
struct calls {
	u64 zaps;
	u64 reclaims;
};

/* What the VMM does until it is killed */
enum doing { NOTHING, USE, CONVERT };

FIXTURE(tdx_end) {
	struct calls before;
	u64 quarantined;
	pid_t vmm;
	int fd;
	/* The kernel's messages from the beginning of the test on */
	int messages;
};

static u64 quarantined(void)
{
	FILE *file = fopen(QUARANTINED, "r");
	u64 nr;

	TEST_ASSERT(file && fscanf(file, "%lu", &nr) == 1, "Cannot read " QUARANTINED);
	fclose(file);
	return nr;
}

static struct calls calls(void)
{
	static const u32 zaps[] = {
		TDH_MEM_RANGE_BLOCK, TDH_MEM_TRACK, TDH_MEM_PAGE_REMOVE, TDH_MEM_PAGE_DEMOTE,
	};
	struct calls calls = { .reclaims = tdx_host_calls(TDH_PHYMEM_PAGE_RECLAIM, 0) };
	int i;

	for (i = 0; i < ARRAY_SIZE(zaps); i++)
		calls.zaps += tdx_host_calls(zaps[i], 0) + tdx_host_calls(zaps[i], 1);
	return calls;
}

/* Half of the ranges at 2M, one at 4K, and one that is not accepted */
static struct kvm_vm *create(struct kvm_vcpu *vcpus[])
{
	struct kvm_pre_fault_memory range = {
		.gpa = TD_GPA + SIZE - SZ_2M,
		.size = SZ_2M,
	};
	struct kvm_vm *vm = td_create(4, SIZE, vcpus);
	int i;

	for (i = 0; i < 4; i++)
		td_accept(vcpus[i], TD_GPA + i * SZ_2M, SZ_2M, 1);
	td_accept(vcpus[0], TD_GPA + SIZE / 2, SZ_2M, 0);
	vcpu_ioctl(vcpus[1], KVM_PRE_FAULT_MEMORY, &range);
	td_write(vcpus[2], TD_GPA, SZ_2M, TAG);
	return vm;
}

static void *use_memory(void *vcpu)
{
	for (;;)
		td_check(vcpu, TD_GPA, SZ_2M, TAG);
	return NULL;
}

/* The range is split, and promoted if it is given the time. */
static void convert_range(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	td_share(vcpu, gpa, PAGE_SIZE);
	td_unshare(vcpu, gpa, PAGE_SIZE);
	td_accept(vcpu, gpa, PAGE_SIZE, 0);
	usleep(2000);
}

static void *convert_memory(void *vcpu)
{
	int i;

	for (i = 0;; i = (i + 1) % (NR_2M / 2))
		convert_range(vcpu, TD_GPA + i * SZ_2M + SZ_2M / 2);
	return NULL;
}

/* A VMM of its own: tells the number of its file, and goes on until it is killed. */
static void vmm(int pipe, enum doing what)
{
	struct kvm_vcpu *vcpus[TD_MAX_VCPUS];
	struct kvm_vm *vm = create(vcpus);
	int fd = memslot2region(vm, TD_SLOT)->region.guest_memfd;
	pthread_t thread;
	int i;

	if (what == CONVERT)
		kvm_pthread_create(&thread, NULL, convert_memory, vcpus[0]);
	for (i = what == USE ? 0 : 4; i < 4; i++)
		kvm_pthread_create(&thread, NULL, use_memory, vcpus[i]);
	TEST_ASSERT_EQ(write(pipe, &fd, sizeof(fd)), sizeof(fd));
	pause();
}

/* Start a VMM, and share its file, which outlives it. */
static void start_vmm(FIXTURE_DATA(tdx_end) *self, enum doing what)
{
	int pipes[2], fd, pidfd;

	TEST_ASSERT(!pipe(pipes), "There should be a pipe");
	self->vmm = fork();
	if (!self->vmm)
		vmm(pipes[1], what);
	close(pipes[1]);

	TEST_ASSERT_EQ(read(pipes[0], &fd, sizeof(fd)), sizeof(fd));
	close(pipes[0]);
	pidfd = syscall(SYS_pidfd_open, self->vmm, 0);
	self->fd = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	TEST_ASSERT(self->fd >= 0, "The file should be shared");
	close(pidfd);
	self->before = calls();
}

static void close_file(FIXTURE_DATA(tdx_end) *self)
{
	close(self->fd);
	self->fd = -1;
}

static void kill_vmm(FIXTURE_DATA(tdx_end) *self)
{
	kill(self->vmm, SIGKILL);
	TEST_ASSERT_EQ(waitpid(self->vmm, NULL, 0), self->vmm);
	self->vmm = 0;
}

/* With its last thread, a worker of KVM's among them, the address space goes. */
static void kill_and_count(FIXTURE_DATA(tdx_end) *self)
{
	kill_vmm(self);
	self->before = calls();
}

static void punch(int fd, u64 offset, u64 size)
{
	TEST_ASSERT(!fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset,
			       size), "Punching 0x%lx should work, errno %d", offset, errno);
}

FIXTURE_SETUP(tdx_end)
{
	self->fd = -1;
	if (td_huge_missing())
		SKIP(return, "%s", td_huge_missing());
	if (!tdx_host_is_there())
		SKIP(return, "The host does not count calls of the module");
	td_set_promote_ms(0);
	self->quarantined = quarantined();
	self->messages = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	TEST_ASSERT(self->messages >= 0 && !lseek(self->messages, 0, SEEK_END),
		    "Cannot read the kernel's messages");
}

/* Claim that the module was asked for nothing that it refuses. */
static void test_no_complaint(FIXTURE_DATA(tdx_end) *self)
{
	char line[1024];
	ssize_t length;

	while ((length = read(self->messages, line, sizeof(line) - 1)) > 0) {
		line[length] = '\0';
		TEST_ASSERT(!strstr(line, "SEAMCALL"), "%s", line);
	}
	close(self->messages);
}

/* However it ended: nothing is left behind. */
FIXTURE_TEARDOWN(tdx_end)
{
	if (self->vmm)
		kill_vmm(self);
	if (self->fd >= 0)
		close(self->fd);
	td_set_promote_ms(TD_PROMOTE_MS);
	TEST_ASSERT_EQ(tdx_host_owned(), 0);
	TEST_ASSERT_EQ(tdx_host_broken(), 0);
	TEST_ASSERT_EQ(quarantined(), self->quarantined);
	test_no_complaint(self);
}

/* Claim that nothing was zapped with a key, and at least @nr pages without. */
static void test_reclaimed(FIXTURE_DATA(tdx_end) *self, u64 nr)
{
	struct calls now = calls();

	TEST_ASSERT_EQ(now.zaps, self->before.zaps);
	TEST_ASSERT(now.reclaims - self->before.reclaims >= nr,
		    "%lu pages were reclaimed, not %lu",
		    now.reclaims - self->before.reclaims, nr);
}

/* First what runs it, then what it has: the files of memory, code and reset vector */
TEST_F_TIMEOUT(tdx_end, closed, GMEM_HUGE_TIMEOUT)
{
	static const u32 slots[] = { TD_SLOT, 0, TD_BOOT_SLOT };
	struct kvm_vcpu *vcpus[TD_MAX_VCPUS];
	struct kvm_vm *vm = create(vcpus);
	int i;

	self->before = calls();
	kvm_vm_release(vm);
	TEST_ASSERT_EQ(calls().reclaims, self->before.reclaims);
	for (i = 0; i < ARRAY_SIZE(slots); i++)
		close(memslot2region(vm, slots[i])->region.guest_memfd);
	test_reclaimed(self, 4 + 512 + 1);
}

TEST_F_TIMEOUT(tdx_end, killed, GMEM_HUGE_TIMEOUT)
{
	start_vmm(self, USE);
	kill_and_count(self);
	close_file(self);
	test_reclaimed(self, 4 + 512 + 1);
}

/* The first hole takes a leaf, the second one cuts another. */
TEST_F_TIMEOUT(tdx_end, file_stays, GMEM_HUGE_TIMEOUT)
{
	u64 owned;

	start_vmm(self, NOTHING);
	kill_and_count(self);
	owned = tdx_host_owned();

	punch(self->fd, 0, SZ_2M);
	TEST_ASSERT_EQ(tdx_host_owned(), owned - 512);
	punch(self->fd, SZ_2M + 77 * PAGE_SIZE, PAGE_SIZE);
	TEST_ASSERT_EQ(tdx_host_owned(), owned - 2 * 512);
	punch(self->fd, SIZE / 2, 100 * PAGE_SIZE);
	TEST_ASSERT_EQ(tdx_host_owned(), owned - 2 * 512 - 100);
	close_file(self);
	test_reclaimed(self, 4 + 512 + 1);
}

/* The opposite: as long as a vCPU may run, leaves are split and removed. */
TEST_F_TIMEOUT(tdx_end, not_before, GMEM_HUGE_TIMEOUT)
{
	start_vmm(self, USE);
	punch(self->fd, SZ_2M + 77 * PAGE_SIZE, PAGE_SIZE);
	TEST_ASSERT_EQ(tdx_host_leaves(1), 4);
	TEST_ASSERT_EQ(calls().reclaims, self->before.reclaims);
	/* The leaf is blocked and split, its part is blocked, tracked, removed. */
	TEST_ASSERT(calls().zaps - self->before.zaps >= 5, "The TD should go on");
}

/* Somebody zaps all the while, whether there is a key or not. */
TEST_F_TIMEOUT(tdx_end, under_zaps, GMEM_HUGE_TIMEOUT)
{
	int round, i;

	for (round = 0; round < 8; round++) {
		start_vmm(self, USE);
		if (!fork()) {
			for (i = 1; i < 2000; i++)
				punch(self->fd, SZ_2M + i * 37 % 512 * PAGE_SIZE * 7,
				      PAGE_SIZE);
			_exit(0);
		}
		usleep(round * 3000);
		kill_vmm(self);
		close_file(self);
		wait(NULL);
	}
}

/* Promotions are under way all the while, which need the key as well. */
TEST_F_TIMEOUT(tdx_end, under_promotions, GMEM_HUGE_TIMEOUT)
{
	u64 promotions = tdx_host_calls(TDH_MEM_PAGE_PROMOTE, 1);
	int round;

	td_set_promote_ms(1);
	for (round = 0; round < 8; round++) {
		start_vmm(self, CONVERT);
		usleep(100000 + round * 7000);
		kill_vmm(self);
		close_file(self);
		TEST_ASSERT_EQ(tdx_host_owned(), 0);
	}
	promotions = tdx_host_calls(TDH_MEM_PAGE_PROMOTE, 1) - promotions;
	TEST_ASSERT(promotions >= 8, "%lu promotions are no test", promotions);
}

#define NR_OPENERS	4

static void *open_and_close(void *arg)
{
	struct kvm_vm *vm = arg;
	int i;

	for (i = 0; i < 200; i++)
		close(vm_create_guest_memfd(vm, SZ_2M, 0));
	return NULL;
}

/* The opposite: files that come and go do not look like nobody else. */
TEST_F_TIMEOUT(tdx_end, not_for_files_that_go, GMEM_HUGE_TIMEOUT)
{
	struct kvm_vm *vm = td_create_empty(1, SZ_2M);
	pthread_t threads[NR_OPENERS];
	int i;

	for (i = 0; i < NR_OPENERS; i++)
		kvm_pthread_create(&threads[i], NULL, open_and_close, vm);
	for (i = 0; i < NR_OPENERS; i++)
		kvm_pthread_join(threads[i], NULL);
	TEST_ASSERT(ioctl(vm->fd, KVM_CHECK_EXTENSION, 0) >= 0, "The VM should live");
	kvm_vm_free(vm);
}

TEST_HARNESS_MAIN
