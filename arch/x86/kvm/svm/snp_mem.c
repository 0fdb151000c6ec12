// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private memory of SEV-SNP guests in the RMP: assign, smash, reclaim.
 *
 * The nested page tables, the RMP and the guest must agree on the size of a
 * page.  A leaf may not be larger than the entry of the RMP, and whoever asks
 * for 4K where the entry is 2M faults until the entry is smashed.
 *
 * Worked example: the guest touches gfn 0x80123, which lies in an order-9
 * folio that nobody wrote yet.
 *
 *	assign		RMPUPDATE, 2M at gfn 0x80000	one leaf of 2M
 *	the guest validates gfn 0x80007 alone: #NPF, SIZEM
 *	smash		PSMASH				512 leaves of 4K
 *	punch gfn 0x80007	RMPUPDATE, 4K		511 leaves, one folio
 *	the guest validates it	RMPUPDATE, 4K		512 leaves, to be promoted
 *	free		512 RMPUPDATEs, or a single one had it stayed 2M
 *
 * Who smashes an entry holds the lock of its folio, so that it meets none that is
 * being promoted.  A fault that maps 2M while another vCPU smashes the entry
 * faults once more and finds the entry smashed.
 */
#include <linux/moduleparam.h>
#include <linux/vmalloc.h>
#include <asm/sev.h>

#include "mmu.h"
#include "mmu/private_owner.h"
#include "snp_content.h"
#include "snp_mem.h"
#include "snp_plan.h"
#include "svm.h"
#include "trace.h"
#include "../../../../virt/kvm/gmem_folio.h"

static bool __read_mostly snp_clear = true;
module_param(snp_clear, bool, 0644);
MODULE_PARM_DESC(snp_clear, "Clear memory before it is assigned to an SNP guest");

/* How often to try before the guest is let run and will fault again. */
#define SNP_SMASH_TRIES		1024

int snp_rmp_level(kvm_pfn_t pfn)
{
	bool assigned;
	int level, r;

	r = snp_lookup_rmpentry(pfn, &assigned, &level);
	/* Memory that came after boot may have no entry, and so no owner. */
	if (r == -EFAULT)
		return PG_LEVEL_NONE;
	/* The processor's own codes are positive, as levels are. */
	if (r)
		return r < 0 ? r : -EIO;

	return snp_entry_level(assigned, level);
}

static int try_smash(kvm_pfn_t pfn)
{
	int i, r;

	for (i = 0; i < SNP_SMASH_TRIES; i++) {
		r = psmash(pfn);
		if (r != PSMASH_FAIL_INUSE)
			break;
		cpu_relax();
	}

	return r;
}

int snp_smash(kvm_pfn_t pfn)
{
	int r = try_smash(ALIGN_DOWN(pfn, PTRS_PER_PMD));

	if (!r || snp_rmp_level(pfn) != PG_LEVEL_2M)
		return 0;

	return r == PSMASH_FAIL_INUSE ? -EBUSY : -EIO;
}

/* What to do about the entry and the leaf that cover @gfn. */
static int smash_and_split(struct kvm *kvm, const struct kvm_memory_slot *slot,
			   gfn_t gfn, kvm_pfn_t pfn, int level)
{
	bool smash = level == PG_LEVEL_2M;
	int r;

	/* Else the entry could be in the midst of its promotion. */
	lockdep_assert(folio_test_locked(pfn_folio(pfn)));
	r = smash ? snp_smash(pfn) : 0;

	/* In use by others: the guest faults again. */
	if (r == -EBUSY)
		return r;

	/* It will never agree on the size again. */
	if (r) {
		pr_err_ratelimited("SEV: Failed to smash the RMP entry of PFN 0x%llx, ending the VM\n",
				   pfn);
		kvm_vm_dead(kvm);
		return r;
	}

	if (smash)
		atomic64_inc(&kvm->stat.rmp_smashes);
	kvm_promote_add(&to_kvm_sev_info(kvm)->promoter, gfn, GFP_KERNEL_ACCOUNT);

	/*
	 * Look for a leaf of 2M even if the entry was smashed before, a racing
	 * fault may have mapped it in between.
	 */
	r = kvm_mmu_split_gfn(kvm, slot, gfn, smash);
	if (r)
		kvm_zap_gfn_range(kvm, ALIGN_DOWN(gfn, PTRS_PER_PMD),
				  ALIGN_DOWN(gfn, PTRS_PER_PMD) + PTRS_PER_PMD);
	return 0;
}

void sev_handle_rmp_fault(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code)
{
	struct kvm *kvm = vcpu->kvm;
	gfn_t gfn = gpa_to_gfn(gpa);
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, gfn);
	struct folio *folio;
	int level, r;
	kvm_pfn_t pfn;

	/* An implicit conversion exits to user space and never gets here. */
	if (!kvm_mem_is_private(kvm, gfn) || !kvm_slot_has_gmem(slot))
		goto unexpected;

	/* Freed, or not assigned any more: the guest faults again. */
	folio = kvm_gmem_lock_folio(slot, gfn, &pfn);
	if (!folio)
		return;

	level = snp_rmp_level(pfn);
	r = level > PG_LEVEL_NONE ? smash_and_split(kvm, slot, gfn, pfn, level) : level;

	trace_kvm_rmp_fault(vcpu, gpa, pfn, error_code, level, r);
	folio_unlock(folio);
	folio_put(folio);
	return;

