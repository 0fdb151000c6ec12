/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_X86_SVM_SNP_LAUNCH_H
#define __KVM_X86_SVM_SNP_LAUNCH_H

#include <linux/kvm_host.h>

/**
 * struct snp_launch - memory that is measured into the launch of a guest
 * @gfn:	first gfn
 * @nr_pages:	how many
 * @src:	what to copy there, NULL for pages of zeroes
 * @type:	KVM_SEV_SNP_PAGE_TYPE_*
 * @sev_fd:	user space's descriptor of the firmware
 * @fw_error:	where the firmware's status goes
 */
struct snp_launch {
	gfn_t gfn;
	long nr_pages;
	void __user *src;
	u8 type;
	int sev_fd;
	int *fw_error;
};

/*
 * Measure memory into the launch, 2M at a time where a folio, the memslot, the
 * attributes and the firmware permit it, else page by page by way of @page.
 * The digest is the same for both.  Returns how many pages were measured, or
 * -errno if none.  slots_lock must be held.
 */
long snp_launch_populate(struct kvm *kvm, const struct snp_launch *launch,
			 kvm_gmem_populate_cb page, void *opaque);

/*
 * After a launch that failed: make the memory behind @pfn the host's again, 4K or 2M.
 * If it can't be the VM is dead.  Returns -errno then.  The folio must be locked.
 */
int snp_launch_take_back(struct kvm *kvm, kvm_pfn_t pfn, int level);

#endif /* __KVM_X86_SVM_SNP_LAUNCH_H */
