// SPDX-License-Identifier: GPL-2.0-only
/*
 * tdx-td [VCPUS [COMMAND...]]: the smallest TD. It is built, runs on each virtual processor, accepts and uses memory, shares a page
 * with this program, and ends. COMMAND runs before its end, and its status is this program's.
 *
 * The program is linked at a fixed address, and the TD gets a copy of it there: what the TD runs is a function of this file.
 */
#define _GNU_SOURCE
#include <asm/kvm.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE		0x1000ul
#define MEMORY		0x2000000ul		/* from 0: tables, the program, memory to accept */
#define TABLES		0x10000ul
#define STACKS		0x40000ul
#define FRESH		0x1000000ul		/* never copied: the TD accepts it */
#define RESET		0xfffff000ul
#define SHARED_GPA	(1ul << 47)
#define SHARED_VA	(1ul << 39)		/* what maps to shared addresses */
#define MAX_VCPUS	8
#define PAGES_EACH	16

extern const char __executable_start[], etext[], edata[], end[];

/* The TD's side */

struct regs {
	uint64_t rax, rcx, r10, r11, r12, r13, r14, r15;
};

static void tdcall(struct regs *r)
{
	register uint64_t r10 asm("r10") = r->r10, r11 asm("r11") = r->r11, r12 asm("r12") = r->r12;
	register uint64_t r13 asm("r13") = r->r13, r14 asm("r14") = r->r14, r15 asm("r15") = r->r15;

	asm volatile(".byte 0x66, 0x0f, 0x01, 0xcc" : "+a" (r->rax), "+c" (r->rcx), "+r" (r10), "+r" (r11), "+r" (r12), "+r" (r13),
		     "+r" (r14), "+r" (r15) : : "memory", "rbx", "rdx", "rsi", "rdi", "r8", "r9");
	r->r10 = r10;
	r->r11 = r11;
}

#define TDVMCALL	0
#define TDACCEPT	6
#define VMCALL_IO	30
#define VMCALL_MAP_GPA	0x10001

static uint64_t vmcall(uint64_t leaf, uint64_t r12, uint64_t r13, uint64_t r14, uint64_t r15)
{
	struct regs r = { TDVMCALL, 0xfc00, 0, leaf, r12, r13, r14, r15 };

	tdcall(&r);
	return r.rax ? r.rax : r.r10;
}

/* A word to the host: the port tells what it is. */
enum { PORT_DONE = 0x80, PORT_FAILED = 0x81, PORT_SHARED = 0x82 };

static void tell(uint16_t port, uint32_t value)
{
	vmcall(VMCALL_IO, 4, 1, port, value);
}

static uint64_t accept(uint64_t gpa_level)
{
	struct regs r = { .rax = TDACCEPT, .rcx = gpa_level };

	tdcall(&r);
	return r.rax;
}

static void td_check(int good, int line)
{
	if (!good)
		tell(PORT_FAILED, line);
}
#define CHECK(good) td_check(!!(good), __LINE__)

static void use_fresh_memory(uint64_t index)
{
	volatile uint64_t *first = (void *)(FRESH + index * PAGES_EACH * PAGE);

	for (int i = 0; i < PAGES_EACH; i++) {
		volatile uint64_t *word = first + i * (PAGE / 8);

		CHECK(accept((uint64_t)word) == 0);
		CHECK(*word == 0);
		*word = (uint64_t)word ^ index;
	}
	CHECK(accept((uint64_t)first) >> 32 == 0x0b0a);
	for (int i = 0; i < PAGES_EACH; i++) {
		volatile uint64_t *word = first + i * (PAGE / 8);

		CHECK(*word == ((uint64_t)word ^ index));
	}
}

