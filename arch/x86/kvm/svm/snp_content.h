/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_X86_SVM_SNP_CONTENT_H
#define __KVM_X86_SVM_SNP_CONTENT_H

#include <linux/kvm_host.h>
#include <linux/cacheflush.h>

/*
 * When a page changes owners the caches may hold lines of the guest's, under its key,
 * that would be written back over the next owner's data.
 */
static inline void snp_flush_caches(kvm_pfn_t pfn, unsigned long nr_pages)
{
	if (!cpu_feature_enabled(X86_FEATURE_SME_COHERENT))
		clflush_cache_range(__va(pfn_to_hpa(pfn)), nr_pages << PAGE_SHIFT);
}

#endif /* __KVM_X86_SVM_SNP_CONTENT_H */
