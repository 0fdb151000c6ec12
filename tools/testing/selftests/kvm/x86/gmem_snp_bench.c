// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measure what the private memory of an SNP guest costs: accept and touch it,
 * tear it down, end the VM without it; validate one page of each 2M of another
 * one and touch it again, tear that down.
 *
 * The program also runs on a kernel without large folios in guest_memfd; the
 * line that starts with "gmem_bench flags=" says which it was.
 */
#include "gmem_snp.h"
#include "gmem_snp_host.h"
#include "gmem_window.h"

static struct gmem_snp guest;

static void run_touch(struct gmem_bench *b)
{
	gmem_snp_accept(&guest, GMEM_SNP_GPA, b->size);
	gmem_snp_write(&guest, GMEM_SNP_GPA, b->size, 1);
}

static void run_smash(struct gmem_bench *b)
{
	u64 off;

	for (off = 0; off < b->size; off += SZ_2M)
		gmem_snp_pvalidate(&guest, GMEM_SNP_GPA + off, PG_LEVEL_4K, true);
	gmem_snp_write(&guest, GMEM_SNP_GPA, b->size, 2);
}

/* What the host asked of the vCPUs' TLBs. */
static u64 read_flushes(u64 arg)
{
	return vm_get_stat(guest.vm, remote_tlb_flush_requests);
}

static const struct gmem_bench_count flushes = {
	.name	= "flushes",
	.read	= read_flushes,
};

/* The memory alone: nobody else holds its file. */
static void run_teardown(struct gmem_bench *b)
{
	kvm_free_fd(guest.fd);
}

/* What every VM has: the image that it was launched with, VMSA, contexts. */
static void run_end(struct gmem_bench *b)
{
	gmem_snp_free(&guest);
	b->vm = NULL;
}

/* What becomes of RMP and direct map, where both can be seen. */
static void print_map(const char *stage)
{
	if (snp_host_is_there())
		snp_rmp_print_map(stage);
}

static void create(struct gmem_bench *b)
{
	struct kvm_vm *vm = vm_create_barebones_type(KVM_X86_SNP_VM);
	struct gmem_snp_shape shape = {
		.size	= b->size,
		.flags	= gmem_bench_flags(vm),
	};

	kvm_vm_free(vm);
	gmem_snp_create_shape(&guest, &shape);
	b->vm = guest.vm;
	b->vcpus[0] = guest.cpu->vcpu;
	b->fd = guest.fd;
}

int main(int argc, char *argv[])
{
	struct gmem_bench b = gmem_bench_parse(argc, argv, 1);

	gmem_snp_require();
	b.more = &flushes;
	b.nr_more = 1;

	print_map("before");
	create(&b);
	gmem_window(&b, "touch", run_touch);
	print_map("during");
	gmem_window(&b, "teardown", run_teardown);
	b.nr_more = 0;
	gmem_window(&b, "end", run_end);
	print_map("after");
	if (b.touch_only)
		return 0;

	create(&b);
	b.nr_more = 1;
	run_touch(&b);
	gmem_window(&b, "smash", run_smash);
	gmem_window(&b, "teardown-4k", run_teardown);
	run_end(&b);
	return 0;
}
