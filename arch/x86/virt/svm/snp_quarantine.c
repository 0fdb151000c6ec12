// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that are lost to the host, for the RMP does not say that they are its
 * own.
 *
 * A write to such a page is a crash, as may be a write to one near it.  So it
 * is never freed, and marked as poisoned: the allocator and the pool leave it
 * alone, and a dump of memory, which would choke on what the page holds, skips
 * it.  Folios of guest_memfd are counted apart, see virt/kvm/gmem_quarantine.c.
 */
#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/page-flags.h>
#include <linux/sysfs.h>
#include <asm/sev.h>
#include <asm/snp-quarantine.h>

#define CREATE_TRACE_POINTS
#include <asm/trace/snp.h>

static atomic_long_t quarantined_pages;

/* In /sys/module/snp_quarantine/parameters. */
static int get_quarantined(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%ld\n", atomic_long_read(&quarantined_pages));
}

static const struct kernel_param_ops quarantined_ops = {
	.get = get_quarantined,
};
module_param_cb(pages, &quarantined_ops, NULL, 0444);

unsigned long snp_quarantine_pages(u64 pfn, unsigned long npages,
				   enum snp_quarantine_cause cause)
{
	struct page *page = pfn_to_page(pfn);
	unsigned long i, nr = 0;

	trace_snp_quarantine(pfn, npages, cause, snp_rmp_asid(pfn));

	/* Once is enough for what the firmware fails to reclaim again. */
	for (i = 0; i < npages; i++) {
		if (TestSetPageHWPoison(page + i))
			continue;
		__snp_leak_pages(pfn + i, 1, cause != SNP_CAUSE_HV_FIXED);
		nr++;
	}

	atomic_long_add(nr, &quarantined_pages);
	return nr;
}
EXPORT_SYMBOL_GPL(snp_quarantine_pages);

u32 snp_trace_gmem_quarantine(u64 pfn, unsigned long npages,
			      enum snp_quarantine_cause cause)
{
	unsigned long i;
	u32 asid = 0;

	for (i = 0; i < npages && !asid; i++)
		asid = snp_rmp_asid(pfn + i);

	trace_snp_quarantine(pfn, npages, cause, asid);
	return asid;
}
EXPORT_SYMBOL_GPL(snp_trace_gmem_quarantine);
