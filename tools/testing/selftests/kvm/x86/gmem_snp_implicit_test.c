// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of an access that does not fit a page's attributes.
 *
 * Worked example: the guest writes page 7 without the C-bit, it is private.
 *
 *	by default		KVM_EXIT_MEMORY_FAULT, page 7 stays private
 *	IMPLICIT_TO_SHARED	page 7 becomes shared, the guest goes on
 *
 * Each direction is chosen on its own.
 */
#include "gmem_snp.h"
#include "kselftest_harness.h"

#define TAG		0x11
#define PAGE_UNDER_TEST	7

FIXTURE(implicit) {
	struct gmem_snp g;
};

FIXTURE_VARIANT(implicit) {
	u64 policy;
};

FIXTURE_VARIANT_ADD(implicit, by_default)  { 0 };
FIXTURE_VARIANT_ADD(implicit, to_private)  { KVM_X86_IMPLICIT_TO_PRIVATE };
FIXTURE_VARIANT_ADD(implicit, to_shared)   { KVM_X86_IMPLICIT_TO_SHARED };
FIXTURE_VARIANT_ADD(implicit, both)	   { KVM_X86_IMPLICIT_TO_PRIVATE |
					     KVM_X86_IMPLICIT_TO_SHARED };

FIXTURE_SETUP(implicit)
{
	const struct gmem_snp_shape shape = {
		.size		= SZ_2M,
		.flags		= GUEST_MEMFD_FLAG_LARGE_FOLIOS,
		.implicit	= variant->policy,
	};

	gmem_snp_create_shape(&self->g, &shape);
	gmem_snp_accept(&self->g, gmem_snp_page(0), SZ_2M);
	gmem_snp_write(&self->g, gmem_snp_page(0), SZ_2M, TAG);
}

FIXTURE_TEARDOWN(implicit)
{
	gmem_snp_free(&self->g);
}

/* The vCPU stopped at its access, which was private or not. */
static void claim_exit(struct gmem_snp *g, int r, bool private)
{
	struct kvm_run *run = g->cpu->vcpu->run;

	TEST_ASSERT_EQ(r, -EFAULT);
	TEST_ASSERT_EQ(run->exit_reason, KVM_EXIT_MEMORY_FAULT);
	TEST_ASSERT_EQ(run->memory_fault.gpa, gmem_snp_page(PAGE_UNDER_TEST));
	TEST_ASSERT_EQ(run->memory_fault.flags,
		       private ? KVM_MEMORY_EXIT_FLAG_PRIVATE : 0);
}

static void claim_converted(struct gmem_snp *g, u64 to_private, u64 to_shared)
{
	TEST_ASSERT_EQ(vm_get_stat(g->vm, implicit_to_private), to_private);
	TEST_ASSERT_EQ(vm_get_stat(g->vm, implicit_to_shared), to_shared);
}

TEST_F_TIMEOUT(implicit, shared_access, GMEM_SNP_TIMEOUT)
{
	const gva_t page = gmem_snp_page(PAGE_UNDER_TEST);
	bool converts = variant->policy & KVM_X86_IMPLICIT_TO_SHARED;
	struct gmem_snp *g = &self->g;
	int r = __gmem_snp_write(g, gmem_snp_shared(page), PAGE_SIZE, TAG);

	if (converts) {
		TEST_ASSERT_EQ(r, 0);
		gmem_snp_check(g, gmem_snp_shared(page), PAGE_SIZE, TAG);
		gmem_snp_check(g, gmem_snp_page(8), 504 * PAGE_SIZE, TAG);
	} else {
		claim_exit(g, r, false);
	}
	claim_converted(g, 0, converts);
}

/* To be of use to the guest the page has to be validated as well. */
TEST_F_TIMEOUT(implicit, private_access, GMEM_SNP_TIMEOUT)
{
	const gva_t page = gmem_snp_page(PAGE_UNDER_TEST);
	bool converts = variant->policy & KVM_X86_IMPLICIT_TO_PRIVATE;
	struct gmem_snp *g = &self->g;
	int r;

	vm_mem_set_shared(g->vm, page, PAGE_SIZE);
	r = __gmem_snp_write(g, page, PAGE_SIZE, TAG);

	if (converts) {
		TEST_ASSERT_EQ(r, 0);
		gmem_snp_check(g, gmem_snp_page(0), SZ_2M, TAG);
	} else {
		claim_exit(g, r, true);
	}
	claim_converted(g, converts, 0);
}

/* What the host does converts nothing, whatever the policy. */
TEST_F_TIMEOUT(implicit, host_converts_nothing, GMEM_SNP_TIMEOUT)
{
	struct kvm_pre_fault_memory range = {
		.gpa	= gmem_snp_page(PAGE_UNDER_TEST),
		.size	= PAGE_SIZE,
	};
	struct gmem_snp *g = &self->g;

	/* A prefault takes memory for what the attributes say. */
	TEST_ASSERT(!__vcpu_ioctl(g->cpu->vcpu, KVM_PRE_FAULT_MEMORY, &range),
		    "Prefaulting private memory should succeed");
	vm_mem_set_shared(g->vm, gmem_snp_page(PAGE_UNDER_TEST), PAGE_SIZE);
	__vcpu_ioctl(g->cpu->vcpu, KVM_PRE_FAULT_MEMORY, &range);
	claim_converted(g, 0, 0);
}

FIXTURE(capability) {};
FIXTURE_SETUP(capability) {}
FIXTURE_TEARDOWN(capability) {}

TEST_F(capability, unknown_directions_are_refused)
{
	struct kvm_vm *vm = vm_create_barebones_type(KVM_X86_SNP_VM);
	u64 valid = vm_check_cap(vm, KVM_CAP_X86_IMPLICIT_CONVERSION);

	TEST_ASSERT_EQ(valid, KVM_X86_IMPLICIT_TO_PRIVATE | KVM_X86_IMPLICIT_TO_SHARED);
	TEST_ASSERT(__vm_enable_cap(vm, KVM_CAP_X86_IMPLICIT_CONVERSION, valid + 1) &&
		    errno == EINVAL, "Bit 2 means nothing");
	kvm_vm_free(vm);
}

TEST_F(capability, not_after_a_vcpu)
{
	struct gmem_snp g;

	gmem_snp_create(&g, SZ_2M);
	TEST_ASSERT(__vm_enable_cap(g.vm, KVM_CAP_X86_IMPLICIT_CONVERSION, 1) &&
		    errno == EINVAL, "The policy is fixed once a vCPU exists");
	gmem_snp_free(&g);
}

TEST_F(capability, not_where_attributes_decide)
{
	struct kvm_vm *vm = vm_create_barebones_type(KVM_X86_SW_PROTECTED_VM);

	TEST_ASSERT_EQ(vm_check_cap(vm, KVM_CAP_X86_IMPLICIT_CONVERSION), 0);
	TEST_ASSERT(__vm_enable_cap(vm, KVM_CAP_X86_IMPLICIT_CONVERSION, 1) &&
		    errno == EINVAL, "No access can be implicit here");
	kvm_vm_free(vm);
}

int main(int argc, char **argv)
{
	return gmem_snp_main(argc, argv, 0, test_harness_run);
}
