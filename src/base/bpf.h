/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs for the kernel's BPF that are put together at run time: an assembler, whose jumps lead forwards to labels, and
 * what gives the kernel the result.
 */
#ifndef BASE_BPF_H
#define BASE_BPF_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

#define BPF_CODE_MAX 256 /* instructions of a program */
#define BPF_JUMPS_MAX 96

/* A program in the making. One that has outgrown it has no end, and the kernel refuses it. */
struct bpf_code {
	struct bpf_insn at[BPF_CODE_MAX];
	size_t n;
	struct {
		size_t from;
		unsigned int to; /* label */
	} jumps[BPF_JUMPS_MAX];
	size_t jumps_n;
};

#define BPF_CODE_INIT  \
	{              \
		.n = 0 \
	}

/* Appends an instruction: its code, the numbers of the registers that it changes and reads, its offset and its value. */
void bpf_put(struct bpf_code *c, unsigned int op, unsigned int to, unsigned int from, int offset, int32_t value);

/* Register @reg becomes @value, with its sign. */
void bpf_set(struct bpf_code *c, unsigned int reg, int32_t value);

/* Register @reg becomes what is in @from. */
void bpf_copy(struct bpf_code *c, unsigned int reg, unsigned int from);

/* Register @reg becomes the result of @op (BPF_ADD and the like) with @value. */
void bpf_compute(struct bpf_code *c, unsigned int op, unsigned int reg, int32_t value);

/* Reads @size (BPF_B, BPF_H, BPF_W or BPF_DW) at @offset from what register @from points to. */
void bpf_read(struct bpf_code *c, unsigned int size, unsigned int reg, unsigned int from, int offset);

/* Writes @size of register @reg to @offset from what register @to points to. */
void bpf_write(struct bpf_code *c, unsigned int size, unsigned int to, int offset, unsigned int reg);

/* Calls one of the kernel's functions: of the registers 1 to 5 nothing is left, its result is in register 0. */
void bpf_call(struct bpf_code *c, enum bpf_func_id function);

/* Jumps to label @to if @reg compares with @value. @op: BPF_JEQ and the like, or BPF_JA, which compares nothing. */
void bpf_jump(struct bpf_code *c, unsigned int op, unsigned int reg, int32_t value, unsigned int to);

/* Likewise, by the lower 32 bits. */
void bpf_jump32(struct bpf_code *c, unsigned int op, unsigned int reg, uint32_t value, unsigned int to);

/* The jumps to @to so far lead to what is put next. */
void bpf_label(struct bpf_code *c, unsigned int to);

/*
 * Puts into the registers what BPF_FUNC_sk_lookup_tcp and _udp ask for, but the tuple's size, which is register 3: the
 * context in register @context, the struct bpf_sock_tuple at @tuple of the stack, and the namespace of the caller.
 */
void bpf_prepare_lookup(struct bpf_code *c, unsigned int context, int tuple);

/* The program ends, with @value. */
void bpf_end(struct bpf_code *c, int32_t value);

/*
 * Gives the kernel a program of type @type, to be attached as @attach (0 where the type has no more than one way): a
 * descriptor, or -errno.
 */
must_check int bpf_load(const struct bpf_code *c, enum bpf_prog_type type, enum bpf_attach_type attach);

#endif
