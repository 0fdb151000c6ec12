// SPDX-License-Identifier: GPL-2.0-only
/*
 * An SNP guest that does to its private memory what it is told to.
 */
#include "gmem_snp.h"

/* Do what a page state change asks for. */
static void map_gpa_range(struct kvm_vm *vm, const struct kvm_run *run)
{
	bool private = run->hypercall.args[2] & KVM_MAP_GPA_RANGE_ENCRYPTED;

	vm_set_memory_attributes(vm, run->hypercall.args[0],
				 run->hypercall.args[1] * PAGE_SIZE,
				 private ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0);
}

/* Run until the vCPU reports, or return -errno. */
static int run_to_report(struct gmem_snp *g)
{
	struct kvm_run *run = g->cpu->vcpu->run;

	for (;;) {
		if (__vcpu_run(g->cpu->vcpu))
			return -errno;

		TEST_ASSERT(run->exit_reason == KVM_EXIT_HYPERCALL &&
			    run->hypercall.nr == KVM_HC_MAP_GPA_RANGE,
			    "Guest should report, got exit %u (%s)", run->exit_reason,
			    exit_reason_str(run->exit_reason));
		run->hypercall.ret = 0;
		if (run->hypercall.args[0] == g->cpu->op_gpa)
			return 0;

		map_gpa_range(g->vm, run);
	}
}

void gmem_snp_start(struct gmem_snp *g)
{
	TEST_ASSERT(!run_to_report(g), "Guest should reach its first report");
}

static void set_op(struct gmem_snp *g, enum gmem_snp_verb verb, gva_t gva,
		   u64 size, u64 arg)
{
	*g->cpu->op = (struct gmem_snp_op) {
		.verb	= verb,
		.gva	= gva,
		.size	= size,
		.arg	= arg,
		.ret	= -1ul,
	};
}

static u64 run_op(struct gmem_snp *g, enum gmem_snp_verb verb, gva_t gva,
		  u64 size, u64 arg)
{
	int r;

	set_op(g, verb, gva, size, arg);
	r = run_to_report(g);
	TEST_ASSERT(!r, "KVM_RUN: verb %d, 0x%lx: %d, exit %u (%s), gpa 0x%llx, flags 0x%llx",
		    verb, gva, r, g->cpu->vcpu->run->exit_reason,
		    exit_reason_str(g->cpu->vcpu->run->exit_reason),
		    g->cpu->vcpu->run->memory_fault.gpa,
		    g->cpu->vcpu->run->memory_fault.flags);
	return READ_ONCE(g->cpu->op->ret);
}

int __gmem_snp_write(struct gmem_snp *g, gva_t gva, u64 size, u64 tag)
{
	set_op(g, GMEM_SNP_WRITE, gva, size, tag);
	return run_to_report(g);
}

void gmem_snp_write(struct gmem_snp *g, gva_t gva, u64 size, u64 tag)
{
	TEST_ASSERT(tag < PAGE_SIZE, "Tag 0x%lx overlaps the page's address", tag);
	TEST_ASSERT(!run_op(g, GMEM_SNP_WRITE, gva, size, tag),
		    "Guest should write [0x%lx, 0x%lx)", gva, gva + size);
}

int __gmem_snp_check(struct gmem_snp *g, gva_t gva, u64 size, u64 tag)
{
	set_op(g, GMEM_SNP_CHECK, gva, size, tag);
	return run_to_report(g);
}

void gmem_snp_check(struct gmem_snp *g, gva_t gva, u64 size, u64 tag)
{
	gva_t bad = run_op(g, GMEM_SNP_CHECK, gva, size, tag);

	TEST_ASSERT(!bad, "Guest expected tag 0x%lx in the page at 0x%lx", tag, bad);
}

u64 gmem_snp_read(struct gmem_snp *g, gva_t gva)
{
	return run_op(g, GMEM_SNP_READ, gva, sizeof(u64), 0);
}

