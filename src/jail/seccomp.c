/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's system call filter: an allow-list, added up from the lists that each room keeps beside its calls.
 *
 * There are three answers. A listed call works. A call that only an attacker would make ends the process. Everything
 * else fails with EPERM, because libraries try calls and manage without them.
 */
#include "jail/jail.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

/*
 * What libc makes when the program has found a mistake of its own: assert(3) and malloc(3) say what it is, and abort(3)
 * makes SIGABRT deadly again. All else of libc's stands with the code that makes libc do it (base_syscalls,
 * thread_syscalls).
 */
static const char *const libc_syscalls[] = {
	"rt_sigaction",
	"writev",
	NULL,
};

/* What helps to break out of a jail, and what no code of ours makes in it. */
static const char *const deadly_calls[] = {
	"execve",
	"execveat",
	"ptrace",
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"setns",
	"open_tree",
	"move_mount",
	"fsopen",
	"fsmount",
	"fsconfig",
	"fspick",
	"mount_setattr",
	"bpf",
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"kexec_file_load",
	"reboot",
	"process_vm_readv",
	"process_vm_writev",
	"open_by_handle_at",
	"perf_event_open",
	"userfaultfd",
	"keyctl",
	"add_key",
	"request_key",
	"iopl",
	"ioperm",
	"swapon",
	"swapoff",
	NULL,
};

/* Gives @action to all calls of @names (NULL at the end), whatever their arguments: 0 or -errno. */
static int add(scmp_filter_ctx ctx, uint32_t action, const char *const *names)
{
	for (; *names; names++) {
		int call = seccomp_syscall_resolve_name(*names);
		int r;

		if (call == __NR_SCMP_ERROR)
			continue; /* libseccomp does not know it yet: it stays forbidden, and libc takes an older one */
		r = seccomp_rule_add(ctx, action, call, 0);
		if (r < 0 && r != -EEXIST)
			return r;
	}
	return 0;
}

/* Allows the @requests (0 at the end; may be NULL) of ioctl(2): 0 or -errno. */
static int allow_ioctls(scmp_filter_ctx ctx, const unsigned long *requests)
{
	for (; requests && *requests; requests++) {
		int r = seccomp_rule_add(
			ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1_32(SCMP_CMP_EQ, (uint32_t)*requests, 0));

		if (r < 0 && r != -EEXIST)
			return r;
	}
	return 0;
}

/* Allows the calls of @rules (no name at the end; may be NULL) for the arguments that they name: 0 or -errno. */
static int allow_rules(scmp_filter_ctx ctx, const struct syscall_rule *rules)
{
	for (; rules && rules->name; rules++) {
		int call = seccomp_syscall_resolve_name(rules->name);
		struct scmp_arg_cmp tests[SYSCALL_TESTS];
		unsigned int n = 0;
		int r;

		if (call == __NR_SCMP_ERROR)
			continue; /* as in add() */
		for (size_t i = 0; i < SYSCALL_TESTS; i++) {
			const struct syscall_test *t = &rules->tests[i];

			if (t->mask)
				tests[n++] = SCMP_CMP(t->arg, SCMP_CMP_MASKED_EQ, t->mask, t->value);
		}
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, n, tests);
		if (r < 0 && r != -EEXIST)
			return r;
	}
	return 0;
}

/*
 * Allows what the jail itself decides for threads of @roles. Threads may be made, but no processes, and no namespaces: a new
 * user namespace would give capabilities back.
 */
