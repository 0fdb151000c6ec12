/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of the RMP: what of two ranges of 2M a guest owns, and how.
 */
#ifndef SELFTEST_KVM_GMEM_SNP_MODEL_H
#define SELFTEST_KVM_GMEM_SNP_MODEL_H

#include "gmem_snp.h"

#define NR_RANGES	2
#define NR_PAGES	(NR_RANGES * GMEM_SNP_NR_4K)

struct model_page {
	bool private;
	bool owned;
	bool valid;
	/* Written while valid or shared, and not lost since. */
	bool written;
	u8 vmpl1;
	u8 tag;
	/* Has a place in the file. */
	bool backed;
};

struct model_range {
	/* All of its pages are in one folio. */
	bool folio;
	/* One entry of 2M; @unsure if something may have smashed it. */
	bool large;
	bool unsure;
};

extern struct model_page model_pages[NR_PAGES];
extern struct model_range model_ranges[NR_RANGES];

struct model_range *model_range_of(u64 page);
struct model_page *model_first_of(u64 page);

/* Do the pages of a range agree: all private or all shared; all that there is? */
bool model_is_uniform(u64 page);
bool model_may_be_promoted(u64 page);

/* The first touch of a page that is private. */
void model_touch(u64 page);

/* What is 2M may be smashed from now on; it was smashed. */
void model_disturb(u64 page);
void model_smash(u64 page);

void model_set_private(u64 page, u64 nr, bool private);

/*
 * The pages have no owner any more.  A folio stays as long as a page of it has,
 * pages that are in none have no place in the file any more.
 */
void model_punch(u64 page, u64 nr);

#endif /* SELFTEST_KVM_GMEM_SNP_MODEL_H */
