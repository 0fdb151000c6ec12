/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_X86_VMX_TDX_HUGE_H
#define __KVM_X86_VMX_TDX_HUGE_H

#include <linux/bitfield.h>
#include <linux/kvm_host.h>
#include <asm/pgtable_types.h>

#include "tdx_arch.h"

/* Of an exit whose extended qualification has the type ACCEPT */
#define TDX_EXT_EXIT_QUAL_TYPE_ACCEPT	1
#define TDX_EXT_EXIT_QUAL_REQ_LEVEL	GENMASK_ULL(34, 32)

/*
 * The level at which the guest wants to accept a page, as the extended exit
 * qualification tells, PG_LEVEL_NONE if the exit is about something else.
 */
static inline int tdx_accept_level(u64 ext_qual)
{
	if ((ext_qual & TDX_EXT_EXIT_QUAL_TYPE_MASK) != TDX_EXT_EXIT_QUAL_TYPE_ACCEPT)
		return PG_LEVEL_NONE;

	return FIELD_GET(TDX_EXT_EXIT_QUAL_REQ_LEVEL, ext_qual) + PG_LEVEL_4K;
}

#ifdef CONFIG_KVM_INTEL_TDX

struct kvm_mmu_page;

/*
 * The highest level at which private memory of @kvm may be mapped: 2M if the
 * module can split it again, and if there is content to be kept by that.
 */
int tdx_leaf_level(struct kvm *kvm);

/*
 * Do what the exit of @vcpu at @gpa, which is private, says about the level.
 * Returns 0 if the fault may be handled, -errno if the VM can't go on.  Takes
 * mmu_lock for write.
 */
int tdx_heed_accept_level(struct kvm_vcpu *vcpu, gpa_t gpa, u64 ext_qual);

/*
 * All of these need mmu_lock held for write, and end the VM if the module
 * refuses.
 */

/* The guest must not use the leaf any more, from the next tracking round on. */
void tdx_block(struct kvm *kvm, gfn_t gfn, int level);

/* Wait until no vCPU uses what was blocked before. */
void tdx_track(struct kvm *kvm);

/* Split the leaf at @level by way of @table, which becomes the module's. */
int tdx_split(struct kvm *kvm, gfn_t gfn, int level, struct page *table);

/*
 * Make one leaf at @level of the 512 below @sp, whose S-EPT page is freed then.
 * Returns 0, or an error if the range stays as it is.
 */
int tdx_promote(struct kvm *kvm, gfn_t gfn, int level, struct kvm_mmu_page *sp);

/* Take the leaf at @level away from the TD, or lose the folio at @pfn. */
void tdx_reclaim(struct kvm *kvm, gfn_t gfn, int level, kvm_pfn_t pfn);

/* Have ranges promoted that are added from now on. */
void tdx_promote_init(struct kvm *kvm);

/*
 * The page at @pfn was mapped at 4K: have its range looked at if it may be mapped
 * larger.  Needs mmu_lock.
 */
void tdx_promote_add(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn);

/*
 * The host can't have the page at @pfn back, as @cause failed with @err: it is
 * quarantined, counted and traced, and the VM ends.
 */
void tdx_lose(struct kvm *kvm, kvm_pfn_t pfn, const char *cause, u64 err);

/* A TD that lost pages owns them for ever: its root can't be reclaimed. */
static inline bool tdx_owns_pages(struct kvm *kvm)
{
	return atomic64_read(&kvm->stat.quarantined_pages);
}

#endif /* CONFIG_KVM_INTEL_TDX */
#endif /* __KVM_X86_VMX_TDX_HUGE_H */
