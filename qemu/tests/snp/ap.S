/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second CPU: from real mode to a loop that runs operations. */
#include "trap.inc"
#include "layout.h"

    .section .text
    .code16
    .balign 16
    .global ap_start, ap_start_end
/* Copied to AP_START, where the CPU begins with CS = AP_START >> 4 */
ap_start:
    cli
    mov  %cs, %ax
    mov  %ax, %ds
    lgdtl ap_gdt_pointer - ap_start
    mov  $0x20, %eax            /* PAE */
    mov  %eax, %cr4
    mov  $boot_pml4, %eax
    mov  %eax, %cr3
    mov  $0xc0000080, %ecx
    rdmsr
    or   $0x1900, %eax          /* SVME, LME, NXE */
    wrmsr
    mov  $0x80010033, %eax      /* PG, WP, NE, ET, MP, PE */
    mov  %eax, %cr0
    ljmpl $SEL_CODE, $ap_loop
ap_gdt_pointer:
    .word SEL_TSS - 1
    .long gdt
ap_start_end:

    .code64
/* Each turn begins anew, whatever the operation did to the registers */
ap_loop:
    mov  $SEL_DATA, %eax
    mov  %eax, %ss
    mov  %eax, %ds
    mov  %eax, %es
    mov  $ap_stack_top, %rsp
    lidt ap_idt_pointer
    movq $1, ap_idle
1:  pause
    cmpq $0, ap_op
    je   1b
    mov  ap_op, %rbx
    movq $0, ap_op
    mov  ap_args, %rax
    mov  ap_args + 8, %rcx
    mov  ap_args + 16, %rdx
    jmp  *%rbx

    .global ap_entries
    .balign 16
ap_entries:
    TRAP_ENTRIES ap_trap

ap_trap:
    PUSH_FRAME
    cld
    mov  %rsp, %rsi
    mov  $ap_frame, %rdi
    mov  $TRAP_WORDS, %ecx
    rep movsq
    jmp  ap_loop

    .bss
    .balign 16
            .skip 4096
ap_stack_top:
    .section .note.GNU-stack, "", @progbits
