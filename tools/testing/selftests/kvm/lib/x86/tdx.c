// SPDX-License-Identifier: GPL-2.0-only
/*
 * TDs for tests: how one is built, and told what to do.
 */
#include <linux/bits.h>

#include "kvm_util.h"
#include "processor.h"
#include "sparsebit.h"
#include "tdx.h"

#define TD_RAM_PAGES		4096
#define TD_STACK_PAGES		4
#define TD_IOAPIC_PINS		24
#define TD_GPA_BITS		48

#define TD_ATTR_SEPT_VE_DISABLE	BIT_ULL(28)
#define MAP_GPA_HYPERCALL	12
#define MAP_GPA_PRIVATE		BIT_ULL(4)

/* The page that a TD shares with the host, by the id of its vCPU */
static struct td_op *td_ops[TD_MAX_VCPUS];
static gva_t td_op_gvas[TD_MAX_VCPUS];

static void td_ioctl(int fd, u32 id, u32 flags, void *data)
{
	struct kvm_tdx_cmd cmd = {
		.id = id,
		.flags = flags,
		.data = (u64)data,
	};
	int r = ioctl(fd, KVM_MEMORY_ENCRYPT_OP, &cmd);

	TEST_ASSERT(!r, "TDX command %u failed, errno %d, module's status 0x%llx",
		    id, errno, cmd.hw_error);
}

bool td_is_supported(void)
{
	return kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_TDX_VM);
}

static void td_init(struct kvm_vm *vm)
{
	struct kvm_tdx_capabilities *caps;
	struct kvm_tdx_init_vm *init;

	caps = calloc(1, sizeof(*caps) + 256 * sizeof(*caps->cpuid.entries));
	init = calloc(1, sizeof(*init) + sizeof(*init->cpuid.entries));
	TEST_ASSERT(caps && init, "Out of memory");

	caps->cpuid.nent = 256;
	td_ioctl(vm->fd, KVM_TDX_CAPABILITIES, 0, caps);
	TEST_ASSERT(caps->supported_attrs & TD_ATTR_SEPT_VE_DISABLE,
		    "A TD without #VE handler needs SEPT_VE_DISABLE");

	init->attributes = TD_ATTR_SEPT_VE_DISABLE;
	init->xfam = caps->supported_xfam;
	init->cpuid.nent = 1;
	init->cpuid.entries[0].function = 0x80000008;
	init->cpuid.entries[0].eax = TD_GPA_BITS << 16;
	td_ioctl(vm->fd, KVM_TDX_INIT_VM, 0, init);

	free(init);
	free(caps);
}

static void td_add_ram(struct kvm_vm *vm)
{
	int i;

	vm_mem_add(vm, VM_MEM_SRC_ANONYMOUS, 0, 0, TD_RAM_PAGES,
		   KVM_MEM_GUEST_MEMFD, -1, 0);
	vm_mem_set_private(vm, 0, TD_RAM_PAGES * vm->page_size);
	for (i = 0; i < NR_MEM_REGIONS; i++)
		vm->memslots[i] = 0;

	vm_mem_add(vm, VM_MEM_SRC_ANONYMOUS, TD_BOOT_GPA, TD_BOOT_SLOT, 1,
		   KVM_MEM_GUEST_MEMFD, -1, 0);
	vm_mem_set_private(vm, TD_BOOT_GPA, vm->page_size);
	__vm_phy_pages_alloc(vm, 1, TD_BOOT_GPA, TD_BOOT_SLOT, true);
	virt_pgd_alloc(vm);
	virt_pg_map(vm, TD_BOOT_GPA, TD_BOOT_GPA);
}

/* Each page twice: where it is, and as shared memory above TD_SHARED_GVA */
static void td_add_test_memory(struct kvm_vm *vm, u64 size)
{
	u64 flags = vm_check_cap(vm, KVM_CAP_GUEST_MEMFD_FLAGS);
	struct userspace_mem_region *region;
	u64 off;
	int fd;

	/* As large as this kernel can back it */
	flags &= GUEST_MEMFD_FLAG_LARGE_FOLIOS;
	fd = vm_create_guest_memfd(vm, size, flags);
	vm_mem_add(vm, VM_MEM_SRC_ANONYMOUS_THP, TD_GPA, TD_SLOT,
		   size >> vm->page_shift, KVM_MEM_GUEST_MEMFD, fd, 0);
	kvm_free_fd(fd);
	vm_mem_set_private(vm, TD_GPA, size);

	for (off = 0; off < min(size, TD_MAPPED_SIZE); off += vm->page_size)
		virt_pg_map(vm, TD_SHARED_GVA + TD_GPA + off, TD_GPA + off);

	region = memslot2region(vm, TD_SLOT);
	sparsebit_set_num(region->protected_phy_pages,
			  TD_GPA >> vm->page_shift, size >> vm->page_shift);
	for (off = 0; off < min(size, TD_MAPPED_SIZE); off += vm->page_size)
		virt_pg_map(vm, TD_GPA + off, TD_GPA + off);
}

