// SPDX-License-Identifier: GPL-2.0-only
/*
 * Count and trace what happens to the SPTEs that map private memory.
 *
 * Worked example: a guest touches 2M of private memory (private_pages_2m is
 * 1), user space converts one page of it to shared (one split, then 512 pages
 * of 4K, then 511), converts it back, and the guest touches that page (one
 * promotion, private_pages_2m is 1 and private_pages_4k 0 again).
 */
#include "private_spte.h"

#define CREATE_TRACE_POINTS
#include "private_trace.h"

void kvm_account_private_spte(struct kvm *kvm, gfn_t gfn, u64 old_spte,
			      u64 new_spte, int level)
{
	int delta = is_private_leaf_spte(new_spte, level) -
		    is_private_leaf_spte(old_spte, level);

	if (delta)
		atomic64_add(delta, &kvm->stat.private_pages[level - 1]);

	if (is_private_split(old_spte, new_spte, level)) {
		atomic64_inc(&kvm->stat.private_splits);
		trace_kvm_private_split(kvm, gfn, level);
	} else if (is_private_promotion(old_spte, new_spte, level)) {
		atomic64_inc(&kvm->stat.private_promotions);
		trace_kvm_private_promote(kvm, gfn, level);
	}
}

void kvm_account_private_children(struct kvm *kvm, u64 huge_spte, int level,
				  int nr)
{
	if (huge_spte & SPTE_PRIVATE_MASK)
		atomic64_add(nr, &kvm->stat.private_pages[level - 1]);
}
