/*
 * SEV-ES: the world switch with an encrypted save area
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VMRUN loads the whole guest from the VMSA and #VMEXIT stores it back. Of
 * the host, VMRUN saves what plain SVM saves; #VMEXIT besides loads from the
 * host save area what software put there (segment registers with their
 * MSRs, general registers, XCR0, XSS, PKRU) and resets the FPU.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "tcg/helper-tcg.h"
#include "hw/i386/snp-host.h"
#include "target/i386/sev-vmsa.h"
#include "snp-tcg.h"

static void load_seg(CPUX86State *env, const struct vmcb_seg *seg,
                     SegmentCache *sc)
{
    uint16_t attrib = lduw_le_p(&seg->attrib);
    int shift = 64 - cpu_x86_virtual_addr_width(env);

    sc->selector = lduw_le_p(&seg->selector);
    sc->base = (int64_t)(ldq_le_p(&seg->base) << shift) >> shift;
    sc->limit = ldl_le_p(&seg->limit);
    sc->flags = (attrib & 0xff) << 8 | (attrib & 0xf00) << 12;
}

static void load_seg_cache(CPUX86State *env, const struct vmcb_seg *seg,
                           int reg)
{
    SegmentCache sc;

    load_seg(env, seg, &sc);
    cpu_x86_load_seg_cache(env, reg, sc.selector, sc.base, sc.limit, sc.flags);
}

static void store_seg(struct vmcb_seg *seg, const SegmentCache *sc)
{
    stw_le_p(&seg->selector, sc->selector);
    stq_le_p(&seg->base, sc->base);
    stl_le_p(&seg->limit, sc->limit);
    stw_le_p(&seg->attrib, ((sc->flags >> 8) & 0xff) |
                           ((sc->flags >> 12) & 0xf00));
}

/* What VMLOAD and VMSAVE move: the same members in guest and host */
static void load_vmload_state(CPUX86State *env, const SEVVmsa *v)
{
    load_seg_cache(env, &v->fs, R_FS);
    load_seg_cache(env, &v->gs, R_GS);
    load_seg(env, &v->tr, &env->tr);
    load_seg(env, &v->ldtr, &env->ldt);
    env->star = ldq_le_p(&v->star);
    env->lstar = ldq_le_p(&v->lstar);
    env->cstar = ldq_le_p(&v->cstar);
    env->fmask = ldq_le_p(&v->sfmask);
    env->kernelgsbase = ldq_le_p(&v->kernel_gs_base);
    env->sysenter_cs = ldq_le_p(&v->sysenter_cs);
    env->sysenter_esp = ldq_le_p(&v->sysenter_esp);
    env->sysenter_eip = ldq_le_p(&v->sysenter_eip);
}

static void store_vmsave_state(CPUX86State *env, SEVVmsa *v)
{
    store_seg(&v->fs, &env->segs[R_FS]);
    store_seg(&v->gs, &env->segs[R_GS]);
    store_seg(&v->tr, &env->tr);
    store_seg(&v->ldtr, &env->ldt);
    stq_le_p(&v->star, env->star);
    stq_le_p(&v->lstar, env->lstar);
    stq_le_p(&v->cstar, env->cstar);
    stq_le_p(&v->sfmask, env->fmask);
    stq_le_p(&v->kernel_gs_base, env->kernelgsbase);
    stq_le_p(&v->sysenter_cs, env->sysenter_cs);
    stq_le_p(&v->sysenter_esp, env->sysenter_esp);
    stq_le_p(&v->sysenter_eip, env->sysenter_eip);
}

static void load_xstate_control(CPUX86State *env, const SEVVmsa *v)
{
    /* Bit 0 of XCR0 is always set; a save area never written reads 0 */
    env->xcr0 = ldq_le_p(&v->xcr0) | XSTATE_FP_MASK;
    env->xss = ldq_le_p(&v->xss);
    env->pkru = ldl_le_p(&v->pkru);
    cpu_sync_bndcs_hflags(env);
    cpu_sync_avx_hflag(env);
}

