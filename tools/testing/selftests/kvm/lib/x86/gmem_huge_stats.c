// SPDX-License-Identifier: GPL-2.0-only
/*
 * What there is to count around 2M private memory, and claims about it.
 */
#include <stdarg.h>

#include "gmem_huge.h"

struct gmem_huge_stats gmem_huge_stats(struct gmem_huge *g)
{
	struct gmem_huge_stats stats = {
		.pages_4k	= vm_get_stat(g->vm, private_pages_4k),
		.pages_2m	= vm_get_stat(g->vm, private_pages_2m),
		.splits		= vm_get_stat(g->vm, private_splits),
		.promotions	= vm_get_stat(g->vm, private_promotions),
		.faults		= vcpu_get_stat(g->vcpu, pf_taken),
	};

	TEST_ASSERT(!vm_get_stat(g->vm, private_pages_1g),
		    "Nothing should be mapped 1G");
	return stats;
}

static void test_claim(bool holds, const char *file, unsigned int line,
		       const char *numbers, const char *claim, va_list args)
{
	char *text;

	if (holds)
		return;

	if (vasprintf(&text, claim, args) < 0)
		text = "(out of memory)";
	test_assert(false, numbers, file, line, "%s", text);
}

void test_gmem_mapped(struct gmem_huge *g, u64 nr_2m, u64 nr_4k,
		      const char *file, unsigned int line, const char *claim, ...)
{
	struct gmem_huge_stats now = gmem_huge_stats(g);
	char numbers[128];
	va_list args;

	snprintf(numbers, sizeof(numbers),
		 "wanted %lu x 2M + %lu x 4K, got %lu x 2M + %lu x 4K",
		 nr_2m, nr_4k, now.pages_2m, now.pages_4k);

	va_start(args, claim);
	test_claim(now.pages_2m == nr_2m && now.pages_4k == nr_4k,
		   file, line, numbers, claim, args);
	va_end(args);
}

void test_gmem_since(struct gmem_huge *g, const struct gmem_huge_stats *before,
		     u64 faults, u64 splits, u64 promotions,
		     const char *file, unsigned int line, const char *claim, ...)
{
	struct gmem_huge_stats now = gmem_huge_stats(g);
	char numbers[128];
	va_list args;

	now.faults -= before->faults;
	now.splits -= before->splits;
	now.promotions -= before->promotions;

	snprintf(numbers, sizeof(numbers),
		 "wanted %lu faults, %lu splits, %lu promotions, got %lu, %lu, %lu",
		 faults, splits, promotions, now.faults, now.splits, now.promotions);

	va_start(args, claim);
	test_claim(now.faults == faults && now.splits == splits &&
		   now.promotions == promotions, file, line, numbers, claim, args);
	va_end(args);
}

/* Fold the per-CPU deltas first, they hide up to 2M on a machine of this size. */
u64 gmem_huge_meminfo(const char *field)
{
	FILE *refresh = fopen("/proc/sys/vm/stat_refresh", "r");
	FILE *meminfo = fopen("/proc/meminfo", "r");
	char name[64];
	u64 kib = -1;

	TEST_ASSERT(refresh && meminfo, "/proc should be mounted");
	TEST_ASSERT(fgetc(refresh) == EOF, "stat_refresh should read as empty");

	while (fscanf(meminfo, "%63[^:]: %lu kB ", name, &kib) == 2) {
		if (!strcmp(name, field))
			break;
	}
	TEST_ASSERT(!strcmp(name, field), "/proc/meminfo should have %s", field);

	fclose(refresh);
	fclose(meminfo);
	return kib;
}

/* How many 2M folios files own, host-wide. */
u64 gmem_huge_nr_folios(void)
{
	return gmem_huge_meminfo("FileHugePages") / (SZ_2M / SZ_1K);
}
