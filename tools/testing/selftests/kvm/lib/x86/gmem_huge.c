// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM whose private memory may be mapped 2M at a time, and its guest, which
 * reads and writes what it is told to.
 */
#include <linux/falloc.h>

#include "gmem_huge.h"
#include "kvm_syscalls.h"
#include "ucall_common.h"

enum gmem_huge_verb {
	GMEM_HUGE_WRITE,
	GMEM_HUGE_CHECK,
};

struct gmem_huge_op {
	u64 verb;
	gpa_t gpa;
	u64 size;
	u64 tag;
};

/* The host writes the guest's copy, see write_guest_global(). */
static struct gmem_huge_op guest_op;

#define NR_WORDS	(PAGE_SIZE / sizeof(u64))

static void store_tag(void *mem, gpa_t gpa, u64 size, u64 tag)
{
	u64 off, *page, word;

	for (off = 0; off < size; off += PAGE_SIZE) {
		page = mem + off;
		word = tag ? (gpa + off) | tag : 0;
		WRITE_ONCE(page[0], word);
		WRITE_ONCE(page[NR_WORDS - 1], word);
	}
}

static bool page_holds(const u64 *page, gpa_t gpa, u64 tag)
{
	int i;

	if (tag)
		return READ_ONCE(page[0]) == (gpa | tag) &&
		       READ_ONCE(page[NR_WORDS - 1]) == (gpa | tag);

	for (i = 0; i < NR_WORDS; i++) {
		if (READ_ONCE(page[i]))
			return false;
	}
	return true;
}

/* Return the offset of the first page that holds something else, or @size. */
static u64 find_other(const void *mem, gpa_t gpa, u64 size, u64 tag)
{
	u64 off;

	for (off = 0; off < size; off += PAGE_SIZE) {
		if (!page_holds(mem + off, gpa + off, tag))
			break;
	}
	return off;
}

static void guest_check(const struct gmem_huge_op *op)
{
	u64 off = find_other((void *)op->gpa, op->gpa, op->size, op->tag);
	const u64 *page = (void *)(op->gpa + off);

	if (off == op->size)
		return;

	GUEST_FAIL("Guest expected tag 0x%lx in the page at gpa 0x%lx, got 0x%lx ... 0x%lx",
		   op->tag, op->gpa + off, page[0], page[NR_WORDS - 1]);
}

static void guest_code(void)
{
	struct gmem_huge_op op;

	for (;;) {
		GUEST_SYNC(0);

		op = guest_op;
		if (op.verb == GMEM_HUGE_WRITE)
			store_tag((void *)op.gpa, op.gpa, op.size, op.tag);
		else
			guest_check(&op);
	}
}

/*
 * An exit that is none of the guest's own is a bug anywhere below: show all that
 * is known of the vCPU.
 */
u64 gmem_huge_get_ucall(struct kvm_vcpu *vcpu)
{
	struct ucall uc;

	switch (get_ucall(vcpu, &uc)) {
	case UCALL_SYNC:
	case UCALL_DONE:
		return uc.cmd;
	case UCALL_ABORT:
		REPORT_GUEST_ASSERT(uc);
	default:
		vcpu_dump(stderr, vcpu, 2);
		TEST_FAIL("Unexpected exit %u (%s), ucall 0x%lx, gpa 0x%llx",
			  vcpu->run->exit_reason,
			  exit_reason_str(vcpu->run->exit_reason), uc.cmd,
			  vcpu->run->exit_reason == KVM_EXIT_MMIO ?
			  vcpu->run->mmio.phys_addr : 0);
	}
}

static int run_to_sync(struct gmem_huge *g)
{
	u64 ucall;

	if (_vcpu_run(g->vcpu))
		return -errno;

	ucall = gmem_huge_get_ucall(g->vcpu);
	TEST_ASSERT(ucall == UCALL_SYNC, "Guest should sync, not call 0x%lx", ucall);
	return 0;
}

static void set_op(struct gmem_huge *g, enum gmem_huge_verb verb, gpa_t gpa,
		   u64 size, u64 tag)
{
	struct gmem_huge_op op = {
		.verb = verb,
		.gpa = gpa,
		.size = size,
		.tag = tag,
	};

	TEST_ASSERT(tag < PAGE_SIZE, "Tag 0x%lx overlaps the page's address", tag);

	write_guest_global(g->vm, guest_op, op);
}

