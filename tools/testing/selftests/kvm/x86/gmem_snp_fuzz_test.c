// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations of an SNP guest and of its host, each followed by a look at
 * the RMP: what it says must be what a model of it says.
 *
 * Worked example, two ranges of 2M that nobody touched:
 *
 *	validate page 7		a folio of 2M is the guest's, smashed; page 7
 *				is valid, and no other
 *	share page 7, punch it	the entry of page 7 has no owner, the others
 *				have not changed
 *	accept it again		one page is the guest's, at 4K
 *	punch all, in pieces	with the last piece the folio goes
 *
 * The model knows for each page whether the guest owns it, whether it is valid
 * and what VMPL1 may do.  Of the size it knows that 4K becomes 2M by a promotion
 * alone, which is due for a range that is private, alike and in one folio, and
 * that 2M becomes 4K when a part of the range is treated differently.
 *
 * -s SEED repeats a run, -n STEPS sets its length, -b breaks the model: a page
 * keeps its owner in a hole of the file, and the run must fail.
 */
#include <getopt.h>

#include "gmem_snp_host.h"
#include "gmem_snp_model.h"

#define SCAN_MS		20
#define WAIT_MS		10000
#define TAG_MASK	0xff

static struct gmem_snp guest;
static unsigned int seed;
static bool broken;
static u64 step;
static char last_op[128];

static u64 pick(u64 limit)
{
	return rand_r(&seed) % limit;
}

#define op_is(fmt, ...)	snprintf(last_op, sizeof(last_op), fmt, ##__VA_ARGS__)

static void guest_pvalidate(u64 page)
{
	bool validate = pick(4), was = model_pages[page].valid;
	u64 ret;

	if (!model_pages[page].private)
		return;

	op_is("pvalidate page %lu: %d", page, validate);
	ret = gmem_snp_pvalidate(&guest, gmem_snp_page(page), PG_LEVEL_4K, validate);
	if (!model_pages[page].owned)
		was = false;
	model_touch(page);
	model_smash(page);
	TEST_ASSERT(ret == (was == validate ? SNP_UNCHANGED : SNP_OK),
		    "%s returned 0x%lx, page was %d", last_op, ret, was);
	if (was != validate)
		model_pages[page].written = false;
	model_pages[page].valid = validate;
}

static void guest_accept_range(u64 page)
{
	struct model_page *first = model_first_of(page);
	u64 start = first - model_pages, ret;
	bool large;
	int i;

	if (!first->private || !model_is_uniform(page))
		return;

	op_is("pvalidate 2M at page %lu", start);
	ret = gmem_snp_pvalidate(&guest, gmem_snp_page(start), PG_LEVEL_2M, true);
	model_touch(start);
	large = ret != SNP_FAIL_SIZEMISMATCH;
	TEST_ASSERT(large == model_range_of(page)->large || model_range_of(page)->unsure,
		    "%s returned 0x%lx", last_op, ret);
	if (!large)
		return;

	model_range_of(page)->unsure = false;
	for (i = 0; i < GMEM_SNP_NR_4K; i++) {
		if (!first[i].valid)
			first[i].written = false;
		first[i].valid = true;
	}
}

static void guest_rmpadjust(u64 page)
{
	u64 attrs = pick(2) ? SNP_VMPL1_ALL : 1 | 1 << 8;

	if (!model_pages[page].private || !model_pages[page].owned || !model_pages[page].valid)
		return;

	op_is("rmpadjust page %lu: 0x%lx", page, attrs);
	TEST_ASSERT_EQ(gmem_snp_rmpadjust(&guest, gmem_snp_page(page), PG_LEVEL_4K, attrs),
		       SNP_OK);
	model_smash(page);
	model_pages[page].vmpl1 = attrs >> 8;
}

static bool accessible(u64 page)
{
	return model_pages[page].private && model_pages[page].owned && model_pages[page].valid;
}

static void guest_write(u64 page)
{
	if (!accessible(page))
		return;

	model_pages[page].tag = 1 + pick(TAG_MASK);
	model_pages[page].written = true;
	op_is("write page %lu", page);
	gmem_snp_write(&guest, gmem_snp_page(page), PAGE_SIZE, model_pages[page].tag);
}

static void guest_check(u64 page)
{
	if (!accessible(page) || !model_pages[page].written)
		return;

	op_is("check page %lu", page);
	gmem_snp_check(&guest, gmem_snp_page(page), PAGE_SIZE, model_pages[page].tag);
}

