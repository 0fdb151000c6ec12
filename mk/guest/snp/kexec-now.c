// SPDX-License-Identifier: GPL-2.0-only
/*
 * kexec-now KERNEL INITRD COMMAND_LINE: load that bzImage and start it, by the 64-bit boot protocol.
 *
 * The new kernel gets the parameters of the old one, its memory map among them, with its own setup header in their midst.
 * The addresses are those of a host with 2 GiB below 4G; the kernel copies everything there when it leaves.
 */
#include <asm/bootparam.h>
#include <err.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE		4096ul
#define KERNEL_AT	0x01000000ul
#define SMALL_AT	0x10000000ul	/* parameters, command line, first instructions */
#define LINE_AT		(SMALL_AT + PAGE)
#define CODE_AT		(SMALL_AT + 2 * PAGE)
#define INITRD_AT	0x20000000ul
#define ENTRY_64	0x200		/* of the part of a bzImage that runs in protected mode */
#define SECTOR		512
#define LOADER_UNKNOWN	0xff

static struct {
	struct boot_params params;
	char line[PAGE];
	uint8_t code[PAGE];
} small __attribute__((aligned(PAGE)));

static void *read_file(const char *name, size_t *size)
{
	int fd = open(name, O_RDONLY);
	struct stat about;
	uint8_t *data;
	ssize_t got;

	if (fd < 0 || fstat(fd, &about))
		err(1, "%s", name);
	data = malloc(about.st_size);
	for (*size = 0; *size < (size_t)about.st_size; *size += got) {
		got = read(fd, data + *size, about.st_size - *size);
		if (got <= 0)
			err(1, "%s", name);
	}
	close(fd);
	return data;
}

/* The header's length is told by the jump that it begins with. */
static size_t take_header(const uint8_t *image)
{
	const size_t at = offsetof(struct boot_params, hdr);
	struct setup_header *hdr = &small.params.hdr;

	memset(hdr, 0, sizeof(*hdr));
	memcpy(hdr, image + at, 0x202 + image[0x201] - at);
	if (hdr->header != 0x53726448 || !(hdr->xloadflags & XLF_KERNEL_64))
		errx(1, "no bzImage with an entry in 64-bit mode");
	hdr->type_of_loader = LOADER_UNKNOWN;
	hdr->cmd_line_ptr = LINE_AT;
	hdr->ramdisk_image = INITRD_AT;
	return (hdr->setup_sects + 1) * SECTOR;
}

/* mov $params, %esi; mov $entry, %eax; jmp *%rax */
static void make_code(void)
{
	static const uint8_t code[] = { 0xbe, 0, 0, 0, 0, 0xb8, 0, 0, 0, 0, 0xff, 0xe0 };
	uint32_t params = SMALL_AT, entry = KERNEL_AT + ENTRY_64;

	memcpy(small.code, code, sizeof(code));
	memcpy(small.code + 1, &params, sizeof(params));
	memcpy(small.code + 6, &entry, sizeof(entry));
}

static struct kexec_segment segment(void *data, size_t size, unsigned long at, size_t room)
{
	return (struct kexec_segment) {
		.buf = data, .bufsz = size, .mem = (void *)at, .memsz = (room + PAGE - 1) & -PAGE,
	};
}

int main(int argc, char **argv)
{
	size_t image_size, initrd_size, params_size, setup;
	struct kexec_segment segments[3];
	uint8_t *image, *initrd;

	if (argc != 4)
		errx(2, "a kernel, an initrd and a command line are wanted");
	image = read_file(argv[1], &image_size);
	initrd = read_file(argv[2], &initrd_size);
	memcpy(&small.params, read_file("/sys/kernel/boot_params/data", &params_size), sizeof(small.params));
	setup = take_header(image);
	small.params.hdr.ramdisk_size = initrd_size;
	snprintf(small.line, sizeof(small.line), "%s", argv[3]);
	make_code();
	segments[0] = segment(image + setup, image_size - setup, KERNEL_AT, small.params.hdr.init_size);
	segments[1] = segment(&small, sizeof(small), SMALL_AT, sizeof(small));
	segments[2] = segment(initrd, initrd_size, INITRD_AT, initrd_size);
	if (syscall(SYS_kexec_load, CODE_AT, 3, segments, KEXEC_ARCH_DEFAULT))
		err(1, "kexec_load");
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, 0);
	err(1, "reboot");
}
