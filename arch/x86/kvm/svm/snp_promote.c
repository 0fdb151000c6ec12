// SPDX-License-Identifier: GPL-2.0-only
/*
 * Make smashed 2M ranges of SNP guests whole again, without their help.
 *
 * A range is smashed because the guest asked for 4K somewhere in it.  Once the
 * 512 pages are the guest's again, alike in state and permissions, nothing
 * stands against one entry of 2M:
 *
 *	close the range		nothing maps it, who would waits for the folio
 *	make it immutable	512 RMPUPDATEs; a valid page stays valid
 *	unsmash			SNP_PAGE_UNSMASH: one entry, immutable
 *	reclaim			SNP_PAGE_RECLAIM: one entry, the guest's
 *	unlock the folio	the next touch maps one leaf of 2M
 *
 * The RMP does not tell the host whether a page is valid or what VMPLs may do
 * to it.  So the firmware is asked, later and later if it refuses, and what was
 * done so far is undone: the range stays at 4K and works.  It is asked for soon
 * again when a page of the range becomes private, or is assigned.
 *
 * Locks, outer to inner: folio lock, mmu_lock (write, to close the range).  The
 * folio lock keeps the range closed and its entries from being smashed, the
 * folio whole and in the file, and with that the pages from being reclaimed.
 */
#include <linux/moduleparam.h>
#include <linux/pagemap.h>
#include <asm/sev.h>

#include "mmu.h"
#include "mmu/private_owner.h"
#include "snp_fw.h"
#include "snp_mem.h"
#include "snp_plan.h"
#include "snp_promote.h"
#include "svm.h"

static unsigned int snp_promote_ms = 500;
module_param(snp_promote_ms, uint, 0644);
MODULE_PARM_DESC(snp_promote_ms,
		 "Milliseconds between scans for smashed ranges to promote, 0 for never");

/* A range, while it is being promoted. */
struct promotion {
	struct kvm *kvm;
	gfn_t gfn;
	kvm_pfn_t pfn;
	struct kvm_memory_slot *slot;
};

/* What a try came to. */
enum outcome {
	PROMOTED,
	REFUSED,
	/* Freed, or no entries of 4K there: whoever makes one adds the range. */
	GONE,
};

/* A page without an owner can't be valid: spare the firmware. */
static bool all_assigned(const struct promotion *p)
{
	int i;

	for (i = 0; i < PTRS_PER_PMD; i++) {
		if (snp_rmp_level(p->pfn + i) != PG_LEVEL_4K)
			return false;
	}
	return true;
}

/* Returns how many pages were made immutable. */
static int make_immutable(const struct promotion *p)
{
	u32 asid = to_kvm_sev_info(p->kvm)->asid;
	int i;

	for (i = 0; i < PTRS_PER_PMD; i++) {
		if (rmp_make_private_whole(p->pfn + i, gfn_to_gpa(p->gfn + i),
					   PG_LEVEL_4K, asid, true))
			break;
	}
	return i;
}

/* A page that stays immutable is lost to the guest, and the guest with it. */
static void undo_immutable(const struct promotion *p, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (snp_fw_reclaim(p->pfn + i, PG_LEVEL_4K)) {
			pr_err_ratelimited("SEV: PFN 0x%llx stays immutable, ending the VM\n",
					   p->pfn + i);
			kvm_vm_dead(p->kvm);
		}
	}
}

static bool unsmash(const struct promotion *p)
{
	int nr = make_immutable(p);

	if (nr < PTRS_PER_PMD || snp_fw_unsmash(p->pfn)) {
		undo_immutable(p, nr);
		return false;
	}

	if (snp_fw_reclaim(p->pfn, PG_LEVEL_2M)) {
		pr_err_ratelimited("SEV: PFN 0x%llx stays immutable, ending the VM\n", p->pfn);
		kvm_vm_dead(p->kvm);
		return false;
	}
	return true;
}

/*
 * A save area that the guest made is a page of the range like others, but VMRUN
 * refuses one that is immutable.  As the range is closed, none is installed
 * meanwhile: __sev_snp_reload_vmsa() heeds invalidations and looks up the folio.
 */