unexpected:
	pr_warn_ratelimited("SEV: Unexpected RMP fault, GPA 0x%llx is not private memory\n", gpa);
}

/*
 * The guest hints that it would have the 2M around @gfn smashed, or whole.  Where no
 * memory of its own is there is nothing to do, nor to remember: it may name any gfn.
 */
static void resize(struct kvm *kvm, int op, gfn_t gfn)
{
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, gfn);
	struct folio *folio;
	kvm_pfn_t pfn;

	if (!kvm_slot_has_gmem(slot) || !kvm_mem_is_private(kvm, gfn))
		return;

	folio = kvm_gmem_lock_folio(slot, gfn, &pfn);
	if (!folio)
		return;

	if (op == SNP_PSC_OP_UNSMASH && folio_order(folio) >= PMD_ORDER)
		kvm_promote_add(&to_kvm_sev_info(kvm)->promoter, gfn, GFP_KERNEL_ACCOUNT);
	else if (op == SNP_PSC_OP_SMASH && snp_rmp_level(pfn) == PG_LEVEL_2M)
		smash_and_split(kvm, slot, gfn, pfn, PG_LEVEL_2M);
	folio_unlock(folio);
	folio_put(folio);
}

void snp_psc_resize(struct kvm *kvm, int op, gfn_t gfn, u64 nr_pages)
{
	u64 i, nr_ranges = snp_nr_ranges(gfn, nr_pages);

	gfn = snp_first_range(gfn);
	for (i = 0; i < nr_ranges; i++, gfn += PTRS_PER_PMD) {
		resize(kvm, op, gfn);
		cond_resched();
	}
}

/*
 * The host does not write to the other pages of a large folio, whether they have
 * an owner or not: that folio stays whole, see sev_gmem_hole(), and what happens if it
 * is cut nevertheless sev_gmem_cut() sees to.  A page's neighbours are anybody's.
 */
static int update(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, int level, bool immutable)
{
	u32 asid = to_kvm_sev_info(kvm)->asid;

	/* Else it could be in the midst of its promotion, or assigned by two. */
	lockdep_assert(folio_test_locked(pfn_folio(pfn)));

	if (folio_order(pfn_folio(pfn)) >= PMD_ORDER)
		return rmp_make_private_whole(pfn, gfn_to_gpa(gfn), level, asid, immutable);

	return rmp_make_private(pfn, gfn_to_gpa(gfn), level, asid, immutable);
}

static int assign(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, int level)
{
	kvm_pfn_t mask = KVM_PAGES_PER_HPAGE(level) - 1;
	int r = update(kvm, gfn & ~mask, pfn & ~mask, level, false);

	if (r)
		return r;

	if (level == PG_LEVEL_2M)
		atomic64_inc(&kvm->stat.rmp_assigns_2m);
	else
		atomic64_inc(&kvm->stat.rmp_assigns_4k);
	return 0;
}

int sev_gmem_make_private(struct kvm *kvm, struct kvm_memory_slot *slot,
			  gfn_t gfn, kvm_pfn_t pfn, int order, bool fresh)
{
	bool whole = order >= PMD_ORDER;
	int level, r;

	if (!sev_snp_guest(kvm))
		return 0;

	/* Only a page that was given away before can be in the RMP. */
	if (!fresh) {
		level = snp_rmp_level(pfn);
		if (level < 0)
			return level;
		if (level != PG_LEVEL_NONE)
			return 1;
	}

	/* The RMP does not check reads without the key.  Nothing of the folio is assigned yet. */
	if (fresh && READ_ONCE(snp_clear))
		kvm_gmem_clear_folio(pfn_folio(pfn));

	/* Attributes may change at any time, which costs a smash later on. */
	level = fresh ? kvm_gmem_assign_level(kvm, slot, gfn, pfn, order) : PG_LEVEL_4K;
	r = assign(kvm, gfn, pfn, level);

	/* One page is all that the guest needs to go on. */
	if (r && level == PG_LEVEL_2M) {
		level = PG_LEVEL_4K;
		r = assign(kvm, gfn, pfn, level);
	}

	if (level == PG_LEVEL_4K && whole)
		kvm_promote_add(&to_kvm_sev_info(kvm)->promoter, gfn, GFP_KERNEL_ACCOUNT);
	return r ?: 1;
}

int snp_assign_immutable(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn)
{
	return update(kvm, gfn, pfn, PG_LEVEL_4K, true);
}