/* Give the first page away, use it with the host, and take it back. */
static void share_memory(uint64_t index)
{
	uint64_t page = FRESH + index * PAGES_EACH * PAGE;
	volatile uint64_t *shared = (void *)(SHARED_VA + page);

	CHECK(vmcall(VMCALL_MAP_GPA, page | SHARED_GPA, PAGE, 0, 0) == 0);
	*shared = 0x1234 + index;
	tell(PORT_SHARED, index);
	CHECK(*shared == 0x4321 + index);
	CHECK(vmcall(VMCALL_MAP_GPA, page, PAGE, 0, 0) == 0);
	CHECK(accept(page) == 0);
	CHECK(*(volatile uint64_t *)page == 0);
}

__attribute__((used)) static void td_main(uint64_t index)
{
	use_fresh_memory(index);
	share_memory(index);
	tell(PORT_DONE, index);
	for (;;)
		tell(PORT_FAILED, __LINE__);
}

/* From the reset vector: the index is in ESI; tables and stacks are where the macros say. */
asm(".pushsection .data\n"
    ".balign 16\n"
    "td_gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff\n"
    "td_gdt_end:\n"
    "td_gdtr: .word td_gdt_end - td_gdt - 1\n"
    ".long td_gdt\n"
    ".globl td_start\n"
    ".code32\n"
    "td_start: lgdtl td_gdtr\n"
    "movl %cr4, %eax\n or $0x620, %eax\n movl %eax, %cr4\n"
    "movl $0x10000, %eax\n movl %eax, %cr3\n"
    "movl %cr0, %eax\n or $0x80000002, %eax\n movl %eax, %cr0\n"
    "ljmp $8, $td_start64\n"
    ".code64\n"
    "td_start64: movl $16, %eax\n movl %eax, %ss\n movl %eax, %ds\n movl %eax, %es\n"
    "movl %esi, %edi\n movl %esi, %esp\n inc %esp\n shl $12, %esp\n addl $0x40000, %esp\n"
    "xorl %ebp, %ebp\n call td_main\n hlt\n"
    ".popsection\n");
extern const char td_start[];

/* The host's side */

static struct host {
	int kvm, vm, gmem;
	int vcpu[MAX_VCPUS];
	struct kvm_run *run[MAX_VCPUS];
	uint8_t *memory;
	uint8_t *reset;
	int vcpus;
} host;

static void do_ioctl(int fd, unsigned long request, void *data, const char *name)
{
	if (ioctl(fd, request, data) < 0)
		err(1, "%s", name);
}
#define IOCTL(fd, request, data) do_ioctl(fd, request, data, #request)

static void tdx_command(int fd, uint32_t id, uint32_t flags, void *data, const char *name)
{
	struct kvm_tdx_cmd cmd = { .id = id, .flags = flags, .data = (uintptr_t)data };

	while (ioctl(fd, KVM_MEMORY_ENCRYPT_OP, &cmd) < 0)
		if (errno != EAGAIN && errno != EINTR)
			err(1, "%s, status 0x%llx", name, cmd.hw_error);
}
#define TDX(fd, id, flags, data) tdx_command(fd, id, flags, data, #id)

static void enable_cap(uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap enable = { .cap = cap, .args = { arg } };

	IOCTL(host.vm, KVM_ENABLE_CAP, &enable);
}

static void create_td(void)
{
	struct { struct kvm_tdx_init_vm vm; struct kvm_cpuid_entry2 entry[1]; } init = {
		.vm = { .attributes = 1 << 28, .xfam = 3, .cpuid.nent = 1 },
		.entry = { { .function = 0x80000008, .eax = 48 << 16 } },
	};

	host.kvm = open("/dev/kvm", O_RDWR);
	if (host.kvm < 0)
		err(1, "/dev/kvm");
	host.vm = ioctl(host.kvm, KVM_CREATE_VM, KVM_X86_TDX_VM);
	if (host.vm < 0)
		err(1, "KVM_CREATE_VM");
	enable_cap(KVM_CAP_SPLIT_IRQCHIP, 24);
	enable_cap(KVM_CAP_EXIT_HYPERCALL, 1 << 12);
	TDX(host.vm, KVM_TDX_INIT_VM, 0, &init.vm);
}

