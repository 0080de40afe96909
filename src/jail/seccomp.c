/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's system call filter: an allow-list of what the monitor, the file
 * service and the VM's engine need while a guest runs.
 *
 * Three answers: listed calls work. Calls that only an attacker would make end
 * the process. Everything else fails with EPERM, as libraries try calls and
 * manage without them.
 */
#include "jail/jail.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "fs/fs.h"
#include "host/thread.h"
#include "p9/p9.h"

/* The loop, the channel, the control socket, timers, memory, threads, the end. */
static const char *const monitor_calls[] = {
	"accept4",
	"brk",
	"clock_gettime",
	"clock_nanosleep",
	"close",
	"close_range",
	"dup",
	"dup2",
	"dup3",
	"epoll_create1",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_wait",
	"eventfd2",
	"exit",
	"exit_group",
	"fcntl",
	"fstat",
	"futex",
	"getpid",
	"getppid",
	"getrandom",
	"gettid",
	"gettimeofday",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"lseek",
	"madvise",
	"membarrier",
	"mmap",
	"mprotect",
	"mremap",
	"munmap",
	"nanosleep",
	"newfstatat",
	"openat",
	"pipe2",
	"poll",
	"ppoll",
	"prctl",
	"pread64",
	"prlimit64",
	"pwrite64",
	"read",
	"readv",
	"recvfrom",
	"recvmsg",
	"restart_syscall",
	"rseq",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"sched_getaffinity",
	"sched_yield",
	"select",
	"pselect6",
	"sendmsg",
	"sendto",
	"set_robust_list",
	"set_tid_address",
	"shutdown",
	"sigaltstack",
	"socketpair",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_gettime",
	"wait4",
	"waitid",
	"write",
	"writev",
	"uname",
	"sysinfo",
	"getrusage",
	"clock_getres",
	"getsockopt",
	"setsockopt",
	"getsockname",
	"arch_prctl",
	"ftruncate",
};

/* What breaks out of a jail, and nothing of ours. */
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
};

static const unsigned long monitor_ioctls[] = {
	TIOCGWINSZ,
	TIOCSWINSZ,
	TCGETS,
	FIONBIO,
	FIONREAD,
	0,
};

static int allow(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n && names[i]; i++) {
		int call = seccomp_syscall_resolve_name(names[i]);
		int r;

		if (call == __NR_SCMP_ERROR)
			continue; /* newer than this libseccomp: then nothing here uses it either */
		r = seccomp_rule_add(ctx, action, call, 0);
		if (r < 0 && r != -EEXIST)
			return r;
	}
	return 0;
}

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

/* Threads, but no namespaces: a user namespace would give capabilities back. */
static int allow_threads(scmp_filter_ctx ctx)
{
	const uint64_t new_ns = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
				CLONE_NEWPID | CLONE_NEWNET;
	int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, new_ns, 0));

	/* its flags are in memory, out of the filter's sight; libc then uses clone */
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	/* signals within the process; others of our user may be the host's */
	if (r == 0)
		r = seccomp_rule_add(
			ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	/* a thread's own umask and working directory */
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(unshare), 1, SCMP_A0(SCMP_CMP_EQ, CLONE_FS, 0));
	return r;
}

int jail_seccomp(const struct vm *vm, struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!ctx)
		return err_sys(err, ENOMEM, "seccomp");
	r = allow(ctx, SCMP_ACT_ALLOW, monitor_calls, ARRAY_LEN(monitor_calls));
	if (r == 0)
		r = allow(ctx, SCMP_ACT_ALLOW, thread_syscalls, SIZE_MAX);
	if (r == 0)
		r = allow(ctx, SCMP_ACT_ALLOW, fs_syscalls, SIZE_MAX);
	if (r == 0)
		r = allow(ctx, SCMP_ACT_ALLOW, p9_syscalls, SIZE_MAX);
	for (const struct vm_calls *calls = vm_calls(vm); r == 0 && calls->names; calls++) {
		r = allow(ctx, SCMP_ACT_ALLOW, calls->names, SIZE_MAX);
		if (r == 0)
			r = allow_ioctls(ctx, calls->ioctls);
	}
	if (r == 0)
		r = allow(ctx, SCMP_ACT_KILL_PROCESS, deadly_calls, ARRAY_LEN(deadly_calls));
	if (r == 0)
		r = allow_threads(ctx);
	if (r == 0)
		r = allow_ioctls(ctx, monitor_ioctls);
	/* 250 rules as a tree: each call passes eight comparisons, not hundreds */
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r < 0 ? err_sys(err, r, "cannot load the monitor's seccomp filter") : 0;
}