static int allow_own(scmp_filter_ctx ctx, unsigned int roles)
{
	const uint64_t new_ns = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
				CLONE_NEWPID | CLONE_NEWNET;
	/* Signals may be sent within the process only: other processes of our user may be the host's. */
	const struct syscall_rule all[] = {
		{ "tgkill", { { 0, SYSCALL_INT, (uint32_t)getpid() } } },
		{ .name = NULL },
	};
	/* The server of files makes threads when it needs them, with an umask and a working directory of their own. */
	const struct syscall_rule files[] = {
		{ "clone", { { 0, new_ns | CLONE_THREAD, CLONE_THREAD } } },
		{ .name = NULL },
	};
	const struct syscall_rule own_directory[] = {
		{ "unshare", { { 0, UINT64_MAX, CLONE_FS } } },
		{ .name = NULL },
	};
	int r = allow_rules(ctx, all);

	if (r == 0 && (roles & VM_CALLS_FILES))
		r = allow_rules(ctx, files);
	if (r == 0 && (roles & (VM_CALLS_FILES | VM_CALLS_WATCH)))
		r = allow_rules(ctx, own_directory);
	/*
	 * The flags of clone3 are in memory, where the filter cannot see them. libc takes clone where there is no
	 * clone3.
	 */
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return r;
}

/* Whether threads of @roles make what is in @calls, where no role is named for the loop. */
static bool is_for(const struct vm_calls *calls, unsigned int roles)
{
	return (calls->roles ? calls->roles : VM_CALLS_LOOP) & roles;
}

/* Allows everything that is in @sets (NULL at the end) for @roles: 0 or -errno. */
static int allow_sets(scmp_filter_ctx ctx, const struct vm_calls *const *sets, unsigned int roles)
{
	int r = 0;

	for (; r == 0 && *sets; sets++) {
		for (const struct vm_calls *calls = *sets; r == 0 && calls->names; calls++) {
			if (!is_for(calls, roles))
				continue;
			r = add(ctx, SCMP_ACT_ALLOW, calls->names);
			if (r == 0)
				r = allow_ioctls(ctx, calls->ioctls);
			if (r == 0)
				r = allow_rules(ctx, calls->rules);
		}
	}
	return r;
}

/* Makes the filter of threads of @roles: 0 with *@ret, which the caller releases, or -errno. */
static int make_filter(const struct vm_calls *const *sets, unsigned int roles, scmp_filter_ctx *ret)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!ctx)
		return -ENOMEM;
	r = allow_sets(ctx, sets, roles);
	/* A thread that fails an assertion ends without a message, which has nowhere to go any more. */
	if (r == 0 && (roles & VM_CALLS_LOOP))
		r = add(ctx, SCMP_ACT_ALLOW, libc_syscalls);
	if (r == 0)
		r = allow_own(ctx, roles);
	/*
	 * As a tree of its rules the filter makes some eight comparisons for a call, as a list it would make a hundred.
	 */
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r < 0)
		seccomp_release(ctx);
	else
		*ret = ctx;
	return r;
}

/* --- the filters of roles, which threads load themselves (host/thread.h) --- */

static struct sock_fprog programs[THREAD_ROLES];

/* Reads the program that libseccomp has written to @fd: 0 or -errno. */
static int read_program(int fd, struct sock_fprog *ret)
{
	off_t size = lseek(fd, 0, SEEK_END);
	struct sock_filter *code;

	if (size <= 0 || size % (off_t)sizeof(*code) != 0 || size / (off_t)sizeof(*code) > BPF_MAXINSNS)
		return -E2BIG;
	code = malloc((size_t)size);
	if (!code)
		return -ENOMEM;
	if (pread(fd, code, (size_t)size, 0) != (ssize_t)size) {
		free(code);
		return -EIO;
	}
	free(ret->filter);
	*ret = (struct sock_fprog){ .len = (unsigned short)((size_t)size / sizeof(*code)), .filter = code };
	return 0;
}

/* Makes the program of @role: 0 or -errno. */
static int make_program(const struct vm_calls *const *sets, enum thread_role role)
{
	autoclose int fd = memfd_create("vmrunc-filter", MFD_CLOEXEC);
	scmp_filter_ctx ctx;
	int r;

	if (fd < 0)
		return -errno;
	r = make_filter(sets, 1u << role, &ctx);
	if (r < 0)
		return r;
	r = seccomp_export_bpf(ctx, fd);
	seccomp_release(ctx);
	if (r == 0)
		r = read_program(fd, &programs[role]);
	if (r == 0)
		thread_filter_set(role, &programs[role]);
	return r;
}