static void create_vcpu(int index)
{
	struct { struct kvm_cpuid2 head; struct kvm_cpuid_entry2 entry[256]; } cpuid = { .head.nent = 256 };

	host.vcpu[index] = ioctl(host.vm, KVM_CREATE_VCPU, index);
	if (host.vcpu[index] < 0)
		err(1, "KVM_CREATE_VCPU");
	IOCTL(host.kvm, KVM_GET_SUPPORTED_CPUID, &cpuid.head);
	IOCTL(host.vcpu[index], KVM_SET_CPUID2, &cpuid.head);
	TDX(host.vcpu[index], KVM_TDX_INIT_VCPU, 0, NULL);
	host.run[index] = mmap(NULL, ioctl(host.kvm, KVM_GET_VCPU_MMAP_SIZE, NULL), PROT_READ | PROT_WRITE, MAP_SHARED, host.vcpu[index], 0);
	if (host.run[index] == MAP_FAILED)
		err(1, "mmap of a vCPU");
}

static uint8_t *add_memory(int slot, uint64_t gpa, uint64_t size, uint64_t offset)
{
	uint8_t *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region2 region = {
		.slot = slot, .flags = KVM_MEM_GUEST_MEMFD, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)shared, .guest_memfd = host.gmem, .guest_memfd_offset = offset,
	};
	struct kvm_memory_attributes attributes = { .address = gpa, .size = size, .attributes = KVM_MEMORY_ATTRIBUTE_PRIVATE };

	IOCTL(host.vm, KVM_SET_USER_MEMORY_REGION2, &region);
	IOCTL(host.vm, KVM_SET_MEMORY_ATTRIBUTES, &attributes);
	return shared;
}

static void copy_in(const void *from, uint64_t gpa, uint64_t size)
{
	struct kvm_tdx_init_mem_region region = { .source_addr = (uintptr_t)from, .gpa = gpa, .nr_pages = (size + PAGE - 1) / PAGE };

	TDX(host.vcpu[0], KVM_TDX_INIT_MEM_REGION, 1, &region);
}

/* 1G of addresses as they are, and once more as shared ones from SHARED_VA on. */
static void make_tables(uint64_t *t)
{
	t[0] = (TABLES + 1 * PAGE) | 3;
	t[1] = (TABLES + 2 * PAGE) | 3;
	t[512] = (TABLES + 3 * PAGE) | 3;
	t[1024] = (TABLES + 4 * PAGE) | 3;
	for (uint64_t i = 0; i < 512; i++) {
		t[3 * 512 + i] = i << 21 | 0x83;
		t[4 * 512 + i] = i << 21 | SHARED_GPA | 0x83;
	}
}

static void fill_td(void)
{
	struct kvm_create_guest_memfd gmem = { .size = MEMORY + PAGE };
	uint64_t from = (uintptr_t)__executable_start & -PAGE, to = ((uintptr_t)end + PAGE - 1) & -PAGE;
	uint8_t *tables = aligned_alloc(PAGE, 5 * PAGE), *reset = aligned_alloc(PAGE, PAGE), *image = aligned_alloc(PAGE, to - from);
	uint32_t entry = (uintptr_t)td_start;

	if (to > FRESH)
		errx(1, "the program is too large");
	host.gmem = ioctl(host.vm, KVM_CREATE_GUEST_MEMFD, &gmem);
	if (host.gmem < 0)
		err(1, "KVM_CREATE_GUEST_MEMFD");
	host.memory = add_memory(0, 0, MEMORY, 0);
	host.reset = add_memory(1, RESET, PAGE, MEMORY);
	memset(tables, 0, 5 * PAGE);
	make_tables((uint64_t *)tables);
	copy_in(tables, TABLES, 5 * PAGE);
	memset(reset, 0xf4, PAGE);
	/* mov $entry, %eax; jmp *%eax */
	reset[0xff0] = 0xb8;
	memcpy(reset + 0xff1, &entry, 4);
	memcpy(reset + 0xff5, "\xff\xe0", 2);
	copy_in(reset, RESET, PAGE);
	memset(image, 0, to - from);
	/* A page that this program does not have is one that the TD has no use for. */
	for (uint64_t at = from; at < to; at += PAGE) {
		unsigned char there;

		if (!mincore((void *)at, PAGE, &there))
			memcpy(image + (at - from), (void *)at, PAGE);
	}
	copy_in(image, from, to - from);
	memset(tables, 0, PAGE);
	for (int i = 0; i < host.vcpus; i++)
		copy_in(tables, STACKS + i * PAGE, PAGE);
	TDX(host.vm, KVM_TDX_FINALIZE_VM, 0, NULL);
}

