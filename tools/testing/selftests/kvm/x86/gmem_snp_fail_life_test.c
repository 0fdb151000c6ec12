// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of an SNP guest when allocations fail, from its first ioctl to its
 * last close.
 *
 * Worked example: the n-th allocation of KVM_SEV_SNP_LAUNCH_UPDATE fails while
 * it measures 2M and a page.
 *
 *	n hits the large folio		512 pages of 4K are measured instead
 *	n hits a page of the rest	the ioctl says how much is left
 *	n is past the last		all is measured
 *
 * Whichever it is, once the VM is gone the RMP, the pool of pages and the
 * counters of lost pages are as they were before.
 */
#include <sys/sysinfo.h>

#include "gmem_fail.h"
#include "gmem_snp.h"
#include "gmem_snp_host.h"
#include "kselftest_harness.h"

/* More allocations than any of the steps needs. */
#define MAX_NTH		300

#define MEMORY_SIZE	(2 * SZ_2M)
#define IMAGE_SIZE	(SZ_2M + PAGE_SIZE)

/* More than find a page in a block of the pool. */
#define MAX_VCPUS	(2 * GMEM_SNP_NR_4K)

static u64 pool(const char *param)
{
	return kvm_get_module_param_integer("snp_pool", param);
}

/* What no VM may change for good. */
struct host {
	u64 lost;
	u64 pool_pages;
};

static struct host host_now(void)
{
	return (struct host) {
		.lost		= gmem_snp_quarantined() +
				  kvm_get_module_param_integer("snp_quarantine", "pages"),
		.pool_pages	= pool("pages"),
	};
}

static void claim_as_before(const struct host *before)
{
	struct host now = host_now();

	TEST_ASSERT_EQ(snp_rmp_nr_owned(), 0);
	TEST_ASSERT_EQ(now.lost, before->lost);
	TEST_ASSERT_EQ(now.pool_pages, before->pool_pages);
}

/* A VM on its way to life: each step is one that can fail. */
struct life {
	struct kvm_vm *vm;
	int vcpu;
	int gmem;
	void *hva;
};

static int init_vm(struct life *l)
{
	struct kvm_sev_init init = { };

	return __vm_sev_ioctl(l->vm, KVM_SEV_INIT2, &init);
}

static int create_gmem(struct life *l)
{
	struct kvm_create_guest_memfd args = {
		.size	= MEMORY_SIZE,
		.flags	= GUEST_MEMFD_FLAG_LARGE_FOLIOS,
	};

	l->gmem = __vm_ioctl(l->vm, KVM_CREATE_GUEST_MEMFD, &args);
	return l->gmem < 0 ? -1 : 0;
}

static int add_slot(struct life *l)
{
	struct kvm_userspace_memory_region2 region = {
		.slot			= GMEM_SNP_SLOT,
		.flags			= KVM_MEM_GUEST_MEMFD,
		.guest_phys_addr	= GMEM_SNP_GPA,
		.memory_size		= MEMORY_SIZE,
		.userspace_addr		= (u64)l->hva,
		.guest_memfd		= l->gmem,
	};

	return __vm_ioctl(l->vm, KVM_SET_USER_MEMORY_REGION2, &region);
}

static int set_private(struct life *l)
{
	struct kvm_memory_attributes attr = {
		.attributes	= KVM_MEMORY_ATTRIBUTE_PRIVATE,
		.address	= GMEM_SNP_GPA,
		.size		= MEMORY_SIZE,
	};

	return __vm_ioctl(l->vm, KVM_SET_MEMORY_ATTRIBUTES, &attr);
}

static int create_vcpu(struct life *l)
{
	l->vcpu = __vm_ioctl(l->vm, KVM_CREATE_VCPU, (void *)0ul);
	return l->vcpu < 0 ? -1 : 0;
}

static int launch_start(struct life *l)
{
	struct kvm_sev_snp_launch_start start = { .policy = snp_default_policy() };

	return __vm_sev_ioctl(l->vm, KVM_SEV_SNP_LAUNCH_START, &start);
}