/* The roles of all that is in @sets. */
static unsigned int roles_of(const struct vm_calls *const *sets)
{
	unsigned int roles = VM_CALLS_LOOP;

	for (; *sets; sets++) {
		for (const struct vm_calls *calls = *sets; calls->names; calls++)
			roles |= calls->roles;
	}
	return roles;
}

/* Makes the programs of @roles, if there is more than the loop's. A role that nothing names has no threads. */
static int make_programs(const struct vm_calls *const *sets, unsigned int roles)
{
	int r = 0;

	for (int role = 0; r == 0 && roles != VM_CALLS_LOOP && role < THREAD_ROLES; role++)
		r = roles & (1u << role) ? make_program(sets, (enum thread_role)role) : 0;
	return r;
}

int jail_seccomp(const struct vm_calls *const *sets, struct err *err)
{
	/* A thread may take rights away from itself; it can do so to no other, and hand its calls to nobody. */
	static const char *const landlock[] = { "landlock_restrict_self", NULL };
	const struct syscall_rule stricter[] = {
		{ "seccomp", { { 0, SYSCALL_INT, SECCOMP_SET_MODE_FILTER }, { 1, SYSCALL_INT, 0 } } },
		{ .name = NULL },
	};
	unsigned int roles = roles_of(sets);
	scmp_filter_ctx ctx;
	int r = make_programs(sets, roles);

	if (r == 0)
		r = make_filter(sets, roles, &ctx);
	if (r < 0)
		return err_sys(err, r, "cannot make the monitor's seccomp filter");
	r = allow_rules(ctx, stricter);
	if (r == 0)
		r = add(ctx, SCMP_ACT_ALLOW, landlock);
	if (r == 0)
		r = add(ctx, SCMP_ACT_KILL_PROCESS, deadly_calls);
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r < 0 ? err_sys(err, r, "cannot load the monitor's seccomp filter") : 0;
}

int jail_seccomp_loop(struct err *err)
{
	int r = thread_become(THREAD_LOOP);

	return r < 0 ? err_sys(err, r, "cannot load the loop's seccomp filter") : 0;
}

/* --- how many calls that are --- */

#define CALLS_MAX 256

/* Adds @name to the @*n names, if it is not among them and this architecture has it. */
static void count_name(const char *names[CALLS_MAX], int *n, const char *name)
{
	for (int i = 0; i < *n; i++) {
		if (strcmp(names[i], name) == 0)
			return;
	}
	if (*n < CALLS_MAX && seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR)
		names[(*n)++] = name;
}

int jail_seccomp_count(const struct vm_calls *const *sets, enum thread_role role)
{
	static const char *const own[] = { "tgkill", NULL }, *const files[] = { "clone", "unshare", NULL };
	const char *const *more = role == THREAD_FILES ? files : role == THREAD_WATCH ? files + 1 : NULL;
	const char *names[CALLS_MAX];
	int n = 0;

	for (; *sets; sets++) {
		for (const struct vm_calls *calls = *sets; calls->names; calls++) {
			if (!is_for(calls, 1u << role))
				continue;
			for (const char *const *name = calls->names; *name; name++)
				count_name(names, &n, *name);
			for (const struct syscall_rule *rule = calls->rules; rule && rule->name; rule++)
				count_name(names, &n, rule->name);
			if (calls->ioctls)
				count_name(names, &n, "ioctl");
		}
	}
	for (const char *const *name = libc_syscalls; role == THREAD_LOOP && *name; name++)
		count_name(names, &n, *name);
	for (const char *const *name = own; *name; name++)
		count_name(names, &n, *name);
	for (const char *const *name = more; name && *name; name++)
		count_name(names, &n, *name);
	return n;
}
