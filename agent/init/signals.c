/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals for a process: see signals.h.
 *
 * The kernel discards a signal for the first process of a pid namespace if the process has no handler for it. A program
 * needs a moment from execve(2) to its first sigaction(2), and in a VM, above all an emulated one, that moment is long
 * enough that an engine which stops a container right after its start loses its SIGTERM in it. So within SETTLE_MS of
 * execve(2) such a signal waits here until the process catches, blocks or ignores it, and has come to rest: a shell
 * that got it between its `trap` and its `wait` would wait all the same. When that time is over the signal is sent in
 * any case, and the kernel does with it what it always does. A process that can take a signal when it comes gets it at
 * once.
 *
 * SIGKILL and SIGSTOP work on any process and never wait.
 *
 * Before START there is no program yet that could have a handler. What ends runc's process then, which is one of its own
 * that waits there, ends ours: by SIGKILL, since the kernel discards the others, but with the status of the signal.
 */
#include "init/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "init/proclist.h"
#include "sys/log.h"

/* The longest time from execve(2) to a signal handler: a shell on an emulated, loaded CPU takes some 100 ms. */
#define SETTLE_MS 2000
#define LOOK_AGAIN_MS 10
#define RESTED_LOOKS 2 /* looks in a row that must find it asleep: once it may sleep for a page of its program */

static uint64_t bit(int signo)
{
	return 1ull << (signo - 1);
}

/*
 * The signals that @pid catches, blocks or ignores, bit n - 1 for signal n; and in *@ret_asleep whether it sleeps. If
 * /proc does not tell: all of them, and true.
 */
static uint64_t signals_taken(pid_t pid, bool *ret_asleep)
{
	static const char *const fields[] = { "\nSigBlk:\t", "\nSigIgn:\t", "\nSigCgt:\t" };
	autofree char *text = NULL;
	uint64_t taken = 0;
	char path[64];

	*ret_asleep = true;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid); /* fits */
	if (fd_read_file(AT_FDCWD, path, PROC_STATUS_MAX, &text, NULL) < 0)
		return ~0ull;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const char *at = strstr(text, fields[i]);

		if (!at)
			return ~0ull;
		taken |= strtoull(at + strlen(fields[i]), NULL, 16);
	}
	*ret_asleep = strstr(text, "\nState:\tS") != NULL;
	return taken;
}

/* Whether @signo ends a first process that waits for START: what ends a program in Go, as runc is, or dumps its stack. */
static bool ends_created(const struct process *p, int signo)
{
	const uint64_t ending = bit(SIGHUP) | bit(SIGINT) | bit(SIGTERM) | bit(SIGQUIT) | bit(SIGILL) | bit(SIGTRAP) |
				bit(SIGABRT) | bit(SIGSTKFLT) | bit(SIGSYS);

	return p->is_init && p->state == PROCESS_CREATED && signo > 0 && (ending & bit(signo));
}

/* Whether @signo is one that the kernel may discard for @p, which may not be ready yet. */
static bool may_wait(const struct process *p, int signo)
{
	if (signo == 0 || signo == SIGKILL || signo == SIGSTOP)
		return false;
	if (!p->is_init || !p->container->own_ns[GUEST_NS_PID])
		return false;
	if (p->state == PROCESS_STARTING)
		return true;
	return p->state == PROCESS_RUNNING && clock_now_ms() < p->settled_at_ms;
}

/* The timer: sends the signals that @arg's process can take by now, and looks again if some are left. */
static void signals_look(void *arg)
{
	struct process *p = arg;
	bool late = p->state == PROCESS_RUNNING && clock_now_ms() >= p->settled_at_ms;
	uint64_t ready = 0;
	bool asleep = false;

	if (late)
		ready = ~0ull;
	else if (p->state == PROCESS_RUNNING)
		ready = signals_taken(p->pid, &asleep);
	p->rested = asleep ? p->rested + 1 : 0;
	if (!late && p->rested < RESTED_LOOKS)
		ready = 0;
	for (int signo = 1; signo <= 64; signo++) {
		if (!(p->waiting & ready & bit(signo)))
			continue;
		p->waiting &= ~bit(signo);
		if (kill(p->pid, signo) < 0)
			log_write(p->agent, PROTO_LOG_WARN, "cannot send signal %d: %s", signo, strerror(errno));
	}
	if (p->waiting && timer_set(p->signal_timer, LOOK_AGAIN_MS) < 0)
		log_write(p->agent, PROTO_LOG_WARN, "signals that waited for the process are lost");
}

/* Lets @signo wait. False if no timer can be had for that. */
static bool signals_wait(struct process *p, int signo)
{
	int r = p->signal_timer ? timer_set(p->signal_timer, LOOK_AGAIN_MS)
				: timer_new(p->agent->loop, LOOK_AGAIN_MS, signals_look, p, &p->signal_timer);

	if (r < 0)
		return false;
	p->waiting |= bit(signo);
	return true;
}

int signals_send(struct process *p, int signo, struct err *err)
{
	bool asleep;

	if (may_wait(p, signo) && (p->state != PROCESS_RUNNING || !(signals_taken(p->pid, &asleep) & bit(signo))) &&
		signals_wait(p, signo))
		return 0;
	if (ends_created(p, signo)) {
		p->ended_by = signo;
		signo = SIGKILL;
	}
	if (kill(p->pid, signo) < 0)
		return err_sys(err, errno, "cannot send signal %d", signo);
	return 0;
}

int signals_status(const struct process *p, int status)
{
	return p->ended_by && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? p->ended_by : status;
}

void signals_begin(struct process *p)
{
	p->settled_at_ms = clock_now_ms() + SETTLE_MS;
}

void signals_done(struct process *p)
{
	watch_free(p->signal_timer);
	p->signal_timer = NULL;
	p->waiting = 0;
}
