/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of src/base and of libc itself: see syscalls.h. */
#include "base/syscalls.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>

const char *const base_syscalls[] = {
	/* fd.c; fstat(3) is newfstatat in glibc 2.33 to 2.38, renameat(3) is renameat2 where a kernel has only that */
	"close",
	"fstat",
	"fsync",
	"getpid",
	"newfstatat",
	"read",
	"recvmsg",
	"renameat",
	"renameat2",
	"sendmsg",
	"unlinkat",
	"write",

	/* loop.c; epoll_wait(3) is epoll_pwait where a kernel has only that */
	"epoll_create1",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_wait",
	"eventfd2",
	"timerfd_create",
	"timerfd_settime",

	/* clock.h, where the vDSO cannot answer */
	"clock_gettime",

	/* malloc(3), with mmap(2) and mprotect(2) below: the heap, an arena a thread, the random start of its caches, the number of CPUs that bounds them */
	"brk",
	"getrandom",
	"madvise",
	"mremap",
	"munmap",
	"sched_getaffinity",

	/* locks, and the end of threads (what a new one calls is in src/host/thread.c) */
	"futex",
	"gettid",
	"rt_sigprocmask",

	/* a signal's way back, a call that a stop has interrupted, the end */
	"exit",
	"exit_group",
	"restart_syscall",
	"rt_sigreturn",
	NULL,
};

/*
 * What a flag or a command can make of a call: memory that holds code, or a file that sends signals to others
 * (F_SETOWN, F_SETSIG, F_NOTIFY).
 */
const struct syscall_rule base_syscall_rules[] = {
	{ "openat", { SYSCALL_AT_DESCRIPTOR } },              /* fd.c */
	{ "fcntl", { { 1, SYSCALL_INT, F_GETFL } } },         /* fd.c */
	{ "fcntl", { { 1, SYSCALL_INT, F_SETFL } } },         /* fd.c */
	{ "fcntl", { { 1, SYSCALL_INT, F_DUPFD_CLOEXEC } } }, /* a descriptor of one's own */
	{ "mmap", { { 2, PROT_EXEC, 0 } } },
	{ "mprotect", { { 2, PROT_EXEC, 0 } } },
	{ .name = NULL },
};