int snp_copy_page(kvm_pfn_t pfn, struct page *src)
{
	struct page *page = pfn_to_page(pfn);
	void *vaddr = vm_map_ram(&page, 1, NUMA_NO_NODE);

	if (!vaddr)
		return -ENOMEM;

	memcpy_from_page(vaddr, src, 0, PAGE_SIZE);
	vm_unmap_ram(vaddr, 1);
	return 0;
}

void sev_gmem_converted(struct kvm *kvm, gfn_t start, gfn_t end)
{
	lockdep_assert_held_write(&kvm->mmu_lock);

	/* Out of date at worst, in a VM that has no range to promote yet. */
	if (____sev_snp_guest(kvm))
		kvm_promote_again(&to_kvm_sev_info(kvm)->promoter, start, end);
}

/*
 * Returns how many pages it took care of, or what failed, see snp_mem.h.  @whole
 * says that the neighbours are reclaimed along before anyone uses the memory.
 */
static long reclaim(kvm_pfn_t pfn, bool whole)
{
	int r, level = snp_rmp_level(pfn);

	switch (snp_reclaim_plan(level, whole)) {
	case SNP_RECLAIM_UNKNOWN:
		return -ENODATA;
	case SNP_RECLAIM_NOTHING:
		/* Of a folio that was cut, others may be assigned below one mapping. */
		return whole || !rmp_split_direct_map(pfn) ? 1 : -ENOMEM;
	case SNP_RECLAIM_SMASH_FIRST:
		if (snp_smash(pfn))
			return -EBUSY;
		level = PG_LEVEL_4K;
		break;
	case SNP_RECLAIM_ENTRY:
		break;
	}

	r = whole ? rmp_make_shared_whole(pfn, level) : rmp_make_shared(pfn, level);
	if (r)
		return r == -ENOMEM ? r : -EIO;

	snp_flush_caches(pfn, KVM_PAGES_PER_HPAGE(level));
	return KVM_PAGES_PER_HPAGE(level);
}

int sev_gmem_make_shared(kvm_pfn_t pfn, kvm_pfn_t nr_pages)
{
	bool whole = IS_ALIGNED(pfn | nr_pages, PTRS_PER_PMD);
	kvm_pfn_t end = pfn + nr_pages;
	long done;

	if (!cc_platform_has(CC_ATTR_HOST_SEV_SNP))
		return 0;

	for (; pfn < end; pfn += done) {
		done = reclaim(pfn, whole);
		/* The folio is lost, whatever becomes of the rest. */
		if (done < 0) {
			pr_err_ratelimited("SEV: Failed to reclaim PFN 0x%llx\n", pfn);
			return done;
		}
		cond_resched();
	}

	return 0;
}

/* Whether none of the 2M at @base has an owner; those around the hole are likely to. */
static bool is_empty(kvm_pfn_t base, unsigned int first, unsigned int nr_pages)
{
	unsigned int i;

	if (first && snp_rmp_level(base + first - 1) != PG_LEVEL_NONE)
		return false;

	for (i = nr_pages; i < PTRS_PER_PMD; i++) {
		if (snp_rmp_level(base + (first + i) % PTRS_PER_PMD) != PG_LEVEL_NONE)
			return false;
	}
	return true;
}

static bool reclaim_part(struct kvm *kvm, kvm_pfn_t base, unsigned int first,
			 unsigned int nr_pages)
{
	unsigned int i;

	if (snp_rmp_level(base) == PG_LEVEL_2M) {
		if (snp_smash(base))
			return false;
		atomic64_inc(&kvm->stat.rmp_smashes);
	}

	for (i = first; i < first + nr_pages; i++) {
		if (reclaim(base + i, true) < 0)
			return false;
	}
	return true;
}

int sev_gmem_hole(struct kvm *kvm, kvm_pfn_t pfn, kvm_pfn_t nr_pages)
{
	kvm_pfn_t base = ALIGN_DOWN(pfn, PTRS_PER_PMD);
	int r;

	/* Out of date at worst, in a VM that owns no page yet. */
	if (!____sev_snp_guest(kvm))
		return KVM_GMEM_HOLE_CUT;

	/* Else the entries could be in the midst of their promotion. */
	lockdep_assert(folio_test_locked(pfn_folio(pfn)));

	/* What is lost is cut out, so that the rest of the folio is not. */
	if (!reclaim_part(kvm, base, pfn - base, nr_pages)) {
		r = rmp_split_direct_map(base);
		return r ? -ENOMEM : KVM_GMEM_HOLE_CUT;
	}

	return is_empty(base, pfn - base, nr_pages) ? KVM_GMEM_HOLE_EMPTY : KVM_GMEM_HOLE_KEPT;
}

void sev_gmem_cut(kvm_pfn_t pfn)
{
	if (cc_platform_has(CC_ATTR_HOST_SEV_SNP))
		rmp_split_direct_map(pfn);
}

int sev_gmem_max_mapping_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
{
	return sev_snp_guest(kvm) ? snp_leaf_level(snp_rmp_level(pfn)) : 0;
}
