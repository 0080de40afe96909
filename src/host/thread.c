/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that serve: vCPUs, workers of the 9P server, threads of devices. */
#include "host/thread.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sig.h"

/*
 * No frame of what runs on it (operations of the 9P server, register accesses of devices) is above 5 KiB. A stack of
 * the default size, 8 MiB, would get a huge page, which is 2 MiB of memory, when it is touched for the first time.
 */
#define THREAD_STACK (256u * 1024u)

const char *const thread_syscalls[] = {
	"brk", /* malloc(3) in the first arena, where there are more threads than arenas */
	"exit",
	"futex", /* joining */
	"getpid",
	"gettid", /* both for abort(3); tgkill stands with the filter, which allows it for this process alone */
	"madvise",
	"mremap", /* realloc(3) of what has a mapping of its own */
	"munmap",
	"restart_syscall", /* a wait that a stop has interrupted */
	"rseq",
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

static const struct sock_fprog *filters[THREAD_ROLES];
static int rules[THREAD_ROLES] = {
	[THREAD_LOOP] = -1, [THREAD_VCPU] = -1, [THREAD_FILES] = -1, [THREAD_WATCH] = -1, [THREAD_NET] = -1
};
static __thread enum thread_role own_role; /* of a thread that thread_start() has not started: the loop's */
static __thread bool restricted;

void thread_filter_set(enum thread_role role, const struct sock_fprog *filter)
{
	filters[role] = filter;
}

void thread_rules_set(enum thread_role role, int fd)
{
	rules[role] = fd;
}

int thread_become(enum thread_role role)
{
	own_role = role;
	if (restricted)
		return 0;
	if (rules[role] >= 0 && syscall(SYS_landlock_restrict_self, rules[role], 0) < 0)
		return -errno;
	if (filters[role] && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filters[role]) < 0)
		return -errno;
	restricted = filters[role] || rules[role] >= 0;
	return 0;
}

struct start {
	enum thread_role role;
	bool restricted; /* by the thread that starts it, whose filter it has */
	void *(*run)(void *);
	void *arg;
};

/* Blocks all signals of the calling thread, and puts its set until then into @ret_old unless that is NULL. */
static void block_signals(sigset_t *ret_old)
{
	sigset_t all;

	sig_fill(&all);
	(void)sig_mask(SIG_SETMASK, &all, ret_old); /* cannot fail: the set is valid */
}

/* A thread's first step. It does nothing for a guest without its filter: the kernel has no memory for that, or a bug. */
static void *begin(void *arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	/* pthread_create() unblocks libc's own two in the first thread of a process, where they would be deadly */
	block_signals(NULL);
	restricted = start.restricted;
	if (thread_become(start.role) < 0)
		abort();
	return start.run(start.arg);
}

int thread_start(enum thread_role role, pthread_t *ret_thread, void *(*run)(void *), void *arg)
{
	struct start *start = malloc(sizeof(*start));
	sigset_t old;
	pthread_attr_t attr;
	int r;

	if (!start)
		return -ENOMEM;
	/* GUEST: a thread of another role would have both filters, of which nobody has thought */
	if (restricted && role != own_role) {
		free(start);
		return -EPERM;
	}
	*start = (struct start){ .role = role, .restricted = restricted, .run = run, .arg = arg };
	(void)pthread_attr_init(&attr); /* cannot fail on Linux */
	(void)pthread_attr_setstacksize(&attr, THREAD_STACK);
	block_signals(&old); /* a new thread inherits the mask of the one that starts it */
	r = pthread_create(ret_thread, &attr, begin, start);
	(void)sig_mask(SIG_SETMASK, &old, NULL); /* cannot fail either */
	(void)pthread_attr_destroy(&attr);
	if (r != 0)
		free(start);
	return -r;
}
