/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_X86_SVM_SNP_PROMOTE_H
#define __KVM_X86_SVM_SNP_PROMOTE_H

#include <linux/kvm_host.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

/**
 * struct kvm_snp_promote - the 2M ranges of a VM that have entries of 4K
 * @kvm:	the VM
 * @ranges:	by gfn / 512, how often promoting the range failed, as a value
 * @nr_scans:	scans since the VM was created
 * @scan:	looks for ranges that can be promoted
 */
struct kvm_snp_promote {
	struct kvm *kvm;
	struct xarray ranges;
	unsigned long nr_scans;
	struct delayed_work scan;
};

void snp_promote_init(struct kvm *kvm, struct kvm_snp_promote *promoter);

/* Wait for a scan that runs and forget all ranges.  May sleep. */
void snp_promote_destroy(struct kvm_snp_promote *promoter);

/*
 * Remember that the 2M range around @gfn has entries of 4K, and have it looked at
 * after a while.  Failing to is counted as a range that stays 4K, no more.
 */
void snp_promote_add(struct kvm_snp_promote *promoter, gfn_t gfn);

/*
 * Pages of [@start, @end) became private and may have been the last of their
 * ranges: those that failed before are tried soon again.  Does not sleep.
 */
void snp_promote_again(struct kvm_snp_promote *promoter, gfn_t start, gfn_t end);

#endif /* __KVM_X86_SVM_SNP_PROMOTE_H */