static int run_op(struct gmem_huge *g, enum gmem_huge_verb verb, gpa_t gpa,
		  u64 size, u64 tag)
{
	set_op(g, verb, gpa, size, tag);
	return run_to_sync(g);
}

static void must_run_op(struct gmem_huge *g, enum gmem_huge_verb verb,
			gpa_t gpa, u64 size, u64 tag)
{
	int r = run_op(g, verb, gpa, size, tag);

	TEST_ASSERT(!r, "Guest should %s [0x%lx, 0x%lx), KVM_RUN returned %d",
		    verb == GMEM_HUGE_WRITE ? "write" : "read", gpa, gpa + size, r);
}

void gmem_huge_set_write(struct gmem_huge *g, gpa_t gpa, u64 size, u64 tag)
{
	set_op(g, GMEM_HUGE_WRITE, gpa, size, tag);
}

int __gmem_huge_write(struct gmem_huge *g, gpa_t gpa, u64 size, u64 tag)
{
	return run_op(g, GMEM_HUGE_WRITE, gpa, size, tag);
}

void gmem_huge_write(struct gmem_huge *g, gpa_t gpa, u64 size, u64 tag)
{
	must_run_op(g, GMEM_HUGE_WRITE, gpa, size, tag);
}

int __gmem_huge_check(struct gmem_huge *g, gpa_t gpa, u64 size, u64 tag)
{
	return run_op(g, GMEM_HUGE_CHECK, gpa, size, tag);
}

void gmem_huge_check(struct gmem_huge *g, gpa_t gpa, u64 size, u64 tag)
{
	must_run_op(g, GMEM_HUGE_CHECK, gpa, size, tag);
}

void gmem_huge_host_write(void *mem, gpa_t gpa, u64 size, u64 tag)
{
	store_tag(mem, gpa, size, tag);
}

void gmem_huge_host_check(void *mem, gpa_t gpa, u64 size, u64 tag)
{
	u64 off = find_other(mem, gpa, size, tag);

	TEST_ASSERT(off == size,
		    "Host expected tag 0x%lx in the page of gpa 0x%lx", tag,
		    gpa + off);
}

u64 gmem_huge_supported_flags(unsigned long vm_type)
{
	struct kvm_vm *vm = vm_create_barebones_type(vm_type);
	u64 flags = vm_check_cap(vm, KVM_CAP_GUEST_MEMFD_FLAGS);

	kvm_vm_free(vm);
	return flags;
}

void gmem_huge_require(void)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_SW_PROTECTED_VM));
	TEST_REQUIRE(gmem_huge_supported_flags(KVM_X86_SW_PROTECTED_VM) &
		     GUEST_MEMFD_FLAG_LARGE_FOLIOS);
}

/* Run each verb twice, as the first access to a page may map it read-only. */
static void warm_up(struct gmem_huge *g)
{
	int i;

	TEST_ASSERT(!run_to_sync(g), "Guest should reach its first sync");

	for (i = 0; i < 2; i++) {
		gmem_huge_write(g, GMEM_HUGE_WARM_GPA, PAGE_SIZE, 1);
		gmem_huge_check(g, GMEM_HUGE_WARM_GPA, PAGE_SIZE, 1);
		gmem_huge_write(g, GMEM_HUGE_WARM_GPA, PAGE_SIZE, 0);
		gmem_huge_check(g, GMEM_HUGE_WARM_GPA, PAGE_SIZE, 0);
	}
}

struct gmem_huge gmem_huge_create(unsigned long vm_type)
{
	const struct vm_shape shape = {
		.mode = VM_MODE_DEFAULT,
		.type = vm_type,
	};
	struct gmem_huge g = { .fd = -1 };

	g.vm = vm_create_shape_with_one_vcpu(shape, &g.vcpu, guest_code);

	vm_userspace_mem_region_add(g.vm, VM_MEM_SRC_ANONYMOUS,
				    GMEM_HUGE_WARM_GPA, GMEM_HUGE_WARM_SLOT, 1, 0);
	virt_map(g.vm, GMEM_HUGE_WARM_GPA, GMEM_HUGE_WARM_GPA, 1);
	virt_map_level(g.vm, GMEM_HUGE_GPA, GMEM_HUGE_GPA, GMEM_HUGE_MAX_SIZE,
		       PG_LEVEL_2M);
	warm_up(&g);
	return g;
}

