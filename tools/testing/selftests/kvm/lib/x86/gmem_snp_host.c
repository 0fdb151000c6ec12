// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an emulated SNP host shows and does to itself for the sake of tests.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/sizes.h>
#include <sys/mman.h>

#include "gmem_snp_host.h"
#include "gmem_window.h"
#include "kvm_util.h"
#include "processor.h"

#define MSR_RMP_BASE		0xc0010132
#define MSR_RMP_END		0xc0010133
/* What the processor keeps in front of the entries. */
#define RMP_BOOKKEEPING		0x4000

#define RMP_ASSIGNED		BIT_ULL(0)
#define RMP_LARGE		BIT_ULL(1)
#define RMP_IMMUTABLE		BIT_ULL(2)
#define RMP_GPA			GENMASK_ULL(50, 12)
#define RMP_ASID_SHIFT		51
#define RMP_ASID_MASK		0x3ff
#define RMP_VMSA		BIT_ULL(61)
#define RMP_VALID		BIT_ULL(62)

/* The firmware's device and its windows. */
#define PSP_VENDOR		0x1022
#define PSP_DEVICE		0x14ca
#define PSP_BAR_SIZE		0x100000
#define PSP_WINDOW		0x30000
#define PSP_WINDOW_MAGIC	0x43504e53
#define PSP_INJECT		0x30800
#define PSP_DIGEST		0x32000

struct raw_entry {
	u64 low;
	u64 high;
};

static const struct raw_entry *rmp;
static u64 rmp_nr;
static u32 *psp;
/* A page that does not count, by its number. */
static bool *ignored;

static u64 read_msr(u32 msr)
{
	int fd = open("/dev/cpu/0/msr", O_RDONLY);
	u64 value = 0;

	if (fd < 0 || pread(fd, &value, sizeof(value), msr) != sizeof(value))
		value = 0;
	close(fd);
	return value;
}

static void map_rmp(void)
{
	u64 base = read_msr(MSR_RMP_BASE) + RMP_BOOKKEEPING;
	u64 end = read_msr(MSR_RMP_END) + 1;
	int fd;

	if (end <= base)
		return;

	fd = open("/dev/mem", O_RDONLY);
	TEST_ASSERT(fd >= 0, "/dev/mem should open");
	rmp_nr = (end - base) / sizeof(*rmp);
	rmp = mmap(NULL, end - base, PROT_READ, MAP_SHARED, fd, base);
	TEST_ASSERT(rmp != MAP_FAILED, "The RMP should be mapped");
	close(fd);
}

static u32 read_id(const char *device, const char *name)
{
	char path[512];
	u32 id = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", device, name);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%x", &id) != 1)
		id = 0;
	if (file)
		fclose(file);
	return id;
}

