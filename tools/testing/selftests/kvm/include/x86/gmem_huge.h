/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM whose private memory may be mapped 2M at a time, and the vocabulary to
 * make claims about it: what the guest reads and writes, how many mappings of
 * each size exist, and how many faults it took to get there.
 */
#ifndef SELFTEST_KVM_GMEM_HUGE_H
#define SELFTEST_KVM_GMEM_HUGE_H

#include <linux/sizes.h>

#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"

/*
 * The guest's private memory lives at the start of one 1G range and a page of
 * plain memory at the end of the same range.  Touching that page before
 * anything is counted leaves the guest's code, stack and page tables mapped,
 * so that a fault counted afterwards is a fault on private memory.
 */
#define GMEM_HUGE_GPA		((gpa_t)SZ_4G)
#define GMEM_HUGE_MAX_SIZE	((u64)SZ_64M)
#define GMEM_HUGE_WARM_GPA	(GMEM_HUGE_GPA + SZ_1G - SZ_2M)

#define GMEM_HUGE_WARM_SLOT	9
#define GMEM_HUGE_SLOT		10

#define GMEM_HUGE_NR_4K		(SZ_2M / PAGE_SIZE)

/* One test of the harness is allowed a debug kernel under emulation. */
#define GMEM_HUGE_TIMEOUT	300

struct gmem_huge {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	int fd;
};

struct gmem_huge_stats {
	u64 pages_4k;
	u64 pages_2m;
	u64 splits;
	u64 promotions;
	u64 faults;
};

/* Host: the VM, its files and its memslots. */
void gmem_huge_require(void);
u64 gmem_huge_supported_flags(unsigned long vm_type);
struct gmem_huge gmem_huge_create(unsigned long vm_type);
struct gmem_huge gmem_huge_create_file(u64 size, u64 flags);
struct gmem_huge gmem_huge_create_private(u64 size);
void gmem_huge_free(struct gmem_huge *g);

void gmem_huge_open(struct gmem_huge *g, u64 size, u64 flags);
void *gmem_huge_add_slot(struct gmem_huge *g, u32 slot, gpa_t gpa, u64 size,
			 u64 offset);
/* @nr private pages, from the @gfn-th of the guest and the @page-th of the file. */
void *gmem_huge_add_private(struct gmem_huge *g, u32 slot, u64 gfn, u64 nr,
			    u64 page);
void gmem_huge_delete_slot(struct gmem_huge *g, u32 slot, gpa_t gpa);

static inline gpa_t gmem_huge_page(u64 nr)
{
	return GMEM_HUGE_GPA + nr * PAGE_SIZE;
}

/* Host: the ways to allocate, free and convert. */
void gmem_huge_prefault(struct gmem_huge *g, gpa_t gpa, u64 size);
int __gmem_huge_fallocate(struct gmem_huge *g, u64 offset, u64 size);
void gmem_huge_fallocate(struct gmem_huge *g, u64 offset, u64 size);
int __gmem_huge_punch(struct gmem_huge *g, u64 offset, u64 size);
void gmem_huge_punch(struct gmem_huge *g, u64 offset, u64 size);

/*
 * Guest: write @tag to every page of a range, or claim that every page holds
 * it.  The words that are stored differ from page to page; a range that
 * holds tag 0 is zero in every byte.  The double-underscore variants return
 * -errno of KVM_RUN, with the vCPU still at the access that failed.
 */
int __gmem_huge_write(struct gmem_huge *g, gpa_t gpa, u64 size, u64 tag);
void gmem_huge_write(struct gmem_huge *g, gpa_t gpa, u64 size, u64 tag);
/* What to write the next time that the vCPU runs; it reports when it is done. */
void gmem_huge_set_write(struct gmem_huge *g, gpa_t gpa, u64 size, u64 tag);
int __gmem_huge_check(struct gmem_huge *g, gpa_t gpa, u64 size, u64 tag);
void gmem_huge_check(struct gmem_huge *g, gpa_t gpa, u64 size, u64 tag);

/* The same for user space, on memory that the guest sees at @gpa. */
void gmem_huge_host_write(void *mem, gpa_t gpa, u64 size, u64 tag);
void gmem_huge_host_check(void *mem, gpa_t gpa, u64 size, u64 tag);

/*
 * UCALL_SYNC or UCALL_DONE, with which @vcpu came out of KVM_RUN; the test fails
 * at whatever else.
 */
u64 gmem_huge_get_ucall(struct kvm_vcpu *vcpu);

/* Host: what there is to count. */
struct gmem_huge_stats gmem_huge_stats(struct gmem_huge *g);
u64 gmem_huge_meminfo(const char *field);
u64 gmem_huge_nr_folios(void);
void gmem_huge_dirty_free_memory(void);

/*
 * Claim how private memory is mapped right now: TEST_GMEM_MAPPED(g, nr_2m,
 * nr_4k, claim, ...).
 */
#define TEST_GMEM_MAPPED(g, nr_2m, nr_4k, claim...)				\
	test_gmem_mapped(g, nr_2m, nr_4k, __FILE__, __LINE__, claim)

__printf(6, 7)
void test_gmem_mapped(struct gmem_huge *g, u64 nr_2m, u64 nr_4k,
		      const char *file, unsigned int line, const char *claim, ...);

/*
 * Claim what happened since @before was taken: TEST_GMEM_SINCE(g, before,
 * nr_faults, nr_splits, nr_promotions, claim, ...).
 */
#define TEST_GMEM_SINCE(g, before, faults, splits, promotions, claim...)	\
	test_gmem_since(g, &(before), faults, splits, promotions,		\
			__FILE__, __LINE__, claim)

__printf(8, 9)
void test_gmem_since(struct gmem_huge *g, const struct gmem_huge_stats *before,
		     u64 faults, u64 splits, u64 promotions,
		     const char *file, unsigned int line, const char *claim, ...);

#endif /* SELFTEST_KVM_GMEM_HUGE_H */
