/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probe's guest program: 64-bit, position-independent code for ring 0, which the probe copies to PROBE_CODE.
 * It finds a number other than 0 in rdi if it may use xsave, and ends with a write to PROBE_PORT.
 */
#include "vm/kvm/x86/probe_guest.h"

	.section .rodata
	.globl	probe_guest_start, probe_guest_end
	.hidden	probe_guest_start, probe_guest_end
	.code64

probe_guest_start:
	xorl	%r8d, %r8d			/* rounds done */
round:
	/* Ordinary work: arithmetic, memory, branches. */
	movl	$PROBE_INNER, %ecx
	movl	$PROBE_XSAVE_AREA - 8, %esi
turn:
	addq	%rcx, (%rsi)
	imulq	$31, %rax, %rax
	xorq	(%rsi), %rax
	decl	%ecx
	jnz	turn

	/* What a kernel's allocator does. */
	movq	PROBE_OPERAND, %rax
	movq	PROBE_OPERAND + 8, %rdx
	leaq	1(%rax), %rbx
	leaq	2(%rdx), %rcx
	lock cmpxchg16b PROBE_OPERAND
	jnz	wrong

	/* What a kernel's task switch does. */
	testq	%rdi, %rdi
	jz	1f
	movq	%r8, %xmm0
	movl	$-1, %eax
	movl	$-1, %edx
	movl	$PROBE_XSAVE_AREA, %esi
	xsave64	(%rsi)
	pxor	%xmm0, %xmm0
	movl	$-1, %eax
	movl	$-1, %edx
	xrstor64 (%rsi)
	movq	%xmm0, %rax
	cmpq	%r8, %rax
	jne	wrong
1:
	movq	%cr3, %rax
	movq	%rax, %cr3

	incq	%r8
	movq	%r8, PROBE_PROGRESS
	cmpq	$PROBE_ROUNDS, %r8
	jb	round
	movb	$PROBE_DONE, %al
	outb	%al, $PROBE_PORT
	hlt
wrong:
	movb	$PROBE_WRONG, %al
	outb	%al, $PROBE_PORT
	hlt
probe_guest_end:

	.section .note.GNU-stack, "", @progbits
#ifdef __CET__ /* else the whole program would lack the note of -fcf-protection */
#include <cet.h>
#endif