static void load_fpu(CPUX86State *env, const SEVVmsa *v)
{
    uint16_t fsw = lduw_le_p(&v->x87_fsw);
    uint8_t valid = lduw_le_p(&v->x87_ftw);

    env->fpus = fsw & ~0x3800;
    env->fpstt = (fsw >> 11) & 7;
    cpu_set_fpuc(env, lduw_le_p(&v->x87_fcw));
    cpu_set_mxcsr(env, ldl_le_p(&v->mxcsr));
    env->fpop = lduw_le_p(&v->x87_fop);
    env->fpip = ldq_le_p(&v->x87_rip);
    env->fpdp = ldq_le_p(&v->x87_dp);
    for (int i = 0; i < 8; i++) {
        floatx80 *st = &env->fpregs[(env->fpstt + i) & 7].d;

        env->fptags[i] = !(valid & (1 << i));
        st->low = ldq_le_p(&v->x87_low[i]);
        st->high = lduw_le_p(&v->x87_high[i]);
    }
    for (int i = 0; i < 16; i++) {
        env->xmm_regs[i].ZMM_Q(0) = ldq_le_p(&v->xmm[i][0]);
        env->xmm_regs[i].ZMM_Q(1) = ldq_le_p(&v->xmm[i][1]);
        env->xmm_regs[i].ZMM_Q(2) = ldq_le_p(&v->ymm_high[i][0]);
        env->xmm_regs[i].ZMM_Q(3) = ldq_le_p(&v->ymm_high[i][1]);
    }
}

static void store_fpu(CPUX86State *env, SEVVmsa *v)
{
    uint8_t valid = 0;

    for (int i = 0; i < 8; i++) {
        floatx80 *st = &env->fpregs[(env->fpstt + i) & 7].d;

        valid |= !env->fptags[i] << i;
        stq_le_p(&v->x87_low[i], st->low);
        stw_le_p(&v->x87_high[i], st->high);
    }
    stw_le_p(&v->x87_fsw, (env->fpus & ~0x3800) | env->fpstt << 11);
    stw_le_p(&v->x87_ftw, valid);
    stw_le_p(&v->x87_fcw, env->fpuc);
    update_mxcsr_from_sse_status(env);
    stl_le_p(&v->mxcsr, env->mxcsr);
    stw_le_p(&v->x87_fop, env->fpop);
    stq_le_p(&v->x87_rip, env->fpip);
    stq_le_p(&v->x87_dp, env->fpdp);
    for (int i = 0; i < 16; i++) {
        stq_le_p(&v->xmm[i][0], env->xmm_regs[i].ZMM_Q(0));
        stq_le_p(&v->xmm[i][1], env->xmm_regs[i].ZMM_Q(1));
        stq_le_p(&v->ymm_high[i][0], env->xmm_regs[i].ZMM_Q(2));
        stq_le_p(&v->ymm_high[i][1], env->xmm_regs[i].ZMM_Q(3));
    }
}

static void load_gprs(CPUX86State *env, const SEVVmsa *v)
{
    for (int i = R_ECX; i < CPU_NB_REGS; i++) {
        if (i != R_ESP) {
            env->regs[i] = ldq_le_p(&SEV_VMSA_GPR(v, i));
        }
    }
}

/* Control registers in the order in which their side effects need them */
static void load_control(CPUX86State *env, const SEVVmsa *v)
{
    cpu_x86_update_cr0(env, ldq_le_p(&v->cr0));
    cpu_x86_update_cr4(env, ldq_le_p(&v->cr4));
    cpu_x86_update_cr3(env, ldq_le_p(&v->cr3));
    env->cr[2] = ldq_le_p(&v->cr2);
    cpu_load_efer(env, ldq_le_p(&v->efer));
    env->eflags = 0;
    cpu_load_eflags(env, ldq_le_p(&v->rflags),
                    ~(CC_O | CC_S | CC_Z | CC_A | CC_P | CC_C | DF_MASK));
    cpu_x86_update_dr7(env, ldq_le_p(&v->dr7));
    env->dr[6] = ldq_le_p(&v->dr6);
    env->pat = ldq_le_p(&v->g_pat);
}

