/* SPDX-License-Identifier: Apache-2.0 */
/* How the monitor is born: see birth.h. */
#include "monitor/birth.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/log.h"
#include "app/proctitle.h"
#include "base/fd.h"
#include "cgroup/cgroup.h"
#include "jail/jail.h"
#include "monitor/monitor.h"
#include "monitor/report.h"

/* The descriptors to keep whose number does not depend on the container: those that close_others() lists one by one. */
#define KEEP_FIXED (11 + PROTO_FILE_PLACES_MAX)
/* How long the process between may take to join cgroups and namespaces: some ms, but the machine may be loaded. */
#define BIRTH_TIMEOUT_MS 60000
/* How long it may take to die when it is killed. */
#define KILL_TIMEOUT_MS 5000

/*
 * Closes every descriptor from 3 on that is not the job's. Engines leak sockets into us; and the lock of
 * the state directory is among those that fork(2) has copied.
 */
static int close_others(const struct monitor_job *job, int report, struct err *err)
{
	size_t n = 0, max = KEEP_FIXED + 2 * job->binds->n + job->sockets->n + job->given->len;
	autofree int *keep = calloc(max, sizeof(*keep));
	int r;

	if (!keep)
		return err_sys(err, ENOMEM, "cannot start the monitor");
	keep[n++] = job->status_fd;
	keep[n++] = job->listen_fd;
	keep[n++] = job->log_fd;
	keep[n++] = job->console_fd;
	keep[n++] = job->view_fd;
	for (size_t i = 0; i < ARRAY_LEN(job->tmpfs_fds); i++)
		keep[n++] = job->tmpfs_fds[i];
	keep[n++] = report;
	keep[n++] = job->ns->fd[SPEC_NS_MOUNT];
	keep[n++] = job->ns->user_fd;
	keep[n++] = job->binds->root_jail_fd;
	keep[n++] = job->binds->root_export_fd;
	for (size_t i = 0; i < job->binds->n; i++) {
		keep[n++] = job->binds->v[i].jail_fd;
		keep[n++] = job->binds->v[i].export_fd;
	}
	for (size_t i = 0; i < job->sockets->n; i++)
		keep[n++] = job->sockets->fd[i];
	for (uint32_t i = 0; i < job->given->len; i++)
		keep[n++] = job->given->at[i].fd;
	r = fd_close_others(keep, n);
	return r < 0 ? err_sys(err, r, "cannot close what the engine left open") : 0;
}

static _Noreturn void fail(int report, const struct err *err)
{
	const struct report r = { .kind = REPORT_FAILED, .err = *err };

	_exit(report_send(report, &r) < 0 ? 2 : 1); /* 2: create has gone, so nobody was told */
}

/*
 * Gives the monitor its title: whose it is, and what the container was to run, since engines that list a container's
 * processes show this one.
 */
static void set_title(const struct monitor_job *job)
{
	char text[PROCTITLE_ARGS_MAX];

	proctitle_join(&job->spec->process->args, text, sizeof(text));
	proctitle_set("vmrunc: %s: %s", job->id, text);
}

/* Opens what the monitor serves the views of the container by, of its processes and of its tmpfs. */
static void open_views(struct monitor_job *job)
{
	size_t n = jail_count_shown(job->spec);

	job->view_fd = jail_open_view();
	for (size_t i = 0; i < MIN(n, ARRAY_LEN(job->tmpfs_fds)) && job->view_fd >= 0; i++)
		job->tmpfs_fds[i] = MAX(jail_open_view(), -1);
}

/* The process between create and the monitor. */
static _Noreturn void birth(struct monitor_job *job, int report)
{
	struct report r = { .kind = REPORT_PID };
	struct err err = ERR_INIT;
	sigset_t none;
	char settled;
	pid_t pid;

	log_detach();
	if (job->settle.fn && recv(report, &settled, sizeof(settled), 0) != (ssize_t)sizeof(settled))
		_exit(1); /* create has given up or is dead */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	open_views(job);
	if (cgroup_join(&job->state->cgroups, 0, &err) < 0 || ns_enter(job->ns, &err) < 0)
		fail(report, &err);
	pid = fork();
	if (pid < 0) {
		(void)err_sys(&err, errno, "cannot fork the monitor");
		fail(report, &err);
	}
	if (pid == 0) {
		set_title(job);
		if (setsid() < 0)
			(void)err_sys(&err, errno, "setsid");
		else if (close_others(job, report, &err) == 0)
			monitor_main(job, report);
		fail(report, &err);
	}
	r.pid = pid;
	/* If this fails, create is dead, and the monitor learns it from the socket's end. */
	_exit(report_send(report, &r) < 0 ? 2 : 0);
}

/*
 * Waits until the process between has exited, and collects it; a birth that takes too long, or is given up, is killed.
 * 0; -EINTR (job->cancel_fd) or -ETIMEDOUT with an error.
 */
static int wait_birth(const struct monitor_job *job, pid_t pid, bool give_up, struct err *err)
{
	autoclose int pidfd = fd_open_pid(pid);
	struct pollfd p[] = {
		{ .fd = pidfd, .events = POLLIN },
		{ .fd = give_up ? -1 : job->cancel_fd, .events = POLLIN },
	};
	int r;

	if (pidfd < 0)
		return err_sys(err, pidfd, "cannot wait for the monitor's birth");
	do
		r = poll(p, ARRAY_LEN(p), give_up ? KILL_TIMEOUT_MS : BIRTH_TIMEOUT_MS);
	while (r < 0 && errno == EINTR);
	/* mostly it has ended a moment later, and then create knows the monitor's pid */
	if (p[1].revents && !p[0].revents)
		(void)poll(p, 1, KILL_TIMEOUT_MS);
	if (p[0].revents) {
		(void)waitpid(pid, NULL, WNOHANG); /* it has ended */
		return 0;
	}
	if (!give_up) {
		(void)kill(pid, SIGKILL);
		cgroup_thaw(&job->state->cgroups);
		(void)wait_birth(job, pid, true, NULL); /* if it does not end, there is nothing more to be done */
	}
	return p[1].revents
		       ? err_set(err, EINTR, "interrupted while the monitor was born")
		       : err_set(err, ETIMEDOUT, "the monitor is not born within %d s: has somebody frozen its cgroup?",
				 BIRTH_TIMEOUT_MS / 1000);
}

int birth_monitor(struct monitor_job *job, pid_t *ret_pid, int *ret_report, struct err *err)
{
	autoclose int ours = -1, theirs = -1;
	struct report report;
	int ends[2], r = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, errno, "cannot make a socket pair");
	ours = ends[0];
	theirs = ends[1];
	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		return err_sys(err, errno, "cannot fork");
	if (pid == 0) {
		fd_close(ours);
		birth(job, theirs);
	}
	fd_close(steal_fd(&theirs));
	if (job->settle.fn) {
		r = job->settle.fn(job->settle.arg, pid, err);
		if (r == 0)
			r = fd_send(ours, "", 1, NULL, 0) < 0 ? err_set(err, EIO, "the monitor has died at birth") : 0;
		if (r < 0)
			(void)kill(pid, SIGKILL); /* it is our child: its pid stays its own until we wait for it */
	}
	if (r < 0)
		(void)wait_birth(job, pid, true, NULL); /* the first error stands */
	else
		r = wait_birth(job, pid, false, err);
	if (r == 0)
		r = report_receive(ours, &report, err);
	if (r < 0)
		return r;
	if (report.kind != REPORT_PID) {
		*err = report.err;
		return -report.err.errnum;
	}
	*ret_pid = report.pid;
	*ret_report = steal_fd(&ours);
	return 0;
}
