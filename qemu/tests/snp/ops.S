/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operations that a row of a table can name. Each takes its arguments in
 * RAX, RCX and RDX and ends with the vector TRAP_DONE, so that its registers
 * and flags reach the row the same way as those of a fault.
 *
 * The page is used twice: where it is linked, by the host, and copied to
 * GUEST_CODE, by the guest. Nothing in it depends on its address.
 */
#include "trap.inc"
#include "layout.h"

.macro OP name code:vararg
    .global op_\name
    .balign 16
op_\name:
    \code
    int  $TRAP_DONE
.endm

    .section .ops, "awx"
    .code64
    .global ops_start, ops_end, guest_entries
ops_start:
    OP nop,       nop
    OP read,      mov (%rax), %rcx
    OP write,     mov %rcx, (%rax)
    OP rmw,       lock addq $0, (%rax)
    OP jump,      jmp *%rax
    OP cpuid,     cpuid
    OP rdmsr,     rdmsr
    OP wrmsr,     wrmsr
    OP hlt,       hlt
    OP in,        in $0x80, %al
    OP rdtsc,     rdtsc
    OP vmmcall,   vmmcall
    OP read_dr0,  mov %dr0, %rax
    OP write_cr0, mov %rax, %cr0
    OP write_cr8, mov %rax, %cr8
    OP xsavec,    xsavec (%rcx)
    OP xrstor,    xrstor (%rcx)
    OP rmpupdate, .byte 0xf2, 0x0f, 0x01, 0xfe
    OP psmash,    .byte 0xf3, 0x0f, 0x01, 0xff
    OP rmpread,   .byte 0xf2, 0x0f, 0x01, 0xfd
    OP pvalidate, .byte 0xf2, 0x0f, 0x01, 0xff
    OP rmpadjust, .byte 0xf3, 0x0f, 0x01, 0xfe
    OP rmpquery,  .byte 0xf3, 0x0f, 0x01, 0xfd
    OP vmgexit,   .byte 0xf3, 0x0f, 0x01, 0xd9

    /* Write RCX for ever */
    .global op_spin
    .balign 16
op_spin:
1:  mov  %rcx, (%rax)
    jmp  1b

    /* Write RCX, then wait for a 2 there */
    .global op_wait
    .balign 16
op_wait:
    mov  %rcx, (%rax)
1:  pause
    cmpq $2, (%rax)
    jne  1b
    int  $TRAP_DONE

    /* Say so at RCX, then restore the FPU from RAX until there is a 2 */
    .global op_restore
    .balign 16
op_restore:
    movq $1, (%rcx)
1:  fxrstor (%rax)
    cmpq $2, (%rcx)
    jne  1b
    int  $TRAP_DONE

    /* Say so at RDX, then RMPUPDATE, which flushes TLBs, until there is a 2 */
    .global op_update
    .balign 16
op_update:
    mov  %rax, %r8
    movq $1, (%rdx)
1:  mov  %r8, %rax
    .byte 0xf2, 0x0f, 0x01, 0xfe
    cmpq $2, (%rdx)
    jne  1b
    int  $TRAP_DONE

    /* Say so at RCX, then fill the TLB anew to write to RAX until there is a 2 */
    .global op_refill
    .balign 16
op_refill:
    movq $1, (%rcx)
1:  mov  %cr3, %rdx
    mov  %rdx, %cr3
    mov  %rcx, (%rax)
    cmpq $2, (%rcx)
    jne  1b
    int  $TRAP_DONE

    /* Call 16 bytes into a page, then execute its start at CPL 3 */
    .global op_jump_both
    .balign 16
op_jump_both:
    lea  16(%rax), %rbx
    call *%rbx
    push $SEL_USER_DATA
    push %rsp
    push $2
    push $SEL_USER_CODE
    push %rax
    iretq

    /* Read a page, take its validation away, read it again */
    .global op_rescind
    .balign 16
op_rescind:
    mov  %rax, %r8
    mov  (%rax), %rbx
    xor  %ecx, %ecx
    xor  %edx, %edx
    .byte 0xf2, 0x0f, 0x01, 0xff
    mov  (%r8), %rbx
    int  $TRAP_DONE

    .global op_vmrun
    .balign 16
op_vmrun:
    clgi
    vmrun
    stgi
    int  $TRAP_DONE

    .balign 16
guest_entries:
    TRAP_ENTRIES guest_trap

/* Tell the host by the page that both can read, then exit to it for good */
guest_trap:
    PUSH_FRAME
    cld
    mov  %rsp, %rsi
    mov  $GUEST_REPORT_VA, %rdi
    mov  $TRAP_WORDS, %ecx
    rep movsq
1:  .byte 0xf3, 0x0f, 0x01, 0xd9
    jmp  1b
ops_end:
    .section .note.GNU-stack, "", @progbits
