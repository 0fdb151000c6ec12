// SPDX-License-Identifier: GPL-2.0-only
/*
 * A model of the RMP, as far as operations of guest and host change it.
 */
#include "gmem_snp_model.h"

struct model_page model_pages[NR_PAGES];
struct model_range model_ranges[NR_RANGES];

struct model_range *model_range_of(u64 page)
{
	return &model_ranges[page / GMEM_SNP_NR_4K];
}

struct model_page *model_first_of(u64 page)
{
	return &model_pages[page / GMEM_SNP_NR_4K * GMEM_SNP_NR_4K];
}

/* Do the pages of a range agree? */
static bool is_uniform(u64 page, bool (*same)(struct model_page *a, struct model_page *b))
{
	struct model_page *first = model_first_of(page);
	int i;

	for (i = 1; i < GMEM_SNP_NR_4K; i++) {
		if (!same(first, first + i))
			return false;
	}
	return true;
}

static bool same_attribute(struct model_page *a, struct model_page *b)
{
	return a->private == b->private;
}

static bool same_state(struct model_page *a, struct model_page *b)
{
	return a->private && b->private && a->owned && b->owned && a->valid == b->valid &&
	       a->vmpl1 == b->vmpl1;
}

static bool none_backed(struct model_page *a, struct model_page *b)
{
	return !a->backed && !b->backed;
}

static void own(struct model_page *page)
{
	page->owned = true;
	page->valid = false;
	page->written = false;
	page->vmpl1 = 0;
}

/* The first touch of a page that is private. */
void model_touch(u64 nr)
{
	struct model_range *range = model_range_of(nr);
	struct model_page *page = &model_pages[nr], *first = model_first_of(nr);
	int i;

	if (!page->backed && is_uniform(nr, none_backed)) {
		range->folio = true;
		for (i = 0; i < GMEM_SNP_NR_4K; i++)
			first[i].backed = true;
		if (is_uniform(nr, same_attribute)) {
			range->large = true;
			range->unsure = false;
			for (i = 0; i < GMEM_SNP_NR_4K; i++)
				own(&first[i]);
			return;
		}
	}

	page->backed = true;
	if (!page->owned)
		own(page);
}

/* What is 2M may be smashed from now on, whenever the guest comes there. */
void model_disturb(u64 page)
{
	if (model_range_of(page)->large)
		model_range_of(page)->unsure = true;
}

void model_smash(u64 page)
{
	model_range_of(page)->large = false;
	model_range_of(page)->unsure = false;
}

void model_set_private(u64 page, u64 nr, bool private)
{
	u64 i;

	for (i = page; i < page + nr; i++) {
		if (model_pages[i].private != private)
			model_disturb(i);
		model_pages[i].private = private;
	}
}

static bool none_owned(struct model_page *a, struct model_page *b)
{
	return !a->owned && !b->owned;
}

static void forget_folio(u64 page)
{
	struct model_page *first = model_first_of(page);
	int i;

	model_range_of(page)->folio = false;
	for (i = 0; i < GMEM_SNP_NR_4K; i++)
		first[i].backed = false;
}

void model_punch(u64 page, u64 nr)
{
	u64 i;

	for (i = page; i < page + nr; i++) {
		own(&model_pages[i]);
		model_pages[i].owned = false;
		if (!model_range_of(i)->folio)
			model_pages[i].backed = false;
		model_smash(i);
	}
	for (i = page; i < page + nr; i++) {
		if (model_range_of(i)->folio && is_uniform(i, none_owned))
			forget_folio(i);
	}
}

/* Of the ranges that wait for a scan, others may have had their turn. */
bool model_may_be_promoted(u64 page)
{
	return model_range_of(page)->folio && is_uniform(page, same_state);
}

bool model_is_uniform(u64 page)
{
	return is_uniform(page, same_attribute);
}