static void td_write_boot_page(struct kvm_vm *vm)
{
	struct td_boot *boot = addr_gpa2hva(vm, TD_BOOT_GPA);
	u8 *reset = (u8 *)boot + 0xff0;

	memset(boot, 0, vm->page_size);
	memcpy(boot->code, td_boot_code, td_boot_end - td_boot_code);
	boot->gdt_limit = sizeof(boot->gdt) - 1;
	boot->gdt_base = TD_BOOT_GPA + offsetof(struct td_boot, gdt);
	boot->gdt[1] = 0x00af9b000000ffffull;
	boot->gdt[2] = 0x00cf93000000ffffull;
	boot->cr3 = vm->mmu.pgd;
	boot->cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;

	/* Jump to the first byte of the page. */
	reset[0] = 0xe9;
	*(s32 *)(reset + 1) = -(0xff0 + 5);
}

struct kvm_vm *td_create_empty(u32 nr_vcpus, u64 size)
{
	struct kvm_vm *vm = vm_create_barebones_type(KVM_X86_TDX_VM);

	TEST_ASSERT(nr_vcpus <= TD_MAX_VCPUS, "At most %d vCPUs", TD_MAX_VCPUS);

	vm->arch.s_bit = TD_SHARED_BIT;
	vm->gpa_tag_mask = TD_SHARED_BIT;
	vm->mmu.pgtable_levels = 4;

	vm_enable_cap(vm, KVM_CAP_SPLIT_IRQCHIP, TD_IOAPIC_PINS);
	vm_enable_cap(vm, KVM_CAP_EXIT_HYPERCALL, BIT(MAP_GPA_HYPERCALL));
	td_init(vm);

	td_add_ram(vm);
	kvm_vm_elf_load(vm, program_invocation_name);
	if (size)
		td_add_test_memory(vm, size);
	td_write_boot_page(vm);
	return vm;
}

struct kvm_vcpu *td_add_vcpu(struct kvm_vm *vm, u32 id)
{
	struct td_boot *boot = addr_gpa2hva(vm, TD_BOOT_GPA);
	struct kvm_vcpu *vcpu = __vm_vcpu_add(vm, id);

	vcpu_init_cpuid(vcpu, kvm_get_supported_cpuid());
	td_ioctl(vcpu->fd, KVM_TDX_INIT_VCPU, 0, NULL);

	td_op_gvas[id] = vm_alloc_shared(vm, vm->page_size, KVM_UTIL_MIN_VADDR,
					 MEM_REGION_DATA);
	td_ops[id] = addr_gva2hva(vm, td_op_gvas[id]);
	boot->vcpu[id].rip = (u64)td_guest_code;
	boot->vcpu[id].rsp = vm_alloc_stack(vm, TD_STACK_PAGES);
	boot->vcpu[id].arg = td_op_gvas[id];
	return vcpu;
}

static void td_load_page(struct kvm_vm *vm, gpa_t gpa)
{
	struct kvm_vcpu *vcpu = list_first_entry(&vm->vcpus, struct kvm_vcpu, list);
	struct kvm_tdx_init_mem_region region = {
		.source_addr = (u64)addr_gpa2hva(vm, gpa),
		.gpa = gpa,
		.nr_pages = 1,
	};

	td_ioctl(vcpu->fd, KVM_TDX_INIT_MEM_REGION,
		 KVM_TDX_MEASURE_MEMORY_REGION, &region);
}

void td_load(struct kvm_vm *vm)
{
	struct userspace_mem_region *region = memslot2region(vm, 0);
	u64 pg;

	for (pg = 0; pg < TD_RAM_PAGES; pg++) {
		if (sparsebit_is_set(region->unused_phy_pages, pg))
			continue;
		if (sparsebit_is_set(region->protected_phy_pages, pg))
			td_load_page(vm, pg << vm->page_shift);
		else
			vm_mem_set_shared(vm, pg << vm->page_shift,
					  vm->page_size);
	}
	td_load_page(vm, TD_BOOT_GPA);
}

