/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles linux.seccomp: see seccomp.h.
 *
 * libseccomp makes the filter, which is exported and never loaded here. Two things differ from loading it on the host:
 *
 * - The filter is for the guest's kernel (5.10 or newer), so libseccomp is told the API level; left to itself it would
 *   find out what the host's kernel can do.
 * - If the default action denies, a few instructions in front of the filter answer ENOSYS to the system calls that are
 *   newer than the newest one in the profile, as runc does it. Whoever wrote the profile did not know them, and C
 *   libraries fall back to older calls on ENOSYS, but not on EPERM.
 *
 * Architectures that the kernels of this machine never run are left out: a filter is never asked about them.
 */
#include "spec/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/wire.h"
#include "spec/names.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* The newest level that libseccomp 2.5 knows (Linux 5.7). It has every action. */
#define API_LEVEL 6
/* No architecture in archs[] has larger numbers of system calls (in 2023 the largest was 462). */
#define SYSCALL_SCAN_MAX 1023
/* On x86 the numbers with this bit are those of x32 (asm/unistd.h). */
#define X32_BIT 0x40000000u
/* Add one with each change of what compile() makes of a profile: else programs that are kept stay in use. */
#define COMPILER_VERSION 2
/* The filter is a binary tree instead of a chain of comparisons: engines' default profiles have 300 rules. */
#define OPTIMIZE_TREE 2

struct arch {
	enum spec_seccomp_arch arch;
	uint32_t token;      /* SCMP_ARCH_* */
	uint32_t audit_arch; /* what a filter sees in seccomp_data.arch */
};

/* The architectures that kernels of this machine run; the first is its own. */
static const struct arch archs[] = {
#ifdef __x86_64__
	{ SPEC_ARCH_X86_64, SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64 },
	{ SPEC_ARCH_X86, SCMP_ARCH_X86, AUDIT_ARCH_I386 },
	{ SPEC_ARCH_X32, SCMP_ARCH_X32, AUDIT_ARCH_X86_64 },
#elif defined(__aarch64__)
	{ SPEC_ARCH_AARCH64, SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64 },
	{ SPEC_ARCH_ARM, SCMP_ARCH_ARM, AUDIT_ARCH_ARM },
#endif
};

void seccomp_program_done(struct seccomp_program *p)
{
	free(p->insns);
	*p = (struct seccomp_program){ .insns = NULL };
}

/* libseccomp's value for @action, with @ret (or EPERM) where the action takes one; -1 for SCMP_ACT_NOTIFY. */
static int64_t action_word(enum spec_seccomp_action action, const struct opt_u32 *ret)
{
	uint32_t data = ret->set ? ret->v : EPERM;

	switch (action) {
	case SPEC_ACT_ALLOW:
		return SCMP_ACT_ALLOW;
	case SPEC_ACT_ERRNO:
		return SCMP_ACT_ERRNO(data);
	case SPEC_ACT_KILL_PROCESS:
		return SCMP_ACT_KILL_PROCESS;
	case SPEC_ACT_KILL_THREAD:
		return SCMP_ACT_KILL_THREAD;
	case SPEC_ACT_LOG:
		return SCMP_ACT_LOG;
	case SPEC_ACT_TRACE:
		return SCMP_ACT_TRACE(data);
	case SPEC_ACT_TRAP:
		return SCMP_ACT_TRAP;
	case SPEC_ACT_NOTIFY:
		break;
	}
	return -1;
}

/* libseccomp's value for a comparison. */
static enum scmp_compare compare_word(enum spec_seccomp_op op)
{
	switch (op) {
	case SPEC_CMP_NE:
		return SCMP_CMP_NE;
	case SPEC_CMP_LT:
		return SCMP_CMP_LT;
	case SPEC_CMP_LE:
		return SCMP_CMP_LE;
	case SPEC_CMP_EQ:
		return SCMP_CMP_EQ;
	case SPEC_CMP_GE:
		return SCMP_CMP_GE;
	case SPEC_CMP_GT:
		return SCMP_CMP_GT;
	case SPEC_CMP_MASKED_EQ:
		return SCMP_CMP_MASKED_EQ;
	}
	return _SCMP_CMP_MIN;
}

static bool lists_arch(const struct spec_seccomp *s, enum spec_seccomp_arch arch)
{
	for (size_t i = 0; i < s->architectures.n; i++)
		if (s->architectures.v[i] == (uint32_t)arch)
			return true;
	return false;
}

