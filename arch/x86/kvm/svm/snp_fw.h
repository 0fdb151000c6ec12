/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_X86_SVM_SNP_FW_H
#define __KVM_X86_SVM_SNP_FW_H

#include <linux/kvm_types.h>

/*
 * What the firmware does to pages of guests.  All of it returns 0 or -errno,
 * and nothing has changed then.  May sleep.
 */

/* Give an immutable page of @level back: the guest's again, or to be released. */
int snp_fw_reclaim(kvm_pfn_t pfn, int level);

/* Make 512 immutable pages that are alike one of 2M, still immutable. */
int snp_fw_unsmash(kvm_pfn_t pfn);

#endif /* __KVM_X86_SVM_SNP_FW_H */
