/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device filter: see device_filter.h.
 *
 * The program looks at the rules from the last to the first, and keeps in r3 the bits of the wanted access that are not
 * decided yet. An allowing rule that fits clears its bits, and when none is left the answer is yes; a denying rule that
 * fits and has a bit that is left makes the answer no. Registers: r2 type, r3 access, r4 major, r5 minor. Jumps reach
 * only to the next rule, so that only the kernel's limit on instructions bounds the number of rules.
 */
#include "guest/device_filter.h"

#include <linux/bpf.h>
#include <stddef.h>

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (short)(o), .imm = (int)(i) })
#define LOAD(d, field) INSN(BPF_LDX | BPF_MEM | BPF_W, d, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, field), 0)
#define ALU_IMM(op, d, i) INSN(BPF_ALU | (op) | BPF_K, d, 0, 0, i)
#define MOV_REG(d, s) INSN(BPF_ALU | BPF_MOV | BPF_X, d, s, 0, 0)
#define JUMP32_IMM(op, d, i, o) INSN(BPF_JMP32 | (op) | BPF_K, d, 0, o, i)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

#define RULE_INSNS_MAX 9 /* three comparisons, and six of a denying rule's decision */

static const struct spec_device_rule default_rules[] = {
#define CHAR(maj, min)                                                                                        \
	{                                                                                                     \
		.allow = true, .type = 'c', .major = { true, maj }, .minor = { (min) >= 0, min }, .access = 7 \
	}
	/* any node may be made, as making one gives no access to the device */
	{ .allow = true, .type = 'c', .access = SPEC_DEVICE_MKNOD },
	{ .allow = true, .type = 'b', .access = SPEC_DEVICE_MKNOD }, CHAR(1, 3), CHAR(1, 5), CHAR(1, 7), CHAR(1, 8),
	CHAR(1, 9),                            /* null zero full random urandom */
	CHAR(5, 0), CHAR(5, 2), CHAR(136, -1), /* tty ptmx pts */
	CHAR(10, 200),                         /* net/tun: the network is the container's */
#undef CHAR
};

static unsigned int bpf_access(uint32_t access)
{
	return (access & SPEC_DEVICE_READ ? BPF_DEVCG_ACC_READ : 0u) |
	       (access & SPEC_DEVICE_WRITE ? BPF_DEVCG_ACC_WRITE : 0u) |
	       (access & SPEC_DEVICE_MKNOD ? BPF_DEVCG_ACC_MKNOD : 0u);
}

/* Appends the comparisons and the decision of one rule. */
static void put_rule(const struct spec_device_rule *rule, struct buf *out)
{
	struct bpf_insn insn[RULE_INSNS_MAX];
	unsigned int access = bpf_access(rule->access);
	size_t n = 0;

	if (rule->type != 'a')
		insn[n++] =
			JUMP32_IMM(BPF_JNE, BPF_REG_2, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR, 0);
	if (rule->major.set && rule->major.v >= 0)
		insn[n++] = JUMP32_IMM(BPF_JNE, BPF_REG_4, rule->major.v, 0);
	if (rule->minor.set && rule->minor.v >= 0)
		insn[n++] = JUMP32_IMM(BPF_JNE, BPF_REG_5, rule->minor.v, 0);
	if (rule->allow) {
		insn[n++] = ALU_IMM(BPF_AND, BPF_REG_3, ~access);
		insn[n++] = JUMP32_IMM(BPF_JNE, BPF_REG_3, 0, 0);
	} else {
		insn[n++] = MOV_REG(BPF_REG_0, BPF_REG_3);
		insn[n++] = ALU_IMM(BPF_AND, BPF_REG_0, access);
		insn[n++] = JUMP32_IMM(BPF_JEQ, BPF_REG_0, 0, 0);
	}
	insn[n++] = ALU_IMM(BPF_MOV, BPF_REG_0, rule->allow);
	insn[n++] = EXIT();
	for (size_t i = 0; i < n; i++) { /* every jump leads behind the rule */
		if (BPF_CLASS(insn[i].code) == BPF_JMP32)
			insn[i].off = (short)(n - i - 1);
	}
	buf_put(out, insn, n * sizeof(insn[0]));
}

void device_filter_build(const struct spec_device_rules *rules, struct buf *out)
{
	const struct bpf_insn prologue[] = {
		LOAD(BPF_REG_2, access_type),
		MOV_REG(BPF_REG_3, BPF_REG_2),
		ALU_IMM(BPF_AND, BPF_REG_2, 0xffff),
		ALU_IMM(BPF_RSH, BPF_REG_3, 16),
		LOAD(BPF_REG_4, major),
		LOAD(BPF_REG_5, minor),
	};
	const struct bpf_insn epilogue[] = { ALU_IMM(BPF_MOV, BPF_REG_0, 0), EXIT() };

	buf_put(out, prologue, sizeof(prologue));
	for (size_t i = ARRAY_LEN(default_rules); i-- > 0;)
		put_rule(&default_rules[i], out);
	for (size_t i = rules ? rules->n : 0; i-- > 0;)
		put_rule(&rules->v[i], out);
	buf_put(out, epilogue, sizeof(epilogue));
}
