// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private memory of TDs in the S-EPT at any size: split, promote, reclaim.
 *
 * The mirror page table and the S-EPT have the same leaves.  A leaf of the S-EPT
 * is changed in steps, as vCPUs may be using it:
 *
 *	block	TDH.MEM.RANGE.BLOCK	nobody begins to use it
 *	track	TDH.MEM.TRACK, kick	nobody uses it any more
 *	split	TDH.MEM.PAGE.DEMOTE	512 leaves that are not blocked
 *	promote	TDH.MEM.PAGE.PROMOTE	one leaf that is not blocked, of 512
 *	reclaim	TDH.MEM.PAGE.REMOVE	the memory is the host's again
 *
 * Once no vCPU will run any more the key of the TD is released, and there is no S-EPT
 * to be changed: a leaf is reclaimed by TDH.PHYMEM.PAGE.RECLAIM alone, and the caches
 * were written back along with the key.
 *
 * Many leaves can be blocked and then tracked together.  The module knows which
 * are: reclaim asks it to remove a leaf, and blocks and tracks one for which that
 * was not done.
 *
 * To promote, the table is blocked, and with it all of its leaves.  The host does
 * not know which of them the TD has accepted, but the module does: if it refuses
 * the table is unblocked, and the range stays 4K and works.
 *
 * Locks: mmu_lock for write, as two who track at a time would disturb each other,
 * and a leaf that is blocked must not be mapped anew; the key, see has_key().  Only
 * vCPUs compete for the locks of the module: what they keep busy is tried again
 * without them.
 */
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <asm/shared/tdx_errno.h>
#include <asm/tdx.h>

#include "mmu.h"
#include "mmu/mmu_internal.h"
#include "mmu/private_mirror.h"
#include "mmu/private_promote.h"
#include "tdx.h"
#include "tdx_huge.h"

#undef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

/* How often DEMOTE, which promised not to, and PROMOTE may give way to an interrupt. */
#define TDX_RESIZE_TRIES	16

static unsigned int tdx_promote_ms = 500;
module_param(tdx_promote_ms, uint, 0644);
MODULE_PARM_DESC(tdx_promote_ms,
		 "Milliseconds between scans for 4K ranges of TDs to promote, 0 for never");

enum sept_leaf {
	SEPT_BLOCK,
	SEPT_UNBLOCK,
	SEPT_TRACK,
	SEPT_DEMOTE,
	SEPT_PROMOTE,
	SEPT_REMOVE,
};

static const char * const sept_leaf_names[] = {
	[SEPT_BLOCK]	= "TDH_MEM_RANGE_BLOCK",
	[SEPT_UNBLOCK]	= "TDH_MEM_RANGE_UNBLOCK",
	[SEPT_TRACK]	= "TDH_MEM_TRACK",
	[SEPT_DEMOTE]	= "TDH_MEM_PAGE_DEMOTE",
	[SEPT_PROMOTE]	= "TDH_MEM_PAGE_PROMOTE",
	[SEPT_REMOVE]	= "TDH_MEM_PAGE_REMOVE",
};

/* A call of the module about one entry of the S-EPT. */
struct sept_call {
	enum sept_leaf leaf;
	gfn_t gfn;
	int level;
	struct page *table;
	/* What the module says about the entry if it refuses */
	u64 entry;
	u64 state;
};

static struct kvm_tdx *tdx_of(struct kvm *kvm)
{
	return container_of(kvm, struct kvm_tdx, kvm);
}

static u64 status(u64 err)
{
	return err & TDX_SEAMCALL_STATUS_MASK;
}

static u64 try_call(struct kvm *kvm, struct sept_call *call)
{
	struct tdx_td *td = &tdx_of(kvm)->td;
	gpa_t gpa = gfn_to_gpa(call->gfn);

	switch (call->leaf) {
	case SEPT_BLOCK:
		return tdh_mem_range_block(td, gpa, call->level, &call->entry, &call->state);
	case SEPT_UNBLOCK:
		return tdh_mem_range_unblock(td, gpa, call->level, &call->entry, &call->state);
	case SEPT_DEMOTE:
		return tdh_mem_page_demote(td, gpa, call->level, call->table,
					   &call->entry, &call->state);
	case SEPT_PROMOTE:
		return tdh_mem_page_promote(td, gpa, call->level, &call->entry, &call->state);
	case SEPT_REMOVE:
		return tdh_mem_page_remove(td, gpa, call->level, &call->entry, &call->state);
	case SEPT_TRACK:
		break;
	}

	return tdh_mem_track(td);
}

static bool is_busy(u64 err)
{
	return status(err) == TDX_OPERAND_BUSY ||
	       status(err) == TDX_PREVIOUS_TLB_EPOCH_BUSY;
}