static void map_gpa(struct kvm_run *run)
{
	struct kvm_memory_attributes attributes = {
		.address = run->hypercall.args[0] & ~SHARED_GPA,
		.size = run->hypercall.args[1] * PAGE,
		.attributes = run->hypercall.args[2] & 1 << 4 ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0,
	};

	IOCTL(host.vm, KVM_SET_MEMORY_ATTRIBUTES, &attributes);
	run->hypercall.ret = 0;
}

/* What the TD says; true when it is done. */
static int listen(int index, struct kvm_run *run)
{
	uint32_t value = *(uint32_t *)((uint8_t *)run + run->io.data_offset);
	uint64_t *shared = (uint64_t *)(host.memory + FRESH + index * PAGES_EACH * PAGE);

	switch (run->io.port) {
	case PORT_DONE:
		return 1;
	case PORT_SHARED:
		if (*shared != 0x1234ul + index)
			errx(1, "vCPU %d: the shared page has 0x%lx", index, *shared);
		*shared = 0x4321 + index;
		return 0;
	case PORT_FAILED:
		errx(1, "vCPU %d: check in line %u failed", index, value);
	default:
		errx(1, "vCPU %d: port 0x%x", index, run->io.port);
	}
}

static void *run_vcpu(void *arg)
{
	int index = (intptr_t)arg;
	struct kvm_run *run = host.run[index];

	for (;;) {
		if (ioctl(host.vcpu[index], KVM_RUN, NULL) < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			err(1, "KVM_RUN of vCPU %d, reason %u, gpa 0x%llx", index, run->exit_reason, run->memory_fault.gpa);
		}
		if (run->exit_reason == KVM_EXIT_HYPERCALL && run->hypercall.nr == 12)
			map_gpa(run);
		else if (run->exit_reason != KVM_EXIT_IO)
			errx(1, "vCPU %d exits for %u", index, run->exit_reason);
		else if (listen(index, run))
			return NULL;
	}
}

static int run_command(char **argv)
{
	int status;
	pid_t child = fork();

	if (!child) {
		execvp(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		err(1, "%s", argv[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	pthread_t thread[MAX_VCPUS];

	host.vcpus = argc > 1 ? atoi(argv[1]) : 1;
	if (host.vcpus < 1 || host.vcpus > MAX_VCPUS)
		errx(2, "from 1 to %d vCPUs", MAX_VCPUS);
	create_td();
	for (int i = 0; i < host.vcpus; i++)
		create_vcpu(i);
	fill_td();
	for (intptr_t i = 0; i < host.vcpus; i++)
		if (pthread_create(&thread[i], NULL, run_vcpu, (void *)i))
			errx(1, "pthread_create");
	for (int i = 0; i < host.vcpus; i++)
		pthread_join(thread[i], NULL);
	printf("%d vCPUs are done\n", host.vcpus);
	return argc > 2 ? run_command(argv + 2) : 0;
}
