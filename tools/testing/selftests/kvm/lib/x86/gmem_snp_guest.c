// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the SNP guest of gmem_snp.h runs.
 */
#include "gmem_snp.h"
#include "svm.h"

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
/* The word of the GHCB that holds RAX. */
#define GHCB_RAX		(0x1f8 / 8)

/* What a save area holds beside that of a plain guest, by 8 bytes. */
enum vmsa_word {
	VMSA_RSI		= 0x330 / 8,
	VMSA_RDI		= 0x338 / 8,
	VMSA_SEV_FEATURES	= 0x3b0 / 8,
	VMSA_XCR0		= 0x3e8 / 8,
	/* And the x87 tags and status. */
	VMSA_MXCSR		= 0x408 / 8,
	/* The x87 control word, and what is 0. */
	VMSA_FCW		= 0x410 / 8,
};

#define KERNEL_CS		0x08
#define KERNEL_DS		0x10
#define KERNEL_TSS		0x18

/* Attributes of segments: type and P in the low byte, L and G from bit 9 on. */
#define VMSA_DATA		0xc93
#define VMSA_CODE_64		0xa9b
#define VMSA_LDT		0x82
#define VMSA_BUSY_TSS		0x8b

/* The features in a save area are those of SEV_STATUS without its lowest bits. */
#define VMSA_STATUS_SHIFT	2

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

static void clear_ghcb(struct ghcb_page *ghcb)
{
	u64 i;

	for (i = 0; i < NR_WORDS; i++)
		((u64 *)ghcb)[i] = 0;
	ghcb->version = 2;
}

static void ghcb_exit(struct ghcb_page *ghcb, gpa_t ghcb_gpa, u64 code, u64 info_1,
		      u64 info_2)
{
	set_ghcb(ghcb, &ghcb->sw_exit_code, code);
	set_ghcb(ghcb, &ghcb->sw_exit_info_1, info_1);
	set_ghcb(ghcb, &ghcb->sw_exit_info_2, info_2);

	vmgexit_msr(GHCB_MSR_REGISTER | ghcb_gpa);
	vmgexit_msr(ghcb_gpa);
}

/* One entry: the operation on one page, or on 2M. */
static u64 psc(struct ghcb_page *ghcb, gpa_t ghcb_gpa, const struct gmem_snp_op *op)
{
	clear_ghcb(ghcb);
	set_ghcb(ghcb, &ghcb->sw_scratch,
		 ghcb_gpa + offsetof(struct ghcb_page, shared_buffer));
	ghcb->shared_buffer[1] = op->gva | op->arg << 52 |
				 (op->size == SZ_2M ? BIT_ULL(56) : 0);

	ghcb_exit(ghcb, ghcb_gpa, SVM_VMGEXIT_PSC, 0, 0);
	return ghcb->sw_exit_info_2;
}

static struct vmcb_seg segment(u16 selector, u16 attributes, u32 limit, u64 base)
{
	return (struct vmcb_seg) {
		.selector	= selector,
		.attrib		= attributes,
		.limit		= limit,
		.base		= base,
	};
}

static void set_segments(struct vmcb_save_area *save)
{
	const struct vmcb_seg data = segment(KERNEL_DS, VMSA_DATA, -1u, 0);
	struct desc_ptr gdt = get_gdt(), idt = get_idt();

	save->es = data;
	save->cs = segment(KERNEL_CS, VMSA_CODE_64, -1u, 0);
	save->ss = data;
	save->ds = data;
	save->fs = data;
	save->gs = data;
	save->gdtr = segment(0, 0, gdt.size, gdt.address);
	save->ldtr = segment(0, VMSA_LDT, 0, 0);
	save->idtr = segment(0, 0, idt.size, idt.address);
	save->tr = segment(KERNEL_TSS, VMSA_BUSY_TSS, 0x67, 0);
}

/*
 * Fill the page at @op->gva with the state of a vCPU that runs what this one
 * runs, with the next page as its stack and the page at @op->size to be told
 * what to do, which the host knows by @op->arg.
 */
static u64 fill_vmsa(const struct gmem_snp_op *op)
{
	struct vmcb_save_area *save = (void *)op->gva;
	u64 *words = (void *)op->gva;
	int i;

	for (i = 0; i < NR_WORDS; i++)
		words[i] = 0;

	set_segments(save);
	save->efer = rdmsr(MSR_EFER) | EFER_SVME;
	save->cr4 = get_cr4();
	save->cr3 = get_cr3();
	save->cr0 = get_cr0();
	save->dr7 = 0x400;
	save->dr6 = 0xffff0ff0;
	save->rflags = X86_EFLAGS_FIXED;
	save->rip = (u64)gmem_snp_guest_code;
	/* As if it had been called. */
	save->rsp = op->gva + 2 * PAGE_SIZE - sizeof(u64);
	save->g_pat = rdmsr(MSR_IA32_CR_PAT);
	words[VMSA_RDI] = op->size;
	words[VMSA_RSI] = op->arg;
	words[VMSA_SEV_FEATURES] = rdmsr(MSR_AMD64_SEV) >> VMSA_STATUS_SHIFT;
	words[VMSA_XCR0] = 1;
	words[VMSA_MXCSR] = 0x1f80;
	words[VMSA_FCW] = 0x37f;
	return 0;
}

/* Have vCPU @op->arg go on from the state in the page at @op->gva. */
static u64 create_ap(struct ghcb_page *ghcb, gpa_t ghcb_gpa, const struct gmem_snp_op *op)
{
	clear_ghcb(ghcb);
	set_ghcb(ghcb, (u64 *)ghcb + GHCB_RAX, rdmsr(MSR_AMD64_SEV) >> VMSA_STATUS_SHIFT);
	ghcb_exit(ghcb, ghcb_gpa, SVM_VMGEXIT_AP_CREATION,
		  op->arg << 32 | SVM_VMGEXIT_AP_CREATE, op->gva);
	return ghcb->sw_exit_info_1;
}

static u64 run_verb(const struct gmem_snp_op *op, struct ghcb_page *ghcb, gpa_t ghcb_gpa)
{
	switch (op->verb) {
	case GMEM_SNP_WRITE:
		write_pages(op->gva, op->size, op->arg);
		return 0;
	case GMEM_SNP_CHECK:
		return check_pages(op->gva, op->size, op->arg);
	case GMEM_SNP_READ:
		return READ_ONCE(*(u64 *)op->gva);
	case GMEM_SNP_PVALIDATE:
		return pvalidate(op->gva, op->size == SZ_2M, op->arg);
	case GMEM_SNP_RMPADJUST:
		return rmpadjust(op->gva, op->size == SZ_2M, op->arg);
	case GMEM_SNP_ACCEPT:
		return accept(op->gva, op->size);
	case GMEM_SNP_PSC:
		return psc(ghcb, ghcb_gpa, op);
	case GMEM_SNP_FILL_VMSA:
		return fill_vmsa(op);
	case GMEM_SNP_CREATE_AP:
		return create_ap(ghcb, ghcb_gpa, op);
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
