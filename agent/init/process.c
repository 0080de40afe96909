/* SPDX-License-Identifier: Apache-2.0 */
/* A process as the agent remembers it: see process.h. */
#include "init/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/answer.h"
#include "init/cgroup.h"
#include "init/relay.h"
#include "init/resolver.h"
#include "init/signals.h"
#include "init/sync.h"
#include "sys/log.h"

/* --- records --- */

struct process *process_new(struct agent *agent, const struct guest_process *gp, uint32_t seq)
{
	struct process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->agent = agent;
	p->id = gp->id;
	p->terminal = gp->terminal;
	p->held = gp->held;
	p->rows = gp->rows;
	p->cols = gp->cols;
	p->seq = seq;
	p->sync = p->tty = -1;
	LIST_INSERT_HEAD(&agent->processes, p, link);
	return p;
}

struct process *process_find(struct agent *agent, uint32_t id)
{
	struct process *p;

	LIST_FOREACH (p, &agent->processes, link) {
		if (p->id == id)
			return p;
	}
	return NULL;
}

void process_attach(struct process *p, struct container *k)
{
	p->container = k;
	k->processes++;
	if (p->is_init)
		k->init = p;
}

void process_close_sync(struct process *p)
{
	watch_free(p->sync_watch);
	p->sync_watch = NULL;
	fd_close(p->sync);
	p->sync = -1;
}

static void process_close_stdio(struct process *p)
{
	sink_free(p->in);
	source_free(p->out[0]);
	source_free(p->out[1]);
	p->in = NULL;
	p->out[0] = p->out[1] = NULL;
	fd_close(p->tty);
	p->tty = -1;
}

void process_free(struct process *p)
{
	bool was_made = p->told || !p->is_init, refused = p->refused;
	struct container *k = p->container;
	struct agent *agent = p->agent;
	struct err failure = p->failure;
	uint32_t seq = p->seq;

	process_close_sync(p);
	process_close_stdio(p);
	resolver_end(agent, p->id);
	relay_end(agent, p->id);
	signals_done(p);
	LIST_REMOVE(p, link);
	if (k) {
		if (k->init == p)
			k->init = NULL;
		k->processes--;
		if (!was_made && !k->deleting)
			container_free(k); /* without its first process the container never was */
		else
			container_settle(k);
	}
	free(p);
	if (refused)
		answer_refuse(agent, seq, &failure);
}

/* Tells the exit of @p and frees it, if nothing that comes before is left to do. */
static void process_settle(struct process *p)
{
	bool sent = !p->out[0] && !p->out[1];

	/* DELETE does not wait for output to be sent: there may be nobody who reads it. */
	if (p->state != PROCESS_ENDED || !p->synced || (!sent && !p->container->deleting))
		return;
	if (p->told)
		answer_exited(p->agent, p->id, p->status, p->oom);
	process_free(p);
}

/* --- streams, terminal --- */

static void process_on_in_end(void *arg, int error unused)
{
	struct process *p = arg;

	p->in = NULL;
}

static void process_on_stdout_end(void *arg, int error unused)
{
	struct process *p = arg;

	p->out[0] = NULL;
	process_settle(p);
}

static void process_on_stderr_end(void *arg, int error unused)
{
	struct process *p = arg;

	p->out[1] = NULL;
	process_settle(p);
}

int process_open_stdio(struct process *p, const struct guest_process *gp, int child_fds[3], struct err *err)
{
	static pump_end_fn *const out_end[2] = { process_on_stdout_end, process_on_stderr_end };
	int failed = 0;

	for (int i = 0; i < 3; i++) {
		int fds[2] = { -1, -1 };
		int mine = -1, r;

		if (!gp->stream[i])
			continue;
		if (!gp->terminal) {
			if (pipe2(fds, O_CLOEXEC) < 0)
				failed = errno;
			mine = i == 0 ? fds[1] : fds[0];
			child_fds[i] = i == 0 ? fds[0] : fds[1];
			if (mine >= 0 && fd_set_nonblock(mine, true) < 0)
				failed = EIO;
		}
		if (i == 0)
			r = sink_new(p->agent->loop, p->agent->mux, gp->stream[i], mine, PUMP_NONBLOCK,
				process_on_in_end, p, &p->in);
		else
			r = source_new(p->agent->loop, p->agent->mux, gp->stream[i], mine, PUMP_NONBLOCK,
				out_end[i - 1], p, &p->out[i - 1]);
		if (r < 0)
			failed = -r;
	}
	return failed ? err_sys(err, failed, "cannot make the process's stdio") : 0;
}

