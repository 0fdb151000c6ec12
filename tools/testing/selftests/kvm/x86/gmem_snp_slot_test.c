// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memslots and files of SNP guests change while the memory is in use.
 *
 * Worked example: user space closes the file while four vCPUs read the memory.
 *
 *	the leaves are zapped, 2M by 2M are taken back from the guest
 *	each vCPU exits with KVM_EXIT_MEMORY_FAULT, the VM is there as before
 */
#include <pthread.h>

#include "gmem_snp.h"
#include "gmem_snp_host.h"
#include "kselftest_harness.h"

#define TAG		0x77
#define NR_RANGES	8
#define PLAIN_SLOT	20
#define PLAIN_GPA	(64 * SZ_4G)

#define SCAN_MS		20
#define WAIT_MS		20000

struct reader {
	struct gmem_snp g;
	pthread_t thread;
	int ret;
};

FIXTURE(slot) {
	struct gmem_snp g;
	u64 quarantined;
};

FIXTURE_SETUP(slot)
{
	const struct gmem_snp_shape shape = {
		.size		= NR_RANGES * SZ_2M,
		.flags		= GUEST_MEMFD_FLAG_LARGE_FOLIOS,
		.nr_vcpus	= GMEM_SNP_MAX_VCPUS,
	};

	snp_rmp_ignore_owned();
	self->quarantined = gmem_snp_quarantined();
	gmem_snp_create_shape(&self->g, &shape);
	gmem_snp_accept(&self->g, GMEM_SNP_GPA, self->g.size);
	gmem_snp_write(&self->g, GMEM_SNP_GPA, self->g.size, TAG);
}

FIXTURE_TEARDOWN(slot)
{
	gmem_snp_free(&self->g);
	TEST_ASSERT_EQ(gmem_snp_quarantined(), self->quarantined);
	TEST_ASSERT_EQ(snp_rmp_nr_owned(), 0);
}

static void *read_all(void *arg)
{
	struct reader *r = arg;

	do {
		r->ret = __gmem_snp_check(&r->g, GMEM_SNP_GPA, r->g.size, TAG);
	} while (!r->ret && !READ_ONCE(r->g.cpu->op->ret));
	return NULL;
}

TEST_F_TIMEOUT(slot, file_closed_in_use, GMEM_SNP_TIMEOUT)
{
	struct reader readers[GMEM_SNP_MAX_VCPUS];
	struct gmem_snp *g = &self->g;
	int i;

	for (i = 0; i < g->nr_vcpus; i++) {
		readers[i].g = *g;
		readers[i].g.cpu = &readers[i].g.cpus[i];
		kvm_pthread_create(&readers[i].thread, NULL, read_all, &readers[i]);
	}
	usleep(200000);
	kvm_free_fd(g->fd);
	for (i = 0; i < g->nr_vcpus; i++) {
		kvm_pthread_join(readers[i].thread, NULL);
		TEST_ASSERT(readers[i].ret == -EFAULT, "vCPU %d should find no memory, got %d",
			    i, readers[i].ret);
		TEST_ASSERT_KVM_EXIT_REASON(g->cpus[i].vcpu, KVM_EXIT_MEMORY_FAULT);
	}
	TEST_ASSERT_EQ(snp_rmp_find(GMEM_SNP_GPA), SNP_NO_PFN);
	TEST_ASSERT_EQ(vm_get_stat(g->vm, private_pages_2m), 0);
}

