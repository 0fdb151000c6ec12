/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_X86_MMU_PRIVATE_OWNER_H
#define KVM_X86_MMU_PRIVATE_OWNER_H

#include <linux/kvm_host.h>

/*
 * What the code behind a table of owners, the RMP for instance, asks the MMU.
 * All of it takes mmu_lock, for read unless it says otherwise.
 */

/*
 * The level, at most 2M, at which the page of a folio of @order at @pfn may be
 * given to the guest at @gfn together with the pages around it.  Folio,
 * alignment, memslot and attributes have a say.  It is out of date as soon as
 * it is returned.
 */
u8 kvm_gmem_assign_level(struct kvm *kvm, const struct kvm_memory_slot *slot,
			 gfn_t gfn, kvm_pfn_t pfn, int order);

/* The same for who holds mmu_lock. */
u8 kvm_gmem_assign_level_locked(const struct kvm_memory_slot *slot, gfn_t gfn,
				kvm_pfn_t pfn, int order);

/*
 * Split the huge leaf that maps @gfn, if there is one, in place, and flush its
 * range from the TLBs if @flush.  Returns 0 if @gfn is mapped at 4K at the
 * most, -ENOMEM or -EOPNOTSUPP if it may still be mapped huge.
 */
int kvm_mmu_split_gfn(struct kvm *kvm, const struct kvm_memory_slot *slot,
		      gfn_t gfn, bool flush);

/*
 * Unmap the 2M of private memory at @gfn, which the folio of @order at @pfn
 * backs.  The caller holds the folio's lock, and until it lets go of it the
 * range stays unmapped: a fault that looked the folio up before is stale, one
 * that does so afterwards sleeps.  Returns false, and does nothing, if something
 * stands against mapping the range 2M.  mmu_lock is taken for write.
 */
bool kvm_mmu_close_range(struct kvm *kvm, struct kvm_memory_slot *slot,
			 gfn_t gfn, kvm_pfn_t pfn, int order);

#endif /* KVM_X86_MMU_PRIVATE_OWNER_H */