static int launch_update(struct life *l)
{
	struct kvm_sev_snp_launch_update update = {
		.gfn_start	= GMEM_SNP_GPA / PAGE_SIZE,
		.uaddr		= (u64)l->hva,
		.len		= IMAGE_SIZE,
		.type		= KVM_SEV_SNP_PAGE_TYPE_NORMAL,
	};
	int r;

	/* What is left of it is told, not why. */
	r = __vm_sev_ioctl(l->vm, KVM_SEV_SNP_LAUNCH_UPDATE, &update);
	return r || update.len ? -1 : 0;
}

static int launch_finish(struct life *l)
{
	struct kvm_sev_snp_launch_finish finish = { };

	return __vm_sev_ioctl(l->vm, KVM_SEV_SNP_LAUNCH_FINISH, &finish);
}

/* Nobody is told if that fails, so it may not. */
static int free_gmem(struct life *l)
{
	close(l->gmem);
	l->gmem = -1;
	return 0;
}

static int free_vm(struct life *l)
{
	close(l->vcpu);
	l->vcpu = -1;
	close(l->vm->fd);
	return 0;
}

static int (* const steps[])(struct life *l) = {
	init_vm, create_gmem, add_slot, set_private, create_vcpu, launch_start,
	launch_update, launch_finish, free_gmem, free_vm,
};

#define NR_STEPS	((int)ARRAY_SIZE(steps))
#define STEP_VCPU	4

static struct life begin(void)
{
	return (struct life) {
		.vm	= vm_create_barebones_type(KVM_X86_SNP_VM),
		.vcpu	= -1,
		.gmem	= -1,
		.hva	= kvm_mmap(MEMORY_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1),
	};
}

static void end(struct life *l, bool vm_is_closed)
{
	if (l->gmem >= 0)
		close(l->gmem);
	if (l->vcpu >= 0)
		close(l->vcpu);
	if (vm_is_closed)
		l->vm->fd = open("/dev/null", O_RDWR);
	kvm_vm_free(l->vm);
	kvm_munmap(l->hva, MEMORY_SIZE);
}

/* Live up to @step, which fails at the @nth allocation.  Returns if there was one. */
static bool fail_step(int step, int nth, int fd)
{
	struct life l = begin();
	bool failed;
	int i, r;

	for (i = 0; i < step; i++)
		TEST_ASSERT(!steps[i](&l), "Step %d should succeed, errno %d", i, errno);

	gmem_fail_arm(fd, nth);
	r = steps[step](&l);
	failed = gmem_fail_disarm(fd);

	TEST_ASSERT(!r || failed, "Step %d should succeed if nothing fails, errno %d", step, errno);
	end(&l, step == NR_STEPS - 1);
	return failed;
}

FIXTURE(life) {
	struct host before;
};

FIXTURE_VARIANT(life) {
	int step;
};

FIXTURE_VARIANT_ADD(life, init)			{ 0 };
FIXTURE_VARIANT_ADD(life, gmem)			{ 1 };
FIXTURE_VARIANT_ADD(life, slot)			{ 2 };
FIXTURE_VARIANT_ADD(life, attributes)		{ 3 };
FIXTURE_VARIANT_ADD(life, vcpu)			{ 4 };
FIXTURE_VARIANT_ADD(life, launch_start)		{ 5 };
FIXTURE_VARIANT_ADD(life, launch_update)	{ 6 };
FIXTURE_VARIANT_ADD(life, launch_finish)	{ 7 };
FIXTURE_VARIANT_ADD(life, free_gmem)		{ 8 };
FIXTURE_VARIANT_ADD(life, free_vm)		{ 9 };

FIXTURE_SETUP(life)
{
	snp_rmp_ignore_owned();
	self->before = host_now();
}

FIXTURE_TEARDOWN(life)
{
	claim_as_before(&self->before);
}

