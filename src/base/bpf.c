/* SPDX-License-Identifier: Apache-2.0 */
/* Programs for the kernel's BPF: see bpf.h. */
#include "base/bpf.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void bpf_put(struct bpf_code *c, unsigned int op, unsigned int to, unsigned int from, int offset, int32_t value)
{
	if (c->n < BPF_CODE_MAX)
		c->at[c->n++] = (struct bpf_insn){
			.code = (uint8_t)op,
			.dst_reg = to & 15,
			.src_reg = from & 15,
			.off = (int16_t)offset,
			.imm = value,
		};
}

void bpf_set(struct bpf_code *c, unsigned int reg, int32_t value)
{
	bpf_put(c, BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, value);
}

void bpf_copy(struct bpf_code *c, unsigned int reg, unsigned int from)
{
	bpf_put(c, BPF_ALU64 | BPF_MOV | BPF_X, reg, from, 0, 0);
}

void bpf_compute(struct bpf_code *c, unsigned int op, unsigned int reg, int32_t value)
{
	bpf_put(c, BPF_ALU64 | op | BPF_K, reg, 0, 0, value);
}

void bpf_read(struct bpf_code *c, unsigned int size, unsigned int reg, unsigned int from, int offset)
{
	bpf_put(c, BPF_LDX | BPF_MEM | size, reg, from, offset, 0);
}

void bpf_write(struct bpf_code *c, unsigned int size, unsigned int to, int offset, unsigned int reg)
{
	bpf_put(c, BPF_STX | BPF_MEM | size, to, reg, offset, 0);
}

void bpf_call(struct bpf_code *c, enum bpf_func_id function)
{
	bpf_put(c, BPF_JMP | BPF_CALL, 0, 0, 0, (int32_t)function);
}

/* Puts a jump of @class and remembers where it is to lead. */
static void put_jump(
	struct bpf_code *c, unsigned int class, unsigned int op, unsigned int reg, int32_t value, unsigned int to)
{
	if (c->jumps_n < BPF_JUMPS_MAX) {
		c->jumps[c->jumps_n].from = c->n;
		c->jumps[c->jumps_n++].to = to;
	}
	bpf_put(c, class | op | BPF_K, reg, 0, 0, value);
}

void bpf_jump(struct bpf_code *c, unsigned int op, unsigned int reg, int32_t value, unsigned int to)
{
	put_jump(c, BPF_JMP, op, reg, value, to);
}

void bpf_jump32(struct bpf_code *c, unsigned int op, unsigned int reg, uint32_t value, unsigned int to)
{
	put_jump(c, BPF_JMP32, op, reg, (int32_t)value, to);
}

void bpf_label(struct bpf_code *c, unsigned int to)
{
	for (size_t i = 0; i < c->jumps_n; i++) {
		if (c->jumps[i].to == to && c->jumps[i].from < BPF_CODE_MAX)
			c->at[c->jumps[i].from].off = (int16_t)(c->n - c->jumps[i].from - 1);
	}
}

void bpf_prepare_lookup(struct bpf_code *c, unsigned int context, int tuple)
{
	bpf_copy(c, BPF_REG_1, context);
	bpf_copy(c, BPF_REG_2, BPF_REG_10);
	bpf_compute(c, BPF_ADD, BPF_REG_2, tuple);
	bpf_set(c, BPF_REG_4, BPF_F_CURRENT_NETNS);
	bpf_set(c, BPF_REG_5, 0);
}

void bpf_end(struct bpf_code *c, int32_t value)
{
	bpf_set(c, BPF_REG_0, value);
	bpf_put(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

int bpf_load(const struct bpf_code *c, enum bpf_prog_type type, enum bpf_attach_type attach)
{
	static const char license[] = "Apache-2.0";
	union bpf_attr attr;
	long fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.expected_attach_type = attach;
	attr.insns = (uint64_t)(uintptr_t)c->at;
	attr.insn_cnt = (uint32_t)c->n;
	attr.license = (uint64_t)(uintptr_t)license;
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	return fd < 0 ? -errno : (int)fd;
}
