/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SNP test image: services that every table uses.
 *
 * A row of a table prepares pages, executes one operation with run() and says
 * what it saw and what it wanted with want(). One CPU, no interrupts.
 */
#ifndef SNP_TEST_H
#define SNP_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "layout.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define PAGE_4K     0x1000ull
#define PAGE_2M     0x200000ull
#define PAGE_1G     0x40000000ull
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Vectors */
#define DB          1
#define UD          6
#define DF          8
#define GP          13
#define PF          14
#define VC          29
#define DONE        0x80

/* Error code of a page fault, and the upper half of a nested one's */
#define PF_P        (1ull << 0)
#define PF_W        (1ull << 1)
#define PF_U        (1ull << 2)
#define PF_RSVD     (1ull << 3)
#define PF_I        (1ull << 4)
#define PF_RMP      (1ull << 31)
#define NPF_FINAL   (1ull << 32)
#define NPF_WALK    (1ull << 33)
#define NPF_ENC     (1ull << 34)
#define NPF_SIZEM   (1ull << 35)
#define NPF_VMPL    (1ull << 36)

/* Page table entries */
#define PTE_P       (1ull << 0)
#define PTE_W       (1ull << 1)
#define PTE_U       (1ull << 2)
#define PTE_A       (1ull << 5)
#define PTE_D       (1ull << 6)
#define PTE_LARGE   (1ull << 7)
#define PTE_C       (1ull << 51)

/* Model-specific registers */
#define MSR_EFER        0xc0000080
#define MSR_STAR        0xc0000081
#define MSR_LSTAR       0xc0000082
#define MSR_CSTAR       0xc0000083
#define MSR_SFMASK      0xc0000084
#define MSR_FS_BASE     0xc0000100
#define MSR_GS_BASE     0xc0000101
#define MSR_KERNEL_GS   0xc0000102
#define MSR_SYSCFG      0xc0010010
#define MSR_HSAVE       0xc0010117
#define MSR_GHCB        0xc0010130
#define MSR_SEV_STATUS  0xc0010131
#define MSR_RMP_BASE    0xc0010132
#define MSR_RMP_END     0xc0010133
#define MSR_RMP_CFG     0xc0010136

#define SYSCFG_MFDM     (1ull << 19)
#define SYSCFG_MEM_ENC  (1ull << 23)
#define SYSCFG_SNP_EN   (1ull << 24)
#define SYSCFG_VMPL_EN  (1ull << 25)

/* Codes of the page-state instructions */
#define OK              0
#define FAIL_INPUT      1
#define FAIL_PERMISSION 2
#define FAIL_INUSE      3
#define FAIL_OVERLAP    4
#define FAIL_SIZE       6
#define FAIL_BADADDR    7

/* A trap's frame: how it is laid out on the stack is in trap.inc */
struct trap {
    u64 cr2;
    u64 r15, r14, r13, r12, r11, r10, r9, r8;
    u64 rdi, rsi, rbp, rbx, rdx, rcx, rax;
    u64 vector, error;
    u64 rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct trap) == 8 * TRAP_WORDS, "layout.h");

#define RFLAGS_CF   1

/* start.S, ops.S */
typedef const u8 op_t[];
extern op_t ops_start, ops_end, guest_entries, host_entries;
extern op_t op_nop, op_read, op_write, op_rmw, op_jump, op_cpuid, op_rdmsr,
            op_wrmsr, op_hlt, op_in, op_rdtsc, op_vmmcall, op_write_cr0,
            op_write_cr8, op_vmrun, op_rmpupdate, op_psmash, op_rmpread, op_pvalidate,
            op_rmpadjust, op_rmpquery, op_vmgexit, op_spin, op_wait, op_restore,
            op_update, op_refill, op_jump_both, op_rescind, op_xsavec, op_xrstor,
            op_read_dr0;
extern u32 start_info;     /* address of what the loader tells */
extern u64 boot_pml4[512];
extern u64 gdt[];
void run_frame(struct trap *regs, u64 code, u64 cs, u64 ss);

/* trap.c: execute an operation at CPL 0, or at CPL 3 */
void trap_init(void);
struct trap run(const u8 *op, u64 rax, u64 rcx, u64 rdx);
struct trap run_user(const u8 *op, u64 rax, u64 rcx, u64 rdx);
/* What run() gives the registers that no operation takes */
u64 sentinel(int reg);
/* Fill an interrupt table with gates to the entries of trap.inc */
void trap_gates(void *table, u64 entries, u8 ist);

/* lib.c */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void format(char *buf, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void vformat(char *buf, size_t size, const char *fmt, __builtin_va_list ap);
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void quit(int status) __attribute__((noreturn));
void *memset(void *to, int byte, size_t n);
void *memcpy(void *to, const void *from, size_t n);

static inline u64 rdmsr(u32 msr)
{
    u32 low, high;

    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return low | (u64)high << 32;
}

static inline void wrmsr(u32 msr, u64 val)
{
    asm volatile("wrmsr" : : "c"(msr), "a"((u32)val), "d"((u32)(val >> 32))
                 : "memory");
}

static inline void cpuid(u32 leaf, u32 reg[4])
{
    asm volatile("cpuid" : "=a"(reg[0]), "=b"(reg[1]), "=c"(reg[2]),
                 "=d"(reg[3]) : "a"(leaf), "c"(0));
}

static inline u64 rdtsc(void)
{
    u32 low, high;

    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (u64)high << 32;
}

static inline void flush_tlb(void)
{
    u64 cr3;

    asm volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "memory");
}

/* paging.c: a window of the host's address space, 4K or 2M pages */
void paging_init(void);
u64 arena_region(void);
/* Map one page; returns its virtual address */
u64 map_4k(u64 spa, u64 flags);
u64 map_2m(u64 spa, u64 flags);
u64 map_1g(u64 spa, u64 flags);
/* Let a page of the caller's be the last table on the way; see there */
u64 map_table(u64 table_spa);

/*
 * ktap.c: results. want() is silent when they agree; the first that does not
 * is the row's result.
 */
struct suite {
    const char *name;
    int rows;
    void (*row)(int row);
};
int ktap_run(const struct suite *const suites[], int n);
void row_name(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void want(const char *what, u64 got, u64 wanted);
void want_text(const char *what, const char *got, const char *wanted);
/* A fault's vector, and its error code when it has one */
void want_trap(const struct trap *t, u64 vector, u64 error);

/* The tables */
extern const struct suite suite_gates, suite_registers, suite_operands,
                          suite_update, suite_smash, suite_rmpread,
                          suite_host, suite_rights, suite_walk, suite_vmrun,
                          suite_exits, suite_host_state, suite_guest,
                          suite_vmpl, suite_pvalidate, suite_rmpadjust,
                          suite_rmpquery, suite_sev, suite_launch,
                          suite_inject, suite_smp, suite_leak,
                          suite_nested_walk, suite_xsave;

#endif
