// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holes in a part of a large folio that the architecture keeps whole.
 *
 * To cut the folio costs its range the mapping of 2M for good, and the host's
 * direct map one as well if pages on either side of the cut have owners that
 * differ.  A VMM that punches a hole for each page that the guest shares would
 * cut one after the other.  Where a table of owners protects private memory, a
 * page without an owner can stay where it is until the guest wants it back.
 *
 * Worked example: an SNP guest owns the folio of pages [512, 1024).
 *
 *	punch [600, 602)	pages 600 and 601 are nobody's, the folio stays
 *	touch 600		page 600 is the guest's again
 *	punch [512, 602)	90 pages are nobody's
 *	punch [602, 1030)	none of the 512 is the guest's: the folio is freed,
 *				and so are [1024, 1030), which are pages
 */
#include "gmem_folio.h"
#include "gmem_hole.h"

static void exclude(struct gmem_hole *hole, pgoff_t from, pgoff_t to)
{
	if (from == hole->start)
		hole->start = to;
	else
		hole->end = from;
}

/* The part of @hole that lies in the large range around @index. */
static int hole_in_range(struct kvm *kvm, struct address_space *mapping,
			 struct gmem_hole *hole, pgoff_t index)
{
	pgoff_t base = ALIGN_DOWN(index, GMEM_LARGE_PAGES);
	pgoff_t from = max(hole->start, base);
	pgoff_t to = min(hole->end, base + GMEM_LARGE_PAGES);
	struct folio *folio;
	int r = KVM_GMEM_HOLE_CUT;

	folio = filemap_lock_folio(mapping, index);
	if (IS_ERR(folio))
		return 0;

	if (folio_order(folio) >= GMEM_LARGE_ORDER)
		r = kvm_arch_gmem_hole(kvm, folio_pfn(folio) + from - base, to - from);
	/*
	 * Truncate it, before a fault on a page beside the hole gives that to the
	 * guest: no invalidation need be in progress there, of another memslot.
	 */
	if (r == KVM_GMEM_HOLE_EMPTY)
		r = generic_error_remove_folio(mapping, folio) ?: r;
	folio_unlock(folio);
	folio_put(folio);

	if (r > KVM_GMEM_HOLE_CUT)
		exclude(hole, from, to);
	return min(r, 0);
}

int kvm_gmem_hole_edges(struct kvm *kvm, struct address_space *mapping,
			struct gmem_hole *hole)
{
	pgoff_t first = ALIGN_DOWN(hole->start, GMEM_LARGE_PAGES);
	pgoff_t last = ALIGN_DOWN(hole->end, GMEM_LARGE_PAGES);
	bool at_start = hole->start != first;
	/* Both ends may lie in one range, whose turn comes once. */
	bool at_end = hole->end != last && !(at_start && first == last);
	int r = 0;

	lockdep_assert_held_write(&mapping->invalidate_lock);

	if (at_start)
		r = hole_in_range(kvm, mapping, hole, hole->start);
	if (!r && at_end)
		r = hole_in_range(kvm, mapping, hole, hole->end - 1);

	return r;
}
