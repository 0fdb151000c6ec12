/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_GMEM_HOLE_H__
#define __KVM_GMEM_HOLE_H__

#include <linux/kvm_host.h>
#include <linux/pagemap.h>

/* What is left to be done of a hole, in pages of the file. */
struct gmem_hole {
	pgoff_t start;
	pgoff_t end;
};

#ifdef CONFIG_HAVE_KVM_ARCH_GMEM_RECLAIM

/*
 * Have the pages at both ends of @hole that lie in a part of a large folio given
 * back by @kvm, and move the ends inwards where no more is to be done: the folio
 * stays in the file, or was freed, as nothing of it is in use any more.  An end
 * that did not move is to be cut.  Needs the mapping's invalidate_lock held for
 * write, the pages of the hole unmapped, and an invalidation of them in progress.
 * Takes the folio lock.  Returns 0 or -ENOMEM; nothing is lost on failure.
 */
int kvm_gmem_hole_edges(struct kvm *kvm, struct address_space *mapping,
			struct gmem_hole *hole);

#else

static inline int kvm_gmem_hole_edges(struct kvm *kvm, struct address_space *mapping,
				      struct gmem_hole *hole)
{
	return 0;
}

#endif
#endif /* __KVM_GMEM_HOLE_H__ */
