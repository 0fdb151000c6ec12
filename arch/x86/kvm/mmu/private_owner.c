// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the code behind a table of owners asks the MMU.
 */
#include "mmu.h"
#include "private_level.h"
#include "private_owner.h"
#include "tdp_mmu.h"

u8 kvm_gmem_assign_level_locked(const struct kvm_memory_slot *slot, gfn_t gfn,
				kvm_pfn_t pfn, int order)
{
	struct kvm_gmem_map map = {
		.slot		= slot,
		.gfn		= gfn,
		.pfn		= pfn,
		.folio_level	= kvm_level_for_order(order),
	};

	return kvm_gmem_map_level(&map, PG_LEVEL_2M);
}

u8 kvm_gmem_assign_level(struct kvm *kvm, const struct kvm_memory_slot *slot,
			 gfn_t gfn, kvm_pfn_t pfn, int order)
{
	guard(read_lock)(&kvm->mmu_lock);
	return kvm_gmem_assign_level_locked(slot, gfn, pfn, order);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_gmem_assign_level);

int kvm_mmu_split_gfn(struct kvm *kvm, const struct kvm_memory_slot *slot,
		      gfn_t gfn, bool flush)
{
	int r;

	if (!tdp_mmu_enabled)
		return -EOPNOTSUPP;

	guard(read_lock)(&kvm->mmu_lock);
	r = kvm_tdp_mmu_try_split_huge_pages(kvm, slot, gfn, gfn + 1,
					     PG_LEVEL_4K, true);
	if (!r && flush)
		kvm_flush_remote_tlbs_range(kvm, gfn_round_for_level(gfn, PG_LEVEL_2M),
					    KVM_PAGES_PER_HPAGE(PG_LEVEL_2M));
	return r;
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_mmu_split_gfn);

bool kvm_mmu_close_range(struct kvm *kvm, struct kvm_memory_slot *slot,
			 gfn_t gfn, kvm_pfn_t pfn, int order)
{
	struct kvm_gfn_range range = {
		.start		= gfn,
		.end		= gfn + KVM_PAGES_PER_HPAGE(PG_LEVEL_2M),
		.slot		= slot,
		.attr_filter	= KVM_FILTER_PRIVATE,
	};
	bool flush;

	lockdep_assert(folio_test_locked(pfn_folio(pfn)));
	guard(write_lock)(&kvm->mmu_lock);

	if (!tdp_mmu_enabled || !kvm_mem_is_private(kvm, gfn) ||
	    kvm_gmem_assign_level_locked(slot, gfn, pfn, order) != PG_LEVEL_2M)
		return false;

	/*
	 * Make stale who looked up the folio before.  No invalidation is in
	 * progress meanwhile: a vCPU would fault in a circle until its end.
	 */
	flush = kvm_tdp_mmu_unmap_gfn_range(kvm, &range, false);
	kvm_mmu_invalidate_start(kvm);
	kvm_mmu_invalidate_range_add(kvm, range.start, range.end);
	kvm_mmu_invalidate_end(kvm);
	if (flush)
		kvm_flush_remote_tlbs(kvm);
	return true;
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_mmu_close_range);
