// SPDX-License-Identifier: GPL-2.0-only
/*
 * Huge leaves in the page table that mirrors an external one.
 *
 * Worked example: a TD of 1G, which is mapped by 512 leaves of 2M.
 *
 *	zap all		512 leaves blocked, one tracking round, 512 removed
 *	share a page	the leaf around it is blocked, tracked, demoted: 512
 *			leaves of 4K, of which one is blocked, tracked, removed
 *	accept at 4K	the range is remembered as wanted at 4K.  A leaf that is
 *			there already is demoted, else a fault maps 4K
 *
 * A leaf that is blocked is present in the mirror until it is removed.  A vCPU
 * that needs it meanwhile retries: zaps come with an invalidation in progress.
 */
#include "mmu.h"
#include "mmu_internal.h"
#include "private_mirror.h"
#include "private_spte.h"
#include "private_trace.h"
#include "tdp_iter.h"
#include "tdp_mmu.h"

#include "../../../../virt/kvm/gmem_quarantine.h"

bool kvm_mirror_fit_goal(struct kvm_page_fault *fault, u64 spte, int level)
{
	if (level == fault->goal_level && is_table_spte(spte, level))
		fault->goal_level--;

	return level <= fault->goal_level || !is_shadow_present_pte(spte) ||
	       !is_last_spte(spte, level);
}

/* What lies beside the range would be lost along with it. */
static bool is_cut(const struct tdp_iter *iter, gfn_t start, gfn_t end)
{
	return iter->gfn < start ||
	       iter->gfn + KVM_PAGES_PER_HPAGE(iter->level) > end;
}

gfn_t kvm_mirror_block(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start,
		       gfn_t gfn, gfn_t end)
{
	struct tdp_iter iter;
	int nr = 0;

	lockdep_assert_held_write(&kvm->mmu_lock);

	for_each_tdp_pte(iter, kvm, root, gfn, end) {
		if (!is_shadow_present_pte(iter.old_spte) ||
		    !is_last_spte(iter.old_spte, iter.level))
			continue;

		if (nr++ == KVM_MIRROR_BATCH)
			break;

		/* Who could not split it ended the VM. */
		WARN_ON_ONCE(is_cut(&iter, start, end) && !kvm->vm_dead);
		kvm_x86_call(block_external_spte)(kvm, iter.gfn, iter.level);
	}

	if (nr)
		kvm_x86_call(track_external_spt)(kvm);

	return iter.valid ? min(iter.gfn, end) : end;
}

static u32 *lpage_flags(const struct kvm_memory_slot *slot, gfn_t gfn)
{
	gfn_t idx = gfn_to_index(gfn, slot->base_gfn, PG_LEVEL_2M);

	return (u32 *)&slot->arch.lpage_info[PG_LEVEL_2M - 2][idx].disallow_lpage;
}

int kvm_mirror_heed_4k(struct kvm *kvm, const struct kvm_memory_slot *slot,
		       gfn_t gfn)
{
	u32 *flags = lpage_flags(slot, gfn);

	/* Who set it splits what was mapped, nobody maps 2M afterwards. */
	if (READ_ONCE(*flags) & KVM_LPAGE_GUEST_4K_FLAG)
		return 0;

	guard(write_lock)(&kvm->mmu_lock);
	*flags |= KVM_LPAGE_GUEST_4K_FLAG;
	return kvm_tdp_mmu_try_split_huge_pages(kvm, slot, gfn, gfn + 1,
						PG_LEVEL_4K, false);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_mirror_heed_4k);

void kvm_mirror_lose(struct kvm *kvm, kvm_pfn_t pfn)
{
	long nr = kvm_gmem_quarantine_folio(page_folio(pfn_to_page(pfn)));

	kvm_vm_dead(kvm);
	atomic64_add(nr, &kvm->stat.quarantined_pages);
	trace_kvm_private_lose(kvm, pfn, nr);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_mirror_lose);