static u32 *map_bar(const char *device)
{
	char path[512];
	void *bar;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource2", device);
	fd = open(path, O_RDWR);
	TEST_ASSERT(fd >= 0, "%s should open", path);
	bar = mmap(NULL, PSP_BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	TEST_ASSERT(bar != MAP_FAILED, "%s should be mapped", path);
	close(fd);
	return bar;
}

static void map_psp(void)
{
	DIR *devices = opendir("/sys/bus/pci/devices");
	struct dirent *device;

	while (devices && (device = readdir(devices))) {
		if (read_id(device->d_name, "vendor") == PSP_VENDOR &&
		    read_id(device->d_name, "device") == PSP_DEVICE)
			psp = map_bar(device->d_name);
	}
	closedir(devices);
}

bool snp_host_is_there(void)
{
	if (!psp) {
		map_psp();
		map_rmp();
	}
	return rmp && psp && READ_ONCE(psp[PSP_WINDOW / 4]) == PSP_WINDOW_MAGIC;
}

void snp_host_require(void)
{
	TEST_REQUIRE(snp_host_is_there());
}

struct snp_rmp_entry snp_rmp_entry(u64 pfn)
{
	u64 low, high;

	TEST_ASSERT(pfn < rmp_nr, "PFN 0x%lx should be in the RMP", pfn);
	low = READ_ONCE(rmp[pfn].low);
	high = READ_ONCE(rmp[pfn].high);
	return (struct snp_rmp_entry) {
		.assigned	= low & RMP_ASSIGNED,
		.large		= low & RMP_LARGE,
		.immutable	= low & RMP_IMMUTABLE,
		.vmsa		= low & RMP_VMSA,
		.valid		= low & RMP_VALID,
		.asid		= (low >> RMP_ASID_SHIFT) & RMP_ASID_MASK,
		.gpa		= low & RMP_GPA,
		.perms		= { high, high >> 8, high >> 16, high >> 24 },
	};
}

static bool is_owned(u64 pfn)
{
	u64 low = READ_ONCE(rmp[pfn].low);

	return low & RMP_ASSIGNED && (low >> RMP_ASID_SHIFT) & RMP_ASID_MASK &&
	       !(ignored && ignored[pfn]);
}

void snp_rmp_ignore_owned(void)
{
	u64 pfn;

	free(ignored);
	ignored = NULL;
	ignored = calloc(rmp_nr, sizeof(*ignored));
	TEST_ASSERT(ignored, "There should be memory for a map of the RMP");
	for (pfn = 0; pfn < rmp_nr; pfn++)
		ignored[pfn] = is_owned(pfn);
}

u64 snp_rmp_next_owned(u64 pfn, u64 *gpa)
{
	for (; pfn < rmp_nr; pfn++) {
		if (is_owned(pfn)) {
			*gpa = READ_ONCE(rmp[pfn].low) & RMP_GPA;
			return pfn;
		}
	}
	return SNP_NO_PFN;
}

u64 snp_rmp_find(u64 gpa)
{
	u64 pfn = 0, at;

	while ((pfn = snp_rmp_next_owned(pfn, &at)) != SNP_NO_PFN && at != gpa)
		pfn++;
	return pfn;
}

u64 snp_rmp_nr_owned(void)
{
	u64 pfn, nr = 0;

	for (pfn = 0; pfn < rmp_nr; pfn++)
		nr += is_owned(pfn);
	return nr;
}

static u64 direct_map_kib(const char *name)
{
	return gmem_read_field("/proc/meminfo", name);
}

u64 snp_direct_map_4k(void)
{
	return direct_map_kib("DirectMap4k:") * SZ_1K;
}

/* A console may lose what is in a line of thousands. */
#define MAP_COLUMNS	64

static char map_cell(u64 pfn)
{
	char cell = '.';
	u64 i, low;

	for (i = pfn; i < pfn + SZ_2M / PAGE_SIZE && i < rmp_nr; i++) {
		low = READ_ONCE(rmp[i].low);
		if (is_owned(i))
			return low & RMP_LARGE ? '2' : '4';
		if (low & RMP_ASSIGNED)
			cell = 'f';
	}
	return cell;
}

void snp_rmp_print_map(const char *stage)
{
	const u64 nr = SZ_2M / PAGE_SIZE;
	u64 pfn;

	printf("gmem_map stage=%s 4k=%lu 2m=%lu", stage,
	       direct_map_kib("DirectMap4k:") / 4, direct_map_kib("DirectMap2M:") / 2048);
	for (pfn = 0; pfn < rmp_nr; pfn += nr) {
		if (!(pfn / nr % MAP_COLUMNS))
			printf("\ngmem_cells ");
		putchar(map_cell(pfn));
	}
	putchar('\n');
	fflush(stdout);
}

static u32 *inject_words(enum snp_inject_point point)
{
	return psp + PSP_INJECT / 4 + point * 4;
}

void snp_inject(enum snp_inject_point point, struct snp_inject inject)
{
	u32 *words = inject_words(point);

	/* Disarmed while it changes. */
	WRITE_ONCE(words[1], 0);
	WRITE_ONCE(words[0], inject.skip);
	WRITE_ONCE(words[2], inject.match);
	WRITE_ONCE(words[3], inject.value);
	WRITE_ONCE(words[1], inject.count);
}

u32 snp_inject_left(enum snp_inject_point point)
{
	return READ_ONCE(inject_words(point)[1]);
}

void snp_inject_nothing(void)
{
	int point;

	for (point = 0; point < SNP_INJECT_NR; point++)
		snp_inject(point, (struct snp_inject){ });
}

void snp_launch_digest(u8 digest[SNP_DIGEST_SIZE])
{
	u32 word;
	int i;

	for (i = 0; i < SNP_DIGEST_SIZE; i += sizeof(word)) {
		word = READ_ONCE(psp[(PSP_DIGEST + i) / 4]);
		memcpy(digest + i, &word, sizeof(word));
	}
}
