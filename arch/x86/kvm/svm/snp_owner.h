/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_X86_SVM_SNP_OWNER_H
#define __KVM_X86_SVM_SNP_OWNER_H

#include <linux/kvm_host.h>
#include <asm/snp-quarantine.h>

/*
 * Have pages that are lost to the host counted for @kvm as long as it lives: add
 * it before its first page is assigned, remove it before its ASID is freed.
 */
int snp_owner_add(struct kvm *kvm);
void snp_owner_remove(struct kvm *kvm);

/*
 * Pages of @kvm outside of guest_memfd are not the host's again: quarantine
 * them, and end the VM.
 */
void snp_owner_lose(struct kvm *kvm, u64 pfn, unsigned int nr_pages,
		    enum snp_quarantine_cause cause);

/*
 * guest_memfd quarantined pages because of @error of sev_gmem_make_shared(): count
 * @nr_lost of them, the others were lost before, for the VM that the RMP names, if it
 * is there.
 */
void snp_owner_lose_gmem(kvm_pfn_t pfn, kvm_pfn_t nr_pages, long nr_lost, int error);

/* Free a page that ccp allocated for @kvm, and count it if ccp loses it. */
void snp_owner_free_firmware_page(struct kvm *kvm, void *addr);

#endif /* __KVM_X86_SVM_SNP_OWNER_H */
