// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of pages of SNP guests that do not return to the host.
 *
 * Processor and firmware do not refuse on request, so the test is told how to
 * make them: "-i COMMAND" is run with "rmpupdate-inuse SKIP COUNT" to have
 * RMPUPDATE fail, with "psp-status SKIP COUNT ID STATUS" to have the command ID
 * of the firmware fail.  It is skipped without.
 *
 * Worked example: the host punches a hole into page 7 of a folio of 2M, and
 * RMPUPDATE fails.
 *
 *	the folio is split, page 7 is quarantined	VM and host count 1 page
 *	the guest touches page 7			it gets another one
 *	the VM is destroyed				the other 511 return
 */
#include <unistd.h>

#include "gmem_snp.h"
#include "kselftest_harness.h"

#define CMD_ANY			0
#define CMD_DECOMMISSION	0x90
#define CMD_LAUNCH_UPDATE	0xa1
#define CMD_PAGE_RECLAIM	0xc7
#define STATUS_INVALID_STATE	0x1a

#define TAG			0x11

static const char *injector;

static void inject(const char *what)
{
	char command[256];

	snprintf(command, sizeof(command), "%s %s", injector, what);
	TEST_ASSERT(!system(command), "'%s' should work", command);
}

static void fail_rmpupdates(int skip, int count)
{
	char what[64];

	snprintf(what, sizeof(what), "rmpupdate-inuse %d %d", skip, count);
	inject(what);
}

static void fail_command(int id, int skip, int count)
{
	char what[64];

	snprintf(what, sizeof(what), "psp-status %d %d %d %d", skip, count, id,
		 STATUS_INVALID_STATE);
	inject(what);
}

/* Pages that are lost to the host, in guest_memfd and outside. */
struct lost {
	u64 gmem;
	u64 other;
};

static struct lost lost(void)
{
	return (struct lost) {
		.gmem	= gmem_snp_quarantined(),
		.other	= kvm_get_module_param_integer("snp_quarantine", "pages"),
	};
}

static void claim_lost(const struct lost *before, u64 gmem, u64 other)
{
	struct lost now = lost();

	TEST_ASSERT(now.gmem - before->gmem == gmem && now.other - before->other == other,
		    "Wanted %lu + %lu pages lost, got %lu + %lu", gmem, other,
		    now.gmem - before->gmem, now.other - before->other);
}

static void punch(struct gmem_snp *g, u64 off, u64 size)
{
	TEST_ASSERT(!fallocate(g->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, size),
		    "The hole is punched, whatever becomes of the pages");
}

FIXTURE(leak) {
	struct gmem_snp g;
	struct lost before;
};

FIXTURE_SETUP(leak)
{
	if (!injector)
		SKIP(return, "nothing to inject faults with, see -i");

	gmem_snp_create(&self->g, 2 * SZ_2M);
	gmem_snp_accept(&self->g, GMEM_SNP_GPA, 2 * SZ_2M);
	gmem_snp_write(&self->g, GMEM_SNP_GPA, 2 * SZ_2M, TAG);
	self->before = lost();
}

FIXTURE_TEARDOWN(leak)
{
	if (self->g.vm)
		gmem_snp_free(&self->g);
}

static void destroy(struct gmem_snp *g)
{
	gmem_snp_free(g);
	g->vm = NULL;
}

/* The folio is lost as a whole, the guest gets another one. */
TEST_F_TIMEOUT(leak, punch_2m, GMEM_SNP_TIMEOUT)
{
	fail_rmpupdates(0, 1);
	punch(&self->g, 0, SZ_2M);
	claim_lost(&self->before, GMEM_SNP_NR_4K, 0);
	TEST_ASSERT_EQ(vm_get_stat(self->g.vm, quarantined_pages), GMEM_SNP_NR_4K);

	gmem_snp_accept(&self->g, gmem_snp_page(0), SZ_2M);
	gmem_snp_write(&self->g, gmem_snp_page(0), SZ_2M, TAG + 1);
	gmem_snp_check(&self->g, gmem_snp_page(0), SZ_2M, TAG + 1);
	gmem_snp_check(&self->g, gmem_snp_page(512), SZ_2M, TAG);

	destroy(&self->g);
	claim_lost(&self->before, GMEM_SNP_NR_4K, 0);
}

/* The host tries again once the page is cut out of its folio: nothing is lost. */
TEST_F_TIMEOUT(leak, punch_4k_second_try, GMEM_SNP_TIMEOUT)
{
	gmem_snp_pvalidate(&self->g, gmem_snp_page(7), PG_LEVEL_4K, true);
	fail_rmpupdates(0, 1);
	punch(&self->g, 7 * PAGE_SIZE, PAGE_SIZE);
	TEST_ASSERT_EQ(vm_get_stat(self->g.vm, quarantined_pages), 0);
	gmem_snp_check(&self->g, gmem_snp_page(8), 504 * PAGE_SIZE, TAG);

	destroy(&self->g);
	claim_lost(&self->before, 0, 0);
}

