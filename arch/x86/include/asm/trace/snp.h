/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM snp

#if !defined(_ASM_X86_TRACE_SNP_H) || defined(TRACE_HEADER_MULTI_READ)
#define _ASM_X86_TRACE_SNP_H

#include <linux/tracepoint.h>
#include <asm/snp-quarantine.h>

TRACE_DEFINE_ENUM(SNP_CAUSE_RECLAIM);
TRACE_DEFINE_ENUM(SNP_CAUSE_RMPUPDATE);
TRACE_DEFINE_ENUM(SNP_CAUSE_ASSIGN);
TRACE_DEFINE_ENUM(SNP_CAUSE_HV_FIXED);
TRACE_DEFINE_ENUM(SNP_CAUSE_UNREADABLE);
TRACE_DEFINE_ENUM(SNP_CAUSE_PSMASH);
TRACE_DEFINE_ENUM(SNP_CAUSE_DIRECT_MAP);

#define snp_show_cause(cause)						\
	__print_symbolic(cause,						\
			 { SNP_CAUSE_RECLAIM,	"firmware" },		\
			 { SNP_CAUSE_RMPUPDATE,	"rmpupdate" },		\
			 { SNP_CAUSE_ASSIGN,	"assign" },		\
			 { SNP_CAUSE_HV_FIXED,	"hv-fixed" },		\
			 { SNP_CAUSE_UNREADABLE, "unreadable" },	\
			 { SNP_CAUSE_PSMASH,	"psmash" },		\
			 { SNP_CAUSE_DIRECT_MAP, "direct-map" })

/* Pages are lost: why, and what the RMP says of the first. */
TRACE_EVENT(snp_quarantine,
	TP_PROTO(u64 pfn, unsigned long npages, enum snp_quarantine_cause cause, u32 asid),
	TP_ARGS(pfn, npages, cause, asid),

	TP_STRUCT__entry(
		__field(u64, pfn)
		__field(unsigned long, npages)
		__field(unsigned int, cause)
		__field(u32, asid)
	),

	TP_fast_assign(
		__entry->pfn	= pfn;
		__entry->npages	= npages;
		__entry->cause	= cause;
		__entry->asid	= asid;
	),

	TP_printk("pfn 0x%llx npages %lu cause %s asid %u", __entry->pfn,
		  __entry->npages, snp_show_cause(__entry->cause), __entry->asid)
);

#endif /* _ASM_X86_TRACE_SNP_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH asm/trace
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE snp
#include <trace/define_trace.h>
