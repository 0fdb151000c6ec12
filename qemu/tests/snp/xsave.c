/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XSAVEC and XRSTOR of what it writes: a Linux guest of SNP wants them.
 *
 * Example: of x87, SSE, AVX and PKRU (0x207), SSE and PKRU (0x202) are saved.
 * XCOMP_BV is 0x202 and bit 63, and PKRU is the first behind the header, at
 * 576; with AVX saved too it is at 832. The standard form has it at 2688.
 */
#include "snp.h"

#define FP          (1ull << 0)
#define SSE         (1ull << 1)
#define AVX         (1ull << 2)
#define OPMASK      (1ull << 5)
#define PKRU        (1ull << 9)
#define ENABLED     (FP | SSE | AVX | PKRU)
#define COMPACTED   (1ull << 63)

#define CR4_OSFXSR  (1ull << 9)
#define CR4_OSXSAVE (1ull << 18)

/* The area, in quads */
#define MXCSR       (24 / 8)
#define XMM0        (160 / 8)
#define XSTATE_BV   (512 / 8)
#define XCOMP_BV    (520 / 8)
#define RESERVED    (528 / 8)
#define EXTENDED    (576 / 8)
#define BEHIND_AVX  (832 / 8)
#define NOWHERE     (1024 / 8)
#define AREA        (4096 / 8)
#define UNTOUCHED   0xa5a5a5a5a5a5a5a5ull

/* Registers of the test: x87's top, XMM0, the upper half of YMM0, PKRU */
#define KEYS        0x55555550ull
#define MXCSR_VALUE 0x1f00u     /* one exception unmasked */
#define MXCSR_RESET 0x1f80u
static const u64 vector[4] = { 0x1111, 0x2222, 0x3333, 0x4444 };

static u64 area[AREA] __attribute__((aligned(64)));

static void set_cr4(u64 set, u64 clear)
{
    u64 cr4;

    asm volatile("mov %%cr4, %0" : "=r"(cr4));
    asm volatile("mov %0, %%cr4" : : "r"((cr4 | set) & ~clear) : "memory");
}

static void set_xcr0(u64 value)
{
    asm volatile("xsetbv" : : "c"(0), "a"((u32)value), "d"(0));
}

static void load_registers(void)
{
    u32 mxcsr = MXCSR_VALUE;

    asm volatile("vmovdqu %0, %%ymm0" : : "m"(vector));
    asm volatile("ldmxcsr %0" : : "m"(mxcsr));
    /* PKRU has an instruction of its own, which wants CR4.PKE; XRSTOR not */
    memset(area, 0, sizeof(area));
    area[XSTATE_BV] = PKRU;
    area[2688 / 8] = KEYS;
    asm volatile("xrstor %0" : : "m"(area), "a"((u32)PKRU), "d"(0));
}

static void clear_registers(void)
{
    u32 mxcsr = MXCSR_RESET;

    asm volatile("vzeroall");
    asm volatile("ldmxcsr %0" : : "m"(mxcsr));
}

static void begin(void)
{
    set_cr4(CR4_OSFXSR | CR4_OSXSAVE, 0);
    set_xcr0(ENABLED);
    load_registers();
    for (unsigned i = 0; i < AREA; i++) {
        area[i] = UNTOUCHED;
    }
}

/* As the other suites know the processor */
static void end(void)
{
    set_cr4(CR4_OSXSAVE, 0);
    set_xcr0(FP);
    set_cr4(0, CR4_OSFXSR | CR4_OSXSAVE);
}

static struct trap xsavec(u64 mask)
{
    return run(op_xsavec, mask, (u64)area, 0);
}

static struct trap xrstor(u64 mask)
{
    return run(op_xrstor, mask, (u64)area, 0);
}

/* What is saved, and where */
static const struct save_row {
    const char *name;
    u64 mask, saved;
    int avx, pkru;          /* quads in the area */
} save_rows[] = {
    { "everything", ~0ull, ENABLED, EXTENDED, BEHIND_AVX },
    { "AVX without PKRU", FP | SSE | AVX, FP | SSE | AVX, EXTENDED, NOWHERE },
    { "PKRU without AVX", SSE | PKRU, SSE | PKRU, NOWHERE, EXTENDED },
    { "the legacy part", FP | SSE, FP | SSE, NOWHERE, NOWHERE },
    { "what is not enabled", OPMASK, 0, NOWHERE, NOWHERE },
};

static void want_saved(const struct save_row *r)
{
    want("XSTATE_BV", area[XSTATE_BV], r->saved);
    want("XCOMP_BV", area[XCOMP_BV], r->saved | COMPACTED);
    want("header behind", area[RESERVED], UNTOUCHED);
    want("XMM0", area[XMM0], r->saved & SSE ? vector[0] : UNTOUCHED);
    want("MXCSR", (u32)area[MXCSR], r->saved & SSE ? MXCSR_VALUE
                                                   : (u32)UNTOUCHED);
    want("AVX", area[r->avx], r->saved & AVX ? vector[2] : UNTOUCHED);
    want("PKRU", area[r->pkru], r->saved & PKRU ? KEYS : UNTOUCHED);
}

