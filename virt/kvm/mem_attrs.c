// SPDX-License-Identifier: GPL-2.0-only
/*
 * Store the attributes of guest memory, 2M at a time where possible.
 *
 * Worked example, gfns [0x200, 0x800) without attributes and 2M being 0x200:
 *
 *	make [0x200, 0x7f0) private
 *		2 entries, [0x200, 0x400) and [0x400, 0x600), then 0x1f0 of 4K
 *	make [0x3ff, 0x401) shared
 *		prepare: both large entries become 0x200 entries of 4K each,
 *		all private as before
 *		store: nothing in the place of 0x3ff and 0x400
 *	make [0x200, 0x600) private
 *		the entries of 4K make way for 2 entries
 *
 * 1 GiB takes 512 entries in 65 nodes of the tree instead of 262,144 in 4,161.
 */
#include <linux/sched.h>

#include "mem_attrs.h"

/*
 * The entry that @edge cuts becomes entries of 4K.  The attributes stay what
 * they are, for whoever looks meanwhile as well as after a failure later on.
 */
static int split_at(struct xarray *attrs, gfn_t edge)
{
	XA_STATE(xas, attrs, ALIGN_DOWN(edge, MEM_ATTRS_LARGE));
	void *entry = xa_load(attrs, edge);
	unsigned int order;

	order = entry ? xa_get_order(attrs, edge) : 0;
	if (!mem_attrs_cuts(edge, order))
		return 0;

	xas_split_alloc(&xas, entry, order, GFP_KERNEL_ACCOUNT);
	if (xas_error(&xas))
		return xas_error(&xas);

	xas_lock(&xas);
	xas_split(&xas, entry, order);
	xas_unlock(&xas);
	return 0;
}

int kvm_mem_attrs_prepare(struct xarray *attrs, gfn_t start, gfn_t end, bool set)
{
	unsigned int order;
	gfn_t gfn;
	int r;

	r = split_at(attrs, start) ?: split_at(attrs, end);
	if (r || !set)
		return r;

	for (gfn = start; gfn < end; gfn += BIT(order)) {
		order = mem_attrs_order(gfn, end);

		/*
		 * The way to the last gfn of a large range is longer than that
		 * to the large entry, and is part of it.  Reserving more would
		 * disturb attributes that are there.
		 */
		r = xa_reserve(attrs, gfn + BIT(order) - 1, GFP_KERNEL_ACCOUNT);
		if (r)
			return r;

		cond_resched();
	}
	return 0;
}

static int store(struct xarray *attrs, gfn_t gfn, unsigned int order, void *entry)
{
	XA_STATE(xas, attrs, 0);

	xas_set_order(&xas, gfn, order);
	do {
		xas_lock(&xas);
		xas_store(&xas, entry);
		xas_unlock(&xas);
	} while (xas_nomem(&xas, GFP_KERNEL_ACCOUNT));

	return xas_error(&xas);
}

int kvm_mem_attrs_store(struct xarray *attrs, gfn_t start, gfn_t end, void *entry)
{
	unsigned int order;
	gfn_t gfn;
	int r = 0;

	for (gfn = start; gfn < end && !r; gfn += BIT(order)) {
		order = mem_attrs_order(gfn, end);
		r = store(attrs, gfn, order, entry);
		cond_resched();
	}
	return r;
}