int __gmem_snp_pvalidate(struct gmem_snp *g, gva_t gva, int level, bool validate)
{
	set_op(g, GMEM_SNP_PVALIDATE, gva, PG_LEVEL_SIZE(level), validate);
	return run_to_report(g);
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

u64 gmem_snp_vmstat(const char *event)
{
	FILE *file = fopen("/proc/vmstat", "r");
	char name[64];
	u64 value;

	TEST_ASSERT(file, "/proc should be mounted");
	while (fscanf(file, "%63s %lu", name, &value) == 2) {
		if (!strcmp(name, event)) {
			fclose(file);
			return value;
		}
	}
	TEST_FAIL("/proc/vmstat should have %s", event);
}

/* Ten times what the host waits before it collapses. */
#define COLLAPSE_QUIET_US	1000000

void gmem_snp_wait_for_collapses(void)
{
	u64 before, now = gmem_snp_vmstat("direct_map_level2_collapses");

	do {
		before = now;
		usleep(COLLAPSE_QUIET_US);
		now = gmem_snp_vmstat("direct_map_level2_collapses");
	} while (now != before);
}

void gmem_snp_set_promote_ms(unsigned int ms)
{
	FILE *file = fopen("/sys/module/kvm_amd/parameters/snp_promote_ms", "w");

	TEST_ASSERT(file && fprintf(file, "%u", ms) > 0 && !fclose(file),
		    "snp_promote_ms should be writable");
}

u64 gmem_snp_psc(struct gmem_snp *g, gpa_t gpa, int level, int op)
{
	return run_op(g, GMEM_SNP_PSC, gpa, PG_LEVEL_SIZE(level), op);
}

u64 gmem_snp_make_vmsa(struct gmem_snp *g, gva_t gva, int cpu)
{
	const struct gmem_snp_cpu *target = &g->cpus[cpu];

	TEST_ASSERT_EQ(run_op(g, GMEM_SNP_FILL_VMSA, gva, target->op_gva, target->op_gpa), 0);
	return gmem_snp_rmpadjust(g, gva, PG_LEVEL_4K, SNP_VMPL1_VMSA);
}

u64 gmem_snp_create_ap(struct gmem_snp *g, gva_t gva, int cpu)
{
	return (u32)run_op(g, GMEM_SNP_CREATE_AP, gva, PAGE_SIZE, g->cpus[cpu].vcpu->id);
}

int gmem_snp_main(int argc, char **argv, unsigned int promote_ms,
		  int (*tests)(int argc, char **argv))
{
	int ret;

	gmem_snp_require();
	gmem_snp_set_promote_ms(promote_ms);
	ret = tests(argc, argv);
	gmem_snp_set_promote_ms(GMEM_SNP_PROMOTE_MS);
	return ret;
}

struct gmem_snp_stats gmem_snp_stats(struct gmem_snp *g)
{
	return (struct gmem_snp_stats) {
		.assigns_4k	= vm_get_stat(g->vm, rmp_assigns_4k),
		.assigns_2m	= vm_get_stat(g->vm, rmp_assigns_2m),
		.smashes	= vm_get_stat(g->vm, rmp_smashes),
		.pages_4k	= vm_get_stat(g->vm, private_pages_4k),
		.pages_2m	= vm_get_stat(g->vm, private_pages_2m),
		.faults		= vcpu_get_stat(g->cpu->vcpu, pf_taken),
		.dm_splits	= gmem_snp_vmstat("direct_map_level2_splits"),
	};
}

u64 gmem_snp_nr_smashed(struct gmem_snp *g)
{
	u64 smashes = vm_get_stat(g->vm, rmp_smashes);

	return smashes - vm_get_stat(g->vm, rmp_promotions);
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

static void *map_shared_mem(u64 size)
{
	return kvm_mmap(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* The framework would measure all of a protected region: add a plain slot. */
static int add_memory(struct kvm_vm *vm, u32 slot, gpa_t gpa, u64 size, u64 flags,
		      u64 offset, void *shared_mem)
{
	int fd = vm_create_guest_memfd(vm, size + offset, flags);

	vm_set_user_memory_region2(vm, slot, KVM_MEM_GUEST_MEMFD, gpa, size, shared_mem,
				   fd, offset);
	vm_mem_set_private(vm, gpa, size);
	map_2m(vm, gpa, gpa, size, true);
	map_2m(vm, gmem_snp_shared(gpa), gpa, size, false);
	return fd;
}

/*
 * Have a vCPU do everything once, beside the memory that is tested: a fault
 * counted afterwards is one on that memory, not on code or page tables.
 */
static void warm_up(struct gmem_snp *g, gva_t gva)
{
	gmem_snp_start(g);
	TEST_ASSERT_EQ(gmem_snp_pvalidate(g, gva, PG_LEVEL_4K, true), SNP_OK);
	gmem_snp_write(g, gva, PAGE_SIZE, 1);
	gmem_snp_check(g, gva, PAGE_SIZE, 1);
	TEST_ASSERT_EQ(gmem_snp_rmpadjust(g, gva, PG_LEVEL_4K, SNP_VMPL1_ALL), SNP_OK);
	TEST_ASSERT_EQ(gmem_snp_pvalidate(g, gva, PG_LEVEL_4K, false), SNP_OK);

	vm_mem_set_shared(g->vm, gva, PAGE_SIZE);
	gmem_snp_write(g, gmem_snp_shared(gva), PAGE_SIZE, 1);
	gmem_snp_check(g, gmem_snp_shared(gva), PAGE_SIZE, 1);
}

static struct gmem_snp_cpu add_vcpu(struct kvm_vm *vm, int id)
{
	gva_t op = vm_alloc_shared(vm, GMEM_SNP_NR_SHARED * PAGE_SIZE,
				   KVM_UTIL_MIN_VADDR, MEM_REGION_TEST_DATA);
	struct gmem_snp_cpu cpu = {
		.vcpu	= vm_vcpu_add(vm, id, gmem_snp_guest_code),
		.op	= addr_gva2hva(vm, op),
		.op_gva	= op,
		.op_gpa	= addr_gva2gpa(vm, op),
	};

	vcpu_args_set(cpu.vcpu, 2, op, cpu.op_gpa);
	return cpu;
}

static void add_vcpus(struct gmem_snp *g, u64 implicit)
{
	int i;

	/* Only before the first vCPU. */
	if (implicit)
		vm_enable_cap(g->vm, KVM_CAP_X86_IMPLICIT_CONVERSION, implicit);

	for (i = 0; i < g->nr_vcpus; i++)
		g->cpus[i] = add_vcpu(g->vm, i);
	kvm_arch_vm_finalize_vcpus(g->vm);
}

static void warm_up_all(struct gmem_snp *g)
{
	const gva_t gva = GMEM_SNP_GPA + g->size;
	int i;

	for (i = g->nr_vcpus - 1; i >= 0; i--) {
		g->cpu = &g->cpus[i];
		warm_up(g, gva + i * PAGE_SIZE);
	}
	gmem_snp_accept(g, gva + SZ_2M, SZ_2M);
}

void gmem_snp_create_shape(struct gmem_snp *g, const struct gmem_snp_shape *shape)
{
	const struct vm_shape vm_shape = {
		.mode = VM_MODE_DEFAULT,
		.type = KVM_X86_SNP_VM,
	};
	int warm_fd;

	*g = (struct gmem_snp) {
		.size		= shape->size,
		.nr_vcpus	= shape->nr_vcpus ?: 1,
		.shared_mem	= map_shared_mem(shape->size),
	};
	g->vm = __vm_create(vm_shape, g->nr_vcpus, 0);
	add_vcpus(g, shape->implicit);

	g->fd = add_memory(g->vm, GMEM_SNP_SLOT, GMEM_SNP_GPA, g->size, shape->flags,
			   shape->offset, g->shared_mem);
	warm_fd = add_memory(g->vm, GMEM_SNP_WARM_SLOT, GMEM_SNP_GPA + g->size,
			     2 * SZ_2M, 0, 0, map_shared_mem(2 * SZ_2M));
	vm_sev_launch(g->vm, snp_default_policy(), NULL);
	warm_up_all(g);
	kvm_free_fd(warm_fd);
}

void gmem_snp_create(struct gmem_snp *g, u64 size)
{
	const struct gmem_snp_shape shape = {
		.size	= size,
		.flags	= GUEST_MEMFD_FLAG_LARGE_FOLIOS,
	};

	gmem_snp_create_shape(g, &shape);
}

void gmem_snp_free(struct gmem_snp *g)
{
	if (g->fd >= 0)
		kvm_free_fd(g->fd);
	kvm_vm_free(g->vm);
}