void sev_es_load_guest(CPUX86State *env)
{
    const SEVVmsa *v = env->snp.vmsa_host;

    env->snp.host_pat = env->pat;
    load_control(env, v);
    load_seg_cache(env, &v->es, R_ES);
    load_seg_cache(env, &v->cs, R_CS);
    load_seg_cache(env, &v->ss, R_SS);
    load_seg_cache(env, &v->ds, R_DS);
    load_seg(env, &v->idtr, &env->idt);
    load_seg(env, &v->gdtr, &env->gdt);
    load_vmload_state(env, v);
    load_xstate_control(env, v);
    load_fpu(env, v);
    load_gprs(env, v);
    env->eip = ldq_le_p(&v->rip);
    env->regs[R_ESP] = ldq_le_p(&v->rsp);
    env->regs[R_EAX] = ldq_le_p(&v->rax);
}

static void store_control(CPUX86State *env, SEVVmsa *v)
{
    stq_le_p(&v->cr0, env->cr[0]);
    stq_le_p(&v->cr2, env->cr[2]);
    stq_le_p(&v->cr3, env->cr[3]);
    stq_le_p(&v->cr4, env->cr[4]);
    stq_le_p(&v->efer, env->efer);
    stq_le_p(&v->rflags, cpu_compute_eflags(env));
    stq_le_p(&v->dr7, env->dr[7]);
    stq_le_p(&v->dr6, env->dr[6]);
    stq_le_p(&v->g_pat, env->pat);
    stq_le_p(&v->xcr0, env->xcr0);
    stq_le_p(&v->xss, env->xss);
    stl_le_p(&v->pkru, env->pkru);
    v->cpl = env->hflags & HF_CPL_MASK;
}

/* Exits that complete their instruction: software cannot move RIP */
static bool exit_advances(uint64_t code)
{
    switch (code) {
    case SVM_EXIT_HLT:
    case SVM_EXIT_PAUSE:
    case SVM_EXIT_IDLE_HLT:
    case SVM_EXIT_VMGEXIT:
    case SVM_EXIT_WRITE_TRAP_EFER ... SVM_EXIT_WRITE_TRAP_CR0 + 15:
        return true;
    default:
        return false;
    }
}

void sev_es_store_guest(CPUX86State *env)
{
    SEVVmsa *v = env->snp.vmsa_host;

    store_control(env, v);
    store_seg(&v->es, &env->segs[R_ES]);
    store_seg(&v->cs, &env->segs[R_CS]);
    store_seg(&v->ss, &env->segs[R_SS]);
    store_seg(&v->ds, &env->segs[R_DS]);
    store_seg(&v->idtr, &env->idt);
    store_seg(&v->gdtr, &env->gdt);
    store_vmsave_state(env, v);
    store_fpu(env, v);
    for (int i = R_ECX; i < CPU_NB_REGS; i++) {
        if (i != R_ESP) {
            stq_le_p(&SEV_VMSA_GPR(v, i), env->regs[i]);
        }
    }
    stq_le_p(&v->rip, exit_advances(env->snp.exit_code) ? env->snp.next_rip
                                                        : env->eip);
    stq_le_p(&v->rsp, env->regs[R_ESP]);
    stq_le_p(&v->rax, env->regs[R_EAX]);
    stq_le_p(&v->guest_exit_code, env->snp.exit_code);
}

void sev_es_load_host(CPUX86State *env)
{
    static const SEVVmsa reset = {
        .x87_fcw = 0x37f,
        .mxcsr = 0x1f80,
    };
    const SEVVmsa *v = snp_host_ram_ptr(env->vm_hsave);

    env->pat = env->snp.host_pat;
    load_fpu(env, &reset);
    if (v) {
        v = (const void *)((const uint8_t *)v + SEV_VMSA_HSAVE_OFFSET);
        load_vmload_state(env, v);
        load_xstate_control(env, v);
        load_gprs(env, v);
    }
}