/* A log of another memslot is no reason to touch private memory. */
TEST_F_TIMEOUT(slot, dirty_log_of_another, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp *g = &self->g;
	struct gmem_snp_stats before = gmem_snp_stats(g);
	unsigned long bitmap;
	int i;

	vm_userspace_mem_region_add(g->vm, VM_MEM_SRC_ANONYMOUS, PLAIN_GPA, PLAIN_SLOT, 1, 0);
	for (i = 0; i < 3; i++) {
		vm_mem_region_set_flags(g->vm, PLAIN_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
		kvm_vm_get_dirty_log(g->vm, PLAIN_SLOT, &bitmap);
		gmem_snp_write(g, GMEM_SNP_GPA, g->size, TAG + i);
		vm_mem_region_set_flags(g->vm, PLAIN_SLOT, 0);
		gmem_snp_check(g, GMEM_SNP_GPA, g->size, TAG + i);
	}
	TEST_SNP_SINCE(g, before, faults, 0, "Nothing should be unmapped");
	TEST_SNP_SINCE(g, before, smashes, 0, "Nor smashed");
}

/* And one of private memory is refused, new or later. */
TEST_F_TIMEOUT(slot, dirty_log_is_refused, GMEM_SNP_TIMEOUT)
{
	const u32 flags = KVM_MEM_GUEST_MEMFD | KVM_MEM_LOG_DIRTY_PAGES;
	struct gmem_snp *g = &self->g;
	struct gmem_snp_stats before = gmem_snp_stats(g);
	void *hva = kvm_mmap(g->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	int r;

	r = __vm_set_user_memory_region2(g->vm, GMEM_SNP_SLOT, flags, GMEM_SNP_GPA, g->size,
					 hva, g->fd, 0);
	TEST_ASSERT(r && errno == EINVAL, "Switching on a log should be refused");
	r = __vm_set_user_memory_region2(g->vm, PLAIN_SLOT, flags, PLAIN_GPA, g->size, hva,
					 g->fd, 0);
	TEST_ASSERT(r && errno == EINVAL, "A memslot with a log should be refused");

	gmem_snp_check(g, GMEM_SNP_GPA, g->size, TAG);
	TEST_SNP_SINCE(g, before, faults, 0, "What is refused should cost nothing");
	kvm_munmap(hva, g->size);
}

/* A guest moves to no other VM of its host, nor does one share its key: not yet. */
TEST_F_TIMEOUT(slot, move_is_refused, GMEM_SNP_TIMEOUT)
{
	const u32 caps[] = { KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM, KVM_CAP_VM_COPY_ENC_CONTEXT_FROM };
	struct gmem_snp *g = &self->g;
	struct gmem_snp_stats before = gmem_snp_stats(g);
	struct kvm_vm *other;
	int i;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		other = vm_create_barebones_type(KVM_X86_SNP_VM);
		TEST_ASSERT(__vm_enable_cap(other, caps[i], g->vm->fd) && errno == EINVAL,
			    "Capability %u should refuse an SNP guest", caps[i]);
		kvm_vm_free(other);
	}
	gmem_snp_write(g, GMEM_SNP_GPA, g->size, TAG + 1);
	gmem_snp_check(g, GMEM_SNP_GPA, g->size, TAG + 1);
	TEST_SNP_SINCE(g, before, faults, 0, "Nothing should be unmapped");
	TEST_SNP_SINCE(g, before, pages_2m, 0, "Nor smaller");
}

static void host_write(struct gmem_snp *g, u64 page, u64 tag)
{
	u64 *mem = g->shared_mem + page * PAGE_SIZE;

	mem[0] = gmem_snp_shared(gmem_snp_page(page)) | tag;
	mem[PAGE_SIZE / sizeof(u64) - 1] = mem[0];
}

/*
 * Page 7 of the second range is shared, all else is private.  User space discards
 * what it has at the addresses of both: page 7 alone is other memory from then on.
 */
TEST_F_TIMEOUT(slot, shared_half_goes, GMEM_SNP_TIMEOUT)
{
	const u64 page = GMEM_SNP_NR_4K + 7, next = 2 * GMEM_SNP_NR_4K;
	struct gmem_snp *g = &self->g;
	struct gmem_snp_stats before;

	gmem_snp_pvalidate(g, gmem_snp_page(page), PG_LEVEL_4K, false);
	vm_mem_set_shared(g->vm, gmem_snp_page(page), PAGE_SIZE);
	gmem_snp_write(g, gmem_snp_shared(gmem_snp_page(page)), PAGE_SIZE, TAG + 1);
	gmem_snp_check(g, GMEM_SNP_GPA, page * PAGE_SIZE, TAG);
	before = gmem_snp_stats(g);

	kvm_madvise(g->shared_mem, g->size, MADV_DONTNEED);
	gmem_snp_check(g, GMEM_SNP_GPA, page * PAGE_SIZE, TAG);
	gmem_snp_check(g, gmem_snp_page(page + 1), (next - page - 1) * PAGE_SIZE, TAG);
	gmem_snp_check(g, gmem_snp_page(next), g->size - next * PAGE_SIZE, TAG);
	TEST_SNP_SINCE(g, before, faults, 0, "Private memory should stay mapped");
	TEST_SNP_SINCE(g, before, pages_2m, 0, "At 2M");

	host_write(g, page, TAG + 2);
	gmem_snp_check(g, gmem_snp_shared(gmem_snp_page(page)), PAGE_SIZE, TAG + 2);
	TEST_SNP_SINCE(g, before, faults, 1, "The shared page alone should fault");
}

static void wait_for_more(struct gmem_snp *g, bool fails, u64 than)
{
	u64 got = than;
	int ms;

	for (ms = 0; got <= than && ms < WAIT_MS; ms += SCAN_MS) {
		usleep(SCAN_MS * 1000);
		got = fails ? vm_get_stat(g->vm, rmp_promotion_fails) :
			      vm_get_stat(g->vm, rmp_promotions);
	}
	TEST_ASSERT(got > than, "There should be more than %lu promotions that %s", than,
		    fails ? "fail" : "succeed");
}

/* The memslot of a smashed range goes, a scan finds none, and it comes back. */
TEST_F_TIMEOUT(slot, range_outlives_its_memslot, GMEM_SNP_TIMEOUT)
{
	struct gmem_snp *g = &self->g;
	u64 fails;

	gmem_snp_set_promote_ms(SCAN_MS);
	gmem_snp_pvalidate(g, gmem_snp_page(7), PG_LEVEL_4K, false);
	wait_for_more(g, true, vm_get_stat(g->vm, rmp_promotion_fails));

	vm_set_user_memory_region2(g->vm, GMEM_SNP_SLOT, 0, GMEM_SNP_GPA, 0, NULL, 0, 0);
	fails = vm_get_stat(g->vm, rmp_promotion_fails);
	/* A scan that was at it already, and one that began behind it. */
	wait_for_more(g, true, fails + 1);
	vm_set_user_memory_region2(g->vm, GMEM_SNP_SLOT, KVM_MEM_GUEST_MEMFD, GMEM_SNP_GPA,
				   g->size, g->shared_mem, g->fd, 0);

	gmem_snp_pvalidate(g, gmem_snp_page(7), PG_LEVEL_4K, true);
	wait_for_more(g, false, 0);
	gmem_snp_set_promote_ms(0);
}

static int run(int argc, char **argv)
{
	snp_host_require();
	return test_harness_run(argc, argv);
}

int main(int argc, char **argv)
{
	return gmem_snp_main(argc, argv, 0, run);
}