/* The same registers by a second save, of the standard form */
static void want_restored(const struct save_row *r)
{
    memset(area, 0, sizeof(area));
    asm volatile("xsave %0" : "+m"(area) : "a"((u32)ENABLED), "d"(0));
    want("XMM0 restored", area[XMM0], r->saved & SSE ? vector[0] : 0);
    want("MXCSR restored", (u32)area[MXCSR], r->saved & SSE ? MXCSR_VALUE
                                                            : MXCSR_RESET);
    want("AVX restored", area[EXTENDED], r->saved & AVX ? vector[2] : 0);
    want("PKRU restored", area[2688 / 8], r->saved & PKRU ? KEYS : 0);
}

static void save_row(const struct save_row *r)
{
    struct trap t;

    row_name("XSAVEC and XRSTOR, %s", r->name);
    begin();
    t = xsavec(r->mask);
    want("vector", t.vector, DONE);
    want_saved(r);
    clear_registers();
    for (int i = RESERVED; i < EXTENDED; i++) {
        area[i] = 0;
    }
    /* What is asked for and not in the area gets its initial value */
    t = xrstor(ENABLED);
    want("vector of XRSTOR", t.vector, DONE);
    want_restored(r);
    end();
}

/* What XRSTOR refuses: one quad of a good area is changed */
static const struct header_row {
    const char *name;
    int quad;
    u64 value;
    u64 vector;
} header_rows[] = {
    { "good area", XSTATE_BV, SSE | AVX, DONE },
    { "XSTATE_BV names what XCOMP_BV does not", XSTATE_BV, SSE | AVX | PKRU,
      GP },
    { "XCOMP_BV names what XCR0 does not", XCOMP_BV,
      COMPACTED | SSE | AVX | OPMASK, GP },
    { "first reserved quad of the header", RESERVED, 1, GP },
    { "last reserved quad of the header", EXTENDED - 1, 1, GP },
    { "XCOMP_BV without bit 63", XCOMP_BV, SSE | AVX, GP },
    { "component left out of XSTATE_BV", XSTATE_BV, SSE, DONE },
};

static void header_row(const struct header_row *r)
{
    struct trap t;

    row_name("XRSTOR, %s", r->name);
    begin();
    memset(area, 0, sizeof(area));
    area[MXCSR] = MXCSR_RESET;
    area[XSTATE_BV] = SSE | AVX;
    area[XCOMP_BV] = COMPACTED | SSE | AVX;
    area[r->quad] = r->value;
    t = xrstor(ENABLED);
    want("vector", t.vector, r->vector);
    end();
}

static void unaligned_row(void)
{
    struct trap t;

    row_name("XSAVEC to an address that is no multiple of 64");
    begin();
    t = run(op_xsavec, ENABLED, (u64)area + 8, 0);
    want_trap(&t, GP, 0);
    end();
}

static void disabled_row(void)
{
    struct trap t;

    row_name("XSAVEC without CR4.OSXSAVE");
    t = xsavec(FP);
    want("vector", t.vector, UD);
}

static u32 cpuid_xsave(u32 *eax)
{
    u32 ebx, ecx, edx;

    asm volatile("cpuid" : "=a"(*eax), "=b"(ebx), "=c"(ecx), "=d"(edx)
                 : "a"(0xd), "c"(1));
    return ebx;
}

/* The size is that of what is enabled, not of what there is */
static void cpuid_row(void)
{
    u32 eax;

    row_name("CPUID offers XSAVEC, and not XSAVES");
    begin();
    want("size of all", cpuid_xsave(&eax), BEHIND_AVX * 8 + 8);
    want("XSAVEC", eax >> 1 & 1, 1);
    want("XSAVES", eax >> 3 & 1, 0);
    set_xcr0(FP | SSE | AVX);
    want("size without PKRU", cpuid_xsave(&eax), BEHIND_AVX * 8);
    set_xcr0(FP | SSE);
    want("size of the legacy part", cpuid_xsave(&eax), EXTENDED * 8);
    end();
}

static void xsave_row(int row)
{
    static void (*const others[])(void) = {
        cpuid_row, unaligned_row, disabled_row,
    };
    const int saves = ARRAY_SIZE(save_rows), headers = ARRAY_SIZE(header_rows);

    if (row < saves) {
        save_row(&save_rows[row]);
    } else if (row < saves + headers) {
        header_row(&header_rows[row - saves]);
    } else {
        others[row - saves - headers]();
    }
}

const struct suite suite_xsave = {
    "xsave", ARRAY_SIZE(save_rows) + ARRAY_SIZE(header_rows) + 3, xsave_row,
};
