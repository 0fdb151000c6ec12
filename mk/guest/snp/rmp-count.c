// SPDX-License-Identifier: GPL-2.0-only
/*
 * rmp-count: how many pages the RMP says are assigned, and how many of these are a guest's, as two numbers.
 *
 * Reads the table as the host's kernel does, so only its format without segments.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define MSR_RMP_BASE	0xc0010132
#define MSR_RMP_END	0xc0010133
#define BOOKKEEPING	0x4000
#define WORDS		2
#define ENTRY_ASSIGNED	1ul
#define ENTRY_ASID	(0x3fful << 51)

static uint64_t read_msr(int fd, uint32_t number)
{
	uint64_t value;

	if (pread(fd, &value, sizeof(value), number) != sizeof(value))
		err(1, "MSR 0x%x", number);
	return value;
}

int main(void)
{
	int msr = open("/dev/cpu/0/msr", O_RDONLY), mem = open("/dev/mem", O_RDONLY);
	uint64_t start, entries, assigned = 0, owned = 0, i;
	const uint64_t *rmp;

	if (msr < 0 || mem < 0)
		err(1, "/dev/cpu/0/msr, /dev/mem");
	start = read_msr(msr, MSR_RMP_BASE) + BOOKKEEPING;
	entries = (read_msr(msr, MSR_RMP_END) + 1 - start) / (WORDS * sizeof(*rmp));
	rmp = mmap(NULL, entries * WORDS * sizeof(*rmp), PROT_READ, MAP_SHARED, mem, start);
	if (rmp == MAP_FAILED)
		err(1, "the RMP at 0x%lx", (unsigned long)start);
	for (i = 0; i < entries; i++) {
		assigned += !!(rmp[WORDS * i] & ENTRY_ASSIGNED);
		owned += (rmp[WORDS * i] & ENTRY_ASSIGNED) && (rmp[WORDS * i] & ENTRY_ASID);
	}
	printf("%lu %lu\n", (unsigned long)assigned, (unsigned long)owned);
	return 0;
}
