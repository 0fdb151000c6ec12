/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_X86_SVM_SNP_MEM_H
#define __KVM_X86_SVM_SNP_MEM_H

#include <linux/kvm_host.h>

#ifdef CONFIG_KVM_AMD_SEV

/* The level of the entry of the RMP for @pfn, PG_LEVEL_NONE or -errno. */
int snp_rmp_level(kvm_pfn_t pfn);

/*
 * Make the 2M entry of the RMP around @pfn 512 entries of 4K.  Returns 0 if
 * there is no 2M entry any more, no matter who smashed it, -EBUSY if others
 * kept the entry in use, -EIO if the processor refused.
 */
int snp_smash(kvm_pfn_t pfn);

/*
 * Resolve an #NPF with PFERR_GUEST_RMP: where the guest, or its mapping, is
 * at 4K and the entry of the RMP at 2M, smash the entry and split the leaf in
 * place.  The guest retries its access afterwards.  Ends the VM if the
 * processor refuses to smash.  Takes mmu_lock for read.
 */
void sev_handle_rmp_fault(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code);

/* The operations of a page state change that are hints about the size. */
#define SNP_PSC_OP_SMASH	3
#define SNP_PSC_OP_UNSMASH	4

/*
 * Do what the guest hints at for the 2M ranges that [@gfn, @gfn + @nr_pages)
 * touches: smash them, or have them promoted soon.  Whatever stands against it
 * is no error.  Takes the folio lock and mmu_lock for read.
 */
void snp_psc_resize(struct kvm *kvm, int op, gfn_t gfn, u64 nr_pages);

/* See kvm_arch_gmem_make_private().  Takes mmu_lock for read. */
int sev_gmem_make_private(struct kvm *kvm, struct kvm_memory_slot *slot,
			  gfn_t gfn, kvm_pfn_t pfn, int order, bool fresh);

/*
 * Take [@pfn, @pfn + @nr_pages), which no guest maps any more, away from its
 * owner.  Stops at the first that can't be taken away: none of them may ever be used
 * again.  May sleep.  Returns
 *
 *	-ENODATA	its entry can't be read
 *	-EBUSY		PSMASH of the entry of 2M around it failed
 *	-EIO		RMPUPDATE failed
 *	-ENOMEM		the host's mapping of 2M around it could not be split
 */
int sev_gmem_make_shared(kvm_pfn_t pfn, kvm_pfn_t nr_pages);

/* See kvm_arch_gmem_hole(). */
int sev_gmem_hole(struct kvm *kvm, kvm_pfn_t pfn, kvm_pfn_t nr_pages);

/* See kvm_arch_gmem_cut(). */
void sev_gmem_cut(kvm_pfn_t pfn);

/*
 * Copy the page at @src to @pfn, which has no owner, although others of its folio
 * may have one: not by the direct map, that may map both 2M.  Returns 0 or
 * -ENOMEM.
 */
int snp_copy_page(kvm_pfn_t pfn, struct page *src);

/*
 * Assign the page at @pfn to @kvm's guest, immutable, for the firmware to measure
 * it.  Returns 0 or -errno.
 */
int snp_assign_immutable(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn);

/* [@start, @end) was made private.  mmu_lock is held for write. */
void sev_gmem_converted(struct kvm *kvm, gfn_t start, gfn_t end);

/* The level of the entry of the RMP for @pfn, 0 if the RMP has no say. */
int sev_gmem_max_mapping_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private);

#else

static inline void sev_handle_rmp_fault(struct kvm_vcpu *vcpu, gpa_t gpa,
					u64 error_code) {}

#endif /* CONFIG_KVM_AMD_SEV */
#endif /* __KVM_X86_SVM_SNP_MEM_H */
