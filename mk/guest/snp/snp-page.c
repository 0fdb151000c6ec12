// SPDX-License-Identifier: GPL-2.0-only
/*
 * snp-page read|write|COMMAND...: make a page of an SNP guest, find where it is in memory, and have the host touch it.
 *
 * The page is launched with a known content by KVM and found by its entry in the RMP. COMMAND gets its address in SNP_PAGE.
 * Whatever the host tried, afterwards the page must read as before, and not as what the guest put there.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/kvm.h>
#include <linux/psp-sev.h>

#define PAGE		4096ul
#define GPA		0x123456000ul
#define POLICY		0x30000
#define MSR_RMP_BASE	0xc0010132
#define MSR_RMP_END	0xc0010133
#define BOOKKEEPING	0x4000
#define ENTRY_ASSIGNED	1ul
#define ENTRY_GPA	0x0007fffffffff000ul
#define ENTRY_ASID	(0x3fful << 51)
/* A write that the processor refuses is tried again for ever: after this long nobody thinks that it will succeed. */
#define PATIENCE_US	1000000

static uint8_t content[PAGE] __attribute__((aligned(PAGE)));

static int must(int result, const char *what)
{
	if (result < 0)
		err(1, "%s", what);
	return result;
}

static void sev(int vm, int fd, int id, void *data)
{
	struct kvm_sev_cmd cmd = { .id = id, .data = (uintptr_t)data, .sev_fd = fd };

	if (ioctl(vm, KVM_MEMORY_ENCRYPT_OP, &cmd))
		err(1, "SEV command %d, firmware's status 0x%x", id, cmd.error);
}

/* The guest never runs: it has no processor. Its descriptor keeps it alive. */
static void make_guest(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR), "/dev/kvm"), fd = must(open("/dev/sev", O_RDWR), "/dev/sev");
	int vm = must(ioctl(kvm, KVM_CREATE_VM, KVM_X86_SNP_VM), "KVM_CREATE_VM");
	struct kvm_create_guest_memfd gmem = { .size = PAGE };
	struct kvm_userspace_memory_region2 region = {
		.flags = KVM_MEM_GUEST_MEMFD, .guest_phys_addr = GPA, .memory_size = PAGE,
		.userspace_addr = (uintptr_t)content,
	};
	struct kvm_memory_attributes private = {
		.address = GPA, .size = PAGE, .attributes = KVM_MEMORY_ATTRIBUTE_PRIVATE,
	};
	struct kvm_sev_init init = { 0 };
	struct kvm_sev_snp_launch_start start = { .policy = POLICY };
	struct kvm_sev_snp_launch_update update = {
		.gfn_start = GPA / PAGE, .uaddr = (uintptr_t)content, .len = PAGE,
		.type = KVM_SEV_SNP_PAGE_TYPE_NORMAL,
	};

	sev(vm, fd, KVM_SEV_INIT2, &init);
	region.guest_memfd = must(ioctl(vm, KVM_CREATE_GUEST_MEMFD, &gmem), "KVM_CREATE_GUEST_MEMFD");
	must(ioctl(vm, KVM_SET_USER_MEMORY_REGION2, &region), "KVM_SET_USER_MEMORY_REGION2");
	must(ioctl(vm, KVM_SET_MEMORY_ATTRIBUTES, &private), "KVM_SET_MEMORY_ATTRIBUTES");
	sev(vm, fd, KVM_SEV_SNP_LAUNCH_START, &start);
	sev(vm, fd, KVM_SEV_SNP_LAUNCH_UPDATE, &update);
}

static uint64_t msr(uint32_t number)
{
	int fd = must(open("/dev/cpu/0/msr", O_RDONLY), "/dev/cpu/0/msr");
	uint64_t value;

	if (pread(fd, &value, sizeof(value), number) != sizeof(value))
		err(1, "MSR 0x%x", number);
	close(fd);
	return value;
}

static void *map(uint64_t address, size_t size, int prot)
{
	int fd = must(open("/dev/mem", O_RDWR), "/dev/mem");
	void *at = mmap(NULL, size, prot, MAP_SHARED, fd, address);

	if (at == MAP_FAILED)
		err(1, "mapping of 0x%lx", address);
	close(fd);
	return at;
}

/* Two quads an entry; the page is the guest's whose address is GPA. */
static uint64_t find_page(void)
{
	uint64_t base = msr(MSR_RMP_BASE) + BOOKKEEPING, size = msr(MSR_RMP_END) + 1 - base;
	const volatile uint64_t *entry = map(base, size, PROT_READ);

	for (uint64_t pfn = 0; pfn < size / 16; pfn++) {
		uint64_t low = entry[2 * pfn];

		if (low & ENTRY_ASSIGNED && low & ENTRY_ASID && (low & ENTRY_GPA) == GPA)
			return pfn * PAGE;
	}
	errx(1, "no entry of the RMP names the guest's page");
}

/* By a mapping that the kernel takes for writable: only the RMP says no. */
static void try_write(uint64_t spa)
{
	volatile uint8_t *page = map(spa, PAGE, PROT_READ | PROT_WRITE);
	pid_t child = must(fork(), "fork");
	int status;

	if (!child) {
		page[0] = 0;
		_exit(0);
	}
	usleep(PATIENCE_US);
	kill(child, SIGKILL);
	must(waitpid(child, &status, 0), "waitpid");
	if (!WIFSIGNALED(status))
		errx(1, "the write came to an end, status 0x%x", status);
	printf("the writer ended by signal %d\n", WTERMSIG(status));
}

static int run(char **command, uint64_t spa)
{
	char address[32];
	int status;
	pid_t child;

	snprintf(address, sizeof(address), "0x%lx", spa);
	setenv("SNP_PAGE", address, 1);
	child = must(fork(), "fork");
	if (!child) {
		execvp(command[0], command);
		err(127, "%s", command[0]);
	}
	must(waitpid(child, &status, 0), "waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	uint8_t before[PAGE];
	const uint8_t *view;
	uint64_t spa;
	int status = 0;

	if (argc < 2)
		errx(2, "read, write or a command is wanted");
	for (unsigned int i = 0; i < PAGE; i++)
		content[i] = i ^ i >> 8;
	make_guest();
	spa = find_page();
	view = map(spa, PAGE, PROT_READ);
	memcpy(before, view, PAGE);
	printf("guest address 0x%lx is at 0x%lx\n", GPA, spa);
	if (!memcmp(before, content, PAGE))
		errx(1, "the host reads what the guest put there");
	if (!strcmp(argv[1], "write"))
		try_write(spa);
	else if (strcmp(argv[1], "read"))
		status = run(argv + 1, spa);
	if (memcmp(before, view, PAGE))
		errx(1, "the page has changed");
	return status;
}
