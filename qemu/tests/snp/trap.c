/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traps: every operation ends with one, and its frame is the result. */
#include "snp.h"

struct gate {
    u16 offset_low, selector;
    u8 ist, type;
    u16 offset_mid;
    u32 offset_high, reserved;
};
_Static_assert(sizeof(struct gate) == 16, "gate");

#define GATE_INTERRUPT_USER 0xee
#define TRAP_ENTRY          16

static struct gate idt[256];

void trap_gates(void *to, u64 entries, u8 ist)
{
    struct gate *table = to;

    for (int i = 0; i <= 32; i++) {
        u64 at = entries + i * TRAP_ENTRY;

        table[i < 32 ? i : DONE] = (struct gate) {
            .offset_low = at,
            .offset_mid = at >> 16,
            .offset_high = at >> 32,
            .selector = SEL_CODE,
            .type = GATE_INTERRUPT_USER,
            .ist = ist,
        };
    }
}

void trap_init(void)
{
    struct __attribute__((packed)) {
        u16 limit;
        u64 base;
    } pointer = { sizeof(idt) - 1, (u64)idt };

    trap_gates(idt, (u64)host_entries, 1);
    asm volatile("lidt %0" : : "m"(pointer));
}

void trap_unexpected(struct trap *t)
{
    die("trap %lx error %lx at %lx, address %lx", t->vector, t->error, t->rip,
        t->cr2);
}

u64 sentinel(int reg)
{
    return 0x5e00000000000000ull + 0x0101010101ull * reg;
}

static struct trap run_at(const u8 *op, u64 rax, u64 rcx, u64 rdx, u64 cs,
                          u64 ss)
{
    struct trap t = {
        .rax = rax, .rcx = rcx, .rdx = rdx,
        .rbx = sentinel(3), .rbp = sentinel(5), .rsi = sentinel(6),
        .rdi = sentinel(7), .r8 = sentinel(8), .r9 = sentinel(9),
        .r10 = sentinel(10), .r11 = sentinel(11), .r12 = sentinel(12),
        .r13 = sentinel(13), .r14 = sentinel(14), .r15 = sentinel(15),
    };

    run_frame(&t, (u64)op, cs, ss);
    return t;
}

struct trap run(const u8 *op, u64 rax, u64 rcx, u64 rdx)
{
    return run_at(op, rax, rcx, rdx, SEL_CODE, SEL_DATA);
}

struct trap run_user(const u8 *op, u64 rax, u64 rcx, u64 rdx)
{
    return run_at(op, rax, rcx, rdx, SEL_USER_CODE, SEL_USER_DATA);
}
