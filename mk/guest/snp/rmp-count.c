// SPDX-License-Identifier: GPL-2.0-only
/*
 * rmp-count: how many pages the RMP says are assigned, and how many of these are a guest's, as two numbers.
 * rmp-count sizes: how many pages guests own by 2M entries, and how many in pieces of 4K, by what keeps their 2M range from being one
 * entry: a part of it is nobody's, as it is shared or was not touched; a part was not validated; nothing, it may be promoted, but for a
 * save area or permissions of its own.  As names and numbers.
 *
 * Reads the table as the host's kernel does, so only its format without segments.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MSR_RMP_BASE	0xc0010132
#define MSR_RMP_END	0xc0010133
#define BOOKKEEPING	0x4000
#define WORDS		2
#define ENTRY_ASSIGNED	1ul
#define ENTRY_LARGE	2ul
#define ENTRY_ASID	(0x3fful << 51)
#define ENTRY_VALIDATED	(1ul << 62)
#define RANGE		512

static uint64_t read_msr(int fd, uint32_t number)
{
	uint64_t value;

	if (pread(fd, &value, sizeof(value), number) != sizeof(value))
		err(1, "MSR 0x%x", number);
	return value;
}

static int is_owned(uint64_t entry)
{
	return (entry & ENTRY_ASSIGNED) && (entry & ENTRY_ASID);
}

static void print_sizes(const uint64_t *rmp, uint64_t entries)
{
	unsigned long whole = 0, part = 0, invalid = 0, alike = 0;

	for (uint64_t base = 0; base + RANGE <= entries; base += RANGE) {
		unsigned int owned = 0, valid = 0;

		if (is_owned(rmp[WORDS * base]) && (rmp[WORDS * base] & ENTRY_LARGE)) {
			whole += RANGE;
			continue;
		}
		for (uint64_t i = base; i < base + RANGE; i++) {
			owned += is_owned(rmp[WORDS * i]);
			valid += is_owned(rmp[WORDS * i]) && (rmp[WORDS * i] & ENTRY_VALIDATED);
		}
		if (owned < RANGE)
			part += owned;
		else if (valid < RANGE)
			invalid += owned;
		else
			alike += owned;
	}
	printf("rmp_2m %lu rmp_part %lu rmp_invalid %lu rmp_alike %lu\n", whole, part, invalid, alike);
}

int main(int argc, char **argv)
{
	int msr = open("/dev/cpu/0/msr", O_RDONLY), mem = open("/dev/mem", O_RDONLY);
	uint64_t start, entries, assigned = 0, owned = 0, i;
	const uint64_t *rmp;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "sizes")))
		errx(2, "usage: rmp-count [sizes]");
	if (msr < 0 || mem < 0)
		err(1, "/dev/cpu/0/msr, /dev/mem");
	start = read_msr(msr, MSR_RMP_BASE) + BOOKKEEPING;
	entries = (read_msr(msr, MSR_RMP_END) + 1 - start) / (WORDS * sizeof(*rmp));
	rmp = mmap(NULL, entries * WORDS * sizeof(*rmp), PROT_READ, MAP_SHARED, mem, start);
	if (rmp == MAP_FAILED)
		err(1, "the RMP at 0x%lx", (unsigned long)start);
	if (argc > 1) {
		print_sizes(rmp, entries);
		return 0;
	}
	for (i = 0; i < entries; i++) {
		assigned += !!(rmp[WORDS * i] & ENTRY_ASSIGNED);
		owned += is_owned(rmp[WORDS * i]);
	}
	printf("%lu %lu\n", (unsigned long)assigned, (unsigned long)owned);
	return 0;
}
