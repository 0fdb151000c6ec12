/*
 * TDX host emulation: what a change of worlds swaps
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef I386_TCG_TDX_WORLD_H
#define I386_TCG_TDX_WORLD_H

#include "cpu.h"

/* Members of CPUX86State that host and TD each have their own of */
#define TDX_WORLD(X)                                                    \
    X(regs) X(eip) X(hflags) X(segs) X(ldt) X(tr) X(gdt) X(idt)         \
    X(cr) X(efer) X(dr) X(int_ctl) X(old_exception)                     \
    X(fpstt) X(fpus) X(fpuc) X(fptags) X(fpregs) X(fpop) X(fpip)        \
    X(fpdp) X(fp_status) X(sse_status) X(mxcsr) X(xmm_regs)             \
    X(sysenter_cs) X(sysenter_esp) X(sysenter_eip)                      \
    X(star) X(lstar) X(cstar) X(fmask) X(kernelgsbase) X(tsc_aux)       \
    X(xcr0) X(xss) X(pkru) X(pat)

#define TDX_WORLD_MEMBER(member) typeof(((CPUX86State *)0)->member) member;

/* An event whose delivery an exit cut short */
typedef struct TdxEvent {
    bool valid;
    bool is_int;
    bool is_hw;
    int vector;
    int error_code;
    target_ulong next_eip;
} TdxEvent;

typedef struct TdxWorld {
    TDX_WORLD(TDX_WORLD_MEMBER)
    uint64_t rflags;
    /* Of a TD only */
    TdxEvent event;
    uint64_t vmcall_mask;       /* registers that a TDVMCALL shares */
} TdxWorld;

/* Copy the CPU's state away, and back; both leave the TLB alone */
void tdx_world_save(CPUX86State *env, TdxWorld *w);
void tdx_world_load(CPUX86State *env, const TdxWorld *w);

/* Give the CPU the state of a virtual processor that starts */
typedef struct TdxStart {
    uint64_t rcx;               /* operand of TDH.VP.INIT */
    uint32_t index;             /* of the virtual processor */
    uint8_t address_bits;
    uint64_t xfam;
} TdxStart;
void tdx_world_start(CPUX86State *env, const TdxStart *start);

/* FPU, SSE and AVX as after a reset */
void tdx_world_reset_fpu(CPUX86State *env);

#endif
