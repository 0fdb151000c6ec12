/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a virtual processor of a TD comes from its reset state, 32-bit protected
 * mode with EFER.LME set, to C.  Copied to TD_BOOT_GPA; the offsets from 0x800
 * on are those of struct td_boot.  ESI is the number of the processor.
 */
#define AT(offset)	(0xfffff000 + (offset))
#define CR0_PG_WP_MP	0x80010002

	.section .rodata, "a"
	.globl td_boot_code, td_boot_end

	.code32
td_boot_code:
	lgdt	AT(0x800)
	movl	%cr4, %eax
	orl	AT(0x80c), %eax
	movl	%eax, %cr4
	movl	AT(0x808), %eax
	movl	%eax, %cr3
	movl	%cr0, %eax
	orl	$CR0_PG_WP_MP, %eax
	movl	%eax, %cr0
	ljmp	$8, $AT(td_boot_64 - td_boot_code)

	.code64
td_boot_64:
	movl	$16, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%esi, %esi
	shlq	$5, %rsi
	movl	$AT(0x840), %eax
	addq	%rax, %rsi
	movq	8(%rsi), %rsp
	movq	16(%rsi), %rdi
	movq	(%rsi), %rax
	jmp	*%rax
td_boot_end:

	.section .note.GNU-stack, "", @progbits
