// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measure the initial memory of SNP guests at the size of the folio.
 *
 * Worked example: 5M of an image go to gfns [0x100, 0x600).
 *
 *	[0x100, 0x200)	256 times: copy, RMPUPDATE 4K, SNP_LAUNCH_UPDATE 4K
 *	[0x200, 0x400)	once: copy, RMPUPDATE 2M, SNP_LAUNCH_UPDATE 2M
 *	[0x400, 0x600)	once
 *
 * The firmware extends the digest by 512 pages of 4K for one of 2M, in the
 * order of their addresses: the owner of the guest can't tell and need not know.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/psp-sev.h>
#include <linux/psp.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <asm/sev.h>

#include "mmu.h"
#include "mmu/private_owner.h"
#include "snp_fw.h"
#include "snp_launch.h"
#include "snp_mem.h"
#include "snp_plan.h"
#include "svm.h"

/* A range of 2M on its way into the launch. */
struct launch_range {
	const struct snp_launch *launch;
	/* PTRS_PER_PMD pages of user space's, if there is something to copy. */
	struct page **src;
};

/* The firmware has its own form for the other types, of one page. */
static bool type_has_2m(u8 type)
{
	return type == KVM_SEV_SNP_PAGE_TYPE_NORMAL ||
	       type == KVM_SEV_SNP_PAGE_TYPE_ZERO ||
	       type == KVM_SEV_SNP_PAGE_TYPE_UNMEASURED;
}

static bool is_unassigned(kvm_pfn_t pfn)
{
	int i;

	for (i = 0; i < PTRS_PER_PMD; i++) {
		if (snp_rmp_level(pfn + i) != PG_LEVEL_NONE)
			return false;
	}
	return true;
}

static void copy_range(kvm_pfn_t pfn, struct page **src)
{
	int i;

	for (i = 0; i < PTRS_PER_PMD; i++) {
		memcpy_from_page(__va(pfn_to_hpa(pfn + i)), src[i], 0, PAGE_SIZE);
		cond_resched();
	}
}

static int launch_update(struct kvm *kvm, kvm_pfn_t pfn, const struct snp_launch *launch)
{
	struct sev_data_snp_launch_update data = {
		.gctx_paddr	= __psp_pa(to_kvm_sev_info(kvm)->snp_context),
		.address	= __sme_set(pfn_to_hpa(pfn)),
		.page_size	= PG_LEVEL_TO_RMP(PG_LEVEL_2M),
		.page_type	= launch->type,
	};

	return __sev_issue_cmd(launch->sev_fd, SEV_CMD_SNP_LAUNCH_UPDATE, &data,
			       launch->fw_error);
}

/*
 * Memory is the firmware's until it is reclaimed.  If that fails nobody may use it,
 * nor clear it: guest_memfd finds it assigned when it frees the folio.
 */
int snp_launch_take_back(struct kvm *kvm, kvm_pfn_t pfn, int level)
{
	struct folio *folio = pfn_folio(pfn);
	bool whole = folio_order(folio) >= PMD_ORDER;

	lockdep_assert(folio_test_locked(folio));

	if (!snp_fw_reclaim(pfn, level) &&
	    !(whole ? rmp_make_shared_whole(pfn, level) : rmp_make_shared(pfn, level)))
		return 0;

	pr_err_ratelimited("SEV: Failed to take PFN 0x%llx back from the launch, ending the VM\n",
			   pfn);
	folio_mark_uptodate(folio);
	kvm_vm_dead(kvm);
	return -EIO;
}

/* Returns 1 if the range was measured, 0 to have it done page by page. */
static int populate_range(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn,
			  kvm_pfn_t pfn, int order, void *opaque)
{
	struct launch_range *range = opaque;
	int r;

	if (kvm_gmem_assign_level(kvm, slot, gfn, pfn, order) != PG_LEVEL_2M ||
	    !kvm_mem_is_private(kvm, gfn) || !is_unassigned(pfn))
		return 0;

	if (range->src)
		copy_range(pfn, range->src);

	if (rmp_make_private_whole(pfn, gfn_to_gpa(gfn), PG_LEVEL_2M,
				   to_kvm_sev_info(kvm)->asid, true))
		return 0;

	r = launch_update(kvm, pfn, range->launch);
	if (!r) {
		atomic64_inc(&kvm->stat.rmp_assigns_2m);
		return 1;
	}

	if (snp_launch_take_back(kvm, pfn, PG_LEVEL_2M))
		return -EIO;

	return *range->launch->fw_error == SEV_RET_INVALID_PAGE_SIZE ? 0 : r;
}

static int launch_pinned(struct kvm *kvm, const struct snp_launch *launch, long done,
			 struct page **src)
{
	unsigned long uaddr = (unsigned long)launch->src + done * PAGE_SIZE;
	struct launch_range range = { .launch = launch, .src = src };
	int r = 0, nr;

	nr = get_user_pages_fast(uaddr, PTRS_PER_PMD, 0, src);
	if (nr == PTRS_PER_PMD)
		r = kvm_gmem_populate_large(kvm, launch->gfn + done, populate_range, &range);

	while (nr > 0)
		put_page(src[--nr]);
	return r;
}

/* Returns how many pages were measured, 0 to have it done page by page. */
static long launch_range(struct kvm *kvm, const struct snp_launch *launch, long done)
{
	struct launch_range range = { .launch = launch };
	struct page **src;
	int r = 0;

	if (!type_has_2m(launch->type))
		return 0;

	if (!launch->src) {
		r = kvm_gmem_populate_large(kvm, launch->gfn + done, populate_range, &range);
		return r > 0 ? PTRS_PER_PMD : r;
	}

	src = kmalloc_array(PTRS_PER_PMD, sizeof(*src), GFP_KERNEL_ACCOUNT);
	if (src)
		r = launch_pinned(kvm, launch, done, src);

	kfree(src);
	return r > 0 ? PTRS_PER_PMD : r;
}

static long launch_pages(struct kvm *kvm, const struct snp_launch *launch, long done,
			 long nr_pages, kvm_gmem_populate_cb page, void *opaque)
{
	void __user *src = launch->src ? launch->src + done * PAGE_SIZE : NULL;
	long r;

	r = kvm_gmem_populate(kvm, launch->gfn + done, src, nr_pages,
			      launch->type == KVM_SEV_SNP_PAGE_TYPE_CPUID, page, opaque);
	if (r > 0)
		atomic64_add(r, &kvm->stat.rmp_assigns_4k);
	return r;
}

long snp_launch_populate(struct kvm *kvm, const struct snp_launch *launch,
			 kvm_gmem_populate_cb page, void *opaque)
{
	long done, batch, r = 0;

	lockdep_assert_held(&kvm->slots_lock);

	for (done = 0; done < launch->nr_pages; done += r) {
		if (signal_pending(current))
			return done ?: -EINTR;

		batch = snp_batch(launch->gfn + done, launch->nr_pages - done);
		r = batch == PTRS_PER_PMD ? launch_range(kvm, launch, done) : 0;
		if (!r) {
			r = launch_pages(kvm, launch, done, batch, page, opaque);
			kvm_promote_add(&to_kvm_sev_info(kvm)->promoter, launch->gfn + done,
					GFP_KERNEL_ACCOUNT);
		}
		if (r < 0)
			return done ?: r;
		if (r < batch)
			return done + r;
	}
	return done;
}
