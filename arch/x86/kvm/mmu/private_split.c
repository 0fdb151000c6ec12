// SPDX-License-Identifier: GPL-2.0-only
/*
 * Split huge mappings at the edges of a range that is about to be zapped.
 *
 * Zapping [start, end) takes a leaf that straddles an edge with it, and every
 * page of the leaf that lies beside the range then faults again, one by one.
 * Split such a leaf in place first: no more than the range itself is zapped.
 *
 *	before		|            2M leaf            |
 *	range			   [start, end)
 *	after		|  4K leaves |       | 4K leaves |
 *
 * A fault on the range itself may promote it to one leaf again as soon as
 * folio and attributes permit, see kvm_gmem_map_level().
 *
 * A leaf that is not going to be zapped must not be split: nothing would fault,
 * and it would be 4K from then on.  Worked example: gfns [0x200, 0x400) are private
 * and mapped by one leaf, user space makes [0x300, 0x500) private.  The leaf stays.
 */
#include "mmu.h"
#include "private_filter.h"
#include "tdp_mmu.h"

/*
 * Failing to split, i.e. to allocate a page table, costs the faults that the
 * split would have saved and nothing else.
 */
static void split_edge(struct kvm *kvm, struct kvm_gfn_range *range, gfn_t gfn)
{
	if (gfn == gfn_round_for_level(gfn, PG_LEVEL_2M))
		return;

	/* A leaf that @gfn cuts maps pages of one kind, and the kind has not changed yet. */
	if (kvm_spares_private(range) && kvm_mem_is_private(kvm, gfn))
		return;

	kvm_tdp_mmu_try_split_huge_pages(kvm, range->slot, gfn, gfn + 1, PG_LEVEL_4K, false);
}

/*
 * Drops and retakes mmu_lock to allocate page tables: the caller must have an
 * invalidation in progress that keeps the 2M ranges around both edges from
 * being mapped at 2M.
 */
void kvm_mmu_split_range_edges(struct kvm *kvm, struct kvm_gfn_range *range)
{
	lockdep_assert_held_write(&kvm->mmu_lock);

	if (!tdp_mmu_enabled || !range->may_block)
		return;

	KVM_MMU_WARN_ON(!kvm->mmu_invalidate_in_progress);

	split_edge(kvm, range, range->start);
	split_edge(kvm, range, range->end);
}

#ifdef CONFIG_KVM_GUEST_MEMFD
void kvm_arch_gmem_prepare_invalidate(struct kvm *kvm, struct kvm_gfn_range *range)
{
	/*
	 * guest_memfd is about to split the folios at both edges.  A fault
	 * beside the range may still see one whole, keep it from mapping more
	 * than will be left.
	 */
	kvm_mmu_invalidate_range_add(kvm, gfn_round_for_level(range->start, PG_LEVEL_2M),
				     gfn_round_for_level(range->end - 1, PG_LEVEL_2M) +
				     KVM_PAGES_PER_HPAGE(PG_LEVEL_2M));

	kvm_mmu_split_range_edges(kvm, range);
}
#endif