static u64 call(struct kvm *kvm, struct sept_call *call)
{
	struct kvm_tdx *tdx = tdx_of(kvm);
	u64 err = try_call(kvm, call);

	lockdep_assert_held_write(&kvm->mmu_lock);

	if (likely(!is_busy(err)))
		return err;

	/* Keep them out, or one would take the lock again right away. */
	WRITE_ONCE(tdx->wait_for_sept_zap, true);
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
	err = try_call(kvm, call);
	WRITE_ONCE(tdx->wait_for_sept_zap, false);
	return err;
}

static void complain(const struct sept_call *call, u64 err)
{
	pr_err_ratelimited("SEAMCALL %s of gfn 0x%llx, level %d, failed: 0x%llx, entry 0x%llx, state 0x%llx\n",
			   sept_leaf_names[call->leaf], call->gfn, call->level, err,
			   call->entry, call->state);
}

/* No bug of KVM's: end the VM without a WARN(), which might end the host. */
static int refused(struct kvm *kvm, const struct sept_call *call, u64 err)
{
	complain(call, err);
	kvm_vm_dead(kvm);
	return -EIO;
}

/*
 * It is released once the VMM is gone, or holds the VM by nothing but files: not
 * while the VMM has something done.  Everybody else holds gmem_zap_sem.  What was
 * released does not come back.
 */
static bool has_key(struct kvm *kvm)
{
	if (tdx_of(kvm)->hkid <= 0)
		return false;

	lockdep_assert(current->mm == kvm->mm || lockdep_is_held(&kvm->gmem_zap_sem) ||
		       kvm->vm_bugged);
	return true;
}

static bool is_runnable(struct kvm *kvm)
{
	return tdx_of(kvm)->state == TD_STATE_RUNNABLE;
}

int tdx_leaf_level(struct kvm *kvm)
{
	/* The initial image comes page by page. */
	if (!is_runnable(kvm) || !tdx_supports_demote(tdx_get_sysinfo()))
		return PG_LEVEL_4K;

	return PG_LEVEL_2M;
}

int tdx_heed_accept_level(struct kvm_vcpu *vcpu, gpa_t gpa, u64 ext_qual)
{
	struct kvm_memory_slot *slot;

	if (tdx_accept_level(ext_qual) != PG_LEVEL_4K)
		return 0;

	slot = kvm_vcpu_gfn_to_memslot(vcpu, gpa_to_gfn(gpa));
	if (!kvm_slot_has_gmem(slot))
		return 0;

	return kvm_mirror_heed_4k(vcpu->kvm, slot, gpa_to_gfn(gpa));
}

void tdx_block(struct kvm *kvm, gfn_t gfn, int level)
{
	struct sept_call block = { .leaf = SEPT_BLOCK, .gfn = gfn, .level = level };
	u64 err;

	/* Before the TD runs, and after, there is nobody to be kept from anything. */
	if (!is_runnable(kvm) || !has_key(kvm))
		return;

	err = call(kvm, &block);
	if (err && status(err) != TDX_GPA_RANGE_ALREADY_BLOCKED)
		refused(kvm, &block, err);
}

void tdx_track(struct kvm *kvm)
{
	struct sept_call track = { .leaf = SEPT_TRACK };
	u64 err;

	if (!is_runnable(kvm) || !has_key(kvm))
		return;

	err = call(kvm, &track);
	if (err)
		refused(kvm, &track, err);

	/* Those who are inside began before the round: let them leave. */
	kvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}

/* DEMOTE or PROMOTE, of what is blocked and tracked */
static u64 resize(struct kvm *kvm, struct sept_call *resize)
{
	int tries = TDX_RESIZE_TRIES;
	u64 err;

	tdx_block(kvm, resize->gfn, resize->level);
	tdx_track(kvm);

	do {
		err = call(kvm, resize);
	} while (status(err) == TDX_INTERRUPTED_RESTARTABLE && --tries);

	return err;
}

int tdx_split(struct kvm *kvm, gfn_t gfn, int level, struct page *table)
{
	struct sept_call demote = {
		.leaf	= SEPT_DEMOTE,
		.gfn	= gfn,
		.level	= level,
		.table	= table,
	};
	u64 err;

	/* The TD is gone: whoever cuts the leaf takes all of it. */
	if (!has_key(kvm))
		return -EIO;

	err = resize(kvm, &demote);
	if (err)
		return refused(kvm, &demote, err);

	kvm_promote_add(&tdx_of(kvm)->promoter, gfn, GFP_NOWAIT | __GFP_ACCOUNT);
	return 0;
}

static void unblock(struct kvm *kvm, gfn_t gfn, int level)
{
	struct sept_call unblock = { .leaf = SEPT_UNBLOCK, .gfn = gfn, .level = level };
	u64 err = call(kvm, &unblock);

	if (err)
		refused(kvm, &unblock, err);
}

