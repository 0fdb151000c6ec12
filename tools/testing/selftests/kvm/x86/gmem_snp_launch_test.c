// SPDX-License-Identifier: GPL-2.0-only
/*
 * The initial memory of an SNP guest at 2M.
 *
 * Worked example, 5M of an image at [4G + 1M, 4G + 6M):
 *
 *	[4G + 1M, 4G + 2M)	256 pages
 *	[4G + 2M, 4G + 6M)	2 pages of 2M
 *
 * The digest is that of 1280 pages, as if the file had no large folios.
 */
#include "gmem_huge.h"
#include "gmem_snp.h"
#include "gmem_snp_host.h"
#include "kselftest_harness.h"

#define SLOT_SIZE	(4 * SZ_2M)
#define IMAGE_OFFSET	SZ_1M
#define IMAGE_SIZE	(5 * SZ_1M)

#define SNP_LAUNCH_UPDATE_CMD	0xa1
#define INVALID_PAGE_SIZE	0x19
#define HWERROR_PLATFORM	0x13

/* Long enough for what was split to be collapsed. */
#define COLLAPSE_MS		10000

static u8 *image;

struct launch {
	struct kvm_vm *vm;
	int fd;
};

static void fill_image(void)
{
	u64 i;

	image = kvm_mmap(IMAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	for (i = 0; i < IMAGE_SIZE; i++)
		image[i] = i ^ i >> 8 ^ i >> 16;
}

/* No vCPU: what is measured is what the test asks for. */
static struct launch start_with(u64 flags, u64 file_offset, u64 size)
{
	const struct vm_shape shape = { .mode = VM_MODE_DEFAULT, .type = KVM_X86_SNP_VM };
	struct launch l = { .vm = __vm_create(shape, 1, 0) };
	void *hva = kvm_mmap(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	l.fd = vm_create_guest_memfd(l.vm, size + file_offset, flags);
	vm_set_user_memory_region2(l.vm, GMEM_SNP_SLOT, KVM_MEM_GUEST_MEMFD, GMEM_SNP_GPA,
				   size, hva, l.fd, file_offset);
	vm_mem_set_private(l.vm, GMEM_SNP_GPA, size);
	snp_vm_launch_start(l.vm, snp_default_policy());
	return l;
}

static struct launch start(u64 flags, u64 file_offset)
{
	return start_with(flags, file_offset, SLOT_SIZE);
}

/* Returns 0 or the firmware's or KVM's error; @left gets how much was not done. */
static int update(struct launch *l, u64 offset, u64 size, u8 type, u64 *left)
{
	struct kvm_sev_snp_launch_update data = {
		.gfn_start	= (GMEM_SNP_GPA + offset) / PAGE_SIZE,
		.uaddr		= (u64)image,
		.len		= size,
		.type		= type,
	};
	int r = __vm_sev_ioctl(l->vm, KVM_SEV_SNP_LAUNCH_UPDATE, &data);

	*left = data.len;
	return r;
}

static void finish(struct launch *l, u8 *digest)
{
	snp_vm_launch_finish(l->vm);
	snp_launch_digest(digest);
	kvm_free_fd(l->fd);
	kvm_vm_free(l->vm);
}

static u64 nr_2m(struct launch *l)
{
	return vm_get_stat(l->vm, rmp_assigns_2m);
}

/* Launch with the image at @offset and claim how much of it went as 2M. */
static void measure(u64 flags, u64 offset, u8 type, u64 want_2m, u8 *digest)
{
	struct launch l = start(flags, 0);
	u64 left;

	TEST_ASSERT(!update(&l, offset, IMAGE_SIZE, type, &left) && !left,
		    "All of the image should be measured");
	TEST_ASSERT(nr_2m(&l) == want_2m, "Wanted %lu of 2M, got %lu", want_2m, nr_2m(&l));
	finish(&l, digest);
}

static void claim_same(u8 type)
{
	u8 by_4k[SNP_DIGEST_SIZE], by_2m[SNP_DIGEST_SIZE];

	measure(0, IMAGE_OFFSET, type, 0, by_4k);
	measure(GUEST_MEMFD_FLAG_LARGE_FOLIOS, IMAGE_OFFSET, type, 2, by_2m);
	TEST_ASSERT(!memcmp(by_4k, by_2m, SNP_DIGEST_SIZE), "2M and 4K should have one digest");
}

FIXTURE(launch) {
	u64 quarantined;
};

FIXTURE_SETUP(launch)
{
	snp_rmp_ignore_owned();
	self->quarantined = gmem_snp_quarantined();
}

FIXTURE_TEARDOWN(launch)
{
	snp_inject_nothing();
	TEST_ASSERT_EQ(gmem_snp_quarantined(), self->quarantined);
	TEST_ASSERT_EQ(snp_rmp_nr_owned(), 0);
}

TEST_F_TIMEOUT(launch, normal, GMEM_SNP_TIMEOUT)
{
	claim_same(KVM_SEV_SNP_PAGE_TYPE_NORMAL);
}

TEST_F_TIMEOUT(launch, unmeasured, GMEM_SNP_TIMEOUT)
{
	claim_same(KVM_SEV_SNP_PAGE_TYPE_UNMEASURED);
}

TEST_F_TIMEOUT(launch, zero, GMEM_SNP_TIMEOUT)
{
	claim_same(KVM_SEV_SNP_PAGE_TYPE_ZERO);
}

/* The digest is not the same come what may: a bit, an address, a type. */
TEST_F_TIMEOUT(launch, digest_tells, GMEM_SNP_TIMEOUT)
{
	u8 first[SNP_DIGEST_SIZE], other[SNP_DIGEST_SIZE];
	const u64 flags = GUEST_MEMFD_FLAG_LARGE_FOLIOS;

	measure(flags, IMAGE_OFFSET, KVM_SEV_SNP_PAGE_TYPE_NORMAL, 2, first);

	image[3 * SZ_1M] ^= 1;
	measure(flags, IMAGE_OFFSET, KVM_SEV_SNP_PAGE_TYPE_NORMAL, 2, other);
	image[3 * SZ_1M] ^= 1;
	TEST_ASSERT(memcmp(first, other, SNP_DIGEST_SIZE), "A bit should change the digest");

	measure(flags, 0, KVM_SEV_SNP_PAGE_TYPE_NORMAL, 2, other);
	TEST_ASSERT(memcmp(first, other, SNP_DIGEST_SIZE), "An address should change it");

	measure(flags, IMAGE_OFFSET, KVM_SEV_SNP_PAGE_TYPE_ZERO, 2, other);
	TEST_ASSERT(memcmp(first, other, SNP_DIGEST_SIZE), "The type should change it");
}

/* gfn and page of the file are not congruent: page by page. */
TEST_F_TIMEOUT(launch, unaligned_slot_is_4k, GMEM_SNP_TIMEOUT)
{
	struct launch l = start(GUEST_MEMFD_FLAG_LARGE_FOLIOS, PAGE_SIZE);
	u8 digest[SNP_DIGEST_SIZE], by_4k[SNP_DIGEST_SIZE];
	u64 left;

	TEST_ASSERT(!update(&l, 0, SZ_2M, KVM_SEV_SNP_PAGE_TYPE_NORMAL, &left) && !left,
		    "All should be measured");
	TEST_ASSERT_EQ(nr_2m(&l), 0);
	finish(&l, digest);

	l = start(0, 0);
	update(&l, 0, SZ_2M, KVM_SEV_SNP_PAGE_TYPE_NORMAL, &left);
	finish(&l, by_4k);
	TEST_ASSERT(!memcmp(digest, by_4k, SNP_DIGEST_SIZE), "Where it lies does not matter");
}

static u64 splits(void)
{
	return gmem_snp_vmstat("direct_map_level2_splits");
}

static u64 collapses(void)
{
	return gmem_snp_vmstat("direct_map_level2_collapses");
}

/*
 * Pages that are measured one by one share their 2M with pages that are still
 * the host's.  If all of these are of one folio nobody writes to them.
 */
TEST_F_TIMEOUT(launch, pages_of_a_folio_split_nothing, GMEM_SNP_TIMEOUT)
{
	struct launch l = start(GUEST_MEMFD_FLAG_LARGE_FOLIOS, 0);
	u64 before = splits(), left;
	u8 digest[SNP_DIGEST_SIZE];

	update(&l, SZ_2M, 3 * PAGE_SIZE, KVM_SEV_SNP_PAGE_TYPE_NORMAL, &left);
	update(&l, SZ_2M + 100 * PAGE_SIZE, SZ_1M, KVM_SEV_SNP_PAGE_TYPE_NORMAL, &left);
	TEST_ASSERT_EQ(splits(), before);
	finish(&l, digest);
}

/*
 * What was allocated page by page has anybody's pages around it: the direct map
 * is split until the last one is free.  One page more than are mapped so anyway
 * can't all lie there.
 */
TEST_F_TIMEOUT(launch, pages_split_the_direct_map, GMEM_SNP_TIMEOUT)
{
	u64 size, nr, nr_splits, nr_collapses, left;
	u8 digest[SNP_DIGEST_SIZE];
	struct launch l;
	int ms;

	gmem_snp_wait_for_collapses();
	size = align_up(snp_direct_map_4k() + PAGE_SIZE, SZ_2M);
	nr_splits = splits();
	nr_collapses = collapses();

	l = start_with(0, 0, size);
	TEST_ASSERT(!update(&l, 0, size, KVM_SEV_SNP_PAGE_TYPE_ZERO, &left) && !left,
		    "All should be measured");
	nr = splits() - nr_splits;
	TEST_ASSERT(nr, "0x%lx bytes in pages of 4K should split mappings", size);

	finish(&l, digest);
	for (ms = 0; collapses() - nr_collapses < nr && ms < COLLAPSE_MS; ms++)
		usleep(1000);
	TEST_ASSERT_EQ(collapses() - nr_collapses, nr);
}

/* A shared page ends it there, as it does at 4K; what is left is done later. */
TEST_F_TIMEOUT(launch, shared_page_in_2m, GMEM_SNP_TIMEOUT)
{
	struct launch l = start(GUEST_MEMFD_FLAG_LARGE_FOLIOS, 0);
	u8 digest[SNP_DIGEST_SIZE];
	u64 left;

	vm_mem_set_shared(l.vm, GMEM_SNP_GPA + 300 * PAGE_SIZE, PAGE_SIZE);
	TEST_ASSERT(!update(&l, 0, SZ_2M, KVM_SEV_SNP_PAGE_TYPE_NORMAL, &left),
		    "A part should be measured");
	TEST_ASSERT_EQ(left, 212 * PAGE_SIZE);
	TEST_ASSERT_EQ(nr_2m(&l), 0);
	finish(&l, digest);
}

/* Once is enough: what was measured is the guest's. */
TEST_F_TIMEOUT(launch, not_twice, GMEM_SNP_TIMEOUT)
{
	struct launch l = start(GUEST_MEMFD_FLAG_LARGE_FOLIOS, 0);
	u8 digest[SNP_DIGEST_SIZE];
	u64 left;

	TEST_ASSERT(!update(&l, 0, SZ_2M, KVM_SEV_SNP_PAGE_TYPE_NORMAL, &left) && !left,
		    "The first time should do");
	TEST_ASSERT(update(&l, 0, SZ_2M, KVM_SEV_SNP_PAGE_TYPE_NORMAL, &left),
		    "The second time should not");
	TEST_ASSERT_EQ(nr_2m(&l), 1);
	finish(&l, digest);
}

/* The firmware wants no 2M: it gets pages, and the digest is the same. */
TEST_F_TIMEOUT(launch, firmware_refuses_the_size, GMEM_SNP_TIMEOUT)
{
	u8 first[SNP_DIGEST_SIZE], second[SNP_DIGEST_SIZE];

	measure(GUEST_MEMFD_FLAG_LARGE_FOLIOS, 0, KVM_SEV_SNP_PAGE_TYPE_NORMAL, 2, first);
	snp_inject(SNP_INJECT_PSP_STATUS, (struct snp_inject) {
		.count = 1, .match = SNP_LAUNCH_UPDATE_CMD, .value = INVALID_PAGE_SIZE,
	});
	measure(GUEST_MEMFD_FLAG_LARGE_FOLIOS, 0, KVM_SEV_SNP_PAGE_TYPE_NORMAL, 1, second);
	TEST_ASSERT_EQ(snp_inject_left(SNP_INJECT_PSP_STATUS), 0);
	TEST_ASSERT(!memcmp(first, second, SNP_DIGEST_SIZE), "The digest should not tell");
}

/* The firmware fails: so does the ioctl, and the memory is as it was. */
TEST_F_TIMEOUT(launch, firmware_fails, GMEM_SNP_TIMEOUT)
{
	struct launch l = start(GUEST_MEMFD_FLAG_LARGE_FOLIOS, 0);
	u8 first[SNP_DIGEST_SIZE], second[SNP_DIGEST_SIZE];
	u64 left;

	snp_inject(SNP_INJECT_PSP_STATUS, (struct snp_inject) {
		.count = 1, .match = SNP_LAUNCH_UPDATE_CMD, .value = HWERROR_PLATFORM,
	});
	TEST_ASSERT(update(&l, 0, IMAGE_SIZE, KVM_SEV_SNP_PAGE_TYPE_NORMAL, &left),
		    "The firmware's failure should be told");
	TEST_ASSERT_EQ(snp_rmp_find(GMEM_SNP_GPA), SNP_NO_PFN);

	TEST_ASSERT(!update(&l, 0, IMAGE_SIZE, KVM_SEV_SNP_PAGE_TYPE_NORMAL, &left) && !left,
		    "The second attempt should do");
	finish(&l, first);
	measure(GUEST_MEMFD_FLAG_LARGE_FOLIOS, 0, KVM_SEV_SNP_PAGE_TYPE_NORMAL, 2, second);
	TEST_ASSERT(!memcmp(first, second, SNP_DIGEST_SIZE), "A failure should not be measured");
}

/*
 * The firmware's answer goes to memory of another VM that is not there yet, while /dev/sev
 * is busy: its file's lock is taken inside, that of a launch outside.
 */
TEST_F_TIMEOUT(launch, answer_to_new_memory, GMEM_SNP_TIMEOUT)
{
	struct gmem_huge host = gmem_huge_create(KVM_X86_DEFAULT_VM);
	struct sev_issue_cmd command = { .cmd = SNP_PLATFORM_STATUS };
	int fd = open_sev_dev_path_or_exit();
	struct sev_user_data_snp_status *answer;
	u8 digest[SNP_DIGEST_SIZE];

	measure(GUEST_MEMFD_FLAG_LARGE_FOLIOS, 0, KVM_SEV_SNP_PAGE_TYPE_NORMAL, 2, digest);
	gmem_huge_open(&host, SZ_2M, GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED |
		       GUEST_MEMFD_FLAG_LARGE_FOLIOS);
	answer = kvm_mmap(SZ_2M, PROT_READ | PROT_WRITE, MAP_SHARED, host.fd);
	command.data = (u64)answer;
	kvm_ioctl(fd, SEV_ISSUE_CMD, &command);
	TEST_ASSERT(answer->api_major, "The firmware's version should be there");
	kvm_munmap(answer, SZ_2M);
	gmem_huge_free(&host);
	close(fd);
}

static int run(int argc, char **argv)
{
	snp_host_require();
	fill_image();
	return test_harness_run(argc, argv);
}

int main(int argc, char **argv)
{
	/* What is launched at 4K stays so while it is looked at. */
	return gmem_snp_main(argc, argv, 0, run);
}
