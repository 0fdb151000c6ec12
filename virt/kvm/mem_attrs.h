/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_MEM_ATTRS_H__
#define __KVM_MEM_ATTRS_H__

#include <linux/align.h>
#include <linux/kvm_types.h>
#include <linux/pgtable.h>
#include <linux/xarray.h>

/*
 * The attributes of guest memory: an xarray from gfn to attributes, in which
 * nothing stands for no attributes.  All ranges are [start, end).  One writer
 * at a time, any number of readers.
 */

/*
 * A large range that has the same attributes all over can be one entry, unless
 * it spans more levels of the tree than a split of the entry can cross.
 */
#define MEM_ATTRS_LARGE_ORDER						\
	(IS_ENABLED(CONFIG_XARRAY_MULTI) && PMD_ORDER < 2 * XA_CHUNK_SHIFT ?	\
	 PMD_ORDER : 0)
#define MEM_ATTRS_LARGE		BIT(MEM_ATTRS_LARGE_ORDER)

/* The order of the first of the entries that a store to a range needs. */
static inline unsigned int mem_attrs_order(gfn_t start, gfn_t end)
{
	bool large = IS_ALIGNED(start, MEM_ATTRS_LARGE) &&
		     end - start >= MEM_ATTRS_LARGE;

	return large ? MEM_ATTRS_LARGE_ORDER : 0;
}

/* Would a store to a range that starts or ends at @edge cut a large entry? */
static inline bool mem_attrs_cuts(gfn_t edge, unsigned int order)
{
	return order && !IS_ALIGNED(edge, BIT(order));
}

/*
 * Allocate what it takes to store to a range, so that the store can't fail;
 * @set says whether there will be attributes.  Changes no attribute.  Returns
 * 0 or -ENOMEM.  May sleep.
 */
int kvm_mem_attrs_prepare(struct xarray *attrs, gfn_t start, gfn_t end, bool set);

/* Store to a range that was prepared.  May sleep. */
int kvm_mem_attrs_store(struct xarray *attrs, gfn_t start, gfn_t end, void *entry);

/*
 * The last gfn that has the attributes of the entry at which @xas is, by way of
 * the same entry.  The next step of @xas is to the gfn behind it.
 */
static inline gfn_t mem_attrs_skip(struct xa_state *xas, gfn_t gfn)
{
	if (!xas->xa_node || !xas->xa_node->shift)
		return gfn;

	gfn = ALIGN_DOWN(gfn, MEM_ATTRS_LARGE) + MEM_ATTRS_LARGE - 1;
	xas_set(xas, gfn + 1);
	return gfn;
}

#endif /* __KVM_MEM_ATTRS_H__ */
