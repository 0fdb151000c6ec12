// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which VM it is whose pages are lost.
 *
 * guest_memfd frees a folio without knowing for whom it was allocated, and does
 * so even after the VM is gone.  But a page that is still assigned is lost for
 * just that reason, and its entry in the RMP tells the ASID.
 */
#include <linux/kvm_host.h>
#include <linux/page-flags.h>
#include <linux/psp-sev.h>
#include <linux/xarray.h>
#include <asm/sev.h>
#include <asm/snp-quarantine.h>

#include "snp_owner.h"
#include "svm.h"

/* By ASID.  A VM in here is alive as long as the xarray is locked. */
static DEFINE_XARRAY(owners);

int snp_owner_add(struct kvm *kvm)
{
	return xa_err(xa_store(&owners, to_kvm_sev_info(kvm)->asid, kvm,
			       GFP_KERNEL_ACCOUNT));
}

void snp_owner_remove(struct kvm *kvm)
{
	xa_cmpxchg(&owners, to_kvm_sev_info(kvm)->asid, kvm, NULL, 0);
}

void snp_owner_lose(struct kvm *kvm, u64 pfn, unsigned int nr_pages,
		    enum snp_quarantine_cause cause)
{
	kvm_vm_dead(kvm);
	atomic64_add(snp_quarantine_pages(pfn, nr_pages, cause), &kvm->stat.quarantined_pages);
}

static enum snp_quarantine_cause cause_of(int error)
{
	switch (error) {
	case -ENODATA:
		return SNP_CAUSE_UNREADABLE;
	case -EBUSY:
		return SNP_CAUSE_PSMASH;
	default:
		return snp_quarantine_cause(error);
	}
}

void snp_owner_lose_gmem(kvm_pfn_t pfn, kvm_pfn_t nr_pages, long nr_lost, int error)
{
	u32 asid = snp_trace_gmem_quarantine(pfn, nr_pages, cause_of(error));
	struct kvm *kvm;

	xa_lock(&owners);
	kvm = xa_load(&owners, asid);
	if (kvm)
		atomic64_add(nr_lost, &kvm->stat.quarantined_pages);
	xa_unlock(&owners);
}

void snp_owner_free_firmware_page(struct kvm *kvm, void *addr)
{
	struct page *page = virt_to_page(addr);

	snp_free_firmware_page(addr);
	/* Nobody is given a page that is lost, so the mark is there to stay. */
	if (PageHWPoison(page))
		atomic64_inc(&kvm->stat.quarantined_pages);
}
