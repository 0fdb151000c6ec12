// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a TD: built, run, its memory accepted, converted and given back.
 *
 * Example: a page at TD_GPA that nobody has touched is accepted by the TD,
 * which finds it zero, writes a tag and finds the tag.  Converted to shared it
 * is the host's anonymous memory, which both see; converted back and accepted
 * it is zero again.  Nothing here depends on the size at which KVM maps it.
 */
#include <sys/sysinfo.h>

#include "kselftest_harness.h"
#include "tdx.h"

#define TAG		0x5a0ull
#define SIZE		(4 * SZ_2M)

FIXTURE(tdx_lifecycle) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[TD_MAX_VCPUS];
};

FIXTURE_VARIANT(tdx_lifecycle) {
	u32 nr_vcpus;
};

FIXTURE_VARIANT_ADD(tdx_lifecycle, vcpus_1) { .nr_vcpus = 1 };
FIXTURE_VARIANT_ADD(tdx_lifecycle, vcpus_2) { .nr_vcpus = 2 };
FIXTURE_VARIANT_ADD(tdx_lifecycle, vcpus_4) { .nr_vcpus = 4 };

FIXTURE_SETUP(tdx_lifecycle)
{
	if (!td_is_supported())
		SKIP(return, "KVM offers no TDs");
	if (variant->nr_vcpus > get_nprocs())
		SKIP(return, "A TD has at most as many vCPUs as there are CPUs");
}

FIXTURE_TEARDOWN(tdx_lifecycle)
{
	if (self->vm)
		kvm_vm_free(self->vm);
}

#define TD_TEST(name, size)						\
static void test_##name(struct kvm_vm *vm, struct kvm_vcpu *vcpus[], u32 nr);\
TEST_F(tdx_lifecycle, name)						\
{									\
	self->vm = td_create(variant->nr_vcpus, size, self->vcpus);	\
	test_##name(self->vm, self->vcpus, variant->nr_vcpus);		\
}									\
static void test_##name(struct kvm_vm *vm, struct kvm_vcpu *vcpus[], u32 nr)

/* Built and given back at each stage on the way, without having run */
TEST_F(tdx_lifecycle, end_early)
{
	u32 i;

	kvm_vm_free(td_create_empty(variant->nr_vcpus, 0));

	self->vm = td_create_empty(variant->nr_vcpus, SIZE);
	for (i = 0; i < variant->nr_vcpus; i++)
		td_add_vcpu(self->vm, i);
	kvm_vm_free(self->vm);

	self->vm = td_create_empty(variant->nr_vcpus, SIZE);
	for (i = 0; i < variant->nr_vcpus; i++)
		td_add_vcpu(self->vm, i);
	td_load(self->vm);
}

TD_TEST(end_before_run, SIZE)
{
	TEST_ASSERT(nr, "Every vCPU is ready, none has run");
}

TD_TEST(run, 0)
{
	u32 i;

	for (i = 0; i < nr; i++)
		td_write(vcpus[i], TD_GPA, 0, 0);
}

TD_TEST(accept_4k, SIZE)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		gpa_t gpa = TD_GPA + i * SZ_2M;

		td_accept(vcpus[i], gpa, 8 * PAGE_SIZE, 0);
		td_check(vcpus[i], gpa, 8 * PAGE_SIZE, 0);
		td_write(vcpus[i], gpa, 8 * PAGE_SIZE, TAG + i);
	}
	for (i = 0; i < nr; i++)
		td_check(vcpus[0], TD_GPA + i * SZ_2M, 8 * PAGE_SIZE, TAG + i);
}

TD_TEST(accept_twice, SIZE)
{
	struct td_op *done;

	td_accept(vcpus[0], TD_GPA, PAGE_SIZE, 0);
	td_write(vcpus[0], TD_GPA, PAGE_SIZE, TAG);
	done = td_do(vcpus[nr - 1],
		     (struct td_op){ TD_ACCEPT, TD_GPA, PAGE_SIZE });
	TEST_ASSERT_EQ(done->result >> 32, TD_ALREADY_ACCEPTED);
	td_check(vcpus[nr - 1], TD_GPA, PAGE_SIZE, TAG);
}

/* What one side writes the other finds, and nothing of it comes back. */
TD_TEST(convert, SIZE)
{
	u64 *hva = addr_gpa2hva(vm, TD_GPA);
	struct td_op *done;

	td_accept(vcpus[0], TD_GPA, 4 * PAGE_SIZE, 0);
	td_write(vcpus[0], TD_GPA, 4 * PAGE_SIZE, TAG);
	TEST_ASSERT(!hva[0], "The host sees nothing of private memory");

	td_share(vcpus[nr - 1], TD_GPA, 2 * PAGE_SIZE);
	done = td_do(vcpus[0], (struct td_op){
		TD_WRITE_SHARED, TD_GPA, 2 * PAGE_SIZE, TAG + 1,
	});
	TEST_ASSERT(!done->result, "A TD writes to shared memory");
	TEST_ASSERT_EQ(hva[0], TD_GPA | (TAG + 1));
	td_check(vcpus[0], TD_GPA + 2 * PAGE_SIZE, 2 * PAGE_SIZE, TAG);

	td_unshare(vcpus[0], TD_GPA, 2 * PAGE_SIZE);
	td_accept(vcpus[0], TD_GPA, 2 * PAGE_SIZE, 0);
	td_check(vcpus[nr - 1], TD_GPA, 2 * PAGE_SIZE, 0);
}

/* A vCPU moves between processors: its association is given up there. */
TD_TEST(migrate, SIZE)
{
	int cpu;

	td_accept(vcpus[0], TD_GPA, PAGE_SIZE, 0);
	td_write(vcpus[0], TD_GPA, PAGE_SIZE, TAG);
	for (cpu = 0; cpu < get_nprocs(); cpu++) {
		pin_self_to_cpu(cpu);
		td_check(vcpus[0], TD_GPA, PAGE_SIZE, TAG);
	}
}

#define NR_CODE_PAGES	16

/* movl $@number, %eax; ret */
static void write_function(u8 *code, u32 number)
{
	code[0] = 0xb8;
	memcpy(code + 1, &number, sizeof(number));
	code[5] = 0xc3;
}

/*
 * A TD runs its own code where its predecessors had theirs: its pages are
 * likely theirs, too.
 */
TEST_F(tdx_lifecycle, own_code)
{
	u32 round, page;

	for (round = 1; round <= 8; round++) {
		gva_t code;

		self->vm = td_create_empty(1, 0);
		self->vcpus[0] = td_add_vcpu(self->vm, 0);
		code = vm_alloc(self->vm, NR_CODE_PAGES * PAGE_SIZE,
				KVM_UTIL_MIN_VADDR);
		for (page = 0; page < NR_CODE_PAGES; page++)
			write_function(addr_gva2hva(self->vm, code + page * PAGE_SIZE),
				       round << 16 | page);
		td_load(self->vm);
		td_finalize(self->vm);

		for (page = 0; page < NR_CODE_PAGES; page++)
			TEST_ASSERT_EQ(td_do(self->vcpus[0], (struct td_op){
				TD_CALL, code + page * PAGE_SIZE,
			})->result, round << 16 | page);
		kvm_vm_free(self->vm);
		self->vm = NULL;
	}
}

TEST_HARNESS_MAIN
