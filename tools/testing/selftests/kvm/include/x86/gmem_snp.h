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
/* VMPL1 may do nothing: as after the launch.  And the page is a save area. */
#define SNP_VMPL1_NONE		1
#define SNP_VMPL1_VMSA		(1 | 1 << 16)

enum gmem_snp_verb {
	GMEM_SNP_WRITE,
	GMEM_SNP_CHECK,
	GMEM_SNP_READ,
	GMEM_SNP_PVALIDATE,
	GMEM_SNP_RMPADJUST,
	GMEM_SNP_ACCEPT,
	GMEM_SNP_PSC,
	GMEM_SNP_FILL_VMSA,
	GMEM_SNP_CREATE_AP,
};

struct gmem_snp_op {
	u64 verb;
	gva_t gva;
	u64 size;
	u64 arg;
	/* Written by the guest: the code, or the first page that failed. */
	u64 ret;
};

/* The operations of a page state change. */
#define SNP_PSC_PRIVATE		1
#define SNP_PSC_SHARED		2
#define SNP_PSC_SMASH		3
#define SNP_PSC_UNSMASH		4

/* Two pages, shared with the host: the op, and the GHCB. */
#define GMEM_SNP_NR_SHARED	2

#define GMEM_SNP_MAX_VCPUS	4

/* A vCPU and the page in which it is told what to do. */
struct gmem_snp_cpu {
	struct kvm_vcpu *vcpu;
	gva_t op_gva;
	gpa_t op_gpa;
	struct gmem_snp_op *op;
};

/* What to create: zero means one vCPU, no flags, no offset, the default policy. */
struct gmem_snp_shape {
	u64 size;
	u64 flags;
	/* Of the memslot in the file. */
	u64 offset;
	/* For KVM_CAP_X86_IMPLICIT_CONVERSION. */
	u64 implicit;
	int nr_vcpus;
};

struct gmem_snp {
	struct kvm_vm *vm;
	int fd;
	u64 size;
	/* What user space has at the addresses of the memslot. */
	void *shared_mem;
	int nr_vcpus;
	struct gmem_snp_cpu cpus[GMEM_SNP_MAX_VCPUS];
	/* The one that acts. */
	struct gmem_snp_cpu *cpu;
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

/* A launched VM with @size bytes of private memory at GMEM_SNP_GPA. */
void gmem_snp_create_shape(struct gmem_snp *g, const struct gmem_snp_shape *shape);
void gmem_snp_create(struct gmem_snp *g, u64 size);
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
 * Guest: write @tag to each page of a range; claim that each page holds it; read
 * a word;
 * validate or rescind at one size and return the code; accept all of a range,
 * at 2M where that is possible; adjust the permissions of VMPL1.  Those with
 * underscores return -errno of KVM_RUN, with the vCPU still at its access.
 */
int __gmem_snp_write(struct gmem_snp *g, gva_t gva, u64 size, u64 tag);
void gmem_snp_write(struct gmem_snp *g, gva_t gva, u64 size, u64 tag);
int __gmem_snp_check(struct gmem_snp *g, gva_t gva, u64 size, u64 tag);
void gmem_snp_check(struct gmem_snp *g, gva_t gva, u64 size, u64 tag);
u64 gmem_snp_read(struct gmem_snp *g, gva_t gva);
int __gmem_snp_pvalidate(struct gmem_snp *g, gva_t gva, int level, bool validate);
u64 gmem_snp_pvalidate(struct gmem_snp *g, gva_t gva, int level, bool validate);
u64 gmem_snp_rmpadjust(struct gmem_snp *g, gva_t gva, int level, u64 attrs);
void gmem_snp_accept(struct gmem_snp *g, gva_t gva, u64 size);

/*
 * Guest: ask for the state of one page or 2M with the GHCB's page state change.
 * The host sets the attributes as it is asked to.  Returns SW_EXITINFO2.
 */
u64 gmem_snp_psc(struct gmem_snp *g, gpa_t gpa, int level, int op);

/*
 * Guest: make the page at @gva the save area of a vCPU, to run with the page
 * behind it as its stack; returns what RMPADJUST does.  Have the vCPU go on
 * from a save area; returns the lower half of what SW_EXITINFO1 tells, 0 or 2.
 */
u64 gmem_snp_make_vmsa(struct gmem_snp *g, gva_t gva, int cpu);
u64 gmem_snp_create_ap(struct gmem_snp *g, gva_t gva, int cpu);

/* Host: run a vCPU that starts up to where it asks what to do. */
void gmem_snp_start(struct gmem_snp *g);

/* What a vCPU runs.  @shared is its first shared page, at @gpa for the host. */
void gmem_snp_guest_code(struct gmem_snp_op *shared, gpa_t gpa);

struct gmem_snp_stats gmem_snp_stats(struct gmem_snp *g);

/*
 * How many ranges were smashed and are not whole again.  With scans that are on,
 * claim this and not the number of smashes or promotions: a scan may promote a
 * range before the guest comes to the access that had it smashed, which then
 * smashes it once more.
 */
u64 gmem_snp_nr_smashed(struct gmem_snp *g);

/* Host: a counter of /proc/vmstat. */
u64 gmem_snp_vmstat(const char *event);

/*
 * Host: wait until the direct map of what VMs gave back is collapsed, and say
 * only then what it was before a test.
 */
void gmem_snp_wait_for_collapses(void);

/* Host: milliseconds between scans for ranges to promote, 0 for never. */
void gmem_snp_set_promote_ms(unsigned int ms);

#define GMEM_SNP_PROMOTE_MS	500

/*
 * What main() returns: run @tests, which look at scans every @promote_ms, and
 * leave the host as it was.
 */
int gmem_snp_main(int argc, char **argv, unsigned int promote_ms,
		  int (*tests)(int argc, char **argv));

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
