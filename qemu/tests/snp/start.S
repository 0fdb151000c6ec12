/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the PVH entry, 32-bit with paging off, to main() in long mode. */
#include "trap.inc"
#include "layout.h"

#define PTE_RWU     7
#define PTE_LARGE   0x80
#define MAPPED_GIB  8

    .section .note.pvh, "a"
    .long 4, 4, 18              /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long start32

    .section .text.boot, "ax"
    .code32
    .global start32
start32:
    cli
    cld
    mov  %ebx, start_info
    mov  $stack_top, %esp
    movl $(boot_pdpt + PTE_RWU), boot_pml4
    mov  $(boot_pds + PTE_RWU), %eax
    mov  $boot_pdpt, %edi
    mov  $MAPPED_GIB, %ecx
1:  mov  %eax, (%edi)
    add  $4096, %eax
    add  $8, %edi
    loop 1b
    /* Identity map by 2M pages, open to CPL 3 */
    mov  $boot_pds, %edi
    mov  $(PTE_RWU | PTE_LARGE), %eax
    xor  %edx, %edx
    mov  $(MAPPED_GIB * 512), %ecx
2:  mov  %eax, (%edi)
    mov  %edx, 4(%edi)
    add  $0x200000, %eax
    adc  $0, %edx
    add  $8, %edi
    loop 2b
    mov  $boot_pml4, %eax
    mov  %eax, %cr3
    mov  $0x20, %eax            /* PAE */
    mov  %eax, %cr4
    mov  $0xc0000080, %ecx
    rdmsr
    or   $0x900, %eax           /* LME, NXE */
    wrmsr
    mov  $0x80010033, %eax      /* PG, WP, NE, ET, MP, PE */
    mov  %eax, %cr0
    lgdt gdt_pointer
    ljmp $SEL_CODE, $start64

    .code64
start64:
    mov  $SEL_DATA, %eax
    mov  %eax, %ss
    mov  %eax, %ds
    mov  %eax, %es
    xor  %eax, %eax
    mov  %eax, %fs
    mov  %eax, %gs
    /* The base of the TSS is known to the linker only as a whole */
    mov  $tss, %eax
    mov  %ax, gdt_tss + 2
    shr  $16, %eax
    mov  %al, gdt_tss + 4
    mov  %ah, gdt_tss + 7
    movq $trap_stack_top, tss + 4       /* RSP0 */
    movq $trap_stack_top, tss + 0x24    /* IST1 */
    mov  $SEL_TSS, %eax
    ltr  %ax
    call main
3:  hlt
    jmp  3b

/*
 * void run_frame(struct trap *regs, u64 code, u64 cs, u64 ss): execute at
 * @code with the registers of @regs until a trap, whose frame replaces it.
 */
    .global run_frame
run_frame:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdi
    mov  %rsp, run_rsp
    push %rcx
    push $op_stack_top
    push $2
    push %rdx
    push %rsi
    mov  8(%rdi), %r15
    mov  16(%rdi), %r14
    mov  24(%rdi), %r13
    mov  32(%rdi), %r12
    mov  40(%rdi), %r11
    mov  48(%rdi), %r10
    mov  56(%rdi), %r9
    mov  64(%rdi), %r8
    mov  80(%rdi), %rsi
    mov  88(%rdi), %rbp
    mov  96(%rdi), %rbx
    mov  104(%rdi), %rdx
    mov  112(%rdi), %rcx
    mov  120(%rdi), %rax
    mov  72(%rdi), %rdi
    iretq

    .global host_entries
    .balign 16
host_entries:
    TRAP_ENTRIES host_trap

host_trap:
    PUSH_FRAME
    cld
    mov  %rsp, %rsi
    cmpq $0, run_rsp
    je   unexpected
    mov  run_rsp, %rsp
    movq $0, run_rsp
    pop  %rdi
    mov  $TRAP_WORDS, %ecx
    rep movsq
    mov  $SEL_DATA, %eax
    mov  %eax, %ss
    pop  %r15
    pop  %r14
    pop  %r13
    pop  %r12
    pop  %rbp
    pop  %rbx
    ret

/* A trap of the image itself: name it and give up */
unexpected:
    mov  %rsi, %rdi
    call trap_unexpected
    jmp  3b

    .data
    .balign 8
    .global gdt
gdt:
    .quad 0
    .quad 0x00af9b000000ffff    /* code */
    .quad 0x00cf93000000ffff    /* data */
    .quad 0x00cff3000000ffff    /* user data */
    .quad 0x00affb000000ffff    /* user code */
gdt_tss:
    .quad 0x0000890000000067
    .quad 0
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .quad gdt

    .bss
    .balign 4096
    .global boot_pml4
boot_pml4:  .skip 4096
boot_pdpt:  .skip 4096
boot_pds:   .skip 4096 * MAPPED_GIB
            .skip 16384
stack_top:
            .skip 4096
trap_stack_top:
            .skip 4096
op_stack_top:
run_rsp:    .skip 8
    .global start_info
start_info: .skip 8
    .balign 16
tss:        .skip 104
    .section .note.GNU-stack, "", @progbits
