// SPDX-License-Identifier: GPL-2.0-only
/*
 * The level at which memory backed by guest_memfd is mapped.
 *
 * Each party with a say in it is one function: it looks at the map and at the
 * highest level still possible, and returns the highest level it permits.
 *
 * Worked example, 2M being 512 pages: a memslot of gfns [0x800, 0xc00) starts
 * at page 0x200 of the file.  gfn 0x8ff lies on page 0x2ff of an order-9
 * folio, pfn 0x45eff for instance.  All three are 0xff beyond a multiple of
 * 512, the memslot covers [0x800, 0xa00), no attribute in there differs, the
 * hardware has no say: gfn 0x8ff is mapped by one 2M leaf.  Had the memslot
 * started at page 0x201, gfn and page would not be congruent and 4K remains.
 */
#include "mmu.h"
#include "private_level.h"

u8 kvm_level_for_order(int order)
{
	u8 level = KVM_MAX_HUGEPAGE_LEVEL;

	while (level > PG_LEVEL_4K && order < KVM_HPAGE_GFN_SHIFT(level))
		level--;

	return level;
}

u8 kvm_congruent_level(u64 a, u64 b)
{
	u8 level = KVM_MAX_HUGEPAGE_LEVEL;

	while (level > PG_LEVEL_4K && ((a ^ b) & (KVM_PAGES_PER_HPAGE(level) - 1)))
		level--;

	return level;
}

u8 kvm_slot_max_level(const struct kvm_memory_slot *slot, gfn_t gfn, u8 max_level)
{
	u8 level;

	for (level = max_level; level > PG_LEVEL_4K; level--) {
		gfn_t idx = gfn_to_index(gfn, slot->base_gfn, level);

		if (!slot->arch.lpage_info[level - 2][idx].disallow_lpage)
			break;
	}

	return level;
}

static u8 folio_level(const struct kvm_gmem_map *map, u8 max_level)
{
	return map->folio_level;
}

/* gfn, page of the file and pfn must lie at one offset in their ranges. */
static u8 alignment_level(const struct kvm_gmem_map *map, u8 max_level)
{
	u64 index = map->gfn - map->slot->base_gfn + map->slot->gmem.pgoff;

	return min(kvm_congruent_level(map->gfn, index),
		   kvm_congruent_level(map->gfn, map->pfn));
}

static u8 memslot_level(const struct kvm_gmem_map *map, u8 max_level)
{
	return kvm_slot_max_level(map->slot, map->gfn, max_level);
}

/* The RMP entry or the S-EPT entry must not be smaller than the leaf. */
static u8 hardware_level(const struct kvm_gmem_map *map, u8 max_level)
{
	return map->hw_level ?: max_level;
}

static u8 (*const parties[])(const struct kvm_gmem_map *map, u8 max_level) = {
	folio_level,
	alignment_level,
	memslot_level,
	hardware_level,
};

u8 kvm_gmem_map_level(const struct kvm_gmem_map *map, u8 max_level)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(parties) && max_level > PG_LEVEL_4K; i++)
		max_level = min(max_level, parties[i](map, max_level));

	return max_level;
}
