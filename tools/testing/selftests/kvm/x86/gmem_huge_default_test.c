// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host that asks for large folios on behalf of user space that doesn't.
 *
 * Worked example, a file that was created without any flag:
 *
 *	kvm.gmem_large_folios=0		512 leaves of 4K
 *	kvm.gmem_large_folios=1		1 leaf of 2M
 */
#include <fcntl.h>

#include "gmem_huge.h"
#include "kselftest_harness.h"

#define PARAM	"/sys/module/kvm/parameters/gmem_large_folios"

static void set_default(bool large)
{
	int fd = open(PARAM, O_WRONLY);

	TEST_ASSERT(fd >= 0 && write(fd, large ? "Y" : "N", 1) == 1,
		    PARAM " should be writable");
	close(fd);
}

FIXTURE(large) {
	bool before;
};

FIXTURE_SETUP(large)
{
	self->before = kvm_get_module_param_bool("kvm", "gmem_large_folios");
}

FIXTURE_TEARDOWN(large)
{
	set_default(self->before);
}

static struct gmem_huge create(u64 flags)
{
	struct gmem_huge g = gmem_huge_create_file(SZ_2M, flags);

	gmem_huge_add_private(&g, GMEM_HUGE_SLOT, 0, GMEM_HUGE_NR_4K, 0);
	return g;
}

static void claim_mapped(struct gmem_huge *g, u64 nr_2m, u64 nr_4k, const char *claim)
{
	gmem_huge_write(g, GMEM_HUGE_GPA, SZ_2M, 1);
	TEST_GMEM_MAPPED(g, nr_2m, nr_4k, "%s", claim);
	gmem_huge_free(g);
}

TEST_F(large, on)
{
	struct gmem_huge g;

	set_default(true);
	g = create(0);
	claim_mapped(&g, 1, 0, "The host asked for it");
}

TEST_F(large, off)
{
	struct gmem_huge g;

	set_default(false);
	g = create(0);
	claim_mapped(&g, 0, GMEM_HUGE_NR_4K, "Nobody asked for it");

	g = create(GUEST_MEMFD_FLAG_LARGE_FOLIOS);
	claim_mapped(&g, 1, 0, "User space asked for it");
}

/* What counts is when the file was created. */
TEST_F(large, files_do_not_change)
{
	struct gmem_huge small, huge;

	set_default(false);
	small = create(0);
	set_default(true);
	huge = create(0);
	claim_mapped(&small, 0, GMEM_HUGE_NR_4K, "The file was there before");
	set_default(false);
	claim_mapped(&huge, 1, 0, "The file keeps what it had");
}

/* A VM without private memory is none of its business. */
TEST_F(large, plain_vm)
{
	u64 folios = gmem_huge_nr_folios();
	struct gmem_huge g;

	set_default(true);
	g = gmem_huge_create(KVM_X86_DEFAULT_VM);
	gmem_huge_open(&g, SZ_2M, 0);
	gmem_huge_fallocate(&g, 0, SZ_2M);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios);
	gmem_huge_free(&g);

	g = create(0);
	gmem_huge_fallocate(&g, 0, SZ_2M);
	TEST_ASSERT_EQ(gmem_huge_nr_folios(), folios + 1);
	gmem_huge_free(&g);
}

int main(int argc, char *argv[])
{
	gmem_huge_require();
	TEST_REQUIRE(!access(PARAM, W_OK));

	return test_harness_run(argc, argv);
}
