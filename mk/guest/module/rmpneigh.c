// SPDX-License-Identifier: GPL-2.0-only
/*
 * rmpneigh how=alone|mixed|smashed|whole: assign pages of a 2M range in the RMP, write to their neighbours by the direct map, and
 * tell the levels of the direct map meanwhile.
 *
 * alone:   one page. The neighbours are not its owner's, so the direct map has to be split.
 * mixed:   one page of an owner of all of the range, who needs no split, then another alone, which returns first.
 * smashed: all of the range at 2M, smashed, of which one page returns first.
 * whole:   one page of an owner of all of the range. The write is what such an owner promised not to do, and is an oops.
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pgtable.h>
#include <asm/sev.h>

static char *how = "";
module_param(how, charp, 0444);

#define ORDER		9
#define NR_PAGES	(1 << ORDER)
#define ASID		1
#define PATIENCE_MS	5000
#define GPA(nr)		(0x40000000ull + (nr) * PAGE_SIZE)

static struct page *block;
static u64 first;
/* Only the patched kernel has them. */
static int (*make_private_whole)(u64 pfn, u64 gpa, enum pg_level level, u32 asid, bool immutable);
static int (*make_shared_whole)(u64 pfn, enum pg_level level);

static int level(void)
{
	unsigned int found = 0;

	lookup_address((unsigned long)page_address(block), &found);
	/* 1G is as whole as 2M. */
	return min_t(int, found, PG_LEVEL_2M);
}

/* A split mapping is collapsed soon, but not at once. */
static int last_level(void)
{
	int left = PATIENCE_MS;

	while (level() == PG_LEVEL_4K && left-- > 0)
		msleep(1);
	return level();
}

static void write_to(int nr)
{
	WRITE_ONCE(*(u64 *)page_address(block + nr), nr);
}

static int alone(void)
{
	int before = level(), meanwhile, ret;

	ret = rmp_make_private(first + 7, GPA(7), PG_LEVEL_4K, ASID, false);
	if (ret)
		return ret;
	write_to(6);
	write_to(8);
	meanwhile = level();
	ret = rmp_make_shared(first + 7, PG_LEVEL_4K);
	write_to(7);
	pr_notice("rmpneigh: levels %d, %d, %d\n", before, meanwhile, last_level());
	return ret;
}

static int mixed(void)
{
	int one, both, rest, ret;

	ret = make_private_whole(first + 7, GPA(7), PG_LEVEL_4K, ASID, false);
	one = level();
	ret = ret ?: rmp_make_private(first + 8, GPA(8), PG_LEVEL_4K, ASID, false);
	if (ret)
		return ret;
	both = level();
	write_to(9);
	ret = rmp_make_shared(first + 8, PG_LEVEL_4K);
	write_to(8);
	rest = level();
	ret = ret ?: make_shared_whole(first + 7, PG_LEVEL_4K);
	pr_notice("rmpneigh: levels %d, %d, %d, %d\n", one, both, rest, last_level());
	return ret;
}

static int smashed(void)
{
	int all, rest, ret, nr;

	ret = make_private_whole(first, GPA(0), PG_LEVEL_2M, ASID, false) ?: psmash(first);
	if (ret)
		return ret;
	all = level();
	ret = rmp_make_shared(first + 5, PG_LEVEL_4K);
	write_to(5);
	rest = level();
	for (nr = 0; nr < NR_PAGES && !ret; nr++)
		if (nr != 5)
			ret = make_shared_whole(first + nr, PG_LEVEL_4K);
	pr_notice("rmpneigh: levels %d, %d, %d\n", all, rest, last_level());
	return ret;
}

static int whole(void)
{
	int ret = make_private_whole(first + 7, GPA(7), PG_LEVEL_4K, ASID, false);

	if (ret)
		return ret;
	write_to(6);
	return -EINVAL;
}

static int run(void)
{
	if (!strcmp(how, "alone"))
		return alone();
	make_private_whole = __symbol_get("rmp_make_private_whole");
	make_shared_whole = __symbol_get("rmp_make_shared_whole");
	if (!make_private_whole || !make_shared_whole)
		return -ENOENT;
	if (!strcmp(how, "mixed"))
		return mixed();
	if (!strcmp(how, "smashed"))
		return smashed();
	if (!strcmp(how, "whole"))
		return whole();
	return -EINVAL;
}

static int __init rmpneigh_init(void)
{
	int ret;

	block = alloc_pages(GFP_KERNEL, ORDER);
	if (!block)
		return -ENOMEM;
	first = page_to_pfn(block);
	/* Whoever had it before may have left it split. */
	last_level();
	ret = run();
	/* What could not be taken back is lost. */
	if (!ret)
		__free_pages(block, ORDER);
	return ret;
}

static void __exit rmpneigh_exit(void)
{
}

module_init(rmpneigh_init);
module_exit(rmpneigh_exit);
MODULE_DESCRIPTION("Write beside pages that are assigned in the RMP");
MODULE_LICENSE("GPL");