void td_finalize(struct kvm_vm *vm)
{
	td_ioctl(vm->fd, KVM_TDX_FINALIZE_VM, 0, NULL);
}

struct kvm_vm *td_create(u32 nr_vcpus, u64 size, struct kvm_vcpu *vcpus[])
{
	struct kvm_vm *vm = td_create_empty(nr_vcpus, size);
	u32 i;

	for (i = 0; i < nr_vcpus; i++)
		vcpus[i] = td_add_vcpu(vm, i);
	td_load(vm);
	td_finalize(vm);
	return vm;
}

/* The TD asks for a conversion; what it does then is its own affair. */
static void td_convert(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	TEST_ASSERT(run->hypercall.nr == MAP_GPA_HYPERCALL,
		    "Unexpected hypercall %llu", run->hypercall.nr);
	vm_set_memory_attributes(vcpu->vm, run->hypercall.args[0],
				 run->hypercall.args[1] * PAGE_SIZE,
				 run->hypercall.args[2] & MAP_GPA_PRIVATE ?
				 KVM_MEMORY_ATTRIBUTE_PRIVATE : 0);
	run->hypercall.ret = 0;
}

/* Run until the TD is about to look for the next thing to do. */
static void td_run(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	for (;;) {
		vcpu_run(vcpu);
		if (run->exit_reason == KVM_EXIT_HYPERCALL) {
			td_convert(vcpu);
			continue;
		}
		TEST_ASSERT(run->exit_reason == KVM_EXIT_IO &&
			    run->io.port == TD_PORT_DONE,
			    "Unexpected exit %u (%s)", run->exit_reason,
			    exit_reason_str(run->exit_reason));
		return;
	}
}

struct td_op *td_do(struct kvm_vcpu *vcpu, struct td_op op)
{
	struct td_op *shared = td_ops[vcpu->id];

	/* The first time, the TD comes to the beginning of its loop. */
	if (!vcpu->run->exit_reason)
		td_run(vcpu);

	op.result = -1ull;
	*shared = op;
	td_run(vcpu);
	return shared;
}

static void td_must_do(struct kvm_vcpu *vcpu, struct td_op op)
{
	struct td_op *done = td_do(vcpu, op);

	TEST_ASSERT(!done->result,
		    "TD's verb %lu at gpa 0x%lx, size 0x%lx, tag 0x%lx, level %lu: result 0x%lx, at gpa 0x%lx it finds 0x%lx",
		    op.verb, op.gpa, op.size, op.tag, op.level, done->result,
		    done->failed_gpa, done->failed_word);
}

void td_write(struct kvm_vcpu *vcpu, gpa_t gpa, u64 size, u64 tag)
{
	td_must_do(vcpu, (struct td_op){ TD_WRITE, gpa, size, tag });
}

void td_check(struct kvm_vcpu *vcpu, gpa_t gpa, u64 size, u64 tag)
{
	td_must_do(vcpu, (struct td_op){ TD_CHECK, gpa, size, tag });
}

void td_accept(struct kvm_vcpu *vcpu, gpa_t gpa, u64 size, int level)
{
	td_must_do(vcpu, (struct td_op){ TD_ACCEPT, gpa, size, 0, level });
}

void td_accept_any(struct kvm_vcpu *vcpu, gpa_t gpa, u64 size, int level)
{
	td_must_do(vcpu, (struct td_op){ TD_ACCEPT_ANY, gpa, size, 0, level });
}

void td_share(struct kvm_vcpu *vcpu, gpa_t gpa, u64 size)
{
	td_must_do(vcpu, (struct td_op){ TD_MAP_SHARED, gpa, size });
}

void td_unshare(struct kvm_vcpu *vcpu, gpa_t gpa, u64 size)
{
	td_must_do(vcpu, (struct td_op){ TD_MAP_PRIVATE, gpa, size });
}

void td_set_promote_ms(unsigned int ms)
{
	FILE *file = fopen("/sys/module/kvm_intel/parameters/tdx_promote_ms", "w");

	TEST_ASSERT(file && fprintf(file, "%u", ms) > 0 && !fclose(file),
		    "tdx_promote_ms should be writable");
}
