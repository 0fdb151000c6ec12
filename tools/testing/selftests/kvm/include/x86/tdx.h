/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A TD that does to its memory what it is told to.  It has no #VE handler and
 * no IDT: it is told what to do in a page that it shares with the host, and
 * speaks with the host by TDVMCALL alone.
 */
#ifndef SELFTEST_KVM_TDX_H
#define SELFTEST_KVM_TDX_H

#include <linux/sizes.h>

#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"

/* Memory that tests use; the host sees what is shared of it in the slot. */
#define TD_GPA			((gpa_t)SZ_4G)
#define TD_SLOT			10
/* What lies above can be accepted and converted, but not be accessed. */
#define TD_MAPPED_SIZE		((u64)SZ_64M)
#define TD_MAX_VCPUS		4

/* Statuses of TDG.MEM.PAGE.ACCEPT, without details */
#define TD_ACCEPT_OK		0ull
#define TD_ALREADY_ACCEPTED	0x00000b0aull
#define TD_SIZE_MISMATCH	0xc0000b0bull

enum td_verb {
	/* A tag in the first and the last word of each page; 0 is all zero. */
	TD_WRITE,
	TD_CHECK,
	/* The same through the shared alias */
	TD_WRITE_SHARED,
	TD_CHECK_SHARED,
	/* Pages of the size that @level says; the result is the last status. */
	TD_ACCEPT,
	/* Ask the host to convert. */
	TD_MAP_PRIVATE,
	TD_MAP_SHARED,
	/* Call the function at @gpa, which is mapped there; the result is its. */
	TD_CALL,
	/*
	 * TD_ACCEPT as Linux does it: page by page what is mapped smaller than
	 * @level, and no matter what is accepted already.
	 */
	TD_ACCEPT_ANY,
	TD_NR_VERBS,
};

struct td_op {
	u64 verb;
	gpa_t gpa;
	u64 size;
	u64 tag;
	u64 level;
	/* Filled in by the guest */
	u64 result;
	gpa_t failed_gpa;
	u64 failed_word;
};

/* Whether KVM offers TDs; tests end with KSFT_SKIP without. */
bool td_is_supported(void);

/*
 * A TD with @nr_vcpus, @size bytes of private memory at TD_GPA that nobody has
 * touched, measured and ready to run.
 */
struct kvm_vm *td_create(u32 nr_vcpus, u64 size, struct kvm_vcpu *vcpus[]);

/* The steps of td_create(), for tests of what is between */
struct kvm_vm *td_create_empty(u32 nr_vcpus, u64 size);
struct kvm_vcpu *td_add_vcpu(struct kvm_vm *vm, u32 id);
void td_load(struct kvm_vm *vm);
void td_finalize(struct kvm_vm *vm);

/* Let the TD do it; it is done, whatever became of it, when this returns. */
struct td_op *td_do(struct kvm_vcpu *vcpu, struct td_op op);

/* The same as claims: the TD finds what it should find. */
void td_write(struct kvm_vcpu *vcpu, gpa_t gpa, u64 size, u64 tag);
void td_check(struct kvm_vcpu *vcpu, gpa_t gpa, u64 size, u64 tag);
void td_accept(struct kvm_vcpu *vcpu, gpa_t gpa, u64 size, int level);
void td_accept_any(struct kvm_vcpu *vcpu, gpa_t gpa, u64 size, int level);

/* Convert from the TD, the host complies. */
void td_share(struct kvm_vcpu *vcpu, gpa_t gpa, u64 size);
void td_unshare(struct kvm_vcpu *vcpu, gpa_t gpa, u64 size);

/* Milliseconds between scans for ranges to promote, 0 for never. */
#define TD_PROMOTE_MS		500

void td_set_promote_ms(unsigned int ms);

/* Guest side, lib/x86/tdx_guest.c */
void td_guest_code(struct td_op *op);

#define TD_PORT_DONE		0x2000
#define TD_SHARED_BIT		BIT_ULL(47)
#define TD_SHARED_GVA		BIT_ULL(40)

/* lib/x86/tdx_boot.S: one page that ends at 4G */
#define TD_BOOT_GPA		0xfffff000ull
#define TD_BOOT_SLOT		9

extern const char td_boot_code[], td_boot_end[];

struct td_boot_vcpu {
	u64 rip;
	u64 rsp;
	u64 arg;
	u64 unused;
};

struct td_boot {
	u8 code[0x800];
	u16 gdt_limit;
	u32 gdt_base;
	u16 unused;
	u32 cr3;
	u32 cr4;
	u64 gdt[6];
	struct td_boot_vcpu vcpu[TD_MAX_VCPUS];
} __packed;

static_assert(offsetof(struct td_boot, gdt) == 0x810);
static_assert(offsetof(struct td_boot, vcpu) == 0x840);

#endif /* SELFTEST_KVM_TDX_H */