static bool holds_vmsa(const struct promotion *p)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	kvm_for_each_vcpu(i, vcpu, p->kvm) {
		gpa_t gpa = READ_ONCE(to_svm(vcpu)->sev_es.snp_guest_vmsa_gpa);

		if (VALID_PAGE(gpa) && gpa_to_gfn(gpa) - p->gfn < PTRS_PER_PMD)
			return true;
	}
	return false;
}

static enum outcome promote_locked(struct promotion *p, int order)
{
	if (order < PMD_ORDER || snp_rmp_level(p->pfn) != PG_LEVEL_4K)
		return GONE;

	if (!kvm_mmu_close_range(p->kvm, p->slot, p->gfn, p->pfn, order))
		return REFUSED;

	if (holds_vmsa(p) || !all_assigned(p))
		return REFUSED;

	return unsmash(p) ? PROMOTED : REFUSED;
}

static enum outcome promote(struct kvm *kvm, gfn_t gfn)
{
	struct promotion p = {
		.kvm	= kvm,
		.gfn	= gfn,
		.slot	= gfn_to_memslot(kvm, gfn),
	};
	enum outcome outcome;
	struct folio *folio;

	if (!kvm_slot_has_gmem(p.slot))
		return GONE;

	folio = kvm_gmem_lock_folio(p.slot, gfn, &p.pfn);
	if (!folio)
		return GONE;

	outcome = promote_locked(&p, folio_order(folio));
	folio_unlock(folio);
	folio_put(folio);
	return outcome;
}

static void scan_range(struct kvm_snp_promote *promoter, unsigned long index, void *entry)
{
	unsigned long tries = xa_to_value(entry);
	struct kvm *kvm = promoter->kvm;
	void *next = NULL;

	if (!snp_promote_due(promoter->nr_scans, tries))
		return;

	switch (promote(kvm, (gfn_t)index * PTRS_PER_PMD)) {
	case PROMOTED:
		atomic64_inc(&kvm->stat.rmp_promotions);
		break;
	case REFUSED:
		next = xa_mk_value(tries + 1);
		fallthrough;
	case GONE:
		atomic64_inc(&kvm->stat.rmp_promotion_fails);
		break;
	}

	/* Leave alone what was added anew meanwhile. */
	xa_cmpxchg(&promoter->ranges, index, entry, next, GFP_KERNEL);
}

static void schedule_scan(struct kvm_snp_promote *promoter)
{
	unsigned int ms = READ_ONCE(snp_promote_ms);

	if (ms)
		schedule_delayed_work(&promoter->scan, msecs_to_jiffies(ms));
}

static void scan(struct work_struct *work)
{
	struct kvm_snp_promote *promoter =
		container_of(to_delayed_work(work), struct kvm_snp_promote, scan);
	unsigned long index;
	void *entry;
	int idx;

	/* Switched off meanwhile: who is added next has it go on. */
	if (!READ_ONCE(snp_promote_ms))
		return;

	promoter->nr_scans++;
	idx = srcu_read_lock(&promoter->kvm->srcu);
	xa_for_each(&promoter->ranges, index, entry) {
		scan_range(promoter, index, entry);
		cond_resched();
	}
	srcu_read_unlock(&promoter->kvm->srcu, idx);

	if (!xa_empty(&promoter->ranges))
		schedule_scan(promoter);
}

void snp_promote_add(struct kvm_snp_promote *promoter, gfn_t gfn)
{
	xa_store(&promoter->ranges, gfn / PTRS_PER_PMD, xa_mk_value(0), GFP_KERNEL_ACCOUNT);
	schedule_scan(promoter);
}

void snp_promote_again(struct kvm_snp_promote *promoter, gfn_t start, gfn_t end)
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

void snp_promote_init(struct kvm *kvm, struct kvm_snp_promote *promoter)
{
	promoter->kvm = kvm;
	xa_init(&promoter->ranges);
	INIT_DELAYED_WORK(&promoter->scan, scan);
}

void snp_promote_destroy(struct kvm_snp_promote *promoter)
{
	cancel_delayed_work_sync(&promoter->scan);
	xa_destroy(&promoter->ranges);
}
