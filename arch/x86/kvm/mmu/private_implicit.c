// SPDX-License-Identifier: GPL-2.0-only
/*
 * Convert memory because the guest accesses it, without having asked.
 *
 * An SNP guest may touch a page as private that is shared in KVM's attributes,
 * or the other way round, before it tells the host, or instead of it.  By
 * default that exits to user space, which knows what it agreed upon with the
 * guest.  A VM can choose, for each direction, to have KVM convert the page and
 * go on:
 *
 *	to private	costs the guest nothing it could not have anyway
 *	to shared	the guest loses the page's content, and a guest that is
 *			tricked into it writes its data where the host reads
 *
 * Only what a vCPU does converts.  Prefaulting, populating and any access of
 * the host's own does not.
 */
#include "mmu.h"
#include "mmu_internal.h"
#include "private_implicit.h"
#include "private_trace.h"
#include "x86.h"

#define IMPLICIT_VALID	(KVM_X86_IMPLICIT_TO_PRIVATE | KVM_X86_IMPLICIT_TO_SHARED)

u64 kvm_implicit_conversion_valid(struct kvm *kvm)
{
	/* Elsewhere attributes alone say what an access is, it can't differ. */
	return kvm && kvm_arch_has_private_mem(kvm) &&
	       kvm->arch.vm_type != KVM_X86_SW_PROTECTED_VM ? IMPLICIT_VALID : 0;
}

int kvm_enable_implicit_conversion(struct kvm *kvm, u64 flags)
{
	if (flags & ~kvm_implicit_conversion_valid(kvm))
		return -EINVAL;

	guard(mutex)(&kvm->lock);
	if (kvm->created_vcpus)
		return -EINVAL;

	kvm->arch.implicit_conversion = flags;
	return 0;
}

static void account(struct kvm *kvm, gfn_t gfn, bool to_private)
{
	if (to_private)
		atomic64_inc(&kvm->stat.implicit_to_private);
	else
		atomic64_inc(&kvm->stat.implicit_to_shared);

	trace_kvm_private_implicit(kvm, gfn, to_private);
}

bool kvm_mmu_implicit_convert(struct kvm_vcpu *vcpu,
			      const struct kvm_page_fault *fault)
{
	bool to_private = fault->is_private;
	struct kvm *kvm = vcpu->kvm;
	gfn_t gfn = fault->gfn;
	int r;

	if (fault->prefetch || !kvm_slot_has_gmem(fault->slot) ||
	    !(kvm->arch.implicit_conversion &
	      (to_private ? KVM_X86_IMPLICIT_TO_PRIVATE : KVM_X86_IMPLICIT_TO_SHARED)))
		return false;

	/* slots_lock is outside of SRCU, its holder may wait for readers. */
	kvm_vcpu_srcu_read_unlock(vcpu);
	r = kvm_vm_set_mem_attributes(kvm, gfn, gfn + 1,
				      to_private ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0);
	kvm_vcpu_srcu_read_lock(vcpu);

	if (!r)
		account(kvm, gfn, to_private);

	/* No memory: the guest tries again, as does a fault without any. */
	return true;
}
