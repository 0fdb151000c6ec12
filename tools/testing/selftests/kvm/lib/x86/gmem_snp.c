// SPDX-License-Identifier: GPL-2.0-only
/*
 * An SNP guest that does to its private memory what it is told to.
 */
#include "gmem_snp.h"

/* The GHCB's MSR protocol: ask to make the page of @gpa shared. */
#define GHCB_MSR_PSC_REQ	0x014
#define GHCB_MSR_PSC_SHARED	(2ULL << 52)

#define NR_WORDS		(PAGE_SIZE / sizeof(u64))

enum gmem_snp_verb {
	GMEM_SNP_WRITE,
	GMEM_SNP_CHECK,
	GMEM_SNP_PVALIDATE,
	GMEM_SNP_RMPADJUST,
	GMEM_SNP_ACCEPT,
};

static u64 pvalidate(gva_t gva, bool huge, bool validate)
{
	bool unchanged;
	u64 ret;

	/* PVALIDATE, as bytes for assemblers that do not know it. */
	asm volatile(".byte 0xf2, 0x0f, 0x01, 0xff"
		     : "=a" (ret), "=@ccc" (unchanged)
		     : "a" (gva), "c" (huge), "d" (validate)
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
		     : "a" (gva), "c" (huge), "d" (attrs)
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

static u64 run_verb(const struct gmem_snp_op *op)
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
	default:
		return -1ul;
	}
}

/* @shared is the page of the op, at @gpa for the host. */
static void guest_code(struct gmem_snp_op *shared, gpa_t gpa)
{
	struct gmem_snp_op op;

	for (;;) {
		wrmsr(MSR_AMD64_SEV_ES_GHCB,
		      GHCB_MSR_PSC_REQ | gpa | GHCB_MSR_PSC_SHARED);
		vmgexit();

		op = *shared;
		shared->ret = run_verb(&op);
	}
}

static void run_to_report(struct gmem_snp *g)
{
	struct kvm_run *run = g->vcpu->run;

	vcpu_run(g->vcpu);
	TEST_ASSERT(run->exit_reason == KVM_EXIT_HYPERCALL &&
		    run->hypercall.nr == KVM_HC_MAP_GPA_RANGE &&
		    run->hypercall.args[0] == g->op_gpa,
		    "Guest should report, got exit %u (%s)", run->exit_reason,
		    exit_reason_str(run->exit_reason));
	run->hypercall.ret = 0;
}

static u64 run_op(struct gmem_snp *g, enum gmem_snp_verb verb, gva_t gva,
		  u64 size, u64 arg)
{
	*g->op = (struct gmem_snp_op) {
		.verb	= verb,
		.gva	= gva,
		.size	= size,
		.arg	= arg,
		.ret	= -1ul,
	};
	run_to_report(g);
	return READ_ONCE(g->op->ret);
}

void gmem_snp_write(struct gmem_snp *g, gva_t gva, u64 size, u64 tag)
{
	TEST_ASSERT(tag < PAGE_SIZE, "Tag 0x%lx overlaps the page's address", tag);
	TEST_ASSERT(!run_op(g, GMEM_SNP_WRITE, gva, size, tag),
		    "Guest should write [0x%lx, 0x%lx)", gva, gva + size);
}

void gmem_snp_check(struct gmem_snp *g, gva_t gva, u64 size, u64 tag)
{
	gva_t bad = run_op(g, GMEM_SNP_CHECK, gva, size, tag);

	TEST_ASSERT(!bad, "Guest expected tag 0x%lx in the page at 0x%lx", tag, bad);
}

u64 gmem_snp_pvalidate(struct gmem_snp *g, gva_t gva, int level, bool validate)
{
	return run_op(g, GMEM_SNP_PVALIDATE, gva, PG_LEVEL_SIZE(level), validate);
}

u64 gmem_snp_rmpadjust(struct gmem_snp *g, gva_t gva, int level, u64 attrs)
{
	return run_op(g, GMEM_SNP_RMPADJUST, gva, PG_LEVEL_SIZE(level), attrs);
}

void gmem_snp_accept(struct gmem_snp *g, gva_t gva, u64 size)
{
	u64 ret = run_op(g, GMEM_SNP_ACCEPT, gva, size, 0);

	TEST_ASSERT(!ret, "Guest should accept [0x%lx, 0x%lx), PVALIDATE returned 0x%lx",
		    gva, gva + size, ret);
}

/* 2M mappings of the kernel's direct map that were split since boot. */
static u64 direct_map_splits(void)
{
	FILE *file = fopen("/proc/vmstat", "r");
	char name[64];
	u64 value;

	TEST_ASSERT(file, "/proc should be mounted");
	while (fscanf(file, "%63s %lu", name, &value) == 2) {
		if (!strcmp(name, "direct_map_level2_splits")) {
			fclose(file);
			return value;
		}
	}
	TEST_FAIL("/proc/vmstat should have direct_map_level2_splits");
}

void gmem_snp_set_promote_ms(unsigned int ms)
{
	FILE *file = fopen("/sys/module/kvm_amd/parameters/snp_promote_ms", "w");

	TEST_ASSERT(file && fprintf(file, "%u", ms) > 0 && !fclose(file),
		    "snp_promote_ms should be writable");
}

