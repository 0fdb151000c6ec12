// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the SNP guest of gmem_snp.h runs.
 */
#include "gmem_snp.h"

/* The GHCB's MSR protocol: ask to make the page of @gpa shared. */
#define GHCB_MSR_PSC_REQ	0x014
#define GHCB_MSR_PSC_SHARED	(2ULL << 52)

#define GHCB_MSR_REGISTER	0x012

/* The fields of the GHCB that a page state change needs. */
struct ghcb_page {
	u64 reserved_1[0x390 / 8];
	u64 sw_exit_code;
	u64 sw_exit_info_1;
	u64 sw_exit_info_2;
	u64 sw_scratch;
	u64 reserved_2[(0x3f0 - 0x3b0) / 8];
	u64 valid_bitmap[2];
	u64 reserved_3[0x400 / 8];
	/* Current and last entry, both 0, and the entries. */
	u64 shared_buffer[(0xff0 - 0x800) / 8];
	u8 reserved_4[0xffa - 0xff0];
	u16 version;
	u32 usage;
};

static_assert(sizeof(struct ghcb_page) == PAGE_SIZE);

#define NR_WORDS		(PAGE_SIZE / sizeof(u64))

static u64 pvalidate(gva_t gva, bool huge, bool validate)
{
	bool unchanged;
	u64 ret;

	/* PVALIDATE, as bytes for assemblers that do not know it. */
	asm volatile(".byte 0xf2, 0x0f, 0x01, 0xff"
		     : "=a" (ret), "=@ccc" (unchanged)
		     : "a" (gva), "c" ((u32)huge), "d" ((u32)validate)
		     : "memory");
	ret &= 0xffffffff;
	return !ret && unchanged ? SNP_UNCHANGED : ret;
}

static u64 rmpadjust(gva_t gva, bool huge, u64 attrs)
{
	u64 ret;

	/* RMPADJUST */
	asm volatile(".byte 0xf3, 0x0f, 0x01, 0xfe"
		     : "=a" (ret)
		     : "a" (gva), "c" ((u64)huge), "d" (attrs)
		     : "memory", "cc");
	return ret & 0xffffffff;
}

static u64 accept(gva_t gva, u64 size)
{
	gva_t end = gva + size, page;
	u64 ret;

	for (; gva < end; gva += SZ_2M) {
		ret = pvalidate(gva, true, true);
		if (!ret)
			continue;
		if (ret != SNP_FAIL_SIZEMISMATCH)
			return ret;

		for (page = gva; page < gva + SZ_2M; page += PAGE_SIZE) {
			ret = pvalidate(page, false, true);
			if (ret)
				return ret;
		}
	}
	return 0;
}

static void write_pages(gva_t gva, u64 size, u64 tag)
{
	gva_t end = gva + size;
	u64 *page;

	for (; gva < end; gva += PAGE_SIZE) {
		page = (u64 *)gva;
		WRITE_ONCE(page[0], gva | tag);
		WRITE_ONCE(page[NR_WORDS - 1], gva | tag);
	}
}

/* Return the first page that holds something else, or 0. */
static gva_t check_pages(gva_t gva, u64 size, u64 tag)
{
	gva_t end = gva + size;
	u64 *page;

	for (; gva < end; gva += PAGE_SIZE) {
		page = (u64 *)gva;
		if (READ_ONCE(page[0]) != (gva | tag) ||
		    READ_ONCE(page[NR_WORDS - 1]) != (gva | tag))
			return gva;
	}
	return 0;
}

/* vmgexit() alone does not tell the compiler that the host looks at memory. */
static u64 vmgexit_msr(u64 value)
{
	wrmsr(MSR_AMD64_SEV_ES_GHCB, value);
	asm volatile("" ::: "memory");
	vmgexit();
	asm volatile("" ::: "memory");
	return rdmsr(MSR_AMD64_SEV_ES_GHCB);
}

static void set_ghcb(struct ghcb_page *ghcb, u64 *field, u64 value)
{
	int bit = field - (u64 *)ghcb;

	*field = value;
	ghcb->valid_bitmap[bit / 64] |= BIT_ULL(bit % 64);
}

/* One entry: the operation on one page, or on 2M. */
static u64 psc(struct ghcb_page *ghcb, gpa_t ghcb_gpa, const struct gmem_snp_op *op)
{
	u64 i;

	vmgexit_msr(GHCB_MSR_REGISTER | ghcb_gpa);

	for (i = 0; i < NR_WORDS; i++)
		((u64 *)ghcb)[i] = 0;
	ghcb->version = 2;
	set_ghcb(ghcb, &ghcb->sw_exit_code, SVM_VMGEXIT_PSC);
	set_ghcb(ghcb, &ghcb->sw_exit_info_1, 0);
	set_ghcb(ghcb, &ghcb->sw_exit_info_2, 0);
	set_ghcb(ghcb, &ghcb->sw_scratch,
		 ghcb_gpa + offsetof(struct ghcb_page, shared_buffer));
	ghcb->shared_buffer[1] = op->gva | op->arg << 52 |
				 (op->size == SZ_2M ? BIT_ULL(56) : 0);

	vmgexit_msr(ghcb_gpa);
	return ghcb->sw_exit_info_2;
}

static u64 run_verb(const struct gmem_snp_op *op, struct ghcb_page *ghcb, gpa_t ghcb_gpa)
{
	switch (op->verb) {
	case GMEM_SNP_WRITE:
		write_pages(op->gva, op->size, op->arg);
		return 0;
	case GMEM_SNP_CHECK:
		return check_pages(op->gva, op->size, op->arg);
	case GMEM_SNP_PVALIDATE:
		return pvalidate(op->gva, op->size == SZ_2M, op->arg);
	case GMEM_SNP_RMPADJUST:
		return rmpadjust(op->gva, op->size == SZ_2M, op->arg);
	case GMEM_SNP_ACCEPT:
		return accept(op->gva, op->size);
	case GMEM_SNP_PSC:
		return psc(ghcb, ghcb_gpa, op);
	default:
		return -1ul;
	}
}

void gmem_snp_guest_code(struct gmem_snp_op *shared, gpa_t gpa)
{
	struct ghcb_page *ghcb = (void *)shared + PAGE_SIZE;
	struct gmem_snp_op op;

	for (;;) {
		vmgexit_msr(GHCB_MSR_PSC_REQ | gpa | GHCB_MSR_PSC_SHARED);

		op = *shared;
		shared->ret = run_verb(&op, ghcb, gpa + PAGE_SIZE);
	}
}
