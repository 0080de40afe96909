/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that serve: vCPUs, workers of the 9P server, threads of devices. */
#include "host/thread.h"

#include <signal.h>
#include <sys/mman.h>

#include "base/sig.h"

/*
 * No frame of what runs on it (operations of the 9P server, register accesses of devices) is above 5 KiB. A stack of
 * the default size, 8 MiB, would get a huge page, which is 2 MiB of memory, when it is touched for the first time.
 */
#define THREAD_STACK (256u * 1024u)

const char *const thread_syscalls[] = {
	"exit",
	"futex", /* joining */
	"madvise",
	"munmap",
	"rseq",
	"rt_sigaction", /* the first thread of a process: glibc's handler for set*id(3) */
	"rt_sigprocmask",
	"sched_getaffinity", /* how many processors there are decides how many arenas may be */
	"set_robust_list",
	NULL,
};

const struct syscall_rule thread_syscall_rules[] = {
	{ "mmap", { { 2, PROT_EXEC, 0 } } },     /* stack and arena, neither of which holds code */
	{ "mprotect", { { 2, PROT_EXEC, 0 } } }, /* the stack's guard page; the arena as it grows */
	{ .name = NULL },
};

int thread_start(pthread_t *ret_thread, void *(*run)(void *), void *arg)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int r;

	(void)pthread_attr_init(&attr); /* cannot fail on Linux */
	(void)pthread_attr_setstacksize(&attr, THREAD_STACK);
	sig_fill(&all);
	(void)sig_mask(SIG_SETMASK, &all, &old); /* a new thread inherits the mask of the one that starts it */
	r = pthread_create(ret_thread, &attr, run, arg);
	(void)sig_mask(SIG_SETMASK, &old, NULL); /* neither call can fail: the sets are valid */
	(void)pthread_attr_destroy(&attr);
	return -r;
}
