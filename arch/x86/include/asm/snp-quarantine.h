/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_X86_SNP_QUARANTINE_H
#define _ASM_X86_SNP_QUARANTINE_H

#include <linux/errno.h>
#include <linux/types.h>

/* Why pages can't be the host's again. */
enum snp_quarantine_cause {
	/* The firmware did not reclaim them. */
	SNP_CAUSE_RECLAIM,
	/* RMPUPDATE did not take them from their owner. */
	SNP_CAUSE_RMPUPDATE,
	/* RMPUPDATE refused to assign them, nobody knows why. */
	SNP_CAUSE_ASSIGN,
	/* The firmware keeps them until the next boot. */
	SNP_CAUSE_HV_FIXED,
	/* Their entry in the RMP can't be read. */
	SNP_CAUSE_UNREADABLE,
	/* The entry of 2M that they are part of could not be smashed. */
	SNP_CAUSE_PSMASH,
	/* The host's mapping of 2M that they are part of could not be split. */
	SNP_CAUSE_DIRECT_MAP,
};

/* What rmp_make_shared() failed at. */
static inline enum snp_quarantine_cause snp_quarantine_cause(int error)
{
	return error == -ENOMEM ? SNP_CAUSE_DIRECT_MAP : SNP_CAUSE_RMPUPDATE;
}

#ifdef CONFIG_KVM_AMD_SEV
/*
 * Leak pages, see snp_leak_pages(): mark them so that a dump of memory skips
 * them, count them and trace why.  Returns how many were not lost before.
 */
unsigned long snp_quarantine_pages(u64 pfn, unsigned long npages,
				   enum snp_quarantine_cause cause);

/*
 * Trace that guest_memfd quarantines pages, which it marks and counts.  Returns
 * the ASID of the guest that keeps one of them, 0 if none does.
 */
u32 snp_trace_gmem_quarantine(u64 pfn, unsigned long npages,
			      enum snp_quarantine_cause cause);
#else
static inline unsigned long snp_quarantine_pages(u64 pfn, unsigned long npages,
						 enum snp_quarantine_cause cause)
{
	return 0;
}
#endif

#endif /* _ASM_X86_SNP_QUARANTINE_H */