static int add_archs(scmp_filter_ctx ctx, const struct spec_seccomp *s, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(archs); i++) {
		int rc = lists_arch(s, archs[i].arch) ? seccomp_arch_add(ctx, archs[i].token) : 0;

		if (rc < 0 && rc != -EEXIST) /* the machine's own is there from the start */
			return err_sys(err, rc, "linux.seccomp.architectures: %s",
				spec_name_of(spec_seccomp_arch_names, archs[i].arch));
	}
	return 0;
}

/*
 * Adds one system call of a rule. Conditions on different arguments must all hold, and are one rule of libseccomp,
 * which can compare each argument once. If the rule has several conditions on one argument, each condition becomes a
 * rule of its own, so that any of them is enough: this is how runc reads such a rule.
 */
static int add_syscall(scmp_filter_ctx ctx, const struct spec_seccomp_rule *r, uint32_t action, int nr)
{
	struct scmp_arg_cmp cmp[6];
	unsigned seen = 0;
	bool twice = false;
	size_t n = r->args.n;

	for (size_t i = 0; i < n; i++) {
		twice |= seen >> r->args.v[i].index & 1;
		seen |= 1u << r->args.v[i].index;
	}
	for (size_t i = 0; i < n; i++) {
		const struct spec_seccomp_arg *a = &r->args.v[i];
		struct scmp_arg_cmp c = {
			.arg = a->index, .op = compare_word(a->op), .datum_a = a->value, .datum_b = a->value_two
		};
		int rc = 0;

		if (twice)
			rc = seccomp_rule_add_array(ctx, action, nr, 1, &c);
		else
			cmp[i] = c; /* it fits: there are six arguments, and each comes once */
		if (rc < 0 && rc != -EEXIST)
			return rc;
	}
	if (twice)
		return 0;
	return seccomp_rule_add_array(ctx, action, nr, (unsigned)n, n ? cmp : NULL);
}

/*
 * Adds rule @index of the profile. Names that libseccomp does not know go to @skipped, unless the rule only allows
 * them.
 */
static int add_rule(scmp_filter_ctx ctx, const struct spec_seccomp *s, size_t index, uint32_t default_word,
	struct buf *skipped, struct err *err)
{
	const struct spec_seccomp_rule *r = &s->syscalls.v[index];
	int64_t word = action_word(r->action, &r->errno_ret);

	if (word < 0)
		return err_set(
			err, ENOTSUP, "linux.seccomp.syscalls[%zu].action: SCMP_ACT_NOTIFY is not supported", index);
	if ((uint32_t)word == default_word)
		return 0; /* the rule changes nothing, which libseccomp calls an error */
	for (size_t i = 0; i < r->names.n; i++) {
		int nr = seccomp_syscall_resolve_name(r->names.v[i]);
		int rc;

		if (nr == __NR_SCMP_ERROR) {
			if (r->action != SPEC_ACT_ALLOW)
				buf_printf(skipped, "%s%s", skipped->len ? ", " : "", r->names.v[i]);
			continue;
		}
		rc = add_syscall(ctx, r, (uint32_t)word, nr);
		if (rc < 0 && rc != -EEXIST)
			return err_sys(err, rc, "linux.seccomp.syscalls[%zu]: \"%s\"", index, r->names.v[i]);
	}
	return 0;
}

/* The largest number of a system call that a rule of @s names, on the architecture @token; 0: it names none. */
static uint32_t newest_named(const struct spec_seccomp *s, uint32_t token)
{
	int newest = 0;

	for (size_t i = 0; i < s->syscalls.n; i++) {
		for (size_t k = 0; k < s->syscalls.v[i].names.n; k++)
			newest = MAX(newest, seccomp_syscall_resolve_name_arch(token, s->syscalls.v[i].names.v[k]));
	}
	return (uint32_t)newest; /* names that the architecture does not have are negative */
}

/* The largest number of a system call that libseccomp has a name for, or 0. */
static uint32_t newest_known(uint32_t token)
{
	for (int nr = SYSCALL_SCAN_MAX; nr > 0; nr--) {
		char *name = seccomp_syscall_resolve_num_arch(token, nr);

		free(name);
		if (name)
			return (uint32_t)nr;
	}
	return 0;
}

/*
 * The newest system call that whoever wrote the profile can have known: the newest one in it, as runc has it; where it
 * names none, the newest of libseccomp.
 */
static uint32_t newest_syscall(const struct spec_seccomp *s, uint32_t token)
{
	uint32_t newest = newest_named(s, token);

	return newest ? newest : newest_known(token);
}

/*
 * Whether new system calls get ENOSYS instead of the default action of @s: where that denies them. A profile that kills
 * is obeyed to the letter unless it lists architectures, as with runc, which looks at those alone. A tracer is to see
 * new calls, too.
 */
