/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_X86_MMU_PRIVATE_IMPLICIT_H
#define KVM_X86_MMU_PRIVATE_IMPLICIT_H

#include <linux/kvm_host.h>

struct kvm_page_fault;

#ifdef CONFIG_KVM_GENERIC_MEMORY_ATTRIBUTES

/* Which directions KVM_CAP_X86_IMPLICIT_CONVERSION offers for @kvm. */
u64 kvm_implicit_conversion_valid(struct kvm *kvm);

/*
 * Have KVM convert memory in the directions of @flags.  Returns -EINVAL if a
 * direction is not offered or a vCPU exists.  Takes kvm->lock.
 */
int kvm_enable_implicit_conversion(struct kvm *kvm, u64 flags);

/*
 * Make the page that @fault is about what the guest takes it for, if the policy
 * of the VM permits.  Returns true if the fault must be retried, as its memslot
 * may be gone: the vCPU left its SRCU section meanwhile.  Takes slots_lock.
 */
bool kvm_mmu_implicit_convert(struct kvm_vcpu *vcpu,
			      const struct kvm_page_fault *fault);

#else

static inline u64 kvm_implicit_conversion_valid(struct kvm *kvm)
{
	return 0;
}

static inline int kvm_enable_implicit_conversion(struct kvm *kvm, u64 flags)
{
	return -EINVAL;
}

static inline bool kvm_mmu_implicit_convert(struct kvm_vcpu *vcpu,
					    const struct kvm_page_fault *fault)
{
	return false;
}

#endif /* CONFIG_KVM_GENERIC_MEMORY_ATTRIBUTES */
#endif /* KVM_X86_MMU_PRIVATE_IMPLICIT_H */
