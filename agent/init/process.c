/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that the monitor asked for: see process.h, and launch.h for how it
 * comes to be.
 *
 *   SETTING_UP --READY--> CREATED --START--> STARTING --execve--> RUNNING
 *       |ERROR               |                  |ERROR               |
 *       v                    v                  v                    v
 *     FAILED --reaped--> (freed)             ENDED <-----reaped------+
 *                                            ENDED --written back, output sent--> EXITED, freed
 *
 * The order that the monitor relies on: all output of a process has been put
 * into its streams, and they have ended, before its record is freed; and what
 * it wrote into files is on the host before EXITED.
 */
#include "init/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "init/cgroup.h"
#include "init/channel.h"
#include "init/signals.h"
#include "init/sync.h"
#include "launch/devices.h"
#include "launch/launch.h"
#include "sys/log.h"
#include "sys/sandbox.h"
#include "sys/sys.h"

/* --- records --- */

static struct process *process_find(struct agent *agent, uint32_t id)
{
	struct process *p;

	LIST_FOREACH (p, &agent->processes, link) {
		if (p->id == id)
			return p;
	}
	return NULL;
}

static void process_close_sync(struct process *p)
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

static void process_free(struct process *p)
{
	bool was_made = p->told || !p->is_init, refused = p->refused;
	struct container *k = p->container;
	struct agent *agent = p->agent;
	struct err failure = p->failure;
	uint32_t seq = p->seq;

	process_close_sync(p);
	process_close_stdio(p);
	signals_done(p);
	LIST_REMOVE(p, link);
	if (k) {
		if (k->init == p)
			k->init = NULL;
		k->processes--;
		if (!was_made && !k->deleting)
			container_free(k); /* a container whose first process could not be made never was */
		else
			container_settle(k);
	}
	free(p);
	if (refused)
		channel_refuse(agent, seq, &failure);
}

/* Tells the exit when everything before it is done. */
static void process_settle(struct process *p)
{
	bool sent = !p->out[0] && !p->out[1];

	/* Who deletes a container does not wait for its output: nobody may be reading it. */
	if (p->state != PROCESS_ENDED || !p->synced || (!sent && !p->container->deleting))
		return;
	if (p->told)
		channel_exited(p->agent, p->id, p->status, p->oom);
	process_free(p);
}

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

/* --- failures --- */

/*
 * A START that fails is answered at once: the process was created, and its exit
 * is told like any other. Else the answer comes when the process is reaped and
 * a container that it was to begin is forgotten, so that the id is free again.
 */
