/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_X86_MMU_PRIVATE_PROMOTE_H
#define KVM_X86_MMU_PRIVATE_PROMOTE_H

#include <linux/bits.h>
#include <linux/kvm_host.h>
#include <linux/minmax.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

/*
 * Look for 2M ranges of private memory that are made of 4K pages, and have them
 * promoted by whoever keeps the table behind the page tables.
 */

/* What a try to promote a range came to. */
enum kvm_promote_outcome {
	KVM_PROMOTE_DONE,
	KVM_PROMOTE_REFUSED,
	/* Refused after work that had to be undone: a scan affords few of these. */
	KVM_PROMOTE_UNDONE,
	/* Nothing there to be promoted: whoever makes something adds the range. */
	KVM_PROMOTE_GONE,
};

/**
 * struct kvm_promotion - a range, while it is being promoted
 * @kvm:	the VM
 * @slot:	memslot of the range
 * @gfn:	first gfn of the range
 * @pfn:	pfn that backs @gfn
 * @order:	order of the folio at @pfn, which is locked
 */
struct kvm_promotion {
	struct kvm *kvm;
	struct kvm_memory_slot *slot;
	gfn_t gfn;
	kvm_pfn_t pfn;
	int order;
};

/**
 * struct kvm_promote_ops - who promotes, and what counts it
 * @promote:	promotes a range.  Its folio is locked, i.e. it is whole and stays
 *		in the file.  May sleep
 * @ms:		milliseconds between scans, 0 for never
 */
struct kvm_promote_ops {
	enum kvm_promote_outcome (*promote)(const struct kvm_promotion *p);
	const unsigned int *ms;
};

/**
 * struct kvm_promoter - the 2M ranges of a VM that are made of 4K pages
 * @kvm:	the VM
 * @ops:	who promotes
 * @promoted:	counts ranges that were promoted
 * @failed:	counts tries that failed
 * @ranges:	by gfn / 512, how often promoting the range failed, as a value, or
 *		KVM_PROMOTE_TRYING
 * @first:	the range that a scan which stopped goes on with
 * @nr_scans:	scans since the VM was created
 * @spent:	on tries that failed, since the scan began or went on
 * @scan:	looks for ranges that can be promoted
 */
struct kvm_promoter {
	struct kvm *kvm;
	const struct kvm_promote_ops *ops;
	atomic64_t *promoted;
	atomic64_t *failed;
	struct xarray ranges;
	unsigned long first;
	unsigned long nr_scans;
	unsigned int spent;
	struct delayed_work scan;
};

void kvm_promote_init(struct kvm_promoter *promoter, struct kvm *kvm,
		      const struct kvm_promote_ops *ops, atomic64_t *promoted,
		      atomic64_t *failed);

/* Wait for a scan that runs and forget all ranges.  May sleep. */
void kvm_promote_destroy(struct kvm_promoter *promoter);

/*
 * Remember that the 2M range around @gfn is made of 4K pages, and have it looked
 * at after a while.  Failing to is a range that stays 4K, no more.  Sleeps if
 * @gfp permits.
 */
void kvm_promote_add(struct kvm_promoter *promoter, gfn_t gfn, gfp_t gfp);

/*
 * Pages of [@start, @end) became private and may have been the last of their
 * ranges: those that failed before are tried soon again.  Does not sleep.
 */
void kvm_promote_again(struct kvm_promoter *promoter, gfn_t start, gfn_t end);

/*
 * A scan stops for a while when it spent so much: a try that is refused looks at each
 * page of the range, one that is undone gave 512 commands to the firmware.
 */
#define KVM_PROMOTE_BUDGET		1024
#define KVM_PROMOTE_COST_REFUSED	1
#define KVM_PROMOTE_COST_UNDONE		(KVM_PROMOTE_BUDGET / 8)

/* A range is tried every 1, 2, 4, ... scans, and then at this power of two. */
#define KVM_PROMOTE_MAX_SHIFT	10ul

static inline bool kvm_promote_due(unsigned long nr_scans, unsigned long tries)
{
	return !(nr_scans & (BIT(min(tries, KVM_PROMOTE_MAX_SHIFT)) - 1));
}

/*
 * A scan is at it.  Whoever adds the range meanwhile may have taken apart again
 * what that scan just promoted: it replaces this value, which the scan heeds.
 */
#define KVM_PROMOTE_TRYING	((unsigned long)LONG_MAX)

static inline void kvm_promote_note(struct xarray *ranges, unsigned long index, gfp_t gfp)
{
	/* Pages are assigned one after the other: one of them has it scanned. */
	if (xa_load(ranges, index) != xa_mk_value(0))
		xa_store(ranges, index, xa_mk_value(0), gfp);
}

/* @entry is what the scan found; false if it is not there any more. */
static inline bool kvm_promote_begin(struct xarray *ranges, unsigned long index, void *entry)
{
	return xa_cmpxchg(ranges, index, entry, xa_mk_value(KVM_PROMOTE_TRYING),
			  GFP_KERNEL) == entry;
}

/* Forget the range if @next is NULL, but not what was added since the beginning. */
static inline void kvm_promote_end(struct xarray *ranges, unsigned long index, void *next)
{
	xa_cmpxchg(ranges, index, xa_mk_value(KVM_PROMOTE_TRYING), next, GFP_KERNEL);
}

#endif /* KVM_X86_MMU_PRIVATE_PROMOTE_H */
