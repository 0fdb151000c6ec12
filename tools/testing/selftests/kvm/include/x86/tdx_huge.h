/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SELFTEST_KVM_TDX_HUGE_H
#define SELFTEST_KVM_TDX_HUGE_H

#include "gmem_huge.h"
#include "tdx.h"

/* Why a test of 2M in TDs can't run on this host, NULL if it can. */
static inline const char *td_huge_missing(void)
{
	if (!td_is_supported())
		return "KVM offers no TDs";
	if (!(gmem_huge_supported_flags(KVM_X86_TDX_VM) &
	      GUEST_MEMFD_FLAG_LARGE_FOLIOS))
		return "KVM offers no large folios to TDs";
	return NULL;
}

static inline struct gmem_huge_stats td_stats(struct kvm_vcpu *vcpu)
{
	struct gmem_huge g = { .vm = vcpu->vm, .vcpu = vcpu };

	return gmem_huge_stats(&g);
}

/* As td_create().  Code and stack are mapped from then on: returns the counts. */
static inline struct gmem_huge_stats td_create_running(struct kvm_vm **vm, u32 nr_vcpus,
						       u64 size, struct kvm_vcpu *vcpus[])
{
	*vm = td_create(nr_vcpus, size, vcpus);
	td_write(vcpus[0], TD_GPA, 0, 0);
	return td_stats(vcpus[0]);
}

/* Claim, in @line, how many leaves the TD has more than @before. */
static inline void test_td_leaves(struct kvm_vcpu *vcpu, const struct gmem_huge_stats *before,
				  u64 nr_2m, u64 nr_4k, unsigned int line)
{
	struct gmem_huge_stats now = td_stats(vcpu);

	TEST_ASSERT(now.pages_2m - before->pages_2m == nr_2m &&
		    now.pages_4k - before->pages_4k == nr_4k,
		    "Line %u: %ld x 2M, %ld x 4K, not %ld, %ld", line,
		    now.pages_2m - before->pages_2m,
		    now.pages_4k - before->pages_4k, nr_2m, nr_4k);
}

#endif /* SELFTEST_KVM_TDX_HUGE_H */