static void process_refuse(struct process *p, const struct err *err)
{
	process_close_sync(p);
	if (p->state == PROCESS_STARTING && p->is_init) {
		channel_refuse(p->agent, p->seq, err);
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

/* --- what the process tells --- */

static int process_write_map(pid_t pid, const char *file, const struct guest_idmaps *map)
{
	autobuf text = BUF_INIT;
	char path[64];

	for (uint32_t i = 0; i < map->len; i++)
		buf_printf(&text, "%u %u %u\n", map->at[i].container, map->at[i].host, map->at[i].size);
	if (map->len == 0)
		return 0;
	if (buf_error(&text) < 0)
		return buf_error(&text);
	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file); /* fits */
	return fd_write_existing(AT_FDCWD, path, text.data);
}

static int process_letter(struct process *p, char letter)
{
	return send(p->sync, &letter, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -EPIPE;
}

static int process_take_pid(struct process *p, pid_t pid, struct err *err)
{
	int r = 0;

	p->pid = pid;
	if (p->is_init) {
		p->container->init_pidfd = sys_pidfd_open(pid);
		if (p->container->init_pidfd < 0)
			return err_sys(err, errno, "cannot hold on to the container's process");
		(void)fcntl(p->container->init_pidfd, F_SETFD, FD_CLOEXEC); /* a pidfd is CLOEXEC already */
	}
	if (p->maps)
		r = process_write_map(pid, "uid_map", &p->container->uids);
	if (r < 0)
		return err_sys(err, r, "cannot write linux.uidMappings");
	if (p->maps)
		r = process_write_map(pid, "gid_map", &p->container->gids);
	if (r < 0)
		return err_sys(err, r, "cannot write linux.gidMappings");
	return 0;
}

/*
 * The joiner is gone, and only the process holds the other end of the socket: from
 * here on its end of file means execve or death, and nothing else. A process of
 * real-time priority could otherwise end before the joiner comes to run again.
 */
static void process_take_joiner_exit(struct process *p)
{
	p->joiner = 0;
	if (p->state == PROCESS_FAILED && p->pid == 0)
		process_free(p);
	else if (p->state == PROCESS_SETTING_UP && p->pid > 0)
		(void)process_letter(p, LAUNCH_GO); /* if it has died, its end of the socket says so */
}

static void process_apply_winsize(const struct process *p)
{
	struct winsize ws = { .ws_row = p->rows, .ws_col = p->cols };

	if (p->tty >= 0 && (p->rows || p->cols) && ioctl(p->tty, TIOCSWINSZ, &ws) < 0)
		log_write(PROTO_LOG_WARN, "cannot set a terminal's size: %s", strerror(errno));
}

/* The terminal's master goes to both streams, and stays here for its size. */
static int process_take_tty(struct process *p, int fd, struct err *err)
{
	int r = fd_set_nonblock(fd, 1);
	int in = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int out = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	p->tty = fd;
	process_apply_winsize(p);
	if (r == 0 && (in < 0 || out < 0))
		r = -EMFILE;
	if (r == 0 && p->in)
		r = sink_attach(p->in, steal_fd(&in), PUMP_NONBLOCK);
	if (r == 0 && p->out[0])
		r = source_attach(p->out[0], steal_fd(&out), PUMP_NONBLOCK);
	fd_close(in);
	fd_close(out);
	return r < 0 ? err_sys(err, r, "cannot use the terminal") : 0;
}

static int process_take_ready(struct process *p)
{
	if (p->is_init) {
		p->state = PROCESS_CREATED;
		p->told = true;
		channel_reply(p->agent, p->seq, NULL, 0);
		return 0;
	}
	p->state = PROCESS_STARTING;
	return process_letter(p, LAUNCH_START);
}

/* The socket's end: execve has succeeded, or the process died in silence. */
static void process_take_end(struct process *p)
{
	struct err err = ERR_INIT;

	process_close_sync(p);
	if (p->state == PROCESS_STARTING && !p->at_exec) {
		(void)err_set(&err, ECHILD, "the process died before it executed its program");
		process_refuse(p, &err);
	} else if (p->state == PROCESS_STARTING) {
		p->state = PROCESS_RUNNING;
		signals_begin(p);
		p->told = true;
		channel_reply(p->agent, p->seq, NULL, 0);
	} else if (p->state == PROCESS_SETTING_UP) {
		(void)err_set(&err, ECHILD, "the process died while it was being set up");
		process_refuse(p, &err);
	}
}

/* Acts on one message; false when there is none, or @p is done with its socket. */
static bool process_read_one(struct process *p)
{
	struct launch_msg msg;
	struct err err = ERR_INIT;
	int fds[1] = { -1 };
	size_t nfds = 0;
	ssize_t n = fd_recv(p->sync, &msg, sizeof(msg), fds, 1, &nfds);
	int r = 0;

	if (n == -EAGAIN)
		return false;
	if (n != (ssize_t)sizeof(msg)) {
		process_take_end(p);
		return false;
	}
	switch (msg.kind) {
	case LAUNCH_PID:
		r = process_take_pid(p, (pid_t)msg.pid, &err);
		break;
	case LAUNCH_TTY:
		r = nfds == 1 ? process_take_tty(p, fds[0], &err) : err_set(&err, EPROTO, "no terminal came");
		break;
	case LAUNCH_READY:
		if (process_take_ready(p) < 0)
			return true; /* it has died: the end of file comes next */
		break;
	case LAUNCH_EXEC:
		p->at_exec = true;
		break;
	default:
		r = -1;
		err = msg.err;
		err.msg[sizeof(err.msg) - 1] = '\0';
	}
	if (r < 0) {
		process_refuse(p, &err);
		return false;
	}
	return true;
}

static void process_on_sync(void *arg, uint32_t events unused)
{
	struct process *p = arg;

	while (process_read_one(p))
		;
}

void process_read_all(struct agent *agent)
{
	struct process *p, *next;

	for (p = LIST_FIRST(&agent->processes); p; p = next) {
		next = LIST_NEXT(p, link);
		if (p->sync >= 0)
			process_on_sync(p, 0);
	}
}

/* --- making one --- */

/*
 * Opens the streams of @gp, and pipes for them whose other ends go to
 * @child_fds (the caller's). Also on failure every stream has been opened, since
 * the monitor has opened its ends: process_close_stdio() resets them.
 */
static int process_open_stdio(struct process *p, const struct guest_process *gp, int child_fds[3], struct err *err)
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
			if (mine >= 0 && fd_set_nonblock(mine, 1) < 0)
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

static struct process *process_new(struct agent *agent, const struct guest_process *gp, uint32_t seq)
{
	struct process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->agent = agent;
	p->id = gp->id;
	p->terminal = gp->terminal;
	p->rows = gp->rows;
	p->cols = gp->cols;
	p->seq = seq;
	p->sync = p->tty = -1;
	LIST_INSERT_HEAD(&agent->processes, p, link);
	return p;
}

static void process_attach_container(struct process *p, struct container *k)
{
	p->container = k;
	k->processes++;
	if (p->is_init)
		k->init = p;
}

static bool container_is_running(const struct container *k)
{
	return k && k->init && k->init->pid > 0 && k->init_pidfd >= 0 && !k->deleting;
}

/* Where each namespace of the new process comes from. */
static int process_plan_namespaces(
	struct process *p, const struct guest_container *c, struct launch *l, struct err *err)
{
	for (size_t i = 0; i < GUEST_NS_COUNT; i++) {
		struct container *from = p->container;

		l->join_fd[i] = -1;
		if (!c) {
			if (from->own_ns[i])
				l->join_fd[i] = from->init_pidfd;
			continue;
		}
		if (c->ns[i].mode == GUEST_NS_NEW)
			l->new_ns[i] = true;
		if (c->ns[i].mode != GUEST_NS_JOIN)
			continue;
		from = container_find(p->agent, c->ns[i].cid);
		if (!container_is_running(from))
			return err_set(err, ESRCH, "container \"%s\", whose namespace is to be joined, does not run",
				c->ns[i].cid);
		if (from->own_ns[i])
			l->join_fd[i] = from->init_pidfd;
	}
	return 0;
}

/* Forks the process with @stdio (the caller's). On failure the caller refuses it. */
static int process_launch(struct process *p, const struct guest_container *c, const struct guest_process *gp,
	const int stdio[3], struct err *err)
{
	struct launch l = { .agent = p->agent,
		.container = c,
		.process = gp,
		.uids = &p->container->uids,
		.cgroup_fd = p->container->cgroup_fd };
	int sv[2] = { -1, -1 };
	int r = process_plan_namespaces(p, c, &l, err);
	pid_t pid;

	memcpy(l.stdio, stdio, sizeof(l.stdio));
	if (r == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		r = err_sys(err, errno, "cannot make a socket");
	if (r == 0 && fd_set_nonblock(sv[0], 1) < 0)
		r = err_set(err, EIO, "cannot set a socket non-blocking");
	if (r == 0) {
		l.sync = sv[1];
		pid = launch_fork(&l);
		if (pid < 0)
			r = err_sys(err, (int)pid, "cannot fork");
		else
			p->joiner = pid;
	}
	fd_close(sv[1]);
	p->sync = sv[0];
	if (r == 0) {
		r = watch_new(p->agent->loop, p->sync, EPOLLIN, process_on_sync, p, &p->sync_watch);
		if (r < 0)
			r = err_sys(err, r, "cannot watch a socket");
	}
	return r;
}

/*
 * Makes the record and opens the streams, before anything that may fail: the
 * monitor has opened its ends, and what it has sent may be on its way. NULL
 * if the request has been refused.
 */
static struct process *process_begin(struct agent *agent, const struct guest_process *gp, uint32_t seq, int stdio[3])
{
	struct process *p = process_new(agent, gp, seq);
	struct err err = ERR_INIT;

	if (!p) {
		(void)err_set(&err, ENOMEM, "no memory for a process");
		channel_refuse(agent, seq, &err);
		return NULL;
	}
	if (process_open_stdio(p, gp, stdio, &err) < 0) {
		process_refuse(p, &err);
		return NULL;
	}
	return p;
}

static int process_make_container(struct process *p, const struct guest_container *c, struct err *err)
{
	struct container *k = NULL;
	int r;

	if (!p->agent->shares_mounted)
		return err_set(err, EINVAL, "the sandbox has not been set up");
	r = container_new(p->agent, c, &k, err);
	if (r < 0)
		return r;
	process_attach_container(p, k);
	p->maps = c->ns[GUEST_NS_USER].mode == GUEST_NS_NEW;
	r = p->maps ? devices_stage(p->agent, c, err) : 0;
	return r == 0 && p->maps ? sandbox_stage_sysfs(p->agent, err) : r;
}

static void close_stdio(const int stdio[3])
{
	for (int i = 0; i < 3; i++)
		fd_close(stdio[i]);
}

void process_create(struct agent *agent, const struct guest_container *c, uint32_t seq)
{
	int stdio[3] = { -1, -1, -1 };
	struct process *p = process_begin(agent, &c->process, seq, stdio);
	struct err err = ERR_INIT;
	int r;

	if (p) {
		p->is_init = true;
		r = process_make_container(p, c, &err);
		if (r == 0)
			r = process_launch(p, c, &c->process, stdio, &err);
		if (r < 0)
			process_refuse(p, &err);
	}
	close_stdio(stdio);
}

void process_exec(struct agent *agent, const char *cid, const struct guest_process *gp, uint32_t seq)
{
	int stdio[3] = { -1, -1, -1 };
	struct process *p = process_begin(agent, gp, seq, stdio);
	struct container *k = container_find(agent, cid);
	struct err err = ERR_INIT;
	int r = 0;

	if (p) {
		if (!container_is_running(k))
			r = err_set(&err, ESRCH, "container not running");
		if (r == 0) {
			process_attach_container(p, k);
			r = process_launch(p, NULL, gp, stdio, &err);
		}
		if (r < 0)
			process_refuse(p, &err);
	}
	close_stdio(stdio);
}

void process_start(struct agent *agent, uint32_t id, uint32_t seq)
{
	struct process *p = process_find(agent, id);
	struct err err = ERR_INIT;

	if (!p || p->state != PROCESS_CREATED) {
		(void)err_set(&err, p ? EINVAL : ESRCH, p ? "the process is started already" : "container not running");
		channel_refuse(agent, seq, &err);
		return;
	}
	p->seq = seq;
	p->state = PROCESS_STARTING;
	if (process_letter(p, LAUNCH_START) < 0) {
		(void)err_set(&err, ESRCH, "the container's process has died");
		process_refuse(p, &err);
	}
}

/* --- signals, size --- */

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

void process_winsize(struct agent *agent, uint32_t id, uint16_t rows, uint16_t cols)
{
	struct process *p = process_find(agent, id);

	if (!p)
		return; /* it has ended meanwhile */
	p->rows = rows;
	p->cols = cols;
	process_apply_winsize(p);
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
	p->status = status;
	p->oom = cgroup_saw_oom(p->container->cgroup_fd);
	if (p->is_init)
		container_kill_all(p->container);
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
		if (p->joiner == pid) {
			process_take_joiner_exit(p);
			return true;
		}
	}
	return false;
}
