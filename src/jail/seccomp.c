/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's system call filter: an allow-list, added up from the lists that each room keeps beside its calls.
 *
 * There are three answers. A listed call works. A call that only an attacker would make ends the process. Everything
 * else fails with EPERM, because libraries try calls and manage without them.
 */
#include "jail/jail.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <unistd.h>

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
 * Allows what the jail itself decides. Threads may be made, but no processes, and no namespaces: a new user namespace
 * would give capabilities back.
 */
static int allow_own(scmp_filter_ctx ctx)
{
	const uint64_t new_ns = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
				CLONE_NEWPID | CLONE_NEWNET;
	const struct syscall_rule rules[] = {
		{ "clone", { { 0, new_ns | CLONE_THREAD, CLONE_THREAD } } },
		/* Signals may be sent within the process only: other processes of our user may be the host's. */
		{ "tgkill", { { 0, SYSCALL_INT, (uint32_t)getpid() } } },
		/* A thread of file service has an umask and a working directory of its own. */
		{ "unshare", { { 0, UINT64_MAX, CLONE_FS } } },
		{ .name = NULL },
	};
	int r = allow_rules(ctx, rules);

	/*
	 * The flags of clone3 are in memory, where the filter cannot see them. libc takes clone where there is no
	 * clone3.
	 */
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return r;
}

/* Allows everything that is in @sets (NULL at the end): 0 or -errno. */
static int allow_sets(scmp_filter_ctx ctx, const struct vm_calls *const *sets)
{
	int r = 0;

	for (; r == 0 && *sets; sets++) {
		for (const struct vm_calls *calls = *sets; r == 0 && calls->names; calls++) {
			r = add(ctx, SCMP_ACT_ALLOW, calls->names);
			if (r == 0)
				r = allow_ioctls(ctx, calls->ioctls);
			if (r == 0)
				r = allow_rules(ctx, calls->rules);
		}
	}
	return r;
}

int jail_seccomp(const struct vm_calls *const *sets, struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!ctx)
		return err_sys(err, ENOMEM, "cannot make the monitor's seccomp filter");
	r = allow_sets(ctx, sets);
	if (r == 0)
		r = add(ctx, SCMP_ACT_ALLOW, libc_syscalls);
	if (r == 0)
		r = add(ctx, SCMP_ACT_KILL_PROCESS, deadly_calls);
	if (r == 0)
		r = allow_own(ctx);
	/*
	 * As a tree of its rules the filter makes some eight comparisons for a call, as a list it would make a hundred.
	 */
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r < 0 ? err_sys(err, r, "cannot load the monitor's seccomp filter") : 0;
}
