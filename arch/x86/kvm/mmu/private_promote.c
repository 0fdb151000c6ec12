// SPDX-License-Identifier: GPL-2.0-only
/*
 * Look for 2M ranges of private memory that can be made whole again.
 *
 * A range is made of 4K pages because somebody asked for 4K somewhere in it.
 * When its 512 pages are alike again is not always known to the host: the owner
 * of the table behind the page tables, the firmware for instance, is asked, later
 * and later if it refuses.  It is asked soon again when a page of the range
 * becomes private, or is assigned.
 *
 * Worked example, scans being 500 ms apart: a page of a range is shared, which
 * is remembered.  Scans 1, 2, 4 and 8 ask in vain.  The page is private again
 * before scan 9, which asks and succeeds, and the range is forgotten.
 *
 * A try that has to be undone is dear to all VMs, as they share the firmware, and
 * one that is refused takes time.  A guest can provoke them: a scan stops for a
 * while after KVM_PROMOTE_BUDGET, and then goes on from there.
 *
 * Locks, outer to inner: folio lock, and what ops->promote() takes, i.e.
 * mmu_lock.
 */
#include <linux/pagemap.h>
#include <linux/pgtable.h>

#include "private_promote.h"

static enum kvm_promote_outcome promote(struct kvm_promoter *promoter, gfn_t gfn)
{
	struct kvm_promotion p = {
		.kvm	= promoter->kvm,
		.slot	= gfn_to_memslot(promoter->kvm, gfn),
		.gfn	= gfn,
	};
	enum kvm_promote_outcome outcome;
	struct folio *folio;

	if (p.kvm->vm_dead)
		return KVM_PROMOTE_GONE;

	/* It may come back, with the same file and pages that were assigned before. */
	if (!kvm_slot_has_gmem(p.slot) || p.slot->flags & KVM_MEMSLOT_INVALID)
		return KVM_PROMOTE_REFUSED;

	folio = kvm_gmem_lock_folio(p.slot, gfn, &p.pfn);
	if (!folio)
		return KVM_PROMOTE_GONE;

	/* Beside a page that memory failure marked all are mapped alone, for ever. */
	p.order = folio_order(folio);
	if (p.order && folio_test_has_hwpoisoned(folio))
		p.order = 0;

	outcome = promoter->ops->promote(&p);
	folio_unlock(folio);
	folio_put(folio);
	return outcome;
}

static void scan_range(struct kvm_promoter *promoter, unsigned long index, void *entry)
{
	unsigned long tries = xa_to_value(entry);
	void *next = NULL;

	if (!kvm_promote_due(promoter->nr_scans, tries))
		return;

	/* Added anew meanwhile: the next scan has it. */
	if (!kvm_promote_begin(&promoter->ranges, index, entry))
		return;

	switch (promote(promoter, (gfn_t)index * PTRS_PER_PMD)) {
	case KVM_PROMOTE_DONE:
		atomic64_inc(promoter->promoted);
		break;
	case KVM_PROMOTE_UNDONE:
		promoter->spent += KVM_PROMOTE_COST_UNDONE - KVM_PROMOTE_COST_REFUSED;
		fallthrough;
	case KVM_PROMOTE_REFUSED:
		promoter->spent += KVM_PROMOTE_COST_REFUSED;
		next = xa_mk_value(tries + 1);
		fallthrough;
	case KVM_PROMOTE_GONE:
		atomic64_inc(promoter->failed);
		break;
	}

	kvm_promote_end(&promoter->ranges, index, next);
}

static void schedule_scan(struct kvm_promoter *promoter)
{
	unsigned int ms = READ_ONCE(*promoter->ops->ms);

	if (ms)
		queue_delayed_work(system_dfl_long_wq, &promoter->scan, msecs_to_jiffies(ms));
}

/* Returns the range to go on with after a while, 0 if the scan got through. */
static unsigned long scan_from(struct kvm_promoter *promoter, unsigned long first)
{
	unsigned long index;
	void *entry;
	int idx;

	promoter->spent = 0;
	xa_for_each_start(&promoter->ranges, index, entry, first) {
		/* Whoever changes a memslot waits for one range at most. */
		idx = srcu_read_lock(&promoter->kvm->srcu);
		scan_range(promoter, index, entry);
		srcu_read_unlock(&promoter->kvm->srcu, idx);

		if (promoter->spent >= KVM_PROMOTE_BUDGET)
			return index + 1;
		cond_resched();
	}
	return 0;
}

static void scan(struct work_struct *work)
{
	struct kvm_promoter *promoter =
		container_of(to_delayed_work(work), struct kvm_promoter, scan);

	/* Switched off meanwhile: who is added next has it go on. */
	if (!READ_ONCE(*promoter->ops->ms))
		return;

	/* A range is due in a scan, however many pieces that takes. */
	if (!promoter->first)
		promoter->nr_scans++;
	promoter->first = scan_from(promoter, promoter->first);

	if (!xa_empty(&promoter->ranges))
		schedule_scan(promoter);
}

void kvm_promote_add(struct kvm_promoter *promoter, gfn_t gfn, gfp_t gfp)
{
	kvm_promote_note(&promoter->ranges, gfn / PTRS_PER_PMD, gfp);
	schedule_scan(promoter);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_promote_add);

void kvm_promote_again(struct kvm_promoter *promoter, gfn_t start, gfn_t end)
{
	unsigned long index, last = (end - 1) / PTRS_PER_PMD;
	bool any = false;
	void *entry;

	/* An entry is exchanged for another one: nothing is allocated. */
	xa_for_each_range(&promoter->ranges, index, entry, start / PTRS_PER_PMD, last) {
		xa_cmpxchg(&promoter->ranges, index, entry, xa_mk_value(0), GFP_NOWAIT);
		any = true;
	}

	if (any)
		schedule_scan(promoter);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_promote_again);

void kvm_promote_init(struct kvm_promoter *promoter, struct kvm *kvm,
		      const struct kvm_promote_ops *ops, atomic64_t *promoted,
		      atomic64_t *failed)
{
	promoter->kvm = kvm;
	promoter->ops = ops;
	promoter->promoted = promoted;
	promoter->failed = failed;
	xa_init_flags(&promoter->ranges, XA_FLAGS_ACCOUNT);
	INIT_DELAYED_WORK(&promoter->scan, scan);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_promote_init);

void kvm_promote_destroy(struct kvm_promoter *promoter)
{
	cancel_delayed_work_sync(&promoter->scan);
	xa_destroy(&promoter->ranges);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_promote_destroy);
