/* SPDX-License-Identifier: Apache-2.0 */
/* One container in the monitor's virtual machine: see member.h for the drawing. */
#include "monitor/member.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "base/exit.h"
#include "base/fd.h"
#include "container/state.h"
#include "monitor/exec.h"
#include "monitor/query.h"
#include "monitor/terminal.h"

/*
 * How long the agent may take to make a container: it mounts, copies and opens over 9P, on an emulated CPU perhaps.
 */
#define CREATE_TIMEOUT_MS 50000
/* The same where a tmpfs begins with a copy of what it covers (tmpcopyup): some six requests for each file. */
#define CREATE_COPY_TIMEOUT_MS 180000
/* A container that was sent SIGKILL and has not ended by then is in a guest that does not answer. */
#define KILL_GRACE_MS 5000
/* How long processes of exec, and what they have written, are waited for when the container's init has ended. */
#define EXECS_GRACE_MS 1000

enum stage { STAGE_WAITING, STAGE_CREATING, STAGE_CREATED, STAGE_STARTING, STAGE_RUNNING, STAGE_ENDING, STAGE_OVER };

struct member {
	struct member_config config;
	struct member_events events;
	struct loop *loop;
	struct guest *guest;
	enum stage stage;
	int slave;           /* of the terminal, or -1; it stays open, because a resize is read from it */
	uint32_t init;       /* the number of the container's init on the channel; 0: not created yet */
	struct execs *execs; /* its other processes; NULL: not created yet */
	struct watch *create_timer, *kill_timer, *end_timer;
	int exit_status;                /* ENDING: the init's */
	bool paused;                    /* the VM is: the guest answers nothing */
	struct control_client *starter; /* waits for the start that is under way, or NULL */
};

/* --- birth and end --- */

/* The container's terminal, whose size is the config's until somebody sets another one. */
static int make_terminal(struct member *m, struct err *err)
{
	const struct spec_process *p = m->config.process;
	struct winsize size = { .ws_row = 0 };

	if (!p->terminal)
		return 0;
	if (p->console_size) {
		size.ws_row = (unsigned short)p->console_size->height;
		size.ws_col = (unsigned short)p->console_size->width;
	}
	return terminal_make(m->config.console_fd, &size, &m->slave, err);
}

