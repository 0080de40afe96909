/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system call filter that QEMU starts with: see filter.h.
 *
 * The list was measured with QEMU 7.2 (strace, over tests/bats, with TCG and with KVM), and has beside what was seen the
 * other forms of the same calls, which another libc makes of the same functions, and what a thread needs to end or to
 * abort.
 */
#include "vm/qemu/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/syscalls.h"

static const char *const allowed_calls[] = {
	/* its start, and libc's: QEMU's own filter, which comes next, takes execve away */
	"access",
	"arch_prctl",
	"brk",
	"execve",
	"exit",
	"exit_group",
	"faccessat",
	"faccessat2",
	"get_mempolicy", /* libnuma asks */
	"getcpu",
	"getcwd",
	"getegid",
	"geteuid",
	"getgid",
	"getpid",
	"getppid",
	"getrandom",
	"getrlimit",
	"getrusage",
	"gettid",
	"getuid",
	"membarrier",
	"mmap", /* TCG's code is made in memory */
	"mprotect",
	"mremap",
	"munmap",
	"madvise",
	"restart_syscall",
	"rseq",
	"sched_get_priority_max",
	"sched_get_priority_min",
	"sched_getaffinity",
	"sched_getparam",
	"sched_getscheduler",
	"sched_yield",
	"seccomp",
	"set_robust_list",
	"set_tid_address",
	"sysinfo",
	"uname",

	/* locks, signals to itself, time */
	"clock_getres",
	"clock_gettime",
	"clock_nanosleep",
	"futex",
	"gettimeofday",
	"nanosleep",
	"rt_sigaction",
	"rt_sigpending",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigsuspend",
	"rt_sigtimedwait",
	"sigaltstack",
	"signalfd4",
	"time",
	"timerfd_create",
	"timerfd_gettime",
	"timerfd_settime",

	/* its loops, and the sockets that it was given */
	"close",
	"close_range",
	"dup",
	"dup2",
	"dup3",
	"epoll_create1",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_wait",
	"eventfd2",
	"getpeername",
	"getsockname",
	"getsockopt",
	"pipe",
	"pipe2",
	"poll",
	"ppoll",
	"pselect6",
	"read",
	"readv",
	"recvfrom",
	"recvmsg",
	"select",
	"sendmsg",
	"sendto",
	"setsockopt",
	"shutdown",
	"write",
	"writev",

	/* the guest's memory, where it is a file; the kernel and the initramfs */
	"fallocate",
	"fstat",
	"lseek",
	"lstat",
	"memfd_create",
	"newfstatat",
	"open",
	"openat",
	"pread64",
	"readlink",
	"stat",
	"statx",

	/* its 9P server: hw/9pfs/9p-local.c */
	"chdir",
	"chmod", /* by /proc/self/fd, as QEMU 7.2 does */
	"fchdir",
	"fchmod",
	"fchmodat",
	"fchmodat2",
	"fchown",
	"fchownat",
	"fdatasync",
	"fgetxattr",
	"flistxattr",
	"fremovexattr",
	"fsetxattr",
	"fstatfs",
	"fsync",
	"ftruncate",
	"getdents64",
	"getxattr",
	"lgetxattr",
	"linkat",
	"listxattr",
	"llistxattr",
	"lremovexattr",
	"lsetxattr",
	"mkdirat",
	"mknodat",
	"preadv",
	"preadv2",
	"pwrite64",
	"pwritev",
	"pwritev2",
	"readlinkat",
	"removexattr",
	"renameat",
	"renameat2",
	"setxattr",
	"statfs",
	"symlinkat",
	"umask",
	"unlinkat",
	"utimensat",
	NULL,
};

/* Requests of ioctl(2) beside KVM's. No terminal's but the question whether one is there: TIOCSTI types into it. */
static const unsigned long allowed_ioctls[] = {
	TCGETS,
	FIOCLEX,
	FIONBIO,
	FIONREAD,
	FS_IOC_GETVERSION, /* 9P: the generation of a file */
	TUNGETFEATURES,
	TUNGETIFF,
	TUNGETSNDBUF,
	TUNGETVNETHDRSZ,
	TUNSETOFFLOAD,
	TUNSETQUEUE, /* of a tap with several queues: how many the guest uses */
	TUNSETSNDBUF,
	TUNSETVNETBE,
	TUNSETVNETHDRSZ,
	TUNSETVNETLE,
	0,
};

