/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_X86_MMU_PRIVATE_MIRROR_H
#define KVM_X86_MMU_PRIVATE_MIRROR_H

#include <linux/kvm_host.h>

#include "private_promote.h"

struct kvm_page_fault;
struct kvm_mmu_page;

/*
 * Huge leaves in the page table that mirrors an external one, i.e. a TD's S-EPT.
 * What differs from other page tables: whoever zaps a leaf takes its content
 * from the guest, and a leaf is zapped or split under mmu_lock for write.
 */

/*
 * In lpage_info: the guest asked for pages of 4K in the range.  Below the flag
 * for mixed attributes, above everything that is counted.
 */
#define KVM_LPAGE_GUEST_4K_FLAG	BIT(30)

/* How many leaves are blocked before mmu_lock may be dropped for a moment. */
#define KVM_MIRROR_BATCH	512

/*
 * Make the goal of @fault fit the SPTE at @level that its walk met.  A table
 * stays, though the range may be mapped huge: then the goal is a smaller leaf.
 * Returns false if a leaf above the goal maps the gfn already.
 */
bool kvm_mirror_fit_goal(struct kvm_page_fault *fault, u64 spte, int level);

/*
 * Block the leaves of [@start, @end), which are about to be zapped, and then see to
 * it that no vCPU uses their translations any more.  mmu_lock is held for write,
 * and dropped meanwhile if @can_yield; RCU is read-locked, and the same.
 */
void kvm_mirror_block(struct kvm *kvm, struct kvm_mmu_page *root, gfn_t start,
		      gfn_t end, bool can_yield);

/*
 * The guest wants @gfn at 4K: remember that for the 2M around it, and split the
 * leaf that maps it.  Returns 0, or an error of the external page table.  Takes
 * mmu_lock for write, unless nothing is left to be done.  May sleep.
 */
int kvm_mirror_heed_4k(struct kvm *kvm, const struct kvm_memory_slot *slot,
		       gfn_t gfn);

/*
 * Whether the SPTEs of a table of 4K map the 2M at @pfn, alike but for the bits of
 * @ignore.
 */
bool kvm_mirror_parts_agree(const u64 *spt, kvm_pfn_t pfn, u64 ignore);

/*
 * Replace the table that maps the range of @p by a leaf, unless something stands
 * against that, the external page table for instance.  Takes gmem_zap_sem for read
 * and mmu_lock for write.
 */
enum kvm_promote_outcome kvm_mirror_promote(const struct kvm_promotion *p);

/*
 * The page at @pfn could not be taken from the guest, as @cause failed: keep the
 * folio around it from ever being used again, and end the VM.  It may be memory
 * that is mapped no more, or the back end's, a table for instance.
 */
void kvm_mirror_lose(struct kvm *kvm, kvm_pfn_t pfn, const char *cause);

#endif /* KVM_X86_MMU_PRIVATE_MIRROR_H */
