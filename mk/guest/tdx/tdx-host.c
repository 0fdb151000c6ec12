// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program on a TDX host can ask of the host's kernel and of the machine.
 *
 *   tdx-host vm-types                     0 if KVM has VMs that are TDs, else 1
 *   tdx-host capabilities                 what KVM lets a TD have, in the words of KVM_TDX_CAPABILITIES
 *   tdx-host msr NUMBER                   a register of this processor
 *   tdx-host count LEAF [KIND]            how often the module was called: 4k, 2m, 1g (done, by level), failed, busy, injected
 *   tdx-host expect LEAF KIND NUMBER      0 if that often
 *   tdx-host inject LEAF STATUS [SKIP [COUNT [EVERY]]]   have the module answer with the upper half STATUS of RAX
 *   tdx-host check WHAT [NUMBER]          what the machine knows: broken rules, owned pages, the last of them, touched by the host,
 *                                         leaves-4k and leaves-2m of S-EPTs; 0 if NUMBER
 *   tdx-host movdir64b [OFFSET]           move 64 bytes to an address of that alignment
 *
 * LEAF is a leaf's number. Counters and injection are registers of the emulated machine, see qemu/docs/specs/tdx-host.rst.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MSR_COUNT	0x54440000
#define MSR_INJECT	0x54460000
#define MSR_CHECK	0x54470000

static const char *const checks[] = { "broken", "owned", "last", "touched", "leaves-4k", "leaves-2m" };
static const char *const kinds[] = { "4k", "2m", "1g", "failed", "busy", "injected" };

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (!*text || *end)
		errx(2, "%s is not a number", text);
	return value;
}

/* The registers of the machine's are the same on all processors. */
static int open_msr(int flags)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/cpu/%d/msr", sched_getcpu());
	fd = open(path, flags);
	if (fd < 0)
		err(2, "%s", path);
	return fd;
}

static uint64_t rdmsr(uint32_t msr)
{
	uint64_t value;

	if (pread(open_msr(O_RDONLY), &value, sizeof(value), msr) != sizeof(value))
		err(2, "reading register 0x%x", msr);
	return value;
}

static uint64_t count(const char *leaf, const char *kind)
{
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kind, kinds[i]))
			return rdmsr(MSR_COUNT | number(leaf) << 4 | i);
	errx(2, "%s is none of 4k, 2m, 1g, failed, busy, injected", kind);
}

static int do_count(char **argv)
{
	printf("%" PRIu64 "\n", count(argv[0], argv[1] ? argv[1] : "4k"));
	return 0;
}

static int do_expect(char **argv)
{
	uint64_t is, wanted;

	if (!argv[1] || !argv[2])
		errx(2, "expect LEAF KIND NUMBER");
	is = count(argv[0], argv[1]);
	wanted = number(argv[2]);
	if (is != wanted)
		printf("leaf %s %s: %" PRIu64 ", not %" PRIu64 "\n", argv[0], argv[1], is, wanted);
	return is != wanted;
}

static int do_check(char **argv)
{
	uint64_t value;

	for (unsigned int i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		if (strcmp(argv[0], checks[i]))
			continue;
		value = rdmsr(MSR_CHECK | i);
		printf("0x%" PRIx64 "\n", value);
		return argv[1] && value != number(argv[1]);
	}
	errx(2, "%s is none of broken, owned, last, touched, leaves-4k, leaves-2m", argv[0]);
}

static int do_inject(char **argv)
{
	uint64_t part[4] = { 0, 0, 1, 0 }, value;
	uint32_t msr = MSR_INJECT | number(argv[0]);

	for (int i = 0; i < 4 && argv[1 + i]; i++)
		part[i] = number(argv[1 + i]);
	value = part[0] << 32 | (part[3] & 0xff) << 24 | (part[1] & 0xfff) << 12 | (part[2] & 0xfff);
	if (pwrite(open_msr(O_WRONLY), &value, sizeof(value), msr) != sizeof(value))
		err(1, "writing register 0x%x", msr);
	return 0;
}

static int do_msr(char **argv)
{
	printf("0x%" PRIx64 "\n", rdmsr(number(argv[0])));
	return 0;
}

static int open_kvm(void)
{
	int kvm = open("/dev/kvm", O_RDWR);

	if (kvm < 0)
		err(2, "/dev/kvm");
	return kvm;
}

static int do_vm_types(char **argv)
{
	int types = ioctl(open_kvm(), KVM_CHECK_EXTENSION, KVM_CAP_VM_TYPES);

	(void)argv;
	printf("types of VM: 0x%x\n", types);
	return !(types & 1 << KVM_X86_TDX_VM);
}

static int do_capabilities(char **argv)
{
	const unsigned int leaves = 128;
	struct kvm_tdx_capabilities *caps;
	struct kvm_tdx_cmd cmd = { .id = KVM_TDX_CAPABILITIES };
	int vm = ioctl(open_kvm(), KVM_CREATE_VM, KVM_X86_TDX_VM);

	(void)argv;
	if (vm < 0)
		err(1, "KVM_CREATE_VM");
	caps = calloc(1, sizeof(*caps) + leaves * sizeof(caps->cpuid.entries[0]));
	caps->cpuid.nent = leaves;
	cmd.data = (uintptr_t)caps;
	if (ioctl(vm, KVM_MEMORY_ENCRYPT_OP, &cmd))
		err(1, "KVM_TDX_CAPABILITIES");
	printf("attributes 0x%llx\nxfam 0x%llx\n", caps->supported_attrs, caps->supported_xfam);
	for (unsigned int i = 0; i < caps->cpuid.nent; i++)
		printf("cpuid 0x%x 0x%x\n", caps->cpuid.entries[i].function, caps->cpuid.entries[i].index);
	return 0;
}

/* From an address of any alignment to one of 64; an offset is a #GP. */
static int do_movdir64b(char **argv)
{
	static uint8_t from[65], to[128] __attribute__((aligned(64)));
	void *target = to + (argv[0] ? number(argv[0]) : 0);

	for (int i = 0; i < 65; i++)
		from[i] = i;
	asm volatile(".byte 0x66, 0x0f, 0x38, 0xf8, 0x02" : : "a" (target), "d" (from + 1) : "memory");
	if (memcmp(target, from + 1, 64) || to[64])
		errx(1, "not the 64 bytes that were there");
	return 0;
}

static const struct {
	const char *name;
	int (*fn)(char **argv);
	int operands;
} commands[] = {
	{ "vm-types", do_vm_types, 0 }, { "capabilities", do_capabilities, 0 }, { "msr", do_msr, 1 }, { "count", do_count, 1 },
	{ "expect", do_expect, 3 }, { "inject", do_inject, 2 }, { "check", do_check, 1 },
	{ "movdir64b", do_movdir64b, 0 },
};

int main(int argc, char **argv)
{
	for (unsigned int i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (argc > 1 + commands[i].operands && !strcmp(argv[1], commands[i].name))
			return commands[i].fn(argv + 2);
	errx(2, "see the head of mk/guest/tdx/tdx-host.c");
}
