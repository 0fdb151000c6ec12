// SPDX-License-Identifier: GPL-2.0-only
/*
 * snp-inject POINT [SKIP [COUNT [MATCH [VALUE]]]]: have the machine that this host runs on fail, as its option x-snp-inject does.
 * snp-inject POINT left: how often it is still going to, so that a test can tell that its fault was hit.
 * snp-inject POINT passed SKIP: how often it let pass since it was set to SKIP.
 *
 * The firmware device has a window in its BAR for it, see qemu/docs/specs/snp-host.rst.
 */
#include <err.h>
#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PSP_VENDOR	0x1022
#define PSP_DEVICE	0x14ca
#define WINDOW		0x30000
#define WINDOW_SIZE	0x1000
#define WINDOW_MAGIC	0x43504e53
#define INJECT		0x800

/* In the order of SNP_INJECTS of the machine's snp-host.h. */
static const char *const points[] = {
	"rmpupdate-overlap", "rmpupdate-inuse", "psmash-inuse", "pvalidate-size", "psp-status", "psp-slow", "psp-stuck",
};

enum { SKIP, COUNT, MATCH, VALUE, WORDS };

static unsigned long read_id(const char *device, const char *name)
{
	unsigned long id = 0;
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", device, name);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%lx", &id) != 1)
		err(1, "%s", path);
	fclose(file);
	return id;
}

static volatile uint32_t *map_window(const char *device)
{
	volatile uint32_t *window;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/resource2", device);
	fd = open(path, O_RDWR);
	if (fd < 0)
		err(1, "%s", path);
	window = mmap(NULL, WINDOW_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, WINDOW);
	if (window == MAP_FAILED)
		err(1, "%s", path);
	if (window[0] != WINDOW_MAGIC)
		errx(1, "the firmware device has no window to inject faults");
	return window;
}

static volatile uint32_t *find_window(void)
{
	glob_t found;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &found))
		errx(1, "no PCI devices");
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (read_id(found.gl_pathv[i], "vendor") == PSP_VENDOR && read_id(found.gl_pathv[i], "device") == PSP_DEVICE)
			return map_window(found.gl_pathv[i]);
	errx(1, "no firmware device");
}

static unsigned int find_point(const char *name)
{
	for (unsigned int i = 0; i < sizeof(points) / sizeof(*points); i++)
		if (!strcmp(points[i], name))
			return i;
	errx(2, "%s is no point", name);
}

int main(int argc, char **argv)
{
	uint32_t words[WORDS] = { [COUNT] = 1 };
	volatile uint32_t *point;

	if (argc < 2 || argc > 2 + WORDS)
		errx(2, "a point is wanted, and what to do there");
	point = find_window() + INJECT / sizeof(uint32_t) + find_point(argv[1]) * WORDS;
	if (argc == 3 && !strcmp(argv[2], "left")) {
		printf("%u\n", point[COUNT]);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[2], "passed")) {
		printf("%lu\n", strtoul(argv[3], NULL, 0) - point[SKIP]);
		return 0;
	}
	for (int i = 2; i < argc; i++)
		words[i - 2] = strtoul(argv[i], NULL, 0);
	/* The count arms it. */
	point[SKIP] = words[SKIP];
	point[MATCH] = words[MATCH];
	point[VALUE] = words[VALUE];
	point[COUNT] = words[COUNT];
	return 0;
}
