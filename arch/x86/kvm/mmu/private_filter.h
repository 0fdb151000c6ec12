/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_X86_MMU_PRIVATE_FILTER_H
#define KVM_X86_MMU_PRIVATE_FILTER_H

#include <linux/kvm_host.h>

#include "private_spte.h"

/*
 * Which leaves are meant when shared memory of a range is zapped.
 *
 * A private leaf maps a page of guest_memfd.  What user space has mapped at the
 * address of the gfn is the gfn's shared half: it may be unmapped, migrated or
 * swapped at any time, and the private leaf has nothing to do with it.
 *
 * Worked example: gfns [0x200, 0x400) are private and mapped by one leaf of 2M,
 * those from 0x400 on are shared.  The kernel compacts memory and migrates what
 * user space has at the addresses of [0x3f0, 0x410).
 *
 *	leaf of gfn 0x200		private, stays
 *	leaves of 0x400 ... 0x40f	zapped, 16 of 4K
 *
 * It is the leaf that tells, not the gfn's attributes: a notifier of user
 * space's memory does not take slots_lock, and may come between the change of an
 * attribute and what follows from it.  The mark was made along with the look-up
 * of the page, and nothing changes it afterwards.
 *
 * TDs have a root of their own for private memory, which the filter of the range
 * excludes as a whole.
 */
static inline bool kvm_spares_private(const struct kvm_gfn_range *range)
{
	/* There the address and the gfn lead to one page, private or not. */
	return range->attr_filter == KVM_FILTER_SHARED &&
	       !kvm_memslot_is_gmem_only(range->slot);
}

/* A leaf with any of these bits stays. */
static inline u64 kvm_spared_leaves(const struct kvm_gfn_range *range)
{
	return kvm_spares_private(range) ? SPTE_PRIVATE_MASK : 0;
}

#endif /* KVM_X86_MMU_PRIVATE_FILTER_H */
