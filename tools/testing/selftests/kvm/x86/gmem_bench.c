// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measure what private memory costs: fault it in, prefault it, convert and
 * punch pages of it, tear it down.
 *
 * The program also runs on a kernel without large folios in guest_memfd; the
 * line that starts with "gmem_bench flags=" says which it was.
 */
#include <pthread.h>
#include <linux/sizes.h>

#include "test_util.h"
#include "gmem_window.h"
#include "processor.h"

#define MEM_SLOT	10
#define MEM_GPA		SZ_4G

struct worker {
	struct gmem_bench *bench;
	void (*work)(struct gmem_bench *b, int index);
	int index;
	pthread_t thread;
};

static pthread_barrier_t start_line;

/* Report once, which maps code and stack; then touch the range each time. */
static void guest_code(u64 base, u64 size)
{
	u64 gva;

	GUEST_SYNC(0);
	for (;;) {
		for (gva = base; gva < base + size; gva += PAGE_SIZE)
			WRITE_ONCE(*(u64 *)gva, gva);
		GUEST_SYNC(0);
	}
}

static void *worker_main(void *data)
{
	struct worker *w = data;

	pthread_barrier_wait(&start_line);
	w->work(w->bench, w->index);
	return NULL;
}

/* Run @work once per vCPU, in threads if there is more than one. */
static void on_each_vcpu(struct gmem_bench *b, void (*work)(struct gmem_bench *b, int index))
{
	struct worker workers[GMEM_BENCH_MAX_VCPUS];
	int i;

	if (b->nr_vcpus == 1) {
		work(b, 0);
		return;
	}
	pthread_barrier_init(&start_line, NULL, b->nr_vcpus);
	for (i = 0; i < b->nr_vcpus; i++) {
		workers[i] = (struct worker){ .bench = b, .work = work, .index = i };
		kvm_pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]);
	}
	for (i = 0; i < b->nr_vcpus; i++)
		kvm_pthread_join(workers[i].thread, NULL);
	pthread_barrier_destroy(&start_line);
}

static void touch_share(struct gmem_bench *b, int index)
{
	struct ucall uc;

	vcpu_run(b->vcpus[index]);
	TEST_ASSERT_EQ(get_ucall(b->vcpus[index], &uc), UCALL_SYNC);
}

static void prefault_share(struct gmem_bench *b, int index)
{
	u64 share = b->size / b->nr_vcpus;
	struct kvm_pre_fault_memory range = {
		.gpa = MEM_GPA + index * share,
		.size = share,
	};
	int ret;

	do {
		ret = __vcpu_ioctl(b->vcpus[index], KVM_PRE_FAULT_MEMORY, &range);
		TEST_ASSERT(!ret || errno == EINTR || errno == EAGAIN,
			    "KVM_PRE_FAULT_MEMORY failed with 0x%llx bytes left", range.size);
	} while (range.size);
}

static void run_touch(struct gmem_bench *b)
{
	on_each_vcpu(b, touch_share);
}

static void run_prefault(struct gmem_bench *b)
{
	on_each_vcpu(b, prefault_share);
}

/* Convert the first page of each 2M range to shared and back, touch all. */
static void run_convert(struct gmem_bench *b)
{
	u64 offset;

	for (offset = 0; offset < b->size; offset += SZ_2M) {
		vm_mem_set_shared(b->vm, MEM_GPA + offset, PAGE_SIZE);
		vm_mem_set_private(b->vm, MEM_GPA + offset, PAGE_SIZE);
	}
	run_touch(b);
}

/* Punch the first page of each 2M range out of the file, touch all. */
static void run_punch(struct gmem_bench *b)
{
	u64 offset;

	for (offset = 0; offset < b->size; offset += SZ_2M)
		vm_guest_mem_punch_hole(b->vm, MEM_GPA + offset, PAGE_SIZE);
	run_touch(b);
}

static void run_teardown(struct gmem_bench *b)
{
	kvm_vm_free(b->vm);
	close(b->fd);
	b->vm = NULL;
}

static void create(struct gmem_bench *b)
{
	const struct vm_shape shape = {
		.mode = VM_MODE_DEFAULT,
		.type = KVM_X86_SW_PROTECTED_VM,
	};
	u64 share = b->size / b->nr_vcpus, flags;
	int i;

	b->vm = __vm_create_with_vcpus(shape, b->nr_vcpus, 0, guest_code, b->vcpus);
	flags = gmem_bench_flags(b->vm);
	b->fd = vm_create_guest_memfd(b->vm, b->size, flags);
	vm_mem_add(b->vm, VM_MEM_SRC_ANONYMOUS, MEM_GPA, MEM_SLOT,
		   b->size / PAGE_SIZE, KVM_MEM_GUEST_MEMFD, b->fd, 0);
	vm_mem_set_private(b->vm, MEM_GPA, b->size);
	virt_map_level(b->vm, MEM_GPA, MEM_GPA, b->size, PG_LEVEL_2M);
	for (i = 0; i < b->nr_vcpus; i++) {
		vcpu_args_set(b->vcpus[i], 2, MEM_GPA + i * share, share);
		touch_share(b, i);
	}
}

int main(int argc, char *argv[])
{
	struct gmem_bench b = gmem_bench_parse(argc, argv, GMEM_BENCH_MAX_VCPUS);

	TEST_REQUIRE(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_SW_PROTECTED_VM));

	create(&b);
	gmem_window(&b, "touch", run_touch);
	if (!b.touch_only) {
		gmem_window(&b, "convert", run_convert);
		gmem_window(&b, "punch", run_punch);
	}
	gmem_window(&b, "teardown", run_teardown);
	if (b.touch_only)
		return 0;

	create(&b);
	gmem_window(&b, "prefault", run_prefault);
	kvm_vm_free(b.vm);
	close(b.fd);
	return 0;
}
