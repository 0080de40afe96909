/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a test under the system call lists of src/fs and src/p9 (fs_syscalls, p9_syscalls, thread_syscalls).
 *
 * The test programs are linked with --wrap=fs_thread_init, so that each thread gets a filter before it serves for the
 * first time; the client's threads, and the host's side of a test, are free. The program dies of SIGSYS ("Bad system
 * call") when a thread that serves makes a call which no list names: strace -f shows which one it was.
 *
 * base_syscalls, of which a real filter consists as well, is left out on purpose. It has names such as openat that
 * src/fs must give itself.
 *
 * With a sanitizer there is no filter, since its runtime makes calls of its own.
 */
#include "tests/unit/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "fs/fs.h"
#include "host/thread.h"
#include "p9/p9.h"

/* What libc does for any program, this file when it loads a second filter, and cmocka to say what failed. */
static const char *const libc_syscalls[] = {
	"brk",
	"exit_group",
	"getpid",
	"getrandom",
	"gettid",
	"mremap",
	"openat", /* the tests' paths, and free(3)'s: which the jail lets through is what test_seccomp.c is for */
	"restart_syscall",
	"rt_sigaction",
	"rt_sigreturn",
	"seccomp",
	"tgkill",
	"write",
	NULL,
};

static const struct syscall_rule libc_rules[] = {
	/* opendir(3) of the tests, and what they ask of descriptors */
	{ "fcntl", { { 1, SYSCALL_INT, F_GETFL } } },
	{ "fcntl", { { 1, SYSCALL_INT, F_SETFD } } },
	{ "fcntl", { { 1, SYSCALL_INT, F_GETFD } } },
	{ "fcntl", { { 1, SYSCALL_INT, F_DUPFD_CLOEXEC } } },
	{ "fcntl", { { 1, SYSCALL_INT, F_ADD_SEALS } } },         /* fs_new(), when it is called once more */
	{ "prctl", { { 0, SYSCALL_INT, PR_SET_NO_NEW_PRIVS } } }, /* this file, when it loads a second filter */
	{ .name = NULL },
};

int __real_fs_thread_init(struct fs *fs);
int __wrap_fs_thread_init(struct fs *fs);

static void must(int r, const char *what)
{
	if (r == 0 || r == -EEXIST)
		return;
	fprintf(stderr, "filter: %s: %s\n", what, strerror(-r));
	exit(1);
}

static void allow(scmp_filter_ctx ctx, const char *const *names)
{
	for (; *names != NULL; names++) {
		int call = seccomp_syscall_resolve_name(*names);

		must(call == __NR_SCMP_ERROR ? -EINVAL : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 0), *names);
	}
}

static void allow_rules(scmp_filter_ctx ctx, const struct syscall_rule *rules)
{
	for (; rules->name != NULL; rules++) {
		const struct syscall_test *t = rules->tests; /* none of these has two */

		must(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(rules->name), 1,
			     SCMP_CMP(t->arg, SCMP_CMP_MASKED_EQ, t->mask, t->value)),
			rules->name);
	}
}

static void filter_load(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);

	must(ctx != NULL ? 0 : -ENOMEM, "seccomp_init");
	allow(ctx, fs_syscalls);
	allow_rules(ctx, fs_syscall_rules);
	allow(ctx, fs_watch_syscalls); /* a thread that watches is one of them, too */
	allow(ctx, p9_syscalls);
	allow(ctx, thread_syscalls);
	allow_rules(ctx, thread_syscall_rules);
	allow_rules(ctx, libc_rules);
	allow(ctx, libc_syscalls);
	allow(ctx, harness_syscalls);
	/* As in src/jail/seccomp.c: a working directory and a umask of one's own, and threads by clone(2). */
	must(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(unshare), 1, SCMP_A0(SCMP_CMP_EQ, CLONE_FS, 0)), "unshare");
	must(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 0), "clone");
	must(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0), "clone3");
	must(seccomp_load(ctx), "seccomp_load");
	seccomp_release(ctx);
}

int __wrap_fs_thread_init(struct fs *fs)
{
	static __thread bool loaded;

	if (!loaded && !SANITIZED)
		filter_load();
	loaded = true;
	return __real_fs_thread_init(fs);
}
