// SPDX-License-Identifier: GPL-2.0-only
/*
 * gmem_top [-1] [-d SECONDS] [-p PID]: the private memory of the VMs of a host.
 *
 * Prints a line for each VM and one for the host, every few seconds; -1 prints
 * them once, -p shows the VMs of one process.  Reads debugfs, /proc and sysfs as
 * kvm_stat does, and disturbs nobody.  A "-" stands for what this kernel does not
 * count.
 *
 *	VM	process and file descriptor, as debugfs names it
 *	2M, 4K	MiB of private memory that are mapped at this size
 *	splits, promoted	leaves that were split, or made whole
 *	smashed, whole, refused	entries of the RMP, likewise, and tries in vain
 *	faults	taken on nested page tables, all vCPUs
 *	lost	pages in quarantine
 *
 * Exit status: 0, or 1 if debugfs can't be read or an argument is wrong.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"

#define DEBUGFS		"/sys/kernel/debug/kvm"
#define PAGES_PER_MIB	256

/* A statistic of a VM, and how many of it make one of what is shown. */
struct column {
	const char *title;
	const char *stat;
	unsigned int divide, multiply;
};

static const struct column columns[] = {
	{ "2M MiB", "private_pages_2m", 1, 2 },
	{ "4K MiB", "private_pages_4k", PAGES_PER_MIB, 1 },
	{ "splits", "private_splits", 1, 1 },
	{ "promoted", "private_promotions", 1, 1 },
	{ "smashed", "rmp_smashes", 1, 1 },
	{ "whole", "rmp_promotions", 1, 1 },
	{ "refused", "rmp_promotion_fails", 1, 1 },
	{ "faults", "pf_taken", 1, 1 },
	{ "lost", "quarantined_pages", 1, 1 },
};

/* What the host counts: in a file of its own, or in a line of one. */
struct item {
	const char *title;
	const char *path;
	const char *line;
};

static const struct item items[] = {
	{ "direct map 2M, kB", "/proc/meminfo", "DirectMap2M:" },
	{ "split", "/proc/vmstat", "direct_map_level2_splits" },
	{ "collapsed", "/proc/vmstat", "direct_map_level2_collapses" },
	{ "pool blocks", "/sys/module/snp_pool/parameters/blocks" },
	{ "pages", "/sys/module/snp_pool/parameters/pages" },
	{ "elsewhere", "/sys/module/snp_pool/parameters/fallbacks" },
	{ "lost of guest_memfd", "/sys/module/kvm/parameters/gmem_quarantined_pages" },
	{ "of others", "/sys/module/snp_quarantine/parameters/pages" },
};

/* Reads the first number behind @line, or of the file; false if there is none. */
static bool read_number(const char *path, const char *line, uint64_t *value)
{
	char text[256];
	bool found = false;
	size_t skip = line ? strlen(line) : 0;
	FILE *file = fopen(path, "r");

	if (!file)
		return false;

	while (!found && fgets(text, sizeof(text), file)) {
		if (!line || (!strncmp(text, line, skip) && strchr(" \t", text[skip])))
			found = sscanf(text + skip, "%lu", value) == 1;
	}
	fclose(file);
	return found;
}

static void print_vm(const char *name)
{
	char path[512];
	unsigned int i;
	uint64_t value;

	printf("%-14s", name);
	for (i = 0; i < ARRAY_SIZE(columns); i++) {
		const struct column *c = &columns[i];

		snprintf(path, sizeof(path), DEBUGFS "/%s/%s", name, c->stat);
		if (read_number(path, NULL, &value))
			printf(" %9lu", value / c->divide * c->multiply);
		else
			printf(" %9s", "-");
	}
	printf("\n");
}

static void print_host(void)
{
	uint64_t value;
	unsigned int i;

	printf("host:");
	for (i = 0; i < ARRAY_SIZE(items); i++) {
		printf("%s %s ", i ? "," : "", items[i].title);
		if (read_number(items[i].path, items[i].line, &value))
			printf("%lu", value);
		else
			printf("-");
	}
	printf("\n");
}

/* Folders of VMs are called PID-FD, whatever else lies there is not. */
static bool is_vm(const char *name, int pid)
{
	int of, fd;
	char more;

	return sscanf(name, "%d-%d%c", &of, &fd, &more) == 2 && (!pid || of == pid);
}

static int print_all(int pid)
{
	DIR *folder = opendir(DEBUGFS);
	struct dirent *entry;
	unsigned int i;

	if (!folder) {
		fprintf(stderr, "%s: %s; is kvm loaded, debugfs mounted, and this root?\n",
			DEBUGFS, strerror(errno));
		return 1;
	}

	print_host();
	printf("%-14s", "VM");
	for (i = 0; i < ARRAY_SIZE(columns); i++)
		printf(" %9s", columns[i].title);
	printf("\n");

	while ((entry = readdir(folder))) {
		if (is_vm(entry->d_name, pid))
			print_vm(entry->d_name);
	}
	closedir(folder);
	fflush(stdout);
	return 0;
}

/* Exits if @text is no whole number from 1. */
static int positive(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || value < 1 || value > INT32_MAX) {
		fprintf(stderr, "%s is not a whole number from 1\n", text);
		exit(1);
	}
	return value;
}

int main(int argc, char *argv[])
{
	int opt, pid = 0, seconds = 3;
	bool once = false;

	while ((opt = getopt(argc, argv, "1d:p:")) != -1) {
		switch (opt) {
		case '1':
			once = true;
			break;
		case 'd':
			seconds = positive(optarg);
			break;
		case 'p':
			pid = positive(optarg);
			break;
		default:
			fprintf(stderr, "Usage: %s [-1] [-d SECONDS] [-p PID]\n", argv[0]);
			return 1;
		}
	}

	for (;;) {
		if (!once && isatty(STDOUT_FILENO))
			printf("\033[H\033[J");
		if (print_all(pid))
			return 1;
		if (once)
			return 0;
		sleep(seconds);
	}
}