static bool wants_enosys(const struct spec_seccomp *s)
{
	switch (s->default_action) {
	case SPEC_ACT_ERRNO:
		return true;
	case SPEC_ACT_KILL_PROCESS:
	case SPEC_ACT_KILL_THREAD:
	case SPEC_ACT_TRAP:
		return s->architectures.n > 0;
	default:
		return false;
	}
}

/* Appends an instruction of classic BPF. */
static void put_insn(struct buf *out, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	const struct sock_filter insn = { .code = code, .k = k, .jt = jt, .jf = jf };

	buf_put(out, &insn, sizeof(insn));
}

/*
 * Appends, for each architecture of the filter:
 *
 *	load arch;  if it is not this one, go on behind the return
 *	load nr;    if it is one of x32's or not newer than @newest, go on behind the return
 *	return ENOSYS
 */
static void put_enosys(struct buf *out, const struct spec_seccomp *s)
{
	for (size_t i = 0; i < ARRAY_LEN(archs); i++) {
		uint32_t newest = newest_syscall(s, archs[i].token);
		bool native = i == 0;

		if (archs[i].arch == SPEC_ARCH_X32 || !newest || !(native || lists_arch(s, archs[i].arch)))
			continue;
		put_insn(out, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
		put_insn(out, BPF_JMP | BPF_JEQ | BPF_K, archs[i].audit_arch, 0, 4);
		put_insn(out, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
		put_insn(out, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 2, 0);
		put_insn(out, BPF_JMP | BPF_JGT | BPF_K, newest, 0, 1);
		put_insn(out, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
	}
}

/* Appends the bytes of the finished filter to @out. */
static int export_filter(scmp_filter_ctx ctx, struct buf *out, struct err *err)
{
	autoclose int fd = memfd_create("seccomp", MFD_CLOEXEC);
	off_t len;
	void *room;
	int rc;

	if (fd < 0)
		return err_sys(err, errno, "memfd_create");
	rc = seccomp_export_bpf(ctx, fd);
	if (rc < 0)
		return err_sys(err, rc, "linux.seccomp: the filter cannot be made");
	len = lseek(fd, 0, SEEK_END);
	if (len < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, errno, "lseek");
	room = buf_extend(out, (size_t)len);
	if (!room)
		return err_set(err, ENOMEM, "out of memory");
	if (fd_read_full(fd, room, (size_t)len) != len)
		return err_set(err, EIO, "linux.seccomp: the filter was cut short");
	return 0;
}

/* Puts the architectures and the rules of the profile into a new filter. */
static int fill_filter(
	scmp_filter_ctx ctx, const struct spec_seccomp *s, uint32_t default_word, struct buf *skipped, struct err *err)
{
	int rc = add_archs(ctx, s, err);

	/* a libseccomp that is too old for this makes a longer filter, not a wrong one */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, OPTIMIZE_TREE);
	for (size_t i = 0; !rc && i < s->syscalls.n; i++)
		rc = add_rule(ctx, s, i, default_word, skipped, err);
	return rc;
}

/* The flags with which the agent is to load the filter. */
static uint32_t filter_flags(const struct spec_seccomp *s)
{
	/* without a list the flags are what the kernel's default was before 5.16, as with runc */
	if (!s->flags.set)
		return SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	/* this flag is about listeners, and without one it is an error */
	return s->flags.v & ~(uint32_t)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
}

/* Hands the bytes in @b out as a program. */
static int take_program(struct buf *b, const struct spec_seccomp *s, struct seccomp_program *ret, struct err *err)
{
	size_t n = b->len / sizeof(struct sock_filter);

	if (buf_error(b))
		return err_set(err, ENOMEM, "out of memory");
	if (n > BPF_MAXINSNS)
		return err_set(err, E2BIG, "linux.seccomp: %zu instructions, the kernel takes %d", n, BPF_MAXINSNS);
	ret->insns = (struct sock_filter *)(void *)buf_steal(b);
	if (!ret->insns)
		return err_set(err, ENOMEM, "out of memory");
	ret->n = n;
	ret->flags = filter_flags(s);
	return 0;
}

/* Appends the program's bytes to @b, and the names that were skipped to @skipped. */
static int compile(const struct spec_seccomp *s, struct buf *b, struct buf *skipped, struct err *err)
{
	int64_t word = action_word(s->default_action, &s->default_errno_ret);
	unsigned int own_level = seccomp_api_get();
	scmp_filter_ctx ctx;
	int rc;

	if (word < 0)
		return err_set(err, ENOTSUP, "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY is not supported");
	/* at the first question libseccomp finds out how filters are loaded; a later seccomp_load() needs that */
	(void)seccomp_api_get();
	if (seccomp_api_set(API_LEVEL) < 0)
		return err_set(err, ENOTSUP, "libseccomp is too old for API level %d", API_LEVEL);
	ctx = seccomp_init((uint32_t)word);
	if (!ctx)
		return err_set(err, ENOMEM, "linux.seccomp: libseccomp gives no filter");
	rc = fill_filter(ctx, s, (uint32_t)word, skipped, err);
	if (!rc && wants_enosys(s) && (uint32_t)word != SCMP_ACT_ERRNO(ENOSYS))
		put_enosys(b, s);
	if (!rc)
		rc = export_filter(ctx, b, err);
	seccomp_release(ctx);
	/* the level holds for the whole process: with the guest's, loading the monitor's own filter would fail */
	if (!rc && seccomp_api_set(own_level) < 0)
		rc = err_set(err, ENOTSUP, "libseccomp does not go back to API level %u", own_level);
	return rc;
}

/* --- kept programs --- */

static void put_opt(struct buf *key, const struct opt_u32 *v)
{
	wire_put_u8(key, v->set);
	wire_put_u32(key, v->v);
}

/* Makes the key: all that compile() reads, and the versions of what compiles it. */
static void put_key(struct buf *key, const struct spec_seccomp *s)
{
	const struct scmp_version *v = seccomp_version();

	wire_put_u32(key, COMPILER_VERSION);
	wire_put_u32(key, v->major);
	wire_put_u32(key, v->minor);
	wire_put_u32(key, v->micro);
	wire_put_u32(key, archs[0].audit_arch);
	wire_put_u32(key, s->default_action);
	put_opt(key, &s->default_errno_ret);
	wire_put_u32(key, (uint32_t)s->architectures.n);
	for (size_t i = 0; i < s->architectures.n; i++)
		wire_put_u32(key, s->architectures.v[i]);
	for (size_t i = 0; i < s->syscalls.n; i++) {
		const struct spec_seccomp_rule *r = &s->syscalls.v[i];

		wire_put_u32(key, r->action);
		put_opt(key, &r->errno_ret);
		wire_put_u32(key, (uint32_t)r->args.n);
		for (size_t k = 0; k < r->args.n; k++) {
			wire_put_u32(key, r->args.v[k].index);
			wire_put_u32(key, r->args.v[k].op);
			wire_put_u64(key, r->args.v[k].value);
			wire_put_u64(key, r->args.v[k].value_two);
		}
		wire_put_u32(key, (uint32_t)r->names.n);
		for (size_t k = 0; k < r->names.n; k++)
			wire_put_str(key, r->names.v[k]);
	}
}

/* Takes a kept value apart into the program's bytes and the skipped names. 0, or -ENOENT if it is damaged. */
static int take_kept(const struct buf *value, struct buf *b, struct buf *skipped)
{
	const void *insns;
	struct wire w;
	size_t len;

	wire_init(&w, value->data, value->len);
	buf_puts(skipped, wire_get_str(&w));
	insns = wire_get_blob(&w, &len);
	if (wire_finish(&w) < 0 || len == 0 || len % sizeof(struct sock_filter))
		return -ENOENT;
	buf_put(b, insns, len);
	return 0;
}

/* Takes the program from the store, or else compiles it and gives it to the store. */
static int compile_or_take(const struct spec_seccomp *s, const struct seccomp_store *store, struct buf *b,
	struct buf *skipped, struct err *err)
{
	autobuf key = BUF_INIT, value = BUF_INIT;
	int rc;

	if (!store)
		return compile(s, b, skipped, err);
	put_key(&key, s);
	if (!buf_error(&key) && store->get(store->arg, &key, &value) == 0 && take_kept(&value, b, skipped) == 0)
		return 0;
	buf_done(&value);
	buf_done(skipped);
	rc = compile(s, b, skipped, err);
	if (rc < 0)
		return rc;
	wire_put_str(&value, skipped->len ? skipped->data : "");
	wire_put_blob(&value, b->data, b->len);
	if (!buf_error(&key) && !buf_error(&value))
		store->put(store->arg, &key, &value);
	return 0;
}

int seccomp_compile(const struct spec_seccomp *s, const struct seccomp_store *store, struct seccomp_program *ret,
	struct warnings *warnings, struct err *err)
{
	autobuf b = BUF_INIT, skipped = BUF_INIT;
	int rc = compile_or_take(s, store, &b, &skipped, err);

	if (rc < 0)
		return rc;
	if (skipped.len)
		warnings_add(
			warnings, "linux.seccomp.syscalls: libseccomp does not know %s: not filtered", skipped.data);
	return take_program(&b, s, ret, err);
}