struct gmem_snp_stats gmem_snp_stats(struct gmem_snp *g)
{
	return (struct gmem_snp_stats) {
		.assigns_4k	= vm_get_stat(g->vm, rmp_assigns_4k),
		.assigns_2m	= vm_get_stat(g->vm, rmp_assigns_2m),
		.smashes	= vm_get_stat(g->vm, rmp_smashes),
		.pages_4k	= vm_get_stat(g->vm, private_pages_4k),
		.pages_2m	= vm_get_stat(g->vm, private_pages_2m),
		.faults		= vcpu_get_stat(g->vcpu, pf_taken),
		.dm_splits	= direct_map_splits(),
	};
}

u64 gmem_snp_quarantined(void)
{
	return kvm_get_module_param_integer("kvm", "gmem_quarantined_pages");
}

void gmem_snp_require(void)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_SNP_VM));
}

static u64 *get_pde(struct kvm_vm *vm, gva_t gva)
{
	gpa_t table = vm->mmu.pgd;
	u64 *entry = NULL;
	int level;

	for (level = vm->mmu.pgtable_levels; level >= PG_LEVEL_2M; level--) {
		entry = addr_gpa2hva(vm, table);
		entry += (gva >> (PAGE_SHIFT + 9 * (level - 1))) & 511;
		table = vm_untag_gpa(vm, PTE_GET_PA(*entry));
	}
	return entry;
}

/* Map at 2M, which the framework does without a C-bit. */
static void map_2m(struct kvm_vm *vm, gva_t gva, gpa_t gpa, u64 size, bool private)
{
	u64 off;

	virt_map_level(vm, gva, gpa, size, PG_LEVEL_2M);
	for (off = 0; private && off < size; off += SZ_2M)
		*get_pde(vm, gva + off) |= vm->arch.c_bit;
}

/* The framework would measure all of a protected region: add a plain slot. */
static int add_memory(struct kvm_vm *vm, u32 slot, gpa_t gpa, u64 size, u64 flags,
		      u64 offset)
{
	int fd = vm_create_guest_memfd(vm, size + offset, flags);
	void *hva = kvm_mmap(size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1);

	vm_set_user_memory_region2(vm, slot, KVM_MEM_GUEST_MEMFD, gpa, size, hva,
				   fd, offset);
	vm_mem_set_private(vm, gpa, size);
	map_2m(vm, gpa, gpa, size, true);
	map_2m(vm, gmem_snp_shared(gpa), gpa, size, false);
	return fd;
}

/*
 * Have the guest do everything once, beside the memory that is tested: a fault
 * counted afterwards is one on that memory, not on code or page tables.
 */
static void warm_up(struct gmem_snp *g)
{
	const gva_t gva = GMEM_SNP_GPA + g->size;

	run_to_report(g);
	gmem_snp_accept(g, gva, SZ_2M);
	gmem_snp_write(g, gva, PAGE_SIZE, 1);
	gmem_snp_check(g, gva, PAGE_SIZE, 1);
	gmem_snp_pvalidate(g, gva, PG_LEVEL_4K, true);
	gmem_snp_rmpadjust(g, gva, PG_LEVEL_4K, SNP_VMPL1_ALL);
	gmem_snp_pvalidate(g, gva, PG_LEVEL_4K, false);

	vm_mem_set_shared(g->vm, gva, PAGE_SIZE);
	gmem_snp_write(g, gmem_snp_shared(gva), PAGE_SIZE, 1);
	gmem_snp_check(g, gmem_snp_shared(gva), PAGE_SIZE, 1);
}

struct gmem_snp gmem_snp_create_at(u64 size, u64 flags, u64 offset)
{
	struct gmem_snp g = { .size = size };
	int warm_fd;
	gva_t op;

	g.vm = vm_sev_create_with_one_vcpu(KVM_X86_SNP_VM, guest_code, &g.vcpu);

	op = vm_alloc_shared(g.vm, PAGE_SIZE, KVM_UTIL_MIN_VADDR,
			     MEM_REGION_TEST_DATA);
	g.op = addr_gva2hva(g.vm, op);
	g.op_gpa = addr_gva2gpa(g.vm, op);
	vcpu_args_set(g.vcpu, 2, op, g.op_gpa);

	g.fd = add_memory(g.vm, GMEM_SNP_SLOT, GMEM_SNP_GPA, size, flags, offset);
	warm_fd = add_memory(g.vm, GMEM_SNP_WARM_SLOT, GMEM_SNP_GPA + size, SZ_2M, 0, 0);
	vm_sev_launch(g.vm, snp_default_policy(), NULL);
	warm_up(&g);
	kvm_free_fd(warm_fd);
	return g;
}

struct gmem_snp gmem_snp_create(u64 size)
{
	return gmem_snp_create_at(size, GUEST_MEMFD_FLAG_LARGE_FOLIOS, 0);
}

void gmem_snp_free(struct gmem_snp *g)
{
	kvm_free_fd(g->fd);
	kvm_vm_free(g->vm);
}