struct gmem_huge gmem_huge_create_file(u64 size, u64 flags)
{
	struct gmem_huge g = gmem_huge_create(KVM_X86_SW_PROTECTED_VM);

	gmem_huge_open(&g, size, flags);
	return g;
}

/* The usual case: one file, one memslot for all of it, all of it private. */
struct gmem_huge gmem_huge_create_private(u64 size)
{
	struct gmem_huge g = gmem_huge_create_file(size, GUEST_MEMFD_FLAG_LARGE_FOLIOS);

	gmem_huge_add_private(&g, GMEM_HUGE_SLOT, 0, size / PAGE_SIZE, 0);
	return g;
}

void gmem_huge_free(struct gmem_huge *g)
{
	if (g->fd >= 0)
		kvm_free_fd(g->fd);
	kvm_vm_free(g->vm);
}

void gmem_huge_open(struct gmem_huge *g, u64 size, u64 flags)
{
	g->fd = vm_create_guest_memfd(g->vm, size, flags);
}

/*
 * Return the memory behind the shared half.  Do not tell the framework about
 * the memslot: it would dup() the file and with that keep it open.
 */
void *gmem_huge_add_slot(struct gmem_huge *g, u32 slot, gpa_t gpa, u64 size,
			 u64 offset)
{
	void *hva = kvm_mmap(size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1);

	TEST_ASSERT(gpa + size <= GMEM_HUGE_GPA + GMEM_HUGE_MAX_SIZE,
		    "Guest has no mapping for gpa 0x%lx", gpa + size);

	vm_set_user_memory_region2(g->vm, slot, KVM_MEM_GUEST_MEMFD, gpa, size,
				   hva, g->fd, offset);
	return hva;
}

void *gmem_huge_add_private(struct gmem_huge *g, u32 slot, u64 gfn, u64 nr,
			    u64 page)
{
	void *hva = gmem_huge_add_slot(g, slot, gmem_huge_page(gfn),
				       nr * PAGE_SIZE, page * PAGE_SIZE);

	vm_mem_set_private(g->vm, gmem_huge_page(gfn), nr * PAGE_SIZE);
	return hva;
}

void gmem_huge_delete_slot(struct gmem_huge *g, u32 slot, gpa_t gpa)
{
	vm_set_user_memory_region2(g->vm, slot, KVM_MEM_GUEST_MEMFD, gpa, 0,
				   NULL, g->fd, 0);
}

void gmem_huge_prefault(struct gmem_huge *g, gpa_t gpa, u64 size)
{
	struct kvm_pre_fault_memory range = {
		.gpa = gpa,
		.size = size,
	};

	while (range.size) {
		if (__vcpu_ioctl(g->vcpu, KVM_PRE_FAULT_MEMORY, &range))
			TEST_ASSERT(errno == EINTR || errno == EAGAIN,
				    KVM_IOCTL_ERROR(KVM_PRE_FAULT_MEMORY, -1));
	}
}

int __gmem_huge_fallocate(struct gmem_huge *g, u64 offset, u64 size)
{
	return fallocate(g->fd, FALLOC_FL_KEEP_SIZE, offset, size) ? -errno : 0;
}

void gmem_huge_fallocate(struct gmem_huge *g, u64 offset, u64 size)
{
	int r = __gmem_huge_fallocate(g, offset, size);

	TEST_ASSERT(!r, "fallocate() of [0x%lx, 0x%lx) should succeed, returned %d",
		    offset, offset + size, r);
}

int __gmem_huge_punch(struct gmem_huge *g, u64 offset, u64 size)
{
	return fallocate(g->fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
			 offset, size) ? -errno : 0;
}

void gmem_huge_punch(struct gmem_huge *g, u64 offset, u64 size)
{
	int r = __gmem_huge_punch(g, offset, size);

	TEST_ASSERT(!r, "Punching [0x%lx, 0x%lx) should succeed, returned %d",
		    offset, offset + size, r);
}

/* Leave no page of the free lists zero by luck. */
void gmem_huge_dirty_free_memory(void)
{
	const size_t size = SZ_16M;
	void *mem = kvm_mmap(size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1);

	kvm_madvise(mem, size, MADV_HUGEPAGE);
	memset(mem, 0xa5, size);
	kvm_munmap(mem, size);
}
