// SPDX-License-Identifier: GPL-2.0-only
/*
 * What runs inside of a TD: a loop that does what the host has put into a
 * shared page, and tells it when that is done.
 */
#include "tdx.h"

#define TDG_VP_VMCALL		0
#define TDG_MEM_PAGE_ACCEPT	6

/* R10 to R15 pass between the TD and the host. */
#define VMCALL_REGS		0xfc00

#define VMCALL_IO		30
#define VMCALL_MAP_GPA		0x10001
#define VMCALL_RETRY		1

#define NR_WORDS		(PAGE_SIZE / sizeof(u64))

static u64 guest_vmcall(u64 fn, u64 a12, u64 a13, u64 a14, u64 *a11)
{
	register u64 r10 asm("r10") = 0;
	register u64 r11 asm("r11") = fn;
	register u64 r12 asm("r12") = a12;
	register u64 r13 asm("r13") = a13;
	register u64 r14 asm("r14") = a14;
	register u64 r15 asm("r15") = 0;
	u64 rax = TDG_VP_VMCALL;

	asm volatile(".byte 0x66, 0x0f, 0x01, 0xcc"
		     : "+a"(rax), "+r"(r10), "+r"(r11), "+r"(r12), "+r"(r13),
		       "+r"(r14), "+r"(r15)
		     : "c"(VMCALL_REGS)
		     : "memory");
	if (a11)
		*a11 = r11;
	return rax ?: r10;
}

static u64 guest_accept(gpa_t gpa, u64 level)
{
	u64 rax = TDG_MEM_PAGE_ACCEPT;

	asm volatile(".byte 0x66, 0x0f, 0x01, 0xcc"
		     : "+a"(rax)
		     : "c"(gpa | level)
		     : "rdx", "r8", "r9", "r10", "r11", "memory");
	return rax;
}

/* The host may convert less than it was asked for, and says how far it came. */
static u64 guest_map(gpa_t gpa, u64 size, bool shared)
{
	u64 end = gpa + size, status, next;

	do {
		next = 0;
		status = guest_vmcall(VMCALL_MAP_GPA,
				      gpa | (shared ? TD_SHARED_BIT : 0),
				      end - gpa, 0, &next);
		if (status != VMCALL_RETRY)
			return status;
		gpa = next & ~TD_SHARED_BIT;
	} while (gpa < end);
	return status;
}

static u64 guest_word(const struct td_op *op, gpa_t gpa)
{
	return op->tag ? gpa | op->tag : 0;
}

static void guest_write(const struct td_op *op, u64 alias)
{
	gpa_t gpa;

	for (gpa = op->gpa; gpa < op->gpa + op->size; gpa += PAGE_SIZE) {
		u64 *page = (void *)(gpa + alias);

		WRITE_ONCE(page[0], guest_word(op, gpa));
		WRITE_ONCE(page[NR_WORDS - 1], guest_word(op, gpa));
	}
}

static bool guest_page_holds(struct td_op *op, const u64 *page, u64 word)
{
	int i, step = word ? NR_WORDS - 1 : 1;

	for (i = 0; i < NR_WORDS; i += step) {
		op->failed_word = READ_ONCE(page[i]);
		if (op->failed_word != word)
			return false;
	}
	return true;
}

static u64 guest_check(struct td_op *op, u64 alias)
{
	gpa_t gpa;

	for (gpa = op->gpa; gpa < op->gpa + op->size; gpa += PAGE_SIZE) {
		if (guest_page_holds(op, (void *)(gpa + alias),
				     guest_word(op, gpa)))
			continue;
		op->failed_gpa = gpa;
		return 1;
	}
	return 0;
}

static u64 guest_accept_all(const struct td_op *op)
{
	u64 step = PAGE_SIZE << (9 * op->level), status;
	gpa_t gpa;

	for (gpa = op->gpa; gpa < op->gpa + op->size; gpa += step) {
		status = guest_accept(gpa, op->level);
		if (status)
			return status;
	}
	return 0;
}

/* Somebody else may have accepted parts of it. */
static u64 guest_accept_any(const struct td_op *op)
{
	u64 step = PAGE_SIZE << (9 * op->level), status;
	gpa_t gpa;

	for (gpa = op->gpa; gpa < op->gpa + op->size; gpa += step) {
		status = guest_accept(gpa, op->level);
		if (op->level && status >> 32 == TD_SIZE_MISMATCH) {
			const struct td_op parts = { .gpa = gpa, .size = step };

			status = guest_accept_any(&parts);
		}
		if (status && status >> 32 != TD_ALREADY_ACCEPTED)
			return status;
	}
	return 0;
}

static u64 guest_do(struct td_op *op)
{
	switch (op->verb) {
	case TD_WRITE:
		guest_write(op, 0);
		return 0;
	case TD_CHECK:
		return guest_check(op, 0);
	case TD_WRITE_SHARED:
		guest_write(op, TD_SHARED_GVA);
		return 0;
	case TD_CHECK_SHARED:
		return guest_check(op, TD_SHARED_GVA);
	case TD_ACCEPT:
		return guest_accept_all(op);
	case TD_ACCEPT_ANY:
		return guest_accept_any(op);
	case TD_MAP_PRIVATE:
		return guest_map(op->gpa, op->size, false);
	case TD_MAP_SHARED:
		return guest_map(op->gpa, op->size, true);
	case TD_CALL:
		return ((u64 (*)(void))op->gpa)();
	default:
		return -1ull;
	}
}

void td_guest_code(struct td_op *op)
{
	for (;;) {
		guest_vmcall(VMCALL_IO, sizeof(u32), 1, TD_PORT_DONE, NULL);
		op->result = guest_do(op);
	}
}