static bool must_block(u64 err)
{
	return status(err) == TDX_GPA_RANGE_NOT_BLOCKED ||
	       status(err) == TDX_TLB_TRACKING_NOT_DONE;
}

/* Lines under the TD's key must not be written back over the next owner's. */
static u64 flush_caches(struct kvm *kvm, kvm_pfn_t pfn, int level)
{
	u64 i, err = 0;

	for (i = 0; i < KVM_PAGES_PER_HPAGE(level) && !err; i++)
		err = tdh_phymem_page_wbinvd_hkid(tdx_of(kvm)->hkid, pfn + i);

	return err;
}

void tdx_lose(struct kvm *kvm, kvm_pfn_t pfn, const char *cause, u64 err)
{
	pr_err_ratelimited("%s of PFN 0x%llx failed: 0x%llx\n", cause, pfn, err);
	kvm_mirror_lose(kvm, pfn, cause);
}

/* The table of the S-EPT is not the module's any more. */
static void free_table(struct kvm *kvm, struct kvm_mmu_page *sp)
{
	struct page *page = virt_to_page(sp->external_spt);
	u64 err = flush_caches(kvm, page_to_pfn(page), PG_LEVEL_4K);

	sp->external_spt = NULL;
	if (err) {
		tdx_lose(kvm, page_to_pfn(page), "TDH_PHYMEM_PAGE_WBINVD", err);
		return;
	}

	tdx_quirk_reset_paddr(page_to_phys(page), PAGE_SIZE);
	__free_page(page);
}

int tdx_promote(struct kvm *kvm, gfn_t gfn, int level, struct kvm_mmu_page *sp)
{
	struct sept_call promote = { .leaf = SEPT_PROMOTE, .gfn = gfn, .level = level };
	u64 err;

	if (!has_key(kvm))
		return -EAGAIN;

	err = resize(kvm, &promote);
	if (!err) {
		free_table(kvm, sp);
		return 0;
	}

	/* Parts that the TD has not accepted are nothing to speak of. */
	if (status(err) != TDX_EPT_INVALID_PROMOTE_CONDITIONS &&
	    status(err) != TDX_INTERRUPTED_RESTARTABLE && !is_busy(err))
		complain(&promote, err);

	if (!kvm->vm_dead)
		unblock(kvm, gfn, level);
	return -EAGAIN;
}

void tdx_promote_add(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn)
{
	if (tdx_leaf_level(kvm) == PG_LEVEL_2M && folio_order(pfn_folio(pfn)) >= PMD_ORDER)
		kvm_promote_add(&tdx_of(kvm)->promoter, gfn, GFP_NOWAIT | __GFP_ACCOUNT);
}

static const struct kvm_promote_ops tdx_promote_ops = {
	.promote	= kvm_mirror_promote,
	.ms		= &tdx_promote_ms,
};

void tdx_promote_init(struct kvm *kvm)
{
	kvm_promote_init(&tdx_of(kvm)->promoter, kvm, &tdx_promote_ops,
			 &kvm->stat.sept_promotions, &kvm->stat.sept_promotion_fails);
}

/* Of a TD without key */
static void reclaim_page(struct kvm *kvm, int level, kvm_pfn_t pfn)
{
	u64 type, owner, size, err;

	err = tdh_phymem_page_reclaim(pfn_to_page(pfn), &type, &owner, &size);
	if (err) {
		tdx_lose(kvm, pfn, "TDH_PHYMEM_PAGE_RECLAIM", err);
		return;
	}

	tdx_quirk_reset_paddr(PFN_PHYS(pfn), page_level_size(level));
}

void tdx_reclaim(struct kvm *kvm, gfn_t gfn, int level, kvm_pfn_t pfn)
{
	struct sept_call remove = { .leaf = SEPT_REMOVE, .gfn = gfn, .level = level };
	u64 err;

	if (!has_key(kvm)) {
		reclaim_page(kvm, level, pfn);
		return;
	}

	err = call(kvm, &remove);
	if (must_block(err)) {
		tdx_block(kvm, gfn, level);
		tdx_track(kvm);
		err = call(kvm, &remove);
	}
	if (err) {
		refused(kvm, &remove, err);
		kvm_mirror_lose(kvm, pfn, sept_leaf_names[SEPT_REMOVE]);
		return;
	}

	err = flush_caches(kvm, pfn, level);
	if (err) {
		tdx_lose(kvm, pfn, "TDH_PHYMEM_PAGE_WBINVD", err);
		return;
	}

	tdx_quirk_reset_paddr(PFN_PHYS(pfn), page_level_size(level));
}
