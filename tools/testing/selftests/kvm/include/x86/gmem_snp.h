/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An SNP guest that does to its private memory what it is told to, and the
 * vocabulary to make claims about it.  The guest has no #VC handler: it is
 * told what to do in a page that it shares with the host, and reports with the
 * MSR protocol of the GHCB.
 */
#ifndef SELFTEST_KVM_GMEM_SNP_H
#define SELFTEST_KVM_GMEM_SNP_H

#include <linux/sizes.h>

#include "kvm_util.h"
#include "processor.h"
#include "sev.h"
#include "test_util.h"

#define GMEM_SNP_GPA		((gpa_t)SZ_4G)
#define GMEM_SNP_SLOT		10
#define GMEM_SNP_WARM_SLOT	11
#define GMEM_SNP_NR_4K		(SZ_2M / PAGE_SIZE)

/* One test of the harness is allowed a debug kernel under emulation. */
#define GMEM_SNP_TIMEOUT	300

/* What PVALIDATE and RMPADJUST return in EAX. */
#define SNP_OK			0
#define SNP_FAIL_INPUT		1
#define SNP_FAIL_PERMISSION	2
#define SNP_FAIL_SIZEMISMATCH	6
/* PVALIDATE changed nothing: made up, as the processor tells by the carry. */
#define SNP_UNCHANGED		0x100

/* VMPL1 may read, write and execute. */
#define SNP_VMPL1_ALL		(1 | 0xf << 8)

struct gmem_snp_op {
	u64 verb;
	gva_t gva;
	u64 size;
	u64 arg;
	/* Written by the guest: the code, or the first page that failed. */
	u64 ret;
};

struct gmem_snp {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	int fd;
	u64 size;
	gpa_t op_gpa;
	struct gmem_snp_op *op;
};

struct gmem_snp_stats {
	u64 assigns_4k;
	u64 assigns_2m;
	u64 smashes;
	u64 pages_4k;
	u64 pages_2m;
	u64 faults;
	u64 dm_splits;
};

void gmem_snp_require(void);

/*
 * A launched VM with @size bytes of private memory at GMEM_SNP_GPA, in a file
 * that was created with @flags, from @offset bytes into it.
 */
struct gmem_snp gmem_snp_create_at(u64 size, u64 flags, u64 offset);
struct gmem_snp gmem_snp_create(u64 size);
void gmem_snp_free(struct gmem_snp *g);

static inline gva_t gmem_snp_page(u64 nr)
{
	return GMEM_SNP_GPA + nr * PAGE_SIZE;
}

/* The guest's other mapping of the same memory, without the C-bit. */
static inline gva_t gmem_snp_shared(gva_t gva)
{
	return gva + 16 * SZ_4G;
}

/*
 * Guest: write @tag to each page of a range; claim that each page holds it;
 * validate or rescind at one size and return the code; accept all of a range,
 * at 2M where that is possible; adjust the permissions of VMPL1.
 */
void gmem_snp_write(struct gmem_snp *g, gva_t gva, u64 size, u64 tag);
void gmem_snp_check(struct gmem_snp *g, gva_t gva, u64 size, u64 tag);
u64 gmem_snp_pvalidate(struct gmem_snp *g, gva_t gva, int level, bool validate);
u64 gmem_snp_rmpadjust(struct gmem_snp *g, gva_t gva, int level, u64 attrs);
void gmem_snp_accept(struct gmem_snp *g, gva_t gva, u64 size);

struct gmem_snp_stats gmem_snp_stats(struct gmem_snp *g);

/* Host: milliseconds between scans for ranges to promote, 0 for never. */
void gmem_snp_set_promote_ms(unsigned int ms);

/* Host: pages lost to failed reclaims since boot. */
u64 gmem_snp_quarantined(void);

/*
 * Claim what happened since @before: TEST_SNP_SINCE(g, before, field, value,
 * claim, ...).
 */
#define TEST_SNP_SINCE(g, before, field, value, claim, ...)			\
do {										\
	u64 __got = gmem_snp_stats(g).field - (before).field;			\
	u64 __want = (value);							\
										\
	TEST_ASSERT(__got == __want, claim ": wanted %lu " #field ", got %lu",	\
		    ##__VA_ARGS__, __want, __got);				\
} while (0)

#endif /* SELFTEST_KVM_GMEM_SNP_H */
