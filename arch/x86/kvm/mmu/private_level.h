/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_X86_MMU_PRIVATE_LEVEL_H
#define KVM_X86_MMU_PRIVATE_LEVEL_H

#include <linux/kvm_host.h>

/**
 * struct kvm_gmem_map - one gfn backed by guest_memfd, about to be mapped
 * @slot:	 memslot that holds @gfn
 * @gfn:	 gfn to map
 * @pfn:	 pfn that guest_memfd found for @gfn
 * @folio_level: level that the folio around @pfn fills
 * @hw_level:	 level at which RMP or S-EPT let the guest own @pfn, 0 if
 *		 neither has a say
 */
struct kvm_gmem_map {
	const struct kvm_memory_slot *slot;
	gfn_t gfn;
	kvm_pfn_t pfn;
	u8 folio_level;
	u8 hw_level;
};

/* The highest level of a leaf that maps a folio of @order. */
u8 kvm_level_for_order(int order);

/* The highest level at which two frame numbers may share a leaf. */
u8 kvm_congruent_level(u64 a, u64 b);

/*
 * The highest level, at most @max_level, at which lpage_info permits a leaf for
 * @gfn.  lpage_info counts what forbids one: an edge of the memslot inside of
 * the range, attributes that differ, a gfn whose writes are tracked.  mmu_lock
 * must be held.
 */
u8 kvm_slot_max_level(const struct kvm_memory_slot *slot, gfn_t gfn, u8 max_level);

/*
 * The highest level, at most @max_level, at which a leaf may map @map->gfn:
 * the lowest of what each party with a say in it permits.  mmu_lock must be
 * held.
 */
u8 kvm_gmem_map_level(const struct kvm_gmem_map *map, u8 max_level);

#endif /* KVM_X86_MMU_PRIVATE_LEVEL_H */
