/*
 * TDX host emulation: what a change of worlds swaps
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "tcg/helper-tcg.h"
#include "tdx-world.h"

#define COPY(to, from) memcpy(&(to), &(from), sizeof(to))
#define ALL_FLAGS (~(CC_O | CC_S | CC_Z | CC_A | CC_P | CC_C | DF_MASK))

void tdx_world_save(CPUX86State *env, TdxWorld *w)
{
#define SAVE(member) COPY(w->member, env->member);
    TDX_WORLD(SAVE)
#undef SAVE
    w->rflags = cpu_compute_eflags(env);
}

void tdx_world_load(CPUX86State *env, const TdxWorld *w)
{
    /* Breakpoints are objects of QEMU: none of the other world's stays */
    cpu_x86_update_dr7(env, 0);
#define LOAD(member) COPY(env->member, w->member);
    TDX_WORLD(LOAD)
#undef LOAD
    env->dr[7] = 0;
    cpu_x86_update_dr7(env, w->dr[7]);
    env->eflags = 0;
    cpu_load_eflags(env, w->rflags, ALL_FLAGS);
}

void tdx_world_reset_fpu(CPUX86State *env)
{
    env->fpstt = 0;
    env->fpus = 0;
    env->fpop = 0;
    env->fpip = 0;
    env->fpdp = 0;
    cpu_set_fpuc(env, 0x37f);
    memset(env->fptags, 1, sizeof(env->fptags));
    memset(env->fpregs, 0, sizeof(env->fpregs));
    cpu_set_mxcsr(env, 0x1f80);
    memset(env->xmm_regs, 0, sizeof(env->xmm_regs));
}

/* Flat, 4G, accessed */
static void start_segments(CPUX86State *env)
{
    const int flat = DESC_G_MASK | DESC_B_MASK | DESC_P_MASK | DESC_S_MASK |
                     DESC_A_MASK;

    cpu_x86_load_seg_cache(env, R_CS, 0, 0, UINT32_MAX,
                           flat | DESC_CS_MASK | DESC_R_MASK);
    for (int reg = 0; reg < 6; reg++) {
        if (reg != R_CS) {
            cpu_x86_load_seg_cache(env, reg, 0, 0, UINT32_MAX,
                                   flat | DESC_W_MASK);
        }
    }
    env->gdt = env->idt = (SegmentCache) { .limit = 0xffff };
    env->ldt = (SegmentCache) {
        .limit = 0xffff,
        .flags = DESC_P_MASK | 2 << DESC_TYPE_SHIFT,
    };
    env->tr = (SegmentCache) {
        .limit = 0xffff,
        .flags = DESC_P_MASK | 11 << DESC_TYPE_SHIFT,
    };
}

static void start_registers(CPUX86State *env, const TdxStart *start)
{
    memset(env->regs, 0, sizeof(env->regs));
    env->regs[R_EBX] = start->address_bits;
    env->regs[R_ECX] = env->regs[R_R8] = start->rcx;
    env->regs[R_EDX] = env->cpuid_version;
    env->regs[R_ESI] = start->index;
    env->eip = 0xfffffff0;
    env->eflags = 0;
    cpu_load_eflags(env, 0, ALL_FLAGS);
}

/* Protected mode without paging; EFER.LME is set, so paging is IA-32e's */
void tdx_world_start(CPUX86State *env, const TdxStart *start)
{
    cpu_x86_update_dr7(env, DR7_FIXED_1);
    memset(env->dr, 0, 4 * sizeof(env->dr[0]));
    env->dr[6] = DR6_FIXED_1;
    cpu_x86_update_cr0(env, CR0_PE_MASK | CR0_ET_MASK | CR0_NE_MASK);
    cpu_load_efer(env, MSR_EFER_LME | MSR_EFER_SCE | MSR_EFER_NXE);
    cpu_x86_update_cr4(env, CR4_MCE_MASK);
    env->cr[2] = 0;
    cpu_x86_update_cr3(env, 0);
    start_segments(env);
    start_registers(env, start);
    tdx_world_reset_fpu(env);
    env->sysenter_cs = env->sysenter_esp = env->sysenter_eip = 0;
    env->star = env->lstar = env->cstar = env->fmask = 0;
    env->kernelgsbase = env->tsc_aux = 0;
    env->pat = 0x0007040600070406ull;
    env->xcr0 = XSTATE_FP_MASK;
    env->xss = 0;
    env->pkru = 0;
    env->int_ctl = 0;
    env->old_exception = -1;
    env->hflags &= ~HF_INHIBIT_IRQ_MASK;
    cpu_sync_bndcs_hflags(env);
    cpu_sync_avx_hflag(env);
}