void process_apply_winsize(const struct process *p)
{
	struct winsize ws = { .ws_row = p->rows, .ws_col = p->cols };

	if (p->tty >= 0 && (p->rows || p->cols) && ioctl(p->tty, TIOCSWINSZ, &ws) < 0)
		log_write(p->agent, PROTO_LOG_WARN, "cannot set a terminal's size: %s", strerror(errno));
}

void process_winsize(struct agent *agent, uint32_t id, uint16_t rows, uint16_t cols)
{
	struct process *p = process_find(agent, id);

	if (!p)
		return; /* it has ended meanwhile */
	p->rows = rows;
	p->cols = cols;
	process_apply_winsize(p);
}

/* --- failures, signals --- */

void process_refuse(struct process *p, const struct err *err)
{
	process_close_sync(p);
	if (p->state == PROCESS_STARTING && p->is_init) {
		answer_refuse(p->agent, p->seq, err);
		return;
	}
	p->state = PROCESS_FAILED;
	p->refused = true;
	p->failure = *err;
	process_close_stdio(p);
	if (p->pid > 0)
		(void)kill(p->pid, SIGKILL); /* it may have ended by itself */
	else if (p->joiner <= 0)
		process_free(p);
}

int process_signal(struct agent *agent, uint32_t id, int signo, bool all, struct err *err)
{
	struct process *p = process_find(agent, id);

	if (!p || p->state == PROCESS_ENDED || p->state == PROCESS_FAILED || p->pid <= 0)
		return err_set(err, ESRCH, "container not running");
	if (signo < 0 || signo > 64)
		return err_set(err, EINVAL, "there is no signal %d", signo);
	if (all && p->container->cgroup_fd >= 0) {
		cgroup_signal(p->container->cgroup_fd, signo);
		return 0;
	}
	return signals_send(p, signo, err);
}

/* --- the end --- */

void process_settle_all(struct container *k)
{
	struct process *p, *next;

	for (p = LIST_FIRST(&k->agent->processes); p; p = next) {
		next = LIST_NEXT(p, link);
		if (p->container == k)
			process_settle(p);
	}
}

static void process_on_synced(void *arg, uint32_t id)
{
	struct process *p = process_find(arg, id);

	if (!p)
		return;
	p->synced = true;
	process_settle(p);
}

/* The process has been reaped: kills the rest of its container if it was the first, and begins what precedes EXITED. */
static void process_end(struct process *p, int status)
{
	struct agent *agent = p->agent;
	uint32_t id = p->id;

	p->pid = 0;
	signals_done(p);
	if (p->state == PROCESS_FAILED) {
		if (p->is_init && p->container)
			container_kill_all(p->container);
		process_free(p);
		return;
	}
	process_close_sync(p);
	p->state = PROCESS_ENDED;
	p->status = signals_status(p, status);
	p->oom = cgroup_saw_oom(p->container->cgroup_fd);
	if (p->is_init)
		container_kill_all(p->container);
	relay_finish(agent, id);
	sink_free(p->in);
	p->in = NULL;
	for (int i = 0; i < 2; i++) {
		if (p->out[i])
			source_finish(p->out[i]);
	}
	sync_shares(agent, process_on_synced, agent, id);
}

bool process_on_exit(struct agent *agent, pid_t pid, int status)
{
	struct process *p;

	LIST_FOREACH (p, &agent->processes, link) {
		if (p->pid == pid) {
			process_end(p, status);
			return true;
		}
	}
	return false;
}