/* One page is lost, its neighbours are not. */
TEST_F_TIMEOUT(leak, punch_4k, GMEM_SNP_TIMEOUT)
{
	gmem_snp_pvalidate(&self->g, gmem_snp_page(7), PG_LEVEL_4K, true);
	fail_rmpupdates(0, 2);
	punch(&self->g, 7 * PAGE_SIZE, PAGE_SIZE);
	claim_lost(&self->before, 1, 0);
	TEST_ASSERT_EQ(vm_get_stat(self->g.vm, quarantined_pages), 1);

	TEST_ASSERT_EQ(gmem_snp_pvalidate(&self->g, gmem_snp_page(7), PG_LEVEL_4K, true),
		       SNP_OK);
	gmem_snp_write(&self->g, gmem_snp_page(7), PAGE_SIZE, TAG + 1);
	gmem_snp_check(&self->g, gmem_snp_page(8), 504 * PAGE_SIZE, TAG);

	destroy(&self->g);
	claim_lost(&self->before, 1, 0);
}

/* The negative case: nothing fails, nothing is lost. */
TEST_F_TIMEOUT(leak, nothing, GMEM_SNP_TIMEOUT)
{
	punch(&self->g, 0, SZ_2M);
	TEST_ASSERT_EQ(vm_get_stat(self->g.vm, quarantined_pages), 0);
	destroy(&self->g);
	claim_lost(&self->before, 0, 0);
}

/* Leave nothing that is assigned but VMSAs and the firmware's pages. */
static void punch_all(struct gmem_snp *g)
{
	struct userspace_mem_region *region;
	int ctr;

	punch(g, 0, g->size);
	hash_for_each(g->vm->regions.slot_hash, ctr, region, slot_node) {
		int fd = region->region.guest_memfd;

		TEST_ASSERT(fd < 0 || !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
						 0, region->region.memory_size),
			    "The image should be punched");
	}
}

TEST_F_TIMEOUT(leak, vmsa, GMEM_SNP_TIMEOUT)
{
	punch_all(&self->g);
	fail_rmpupdates(0, 1);
	destroy(&self->g);
	claim_lost(&self->before, 0, 1);
}

/* The firmware keeps the response buffer, and the context as it is its own. */
TEST_F_TIMEOUT(leak, firmware_keeps_pages, GMEM_SNP_TIMEOUT)
{
	fail_command(CMD_PAGE_RECLAIM, 0, 2);
	destroy(&self->g);
	claim_lost(&self->before, 0, 2);
}

/* A context that is still in use can't be had back. */
TEST_F_TIMEOUT(leak, decommission, GMEM_SNP_TIMEOUT)
{
	fail_command(CMD_DECOMMISSION, 0, 1);
	destroy(&self->g);
	claim_lost(&self->before, 0, 1);
}

/*
 * Neither creates the firmware a context nor does it give the page back: a VM
 * that is there to be asked tells of it.
 */
TEST_F_TIMEOUT(leak, context, GMEM_SNP_TIMEOUT)
{
	const struct vm_shape shape = { .mode = VM_MODE_DEFAULT, .type = KVM_X86_SNP_VM };
	struct kvm_sev_snp_launch_start start = { .policy = snp_default_policy() };
	struct kvm_vm *vm = __vm_create(shape, 1, 0);

	fail_command(CMD_ANY, 0, 2);
	TEST_ASSERT(__vm_sev_ioctl(vm, KVM_SEV_SNP_LAUNCH_START, &start),
		    "There should be no launch without a context");
	claim_lost(&self->before, 0, 1);
	TEST_ASSERT_EQ(vm_get_stat(vm, quarantined_pages), 1);

	snp_vm_launch_start(vm, snp_default_policy());
	TEST_ASSERT_EQ(vm_get_stat(vm, quarantined_pages), 1);
	kvm_vm_free(vm);
	claim_lost(&self->before, 0, 1);
}

/* Whatever was lost before, the host and new VMs go on. */
TEST_F_TIMEOUT(leak, host_goes_on, GMEM_SNP_TIMEOUT)
{
	gmem_snp_check(&self->g, GMEM_SNP_GPA, 2 * SZ_2M, TAG);
	destroy(&self->g);
	claim_lost(&self->before, 0, 0);
}

int main(int argc, char **argv)
{
	/* The harness knows other options. */
	if (argc > 2 && !strcmp(argv[1], "-i")) {
		injector = argv[2];
		argv[2] = argv[0];
		argv += 2;
		argc -= 2;
	}

	return gmem_snp_main(argc, argv, 0, test_harness_run);
}
