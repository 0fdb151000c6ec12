/* SPDX-License-Identifier: GPL-2.0-only */
#if !defined(_TRACE_KVM_PRIVATE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_KVM_PRIVATE_H

#include <linux/tracepoint.h>

#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvm_private

/* @level is that of the leaf before a split and after a promotion. */
DECLARE_EVENT_CLASS(kvm_private_leaf,
	TP_PROTO(struct kvm *kvm, gfn_t gfn, int level),
	TP_ARGS(kvm, gfn, level),

	TP_STRUCT__entry(
		__field(struct kvm *,	kvm)
		__field(gfn_t,		gfn)
		__field(int,		level)
	),

	TP_fast_assign(
		__entry->kvm	= kvm;
		__entry->gfn	= gfn;
		__entry->level	= level;
	),

	TP_printk("kvm %p gfn 0x%llx level %d",
		  __entry->kvm, __entry->gfn, __entry->level)
);

DEFINE_EVENT(kvm_private_leaf, kvm_private_split,
	TP_PROTO(struct kvm *kvm, gfn_t gfn, int level),
	TP_ARGS(kvm, gfn, level));

DEFINE_EVENT(kvm_private_leaf, kvm_private_promote,
	TP_PROTO(struct kvm *kvm, gfn_t gfn, int level),
	TP_ARGS(kvm, gfn, level));

/* A page converted because the guest accessed it. */
TRACE_EVENT(kvm_private_implicit,
	TP_PROTO(struct kvm *kvm, gfn_t gfn, bool to_private),
	TP_ARGS(kvm, gfn, to_private),

	TP_STRUCT__entry(
		__field(struct kvm *,	kvm)
		__field(gfn_t,		gfn)
		__field(bool,		to_private)
	),

	TP_fast_assign(
		__entry->kvm		= kvm;
		__entry->gfn		= gfn;
		__entry->to_private	= to_private;
	),

	TP_printk("kvm %p gfn 0x%llx to %s", __entry->kvm, __entry->gfn,
		  __entry->to_private ? "private" : "shared")
);

/* Pages that stay the guest's for ever, and what failed; @pfn is the first of them. */
TRACE_EVENT(kvm_private_lose,
	TP_PROTO(struct kvm *kvm, kvm_pfn_t pfn, long nr_pages, const char *cause),
	TP_ARGS(kvm, pfn, nr_pages, cause),

	TP_STRUCT__entry(
		__field(struct kvm *,	kvm)
		__field(kvm_pfn_t,	pfn)
		__field(long,		nr_pages)
		__string(cause,		cause)
	),

	TP_fast_assign(
		__entry->kvm		= kvm;
		__entry->pfn		= pfn;
		__entry->nr_pages	= nr_pages;
		__assign_str(cause);
	),

	TP_printk("kvm %p pfn 0x%llx nr_pages %ld cause %s",
		  __entry->kvm, __entry->pfn, __entry->nr_pages, __get_str(cause))
);

#endif /* _TRACE_KVM_PRIVATE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH mmu
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE private_trace

#include <trace/define_trace.h>