/* As a kernel does that wants a bounce buffer: rescind, then ask for it. */
static void guest_psc(u64 page)
{
	bool private = pick(2);

	if (private == model_pages[page].private)
		return;

	if (!private && accessible(page)) {
		gmem_snp_pvalidate(&guest, gmem_snp_page(page), PG_LEVEL_4K, false);
		model_smash(page);
		model_pages[page].valid = false;
		model_pages[page].written = false;
	}
	op_is("psc page %lu: %s", page, private ? "private" : "shared");
	TEST_ASSERT_EQ(gmem_snp_psc(&guest, gmem_snp_page(page), PG_LEVEL_4K,
				    private ? SNP_PSC_PRIVATE : SNP_PSC_SHARED), 0);
	model_set_private(page, 1, private);
}

static void guest_psc_smash(u64 page)
{
	op_is("psc smash page %lu", page);
	gmem_snp_psc(&guest, gmem_snp_page(page), PG_LEVEL_4K, SNP_PSC_SMASH);
	model_disturb(page);
}

/* Of one page, some, or a whole range. */
static u64 pick_length(u64 *page)
{
	switch (pick(4)) {
	case 0:
		*page -= *page % GMEM_SNP_NR_4K;
		return GMEM_SNP_NR_4K;
	case 1:
		return 1 + pick(NR_PAGES - *page);
	default:
		return 1;
	}
}

static void host_convert(u64 page)
{
	u64 nr = pick_length(&page);
	bool private = pick(3);

	op_is("convert %lu pages at %lu: %s", nr, page, private ? "private" : "shared");
	vm_set_memory_attributes(guest.vm, gmem_snp_page(page), nr * PAGE_SIZE,
				 private ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0);
	model_set_private(page, nr, private);
}

static void punch(u64 page, u64 nr)
{
	op_is("hole of %lu pages at %lu", nr, page);
	TEST_ASSERT(!fallocate(guest.fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
			       page * PAGE_SIZE, nr * PAGE_SIZE), "%s should succeed", last_op);
	if (!broken)
		model_punch(page, nr);
}

static void host_punch(u64 page)
{
	u64 nr = pick_length(&page);

	punch(page, nr);
}

/* Nobody owns any of a range when the second is gone. */
static void host_punch_in_pieces(u64 page)
{
	u64 start = page - page % GMEM_SNP_NR_4K, cut = 1 + pick(GMEM_SNP_NR_4K - 1);

	punch(start, cut);
	punch(start + cut, GMEM_SNP_NR_4K - cut);
}

static void host_prefault(u64 page)
{
	struct kvm_pre_fault_memory range = {
		.gpa	= gmem_snp_page(page),
		.size	= PAGE_SIZE,
	};

	if (!model_pages[page].private)
		return;

	op_is("prefault page %lu", page);
	if (!__vcpu_ioctl(guest.cpu->vcpu, KVM_PRE_FAULT_MEMORY, &range))
		model_touch(page);
	else
		TEST_ASSERT(errno == EOPNOTSUPP, "%s: errno %d", last_op, errno);
}

static bool actual_large(u64 page)
{
	u64 start = page - page % GMEM_SNP_NR_4K;
	u64 pfn = snp_rmp_find(gmem_snp_page(start));

	return pfn != SNP_NO_PFN && snp_rmp_entry(pfn).large;
}

static u64 nr_scanned(void)
{
	return vm_get_stat(guest.vm, rmp_promotions) + vm_get_stat(guest.vm, rmp_promotion_fails);
}

static bool any_immutable(void)
{
	u64 pfn = 0, gpa;

	while ((pfn = snp_rmp_next_owned(pfn, &gpa)) != SNP_NO_PFN) {
		if (snp_rmp_entry(pfn++).immutable)
			return true;
	}
	return false;
}

/* Let a scan that is under way, or due, come to its end. */
static void settle(void)
{
	u64 before;

	do {
		before = nr_scanned();
		usleep(5 * SCAN_MS * 1000);
	} while (any_immutable() || nr_scanned() != before);
}

/* Until it is done, or for some scans: a hint about no memory is not even counted. */
static void wait_for_scan(u64 page, u64 before, bool due)
{
	int ms;

	for (ms = 0; ms < (due ? WAIT_MS : 10 * SCAN_MS); ms += SCAN_MS) {
		if (due ? actual_large(page) : nr_scanned() > before)
			return;
		usleep(SCAN_MS * 1000);
	}
	TEST_ASSERT(!due, "Step %lu: promotion of page %lu was due", step, page);
}

static void promote(u64 page)
{
	bool due = model_may_be_promoted(page) && !actual_large(page);
	u64 before = nr_scanned();

	op_is("unsmash the range of page %lu, %sdue", page, due ? "" : "not ");
	gmem_snp_set_promote_ms(SCAN_MS);
	gmem_snp_psc(&guest, gmem_snp_page(page), PG_LEVEL_4K, SNP_PSC_UNSMASH);
	wait_for_scan(page, before, due);
	gmem_snp_set_promote_ms(0);
	settle();
	if (due) {
		model_range_of(page)->large = true;
		model_range_of(page)->unsure = false;
	}
}