int member_new(
	const struct member_config *config, const struct member_events *events, struct member **ret, struct err *err)
{
	struct member *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return err_sys(err, ENOMEM, "cannot make a container");
	*m = (struct member){ .config = *config, .events = *events, .slave = -1 };
	r = make_terminal(m, err);
	if (r < 0) {
		member_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

void member_end(struct member *m, const struct err *err)
{
	m->stage = STAGE_OVER;
	watch_free(m->create_timer);
	watch_free(m->kill_timer);
	watch_free(m->end_timer);
	m->create_timer = m->kill_timer = m->end_timer = NULL;
	if (m->starter && err)
		control_answer(steal_ptr(m->starter), err, NULL);
}

int member_stopped(struct member *m)
{
	/* "stopped" is as long as the word that it overwrites, so the write needs no disk block. If it fails all the
	 * same, the monitor's exit tells readers that the container has stopped. */
	return state_status_write(m->config.status_fd, STATUS_STOPPED);
}

void member_free(struct member *m)
{
	if (!m)
		return;
	execs_free(m->execs);
	fd_close(m->slave);
	free(m);
}

uint32_t member_first_process(const struct member *m)
{
	return m->init;
}

bool member_has_process(const struct member *m, uint32_t process)
{
	return (m->init != 0 && process == m->init) || execs_has(m->execs, process);
}

/* --- create --- */

static void on_create_timeout(void *arg)
{
	struct member *m = arg;

	m->events.on_silence(m->events.arg, m, false);
}

/* Closes the caller's descriptors, of which the streams have their own: the other ends are to see when those end. */
static void close_given(struct member *m)
{
	struct guest_fds *fds = &m->config.container->process.fds;

	for (uint32_t i = 0; i < fds->len; i++)
		fd_close(steal_fd(&fds->at[i].fd));
}

/* The guest's answer to create. From here on the container needs neither create nor its streams. */
static void on_created(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct member *m = arg;
	struct err failed = ERR_INIT;

	(void)payload;
	(void)len;
	if (m->stage == STAGE_OVER)
		return;
	if (err->errnum) {
		m->events.on_failed(m->events.arg, m, err);
		return;
	}
	timeline_mark(m->config.timeline, "container-created");
	watch_free(m->create_timer);
	m->create_timer = NULL;
	m->stage = STAGE_CREATED;
	close_given(m);
	if (state_status_write(m->config.status_fd, STATUS_CREATED) < 0) {
		(void)err_set(&failed, ENOSPC, "cannot write the container's status");
		m->events.on_failed(m->events.arg, m, &failed);
		return;
	}
	m->events.on_created(m->events.arg, m);
}

/* Numbers the container's relays, each for the socket of the host that it stands for. 0, or -errno with an error. */
static int make_relays(struct member *m, struct err *err)
{
	struct guest_relays *relays = &m->config.container->relays;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < relays->len; i++)
		r = guest_relay_new(m->guest, m->config.sockets->fd[i], m->config.sockets->sockets[i].entry,
			(int)relays->at[i].type, &relays->at[i].id);
	return r < 0 ? err_sys(err, r, "cannot relay the sockets of the container") : 0;
}

/* How long the agent may take to make container @c, in milliseconds. */
static uint64_t create_timeout(const struct guest_container *c)
{
	for (uint32_t i = 0; i < c->mounts.len; i++) {
		if (c->mounts.at[i].tmpcopyup)
			return CREATE_COPY_TIMEOUT_MS;
	}
	return CREATE_TIMEOUT_MS;
}

int member_create(struct member *m, struct loop *loop, struct guest *guest, struct err *err)
{
	struct guest_container *c = m->config.container;
	const int tty[3] = { m->slave, m->slave, -1 };
	struct winsize size;
	int r;

	m->loop = loop;
	m->guest = guest;
	m->stage = STAGE_CREATING;
	m->init = guest_next_process(guest);
	c->process.id = m->init;
	if (m->slave >= 0 && ioctl(m->slave, TIOCGWINSZ, &size) == 0 && (size.ws_row || size.ws_col)) {
		c->process.rows = size.ws_row;
		c->process.cols = size.ws_col;
	}
	r = timer_new(loop, create_timeout(c), on_create_timeout, m, &m->create_timer);
	if (r == 0)
		r = execs_new(loop, guest, c->cid, m->config.log, &m->execs);
	if (r < 0)
		return err_sys(err, r, "cannot create the container");
	r = make_relays(m, err);
	if (r < 0)
		return r;
	return guest_create(guest, c, m->slave >= 0 ? tty : m->config.stdio, on_created, m, err);
}

/* --- start --- */

/* The guest's answer to start: execve(2) has succeeded there, or it says why not. */
static void on_started(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct member *m = arg;

	(void)payload;
	(void)len;
	if (err->errnum == 0 && m->stage == STAGE_STARTING) {
		timeline_mark(m->config.timeline, "container-started");
		m->stage = STAGE_RUNNING;
		/* Overwriting the word needs no new disk block: it cannot fail where creating it did not. */
		if (state_status_write(m->config.status_fd, STATUS_RUNNING) < 0)
			guestlog_say(m->config.log, "vmrunc: cannot write the container's status");
	}
	if (m->starter)
		control_answer(steal_ptr(m->starter), err, NULL);
}

int member_start(struct member *m, struct control_client *client, struct err *err)
{
	int r;

	if (m->paused)
		return err_set(err, EINVAL, "cannot start a container in the paused state");
	if (m->stage != STAGE_CREATED)
		return err_set(err, EINVAL, "cannot start a container that has %s",
			m->stage < STAGE_CREATED ? "not been created yet" : "been started already");
	r = guest_start(m->guest, m->init, on_started, m, err);
	if (r == 0) {
		m->stage = STAGE_STARTING;
		m->starter = client;
	}
	return r;
}

/* --- further processes --- */

int member_exec(struct member *m, const struct control_request *request, const struct control_fds *fds,
	struct control_client *client, struct err *err)
{
	if (m->stage < STAGE_CREATED || m->stage >= STAGE_ENDING)
		return err_set(err, ESRCH, "container not running");
	return execs_begin(m->execs, request, fds, client, err);
}

/* --- signals and sizes --- */

static void on_signalled(void *arg, const struct err *err, const void *payload, size_t len)
{
	(void)payload;
	(void)len;
	control_answer(arg, err, NULL);
}

static void on_kill_timeout(void *arg)
{
	struct member *m = arg;

	m->events.on_silence(m->events.arg, m, true);
}

int member_signal(struct member *m, int signo, bool all, struct control_client *client, struct err *err)
{
	int r;

	if (m->stage < STAGE_CREATED || m->stage == STAGE_OVER)
		return err_set(err, ESRCH, "container not running");
	if (signo == SIGKILL && !m->kill_timer &&
		timer_new(m->loop, KILL_GRACE_MS, on_kill_timeout, m, &m->kill_timer) < 0)
		m->events.on_silence(m->events.arg, m, true); /* nothing would notice a guest that does not answer */
	/* in a paused VM the signal waits, as one does in a frozen cgroup, and whoever sent it does not */
	if (!client || m->paused) {
		r = guest_signal(m->guest, m->init, signo, all, NULL, NULL, err);
		if (r == 0 && client)
			control_answer(client, NULL, NULL);
		return r;
	}
	return guest_signal(m->guest, m->init, signo, all, on_signalled, client, err);
}

int member_query(struct member *m, const struct control_request *request, struct control_fds *fds,
	struct control_client *client, struct err *err)
{
	if (m->stage < STAGE_CREATED || m->stage == STAGE_OVER)
		return err_set(err, ESRCH, "container not running");
	/* new limits are the guest's when it goes on; nobody waits for an answer then */
	if (m->paused && request->op != CONTROL_UPDATE)
		return err_set(err, EAGAIN, "the container is paused: its virtual machine answers when it is resumed");
	return query_begin(m->guest, m->config.container->cid, request, fds, client, err);
}

int member_set_paused(struct member *m, bool paused)
{
	enum status status = m->stage == STAGE_CREATED ? STATUS_CREATED : STATUS_RUNNING;
	int r = state_status_write(m->config.status_fd, paused ? STATUS_PAUSED : status);

	if (r < 0)
		return r;
	m->paused = paused;
	/* the guest has no time to end while it stands still */
	if (m->kill_timer && timer_set(m->kill_timer, paused ? 0 : KILL_GRACE_MS) < 0)
		m->events.on_silence(m->events.arg, m, true);
	return 0;
}

void member_resize(struct member *m)
{
	struct winsize size;

	if (m->slave >= 0 && m->init && ioctl(m->slave, TIOCGWINSZ, &size) == 0 &&
		guest_winsize(m->guest, m->init, size.ws_row, size.ws_col) < 0)
		guestlog_say(m->config.log, "vmrunc: the terminal's new size was lost");
}

/* --- what the guest tells of its processes --- */

static void on_end_timeout(void *arg)
{
	struct member *m = arg;

	m->events.on_ended(m->events.arg, m, m->exit_status);
}

/*
 * The init has ended, and the guest kills the rest of the container with it. What processes of exec have written by then
 * is waited for a little, and so are their own ends; a reader that does not read does not hold the container for long.
 */
static void settle(struct member *m)
{
	if (execs_none(m->execs) ||
		(!m->end_timer && timer_new(m->loop, EXECS_GRACE_MS, on_end_timeout, m, &m->end_timer) < 0))
		on_end_timeout(m);
}

void member_exited(struct member *m, uint32_t process, int status, bool oom)
{
	if (m->stage == STAGE_OVER)
		return;
	if (process != m->init) {
		execs_exited(m->execs, process, status);
		if (m->stage == STAGE_ENDING)
			settle(m);
		return;
	}
	timeline_mark(m->config.timeline, "exit-seen");
	if (oom)
		guestlog_say(m->config.log, "vmrunc: the guest's OOM killer struck in the container");
	watch_free(m->kill_timer);
	m->kill_timer = NULL;
	m->stage = STAGE_ENDING;
	m->exit_status = exit_of_wait(status);
	settle(m);
}

void member_stream_broken(struct member *m, uint32_t process, const char *text)
{
	struct err err = ERR_INIT;

	if (process != m->init) {
		execs_stream_broken(m->execs, process, text);
		return;
	}
	(void)err_set(&err, EIO, "the container's %s", text);
	guestlog_say(m->config.log, "vmrunc: %s", err.msg);
	m->events.on_warning(m->events.arg, m, &err);
}
