/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_X86_MMU_PRIVATE_SPTE_H
#define KVM_X86_MMU_PRIVATE_SPTE_H

#include <linux/kvm_host.h>

#include "spte.h"

/*
 * Marks leaf SPTEs that map private memory, so that what is counted when a
 * leaf appears is uncounted when it goes away, whatever happened to the gfn's
 * attributes in between.  Ignored by EPT and NPT alike, kept by splits and
 * promotions as those derive one leaf from the other.
 */
#define SPTE_PRIVATE_MASK	BIT_ULL(56)

/* Above every physical address, whose mask is a variable with AMD_MEM_ENCRYPT. */
static_assert(!(SPTE_PRIVATE_MASK & GENMASK_ULL(51, 0)));
static_assert(!(SPTE_PRIVATE_MASK & SPTE_TDP_AD_MASK));
static_assert(!(SPTE_PRIVATE_MASK & SPTE_MMU_PRESENT_MASK));
static_assert(!(SPTE_PRIVATE_MASK & FROZEN_SPTE));
static_assert(!(SPTE_PRIVATE_MASK & (EPT_SPTE_HOST_WRITABLE | EPT_SPTE_MMU_WRITABLE)));
static_assert(!(SPTE_PRIVATE_MASK & (SHADOW_ACC_TRACK_SAVED_BITS_MASK <<
				     SHADOW_ACC_TRACK_SAVED_BITS_SHIFT)));

static inline bool is_private_leaf_spte(u64 spte, int level)
{
	return is_shadow_present_pte(spte) && is_last_spte(spte, level) &&
	       (spte & SPTE_PRIVATE_MASK);
}

static inline bool is_table_spte(u64 spte, int level)
{
	return is_shadow_present_pte(spte) && !is_last_spte(spte, level);
}

/* A leaf that maps private memory made way for a table of smaller ones. */
static inline bool is_private_split(u64 old_spte, u64 new_spte, int level)
{
	return is_private_leaf_spte(old_spte, level) && is_table_spte(new_spte, level);
}

/* A table made way for one leaf that maps private memory. */
static inline bool is_private_promotion(u64 old_spte, u64 new_spte, int level)
{
	return is_table_spte(old_spte, level) && is_private_leaf_spte(new_spte, level);
}

/*
 * Account the change of one SPTE at @level, the first of whose gfns is @gfn.
 * mmu_lock must be held, for read or for write; none if the VM goes away.
 */
void kvm_account_private_spte(struct kvm *kvm, gfn_t gfn, u64 old_spte,
			      u64 new_spte, int level);

/*
 * Account the @nr leaves at @level that a split wrote into a new table, before
 * anyone could see them change.
 */
void kvm_account_private_children(struct kvm *kvm, u64 huge_spte, int level,
				  int nr);

#endif /* KVM_X86_MMU_PRIVATE_SPTE_H */