/* All requests for KVM have this type, whatever its version. */
#define IOCTL_TYPE 0xff00u

#define NEW_NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

static const struct syscall_rule allowed_rules[] = {
	/* threads, and no processes; clone3, whose flags no filter sees, gives ENOSYS, and libc takes clone */
	{ "clone", { { 0, NEW_NAMESPACES | CLONE_THREAD, CLONE_THREAD } } },

	{ "fcntl", { { 1, SYSCALL_INT, F_ADD_SEALS } } }, /* of memory of its own */
	{ "fcntl", { { 1, SYSCALL_INT, F_DUPFD } } },
	{ "fcntl", { { 1, SYSCALL_INT, F_DUPFD_CLOEXEC } } },
	{ "fcntl", { { 1, SYSCALL_INT, F_GETFD } } },
	{ "fcntl", { { 1, SYSCALL_INT, F_GETFL } } },
	{ "fcntl", { { 1, SYSCALL_INT, F_GET_SEALS } } },
	{ "fcntl", { { 1, SYSCALL_INT, F_SETFD } } },
	{ "fcntl", { { 1, SYSCALL_INT, F_SETFL } } },

	{ "ioctl", { { 1, IOCTL_TYPE, KVMIO << 8 } } },

	{ "prctl", { { 0, SYSCALL_INT, PR_GET_DUMPABLE } } },
	{ "prctl", { { 0, SYSCALL_INT, PR_GET_NAME } } },
	{ "prctl", { { 0, SYSCALL_INT, PR_MCE_KILL } } }, /* a broken page of the guest's memory is told at once */
	{ "prctl", { { 0, SYSCALL_INT, PR_SET_DUMPABLE }, { 1, UINT64_MAX, 0 } } }, /* undump.c makes QEMU call it */
	{ "prctl", { { 0, SYSCALL_INT, PR_SET_NAME } } },
	{ "prctl", { { 0, SYSCALL_INT, PR_SET_NO_NEW_PRIVS } } },
	{ "prctl", { { 0, SYSCALL_INT, PR_SET_TIMERSLACK } } },

	/* limits of other processes: 0 is the caller itself */
	{ "prlimit64", { { 0, UINT64_MAX, 0 } } },
	{ .name = NULL },
};

/* Allows @name, or only where the @tests hold, of which those with a mask count. 0 or -errno. */
static int allow(scmp_filter_ctx ctx, const char *name, const struct syscall_test *tests)
{
	int call = seccomp_syscall_resolve_name(name);
	struct scmp_arg_cmp args[SYSCALL_TESTS];
	unsigned int n = 0;

	if (call == __NR_SCMP_ERROR)
		return 0; /* libseccomp does not know it yet: it stays forbidden, and libc takes an older one */
	for (size_t i = 0; tests && i < SYSCALL_TESTS; i++) {
		if (tests[i].mask)
			args[n++] = SCMP_CMP(tests[i].arg, SCMP_CMP_MASKED_EQ, tests[i].mask, tests[i].value);
	}
	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, n, args);
}

/* Allows all that stands above: 0 or -errno. */
static int allow_all(scmp_filter_ctx ctx)
{
	/* tgkill is how threads and abort(3) signal; this process is QEMU in a moment, with the same number */
	const struct syscall_test own[SYSCALL_TESTS] = { { 0, SYSCALL_INT, (uint32_t)getpid() } };
	int r = allow(ctx, "tgkill", own);

	for (const char *const *name = allowed_calls; r == 0 && *name; name++)
		r = allow(ctx, *name, NULL);
	for (const struct syscall_rule *rule = allowed_rules; r == 0 && rule->name; rule++)
		r = allow(ctx, rule->name, rule->tests);
	for (const unsigned long *request = allowed_ioctls; r == 0 && *request; request++) {
		const struct syscall_test test[SYSCALL_TESTS] = { { 1, SYSCALL_INT, (uint32_t)*request } };

		r = allow(ctx, "ioctl", test);
	}
	return r;
}

int qemu_filter_load(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r = ctx ? 0 : -ENOMEM;

	if (r == 0)
		r = allow_all(ctx);
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: few comparisons for each call */
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}