static void compare_page(u64 nr, u64 pfn, bool *seen)
{
	struct snp_rmp_entry entry = snp_rmp_entry(pfn);
	struct model_page *page = &model_pages[nr];
	struct model_range *range = model_range_of(nr);

	*seen = true;
	TEST_ASSERT(page->owned, "Page %lu should have no owner", nr);
	TEST_ASSERT(entry.valid == page->valid, "Page %lu should be %svalid", nr,
		    page->valid ? "" : "in");
	TEST_ASSERT(entry.perms[1] == page->vmpl1, "Page %lu: VMPL1 0x%x, not 0x%x", nr,
		    page->vmpl1, entry.perms[1]);
	TEST_ASSERT(!entry.immutable && !entry.vmsa, "Page %lu should be plain", nr);
	if (entry.large)
		TEST_ASSERT(range->large || model_may_be_promoted(nr), "Page %lu should be 4K", nr);
	else
		TEST_ASSERT(!range->large || range->unsure, "Page %lu should be 2M", nr);
}

/* Look at every entry of the RMP that names a page of the guest's. */
static void compare(void)
{
	bool seen[NR_PAGES] = { };
	u64 pfn = 0, gpa, nr;

	while ((pfn = snp_rmp_next_owned(pfn, &gpa)) != SNP_NO_PFN) {
		if (gpa >= GMEM_SNP_GPA && gpa < gmem_snp_page(NR_PAGES)) {
			nr = (gpa - GMEM_SNP_GPA) / PAGE_SIZE;
			TEST_ASSERT(!seen[nr], "Page %lu should be in one place", nr);
			compare_page(nr, pfn, &seen[nr]);
		}
		pfn++;
	}
	for (nr = 0; nr < NR_PAGES; nr++)
		TEST_ASSERT(seen[nr] == model_pages[nr].owned, "Page %lu should have an owner", nr);
	for (nr = 0; nr < NR_PAGES; nr += GMEM_SNP_NR_4K) {
		model_range_of(nr)->large = actual_large(nr);
		model_range_of(nr)->unsure &= model_range_of(nr)->large;
	}
}

static void (*const ops[])(u64 page) = {
	guest_pvalidate, guest_pvalidate, guest_accept_range, guest_rmpadjust,
	guest_write, guest_check, guest_check, guest_psc, guest_psc_smash,
	host_convert, host_punch, host_punch_in_pieces, host_prefault, promote,
};

/* Any, or one of a few: what happens to a page once is of little interest. */
static u64 pick_page(void)
{
	static const u64 hot[] = { 0, 1, 7, 255, 256, 300, 510, 511 };

	if (!pick(3))
		return pick(NR_PAGES);

	return pick(NR_RANGES) * GMEM_SNP_NR_4K + hot[pick(ARRAY_SIZE(hot))];
}

static void fuzz(u64 nr_steps)
{
	u64 i;

	for (i = 0; i < NR_PAGES; i++)
		model_pages[i].private = true;
	for (step = 0; step < nr_steps; step++) {
		last_op[0] = 0;
		ops[pick(ARRAY_SIZE(ops))](pick_page());
		if (last_op[0]) {
			printf("%lu: %s\n", step, last_op);
			compare();
		}
	}
}

int main(int argc, char *argv[])
{
	u64 nr_steps = 300;
	int opt;

	seed = time(NULL);
	while ((opt = getopt(argc, argv, "s:n:b")) != -1) {
		switch (opt) {
		case 's':
			seed = atoi_non_negative("seed", optarg);
			break;
		case 'n':
			nr_steps = atoi_positive("steps", optarg);
			break;
		case 'b':
			broken = true;
			break;
		default:
			TEST_FAIL("Usage: %s [-s seed] [-n steps] [-b]", argv[0]);
		}
	}
	gmem_snp_require();
	snp_host_require();
	printf("gmem_snp_fuzz_test -s %u -n %lu\n", seed, nr_steps);

	snp_rmp_ignore_owned();
	gmem_snp_set_promote_ms(0);
	gmem_snp_create(&guest, NR_RANGES * SZ_2M);
	fuzz(nr_steps);
	gmem_snp_free(&guest);
	gmem_snp_set_promote_ms(GMEM_SNP_PROMOTE_MS);
	TEST_ASSERT_EQ(snp_rmp_nr_owned(), 0);
	return 0;
}
