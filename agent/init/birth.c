/* SPDX-License-Identifier: Apache-2.0 */
/* Making a process, as PID 1 sees it: see birth.h, process.h for the states, launch.h for the conversation. */
#include "init/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/wire.h"
#include "init/answer.h"
#include "init/cgroup.h"
#include "init/container.h"
#include "init/fds.h"
#include "init/files.h"
#include "init/process.h"
#include "init/signals.h"
#include "launch/devices.h"
#include "launch/launch.h"
#include "launch/tell.h"
#include "sys/idmaps.h"
#include "sys/sandbox.h"
#include "sys/sys.h"

/* --- what the process tells --- */

/* Whether @pid is a child of the agent, reaped by nobody yet, that no record has. */
static bool is_new_child(const struct agent *agent, pid_t pid)
{
	const struct process *p;
	siginfo_t info;

	LIST_FOREACH (p, &agent->processes, link) {
		if (p->pid == pid || p->joiner == pid)
			return false;
	}
	return pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* The process exists: holds on to it, and writes the id maps of its new user namespace. 0 or -errno with @err set. */
static int take_pid(struct process *p, pid_t pid, struct err *err)
{
	int r = 0;

	if (!is_new_child(p->agent, pid))
		return err_set(err, ECHILD, "the process died while it was made");
	p->pid = pid;
	if (p->is_init) {
		p->container->init_pidfd = fd_open_pid(pid);
		if (p->container->init_pidfd < 0)
			return err_sys(err, p->container->init_pidfd, "cannot hold on to the container's process");
	}
	if (p->maps)
		r = idmaps_write(&p->container->uids, pid, "uid_map");
	if (r < 0)
		return err_sys(err, r, "cannot write linux.uidMappings");
	if (p->maps)
		r = idmaps_write(&p->container->gids, pid, "gid_map");
	if (r < 0)
		return err_sys(err, r, "cannot write linux.gidMappings");
	return 0;
}

/* The terminal's master @fd (then @p's) goes to both streams, and stays here to set the size. 0 or -errno with @err. */
static int take_tty(struct process *p, int fd, struct err *err)
{
	int r = isatty(fd) ? fd_set_nonblock(fd, true) : -ENOTTY;
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

/* A first process waits for START from here on; an EXEC needs none, so the process is let go at once. */
static void take_ready(struct process *p)
{
	if (p->is_init) {
		p->state = PROCESS_CREATED;
		p->told = true;
		answer_done(p->agent, p->seq, NULL, 0);
		return;
	}
	p->state = PROCESS_STARTING;
	(void)tell_letter(p->sync, TELL_START); /* if it has died, the end of its messages comes next */
}

/* Refuses @p, which died before it stood ready, or before its execve(2): @when. Says so where it was the OOM killer. */
static void refuse_dead(struct process *p, const char *when)
{
	struct err err = ERR_INIT;

	if (cgroup_saw_oom(p->container->cgroup_fd))
		(void)err_set(&err, ENOMEM,
			"the OOM killer ended the process %s: linux.resources.memory.limit is too low", when);
	else
		(void)err_set(&err, ECHILD, "the process died %s", when);
	process_refuse(p, &err);
}

/* No message will come any more: execve(2) has succeeded, or the process died in silence. */
static void take_end(struct process *p)
{
	process_close_sync(p);
	if (p->state == PROCESS_STARTING && !p->at_exec) {
		refuse_dead(p, "before it executed its program");
	} else if (p->state == PROCESS_STARTING) {
		p->state = PROCESS_RUNNING;
		signals_begin(p);
		p->told = true;
		answer_done(p->agent, p->seq, NULL, 0);
	} else if (p->state == PROCESS_SETTING_UP) {
		refuse_dead(p, "while it was being set up");
	}
}

/*
 * Whether @msg is one that @p may send now: each has its turn (launch.h). Up to its execve(2) a process is seen in
 * its container, and a container whose root may trace it has the socket, too: a pid, above all, is what gets killed.
 */
static bool may_tell(const struct process *p, const struct tell *msg)
{
	bool setting_up = p->state == PROCESS_SETTING_UP;
	bool begun = setting_up && p->pid > 0 && p->joiner == 0; /* GO has been sent */

	switch (msg->kind) {
	case TELL_PID:
		return setting_up && p->pid == 0 && p->joiner > 0;
	case TELL_TTY:
		return begun && p->terminal && p->tty < 0;
	case TELL_PLACE:
		return begun && p->is_init;
	case TELL_READY:
		return begun;
	case TELL_EXEC:
		return p->state == PROCESS_STARTING && !p->at_exec;
	case TELL_ERROR:
		return msg->err.errnum > 0 && (setting_up || p->state == PROCESS_STARTING);
	default:
		return false;
	}
}

/* Ends @p, which has said what it may not say: it is not what was made. */
static void refuse_liar(struct process *p)
{
	struct err err = ERR_INIT;

	if (p->pid > 0)
		(void)kill(p->pid, SIGKILL); /* it may have ended by itself */
	if (p->state == PROCESS_CREATED) {   /* CREATE has its answer: this is told as its exit */
		process_close_sync(p);
		return;
	}
	(void)err_set(&err, EPROTO, "the process broke the order of what it tells while it is made");
	process_refuse(p, &err);
}

/* Does what @msg of @p, which may come now, and its descriptor *@fd ask for. 0 or -errno with @err set. */
static int take_message(struct process *p, const struct tell *msg, int *fd, struct err *err)
{
	int r = 0;

	switch (msg->kind) {
	case TELL_PID:
		r = take_pid(p, (pid_t)msg->pid, err);
		break;
	case TELL_TTY:
		r = *fd >= 0 ? take_tty(p, steal_fd(fd), err) : err_set(err, EPROTO, "no terminal came");
		break;
	case TELL_PLACE:
		r = files_add(&p->container->files, steal_fd(fd));
		if (r < 0)
			(void)err_sys(err, r, "cannot show a tmpfs to the host");
		break;
	case TELL_READY:
		take_ready(p);
		break;
	case TELL_EXEC:
		p->at_exec = true;
		break;
	default:
		*err = msg->err;
		r = -EIO;
	}
	return r;
}

/* Acts on one message; false when there is none, or @p needs its socket no more. */
static bool take_next(struct process *p)
{
	struct err err = ERR_INIT;
	autoclose int fd = -1;
	struct tell msg;
	int r = tell_next(p->sync, &msg, &fd);

	if (r == 0)
		return false;
	if (r < 0) {
		take_end(p);
		return false;
	}
	if (!may_tell(p, &msg)) {
		refuse_liar(p);
		return false;
	}
	r = take_message(p, &msg, &fd, &err);
	if (r < 0) {
		process_refuse(p, &err);
		return false;
	}
	return true;
}

static void on_sync(void *arg, uint32_t events unused)
{
	while (take_next(arg))
		;
}

void birth_read_all(struct agent *agent, pid_t pid)
{
	struct process *p, *next;

	for (p = LIST_FIRST(&agent->processes); p; p = next) {
		next = LIST_NEXT(p, link);
		if (p->sync >= 0)
			on_sync(p, 0);
		/* its joiner may not have gone yet, and holds the other end, so that there is no end of the messages */
		if (p->pid == pid && p->sync >= 0)
			take_end(p);
	}
}

/*
 * The joiner of @p has gone and has told no pid. If it was killed right after its clone3(2), there is a process all the
 * same. That of an exec ends when it finds its socket closed; a container's first process must have gone before its cgroup
 * can, and is all that is in there.
 */
static void adopt(struct process *p)
{
	autobuf pids = BUF_INIT;
	struct wire w;
	pid_t pid;

	if (!p->is_init || !p->container || cgroup_pids(p->container->cgroup_fd, &pids) == 0 || buf_error(&pids) < 0)
		return;
	wire_init(&w, pids.data, pids.len);
	pid = (pid_t)wire_get_u32(&w);
	if (is_new_child(p->agent, pid))
		p->pid = pid;
}

/*
 * Only now is the process told to go on: since the joiner is gone, nobody but the process holds the other end of the
 * socket, so that the end of its messages means execve or death, and nothing else. If it were told before, a process of
 * real-time priority could end before the joiner runs again.
 */
static void take_joiner_exit(struct process *p, int status)
{
	p->joiner = 0;
	if (p->pid == 0)
		adopt(p);
	if (p->state == PROCESS_SETTING_UP && p->pid > 0 && status == 0)
		(void)tell_letter(p->sync, TELL_GO); /* if it has died, the end of its messages says so */
	else if (p->state == PROCESS_SETTING_UP)
		refuse_dead(p, "while it was made"); /* it has done its work by half, or not at all */
	else if (p->state == PROCESS_FAILED && p->pid > 0)
		(void)kill(p->pid, SIGKILL); /* it may have ended by itself */
	else if (p->state == PROCESS_FAILED)
		process_free(p);
}

bool birth_on_exit(struct agent *agent, pid_t pid, int status)
{
	struct process *p;

	LIST_FOREACH (p, &agent->processes, link) {
		if (p->joiner == pid) {
			take_joiner_exit(p, status);
			return true;
		}
	}
	return false;
}

/* --- making one --- */

/* The descriptors that a process is to have, in the agent. */
struct given {
	int stdio[3]; /* -1: none */
	int fds[PROTO_FDS_MAX];
	uint32_t len; /* of @fds */
};

/*
 * Says in @l where each namespace of the new process comes from: as container @c wants it, or, if @c is NULL, all from
 * the container that the process is added to. 0 or -errno with @err set.
 */
static int plan_namespaces(struct process *p, const struct guest_container *c, struct launch *l, struct err *err)
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

/* Gives *@fd a number that none of the process's descriptors has. 0 or -errno. */
static int move_up(int *fd)
{
	int up = fcntl(*fd, F_DUPFD_CLOEXEC, 3 + PROTO_FDS_MAX);

	if (up < 0)
		return -errno;
	fd_close(*fd);
	*fd = up;
	return 0;
}

/* Forks the joiner of @p with what it is @given (the caller's). 0, or -errno with @err set: then the caller refuses @p. */
static int launch_process(struct process *p, const struct guest_container *c, const struct guest_process *gp,
	const struct given *given, struct err *err)
{
	struct launch l = { .agent = p->agent, .container = c, .process = gp, .uids = &p->container->uids };
	autoclose int theirs = -1, cgroup = -1;
	int r = plan_namespaces(p, c, &l, err);
	pid_t pid;

	if (r == 0 && !c)
		r = cgroup_for_exec(
			p->container->cgroup_fd, p->container->cid, gp->cgroup, p->container->init->pid, &cgroup, err);
	if (r < 0)
		return r;
	l.cgroup_fd = c ? p->container->cgroup_fd : cgroup;
	memcpy(l.stdio, given->stdio, sizeof(l.stdio));
	l.fds = given->fds;
	l.fds_len = given->len;
	r = tell_pair(&p->sync, &theirs);
	/* its number must be none that the process gets */
	if (r == 0 && given->len)
		r = move_up(&theirs);
	if (r < 0)
		return err_sys(err, r, "cannot make a socket");
	l.sync = theirs;
	pid = launch_fork(&l);
	if (pid < 0)
		return err_sys(err, (int)pid, "cannot fork");
	p->joiner = pid;
	r = watch_new(p->agent->loop, p->sync, EPOLLIN, on_sync, p, &p->sync_watch);
	return r < 0 ? err_sys(err, r, "cannot watch a socket") : 0;
}

/*
 * Makes the record and opens the streams, before anything that may fail: the monitor has opened its ends, and what it
 * has sent may be on its way. NULL if the request has been refused.
 */
static struct process *begin(struct agent *agent, const struct guest_process *gp, uint32_t seq, struct given *given)
{
	struct process *p = process_new(agent, gp, seq);
	struct err err = ERR_INIT;
	int stdio, fds;

	if (!p) {
		(void)err_set(&err, ENOMEM, "no memory for a process");
		answer_refuse(agent, seq, &err);
		return NULL;
	}
	fds = fds_open(agent, gp, given->fds, &err); /* its streams come first, and those of both must be opened */
	given->len = gp->fds.len;
	stdio = process_open_stdio(p, gp, given->stdio, &err);
	if (stdio < 0 || fds < 0) {
		process_refuse(p, &err);
		return NULL;
	}
	return p;
}

/* Makes the container @c that @p is to begin. 0 or -errno with @err set. */
static int make_container(struct process *p, const struct guest_container *c, struct err *err)
{
	struct container *k = NULL;
	int r;

	if (!p->agent->shares_mounted)
		return err_set(err, EINVAL, "the sandbox has not been set up");
	r = container_new(p->agent, c, &k, err);
	if (r < 0)
		return r;
	process_attach(p, k);
	p->maps = c->ns[GUEST_NS_USER].mode == GUEST_NS_NEW;
	if (!p->maps)
		return 0;
	r = devices_stage(p->agent, c, err);
	return r == 0 ? sandbox_stage_sysfs(p->agent, err) : r;
}

static void close_given(const struct given *given)
{
	for (int i = 0; i < 3; i++)
		fd_close(given->stdio[i]);
	for (uint32_t i = 0; i < given->len; i++)
		fd_close(given->fds[i]);
}

void birth_create(struct agent *agent, const struct guest_container *c, uint32_t seq)
{
	struct given given = { .stdio = { -1, -1, -1 } };
	struct process *p = begin(agent, &c->process, seq, &given);
	struct err err = ERR_INIT;
	int r;

	if (p) {
		p->is_init = true;
		r = make_container(p, c, &err);
		if (r == 0)
			r = launch_process(p, c, &c->process, &given, &err);
		if (r < 0)
			process_refuse(p, &err);
	}
	close_given(&given);
}

void birth_exec(struct agent *agent, const char *cid, const struct guest_process *gp, uint32_t seq)
{
	struct given given = { .stdio = { -1, -1, -1 } };
	struct process *p = begin(agent, gp, seq, &given);
	struct container *k = container_find(agent, cid);
	struct err err = ERR_INIT;
	int r = 0;

	if (p) {
		if (!container_is_running(k))
			r = err_set(&err, ESRCH, "container not running");
		if (r == 0) {
			process_attach(p, k);
			r = launch_process(p, NULL, gp, &given, &err);
		}
		if (r < 0)
			process_refuse(p, &err);
	}
	close_given(&given);
}

void birth_start(struct agent *agent, uint32_t id, uint32_t seq)
{
	struct process *p = process_find(agent, id);
	struct err err = ERR_INIT;

	if (!p || p->state != PROCESS_CREATED) {
		(void)err_set(&err, p ? EINVAL : ESRCH, p ? "the process is started already" : "container not running");
		answer_refuse(agent, seq, &err);
		return;
	}
	p->seq = seq;
	p->state = PROCESS_STARTING;
	if (tell_letter(p->sync, TELL_START) < 0) {
		(void)err_set(&err, ESRCH, "the container's process has died");
		process_refuse(p, &err);
	}
}
