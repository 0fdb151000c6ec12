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
 *	it comes back	once all 512 are there, and accepted, the table over
 *			them is blocked, tracked, promoted: one leaf of 2M
 *
 * A leaf that is blocked is present in the mirror until it is removed, and so may
 * be one that was mapped while mmu_lock was dropped, which the back end finds out.
 * A vCPU that needs it meanwhile retries: zaps come with an invalidation in progress.
 */
#include "mmu.h"
#include "mmu_internal.h"
#include "private_mirror.h"
#include "private_owner.h"
#include "private_spte.h"
#include "private_trace.h"
#include "tdp_iter.h"
#include "tdp_mmu.h"

#include "../../../../virt/kvm/gmem_quarantine.h"

bool kvm_mirror_fit_goal(struct kvm_page_fault *fault, u64 spte, int level)
{
	gfn_t part = KVM_PAGES_PER_HPAGE(level) - KVM_PAGES_PER_HPAGE(level - 1);

	/* The pfn is that of the larger leaf, i.e. the first one. */
	if (level == fault->goal_level && is_table_spte(spte, level)) {
		fault->pfn |= fault->gfn & part;
		fault->goal_level--;
	}

	return level <= fault->goal_level || !is_shadow_present_pte(spte) ||
	       !is_last_spte(spte, level);
}

/* What lies beside the range would be lost along with it. */
static bool is_cut(const struct tdp_iter *iter, gfn_t start, gfn_t end)
{
	return iter->gfn < start ||
	       iter->gfn + KVM_PAGES_PER_HPAGE(iter->level) > end;
}

/*
 * Block the next leaves of [@gfn, @end).  Returns the gfn behind them, and counts
 * them in @nr.
 */
static gfn_t block_batch(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start,
			 gfn_t gfn, gfn_t end, u64 *nr)
{
	int left = KVM_MIRROR_BATCH;
	struct tdp_iter iter;

	for_each_tdp_pte(iter, kvm, root, gfn, end) {
		if (!is_shadow_present_pte(iter.old_spte) ||
		    !is_last_spte(iter.old_spte, iter.level))
			continue;

		if (!left--)
			return iter.gfn;

		/* Who could not split it ended the VM. */
		WARN_ON_ONCE(is_cut(&iter, start, end) && !kvm->vm_dead);
		kvm_x86_call(block_external_spte)(kvm, iter.gfn, iter.level);
		++*nr;
	}
	return end;
}

void kvm_mirror_block(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start,
		      gfn_t end, bool can_yield)
{
	gfn_t gfn = start;
	u64 nr = 0;

	lockdep_assert_held_write(&kvm->mmu_lock);

	while (gfn < end) {
		gfn = block_batch(kvm, root, start, gfn, end, &nr);
		if (!can_yield || (!need_resched() && !rwlock_needbreak(&kvm->mmu_lock)))
			continue;

		rcu_read_unlock();
		cond_resched_rwlock_write(&kvm->mmu_lock);
		rcu_read_lock();
	}

	if (nr)
		kvm_x86_call(track_external_spt)(kvm);
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

bool kvm_mirror_parts_agree(const u64 *spt, kvm_pfn_t pfn, u64 ignore)
{
	u64 first = spt[0] & ~ignore;
	int i;

	for (i = 0; i < SPTE_ENT_PER_PAGE; i++) {
		u64 spte = READ_ONCE(spt[i]);

		if (!is_shadow_present_pte(spte) || spte_to_pfn(spte) != pfn + i ||
		    (spte & ~ignore) != first + ((u64)i << PAGE_SHIFT))
			return false;
	}
	return true;
}

/* Whoever zaps a part of the range began, and may drop mmu_lock meanwhile. */
static bool may_be_2m(const struct kvm_promotion *p)
{
	lockdep_assert_held_write(&p->kvm->mmu_lock);

	return !p->kvm->mmu_invalidate_in_progress &&
	       kvm_mem_is_private(p->kvm, p->gfn) &&
	       kvm_gmem_assign_level_locked(p->slot, p->gfn, p->pfn, p->order) == PG_LEVEL_2M;
}

static int promote(const struct kvm_promotion *p)
{
	u32 *flags = lpage_flags(p->slot, p->gfn);
	u32 wanted_4k = *flags & KVM_LPAGE_GUEST_4K_FLAG;
	int r;

	/*
	 * The guest has what it asked for.  Should it ask again, as it may have
	 * accepted nothing of the range, the leaf has to be split again.
	 */
	*flags &= ~KVM_LPAGE_GUEST_4K_FLAG;
	r = may_be_2m(p) ? kvm_tdp_mmu_promote(p->kvm, p->gfn, p->pfn) : -EAGAIN;
	if (r)
		*flags |= wanted_4k;
	return r;
}

enum kvm_promote_outcome kvm_mirror_promote(const struct kvm_promotion *p)
{
	if (p->order < PMD_ORDER)
		return KVM_PROMOTE_GONE;

	/* Nor may what the external page table needs go in the midst of this. */
	guard(rwsem_read)(&p->kvm->gmem_zap_sem);
	guard(write_lock)(&p->kvm->mmu_lock);
	switch (promote(p)) {
	case 0:
		return KVM_PROMOTE_DONE;
	case -ENOENT:
		return KVM_PROMOTE_GONE;
	default:
		return KVM_PROMOTE_REFUSED;
	}
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_mirror_promote);

void kvm_mirror_lose(struct kvm *kvm, kvm_pfn_t pfn, const char *cause)
{
	long nr = kvm_gmem_quarantine_folio(page_folio(pfn_to_page(pfn)));

	kvm_vm_dead(kvm);
	atomic64_add(nr, &kvm->stat.quarantined_pages);
	trace_kvm_private_lose(kvm, pfn, nr, cause);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_mirror_lose);