TEST_F_TIMEOUT(life, leaves_nothing_behind, GMEM_SNP_TIMEOUT)
{
	int fd = gmem_fail_open(), nth = 1;

	while (nth < MAX_NTH && fail_step(variant->step, nth, fd)) {
		claim_as_before(&self->before);
		nth++;
	}

	TEST_ASSERT(nth < MAX_NTH, "Step %d should end after %d allocations", variant->step,
		    MAX_NTH);
	ksft_print_msg("%d allocations\n", nth - 1);
	close(fd);
}

/* A VM that is there to take pages from the pool, one for each vCPU. */
struct crowd {
	struct life life;
	int vcpus[MAX_VCPUS];
	u64 nr_vcpus;
};

/* As many vCPUs as the pool takes to grow, or @most. */
static void crowd_begin(struct crowd *c, u64 most)
{
	u64 blocks = pool("blocks"), id;

	c->life = begin();
	TEST_ASSERT(!init_vm(&c->life), "A VM should be initialized");
	for (id = 0; id < most && pool("blocks") == blocks; id++) {
		c->vcpus[id] = __vm_ioctl(c->life.vm, KVM_CREATE_VCPU, (void *)id);
		TEST_ASSERT(c->vcpus[id] >= 0, "vCPU %lu should be created", id);
	}
	c->nr_vcpus = id;
}

static void crowd_end(struct crowd *c)
{
	u64 id;

	for (id = 0; id < c->nr_vcpus; id++)
		close(c->vcpus[id]);
	end(&c->life, false);
}

FIXTURE(full) {};
FIXTURE_VARIANT(full) {
	bool last_cpu;
};

/* The pool has blocks for each node of memory; the firmware's pages lie in one of the first. */
FIXTURE_VARIANT_ADD(full, first_node)		{ false };
FIXTURE_VARIANT_ADD(full, last_node)		{ true };

FIXTURE_SETUP(full) {}
FIXTURE_TEARDOWN(full) {}

/* A vCPU needs a page when the pool has none: it gets one, from anywhere. */
static void claim_fallback(void)
{
	struct life l = begin();
	u64 fallbacks;
	int i, r;

	for (i = 0; i < STEP_VCPU; i++)
		TEST_ASSERT(!steps[i](&l), "Step %d should succeed, errno %d", i, errno);

	fallbacks = pool("fallbacks");
	gmem_fail_2m(true);
	r = steps[STEP_VCPU](&l) ? errno : 0;
	gmem_fail_2m(false);
	TEST_ASSERT(!r, "A vCPU should do without a block, errno %d", r);
	TEST_ASSERT_EQ(pool("fallbacks"), fallbacks + 1);
	end(&l, false);
}

/*
 * A vCPU needs a page for its state when the pool has none left, and the block
 * that would make it larger can't be had, or something else can't.
 */
TEST_F_TIMEOUT(full, pool_does_not_grow, GMEM_SNP_TIMEOUT)
{
	int fd = gmem_fail_open(), nth = 1;
	static struct crowd crowd;
	struct life stand_in = begin();
	struct host before;
	u64 blocks;

	pin_self_to_cpu(variant->last_cpu ? get_nprocs() - 1 : 0);

	/* Takes the page that the VM under test takes before its vCPU does. */
	TEST_ASSERT(!init_vm(&stand_in), "A VM should be initialized");
	crowd_begin(&crowd, MAX_VCPUS);
	TEST_ASSERT(crowd.nr_vcpus < MAX_VCPUS, "%lu vCPUs should need another block",
		    crowd.nr_vcpus);
	crowd_end(&crowd);
	crowd_begin(&crowd, crowd.nr_vcpus - 1);
	end(&stand_in, false);

	blocks = pool("blocks");
	before = host_now();
	claim_fallback();
	do {
		TEST_ASSERT_EQ(host_now().pool_pages, before.pool_pages);
		TEST_ASSERT_EQ(pool("blocks"), blocks);
	} while (nth < MAX_NTH && fail_step(STEP_VCPU, nth++, fd));
	crowd_end(&crowd);
	close(fd);
}

int main(int argc, char **argv)
{
	gmem_snp_require();
	snp_host_require();
	gmem_fail_require();
	return test_harness_run(argc, argv);
}
