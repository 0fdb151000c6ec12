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
 * to it.  So the firmware is asked, see mmu/private_promote.c for when, and if it
 * refuses what was done so far is undone: the range stays at 4K and works.
 *
 * Locks, outer to inner: folio lock, mmu_lock (write, to close the range).  The
 * folio lock keeps the range closed and its entries from being smashed, the
 * folio whole and in the file, and with that the pages from being reclaimed.
 */
#include <linux/moduleparam.h>
#include <asm/sev.h>

#include "mmu.h"
#include "mmu/private_owner.h"
#include "mmu/private_promote.h"
#include "snp_fw.h"
#include "snp_mem.h"
#include "snp_promote.h"
#include "svm.h"

static unsigned int snp_promote_ms = 500;
module_param(snp_promote_ms, uint, 0644);
MODULE_PARM_DESC(snp_promote_ms,
		 "Milliseconds between scans for smashed ranges to promote, 0 for never");

/* A page without an owner can't be valid: spare the firmware. */
static bool all_assigned(const struct kvm_promotion *p)
{
	int i;

	for (i = 0; i < PTRS_PER_PMD; i++) {
		if (snp_rmp_level(p->pfn + i) != PG_LEVEL_4K)
			return false;
	}
	return true;
}

/* Returns how many pages were made immutable. */
static int make_immutable(const struct kvm_promotion *p)
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
static void undo_immutable(const struct kvm_promotion *p, int nr)
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

static bool unsmash(const struct kvm_promotion *p)
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
static bool holds_vmsa(const struct kvm_promotion *p)
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

static enum kvm_promote_outcome promote(const struct kvm_promotion *p)
{
	if (p->order < PMD_ORDER || snp_rmp_level(p->pfn) != PG_LEVEL_4K)
		return KVM_PROMOTE_GONE;

	/* Before the guest loses its mappings; pages are assigned under the folio lock. */
	if (!all_assigned(p))
		return KVM_PROMOTE_REFUSED;

	if (!kvm_mmu_close_range(p->kvm, p->slot, p->gfn, p->pfn, p->order))
		return KVM_PROMOTE_REFUSED;

	if (holds_vmsa(p))
		return KVM_PROMOTE_REFUSED;

	return unsmash(p) ? KVM_PROMOTE_DONE : KVM_PROMOTE_UNDONE;
}

static const struct kvm_promote_ops snp_promote_ops = {
	.promote	= promote,
	.ms		= &snp_promote_ms,
};

void snp_promote_init(struct kvm *kvm, struct kvm_promoter *promoter)
{
	kvm_promote_init(promoter, kvm, &snp_promote_ops, &kvm->stat.rmp_promotions,
			 &kvm->stat.rmp_promotion_fails);
}
