/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: see control.h. */
#include "monitor/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/progress.h"
#include "base/fd.h"
#include "host/sock.h"

struct control_client {
	struct control *control;
	int fd; /* -1: handed on, or closed because the caller has gone */
	struct watch *watch;
	uint32_t op;   /* of its request; 0: it has not asked, or what no handler has heard of */
	int kept;      /* a descriptor for the answer, or -1 */
	bool asked;    /* the request has been read, and the answer is owed */
	bool orphaned; /* the caller has gone since; it has no place any more */
	struct control_client *next, **prev;
};

struct control {
	struct loop *loop;
	int fd;
	struct watch *watch;
	struct watch *pause; /* a timer: until connections are taken again */
	const struct control_handler *handlers;
	void *arg;
	struct control_client *clients;        /* the newest first */
	unsigned int clients_len;              /* of those, the ones with a place */
	unsigned int orphans_len[CONTROL_OPS]; /* and the orphans of each operation */
};

int control_listen(const struct statedir *dir, struct err *err)
{
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	int r = fd < 0 ? -errno : sock_address_at(dir->fd, CONTROL_SOCKET, &address);
	mode_t mask;

	if (r == 0) {
		mask = umask(0177);
		if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			r = -errno;
		(void)umask(mask);
	}
	if (r == 0 && listen(fd, CONTROL_CLIENTS_MAX) < 0)
		r = -errno;
	if (r < 0)
		return err_sys(err, r, "cannot make \"%s/%s\"", dir->path, CONTROL_SOCKET);
	return steal_fd(&fd);
}

static void client_free(struct control_client *c)
{
	watch_free(c->watch);
	fd_close(c->fd);
	fd_close(c->kept);
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	if (c->orphaned)
		c->control->orphans_len[c->op]--;
	else
		c->control->clients_len--;
	free(c);
}

/*
 * The caller has gone while its request is under way: nobody will read the answer. The record stays for whoever owes it,
 * but others can have the place.
 */
static void client_orphan(struct control_client *c)
{
	watch_free(c->watch);
	c->watch = NULL;
	fd_close(steal_fd(&c->fd));
	fd_close(steal_fd(&c->kept));
	c->orphaned = true;
	c->control->clients_len--;
	c->control->orphans_len[c->op]++;
}

static void close_fds(struct control_fds *fds)
{
	while (fds->n > 0)
		fd_close(fds->v[--fds->n]);
}

/* Hands a request to its handler, or refuses it. @fds: what came with it. */
static void dispatch(struct control_client *c, const struct control_request *request, struct control_fds *fds)
{
	const struct control *control = c->control;
	const struct control_handler *h = request->op < CONTROL_OPS ? &control->handlers[request->op] : NULL;
	struct err err = ERR_INIT;

	if (!h || !h->fn) {
		(void)err_set(&err, EINVAL, "the monitor is of another version of vmrunc");
	} else if (fds->n > h->fds_max) {
		(void)err_set(&err, EINVAL, "the request brings %zu descriptors where at most %zu are expected", fds->n,
			h->fds_max);
	} else if (h->orphans_max && control->orphans_len[request->op] >= h->orphans_max) {
		(void)err_set(&err, EAGAIN,
			"the virtual machine has still to answer %u such requests, whose callers have gone",
			control->orphans_len[request->op]);
	} else {
		c->op = request->op;
		h->fn(control->arg, request, fds, c);
		return;
	}
	control_answer(c, &err, NULL);
}

/* A client has sent its request, or has gone. */
static void on_client(void *arg, uint32_t events)
{
	struct control_client *c = arg;
	struct control_request request;
	struct control_fds fds = { .n = 0 };
	ssize_t n;

	if (c->asked) {
		if (events & (EPOLLHUP | EPOLLERR))
			client_orphan(c);
		return;
	}
	n = fd_recv(c->fd, &request, sizeof(request), fds.v, ARRAY_LEN(fds.v), &fds.n);
	if (n == -EAGAIN)
		return;
	if (n == (ssize_t)sizeof(request) && watch_set_events(c->watch, 0) == 0) {
		c->asked = true;
		dispatch(c, &request, &fds);
	} else {
		client_free(c);
	}
	close_fds(&fds);
}

/* Makes room for one more client: the longest silent one goes. False: all of them have asked, and wait for an answer. */
static bool make_room(struct control *control)
{
	struct control_client *silent = NULL;

	if (control->clients_len < CONTROL_CLIENTS_MAX)
		return true;
	for (struct control_client *c = control->clients; c; c = c->next) {
		if (!c->asked)
			silent = c;
	}
	if (silent)
		client_free(silent);
	return silent != NULL;
}

/*
 * There is no descriptor for a connection that waits. It stays in the listening socket, which would have the loop call
 * again at once and for ever; so it is looked for after a while.
 */
static void accept_pause(struct control *control)
{
	if (timer_set(control->pause, CONTROL_PAUSE_MS) == 0)
		(void)!watch_set_events(control->watch, 0); /* if this fails, only the processor's time is lost */
}

static void on_pause_end(void *arg)
{
	struct control *control = arg;

	if (watch_set_events(control->watch, EPOLLIN) < 0)
		accept_pause(control);
}

/* Takes a new connection. Where there is no room, closing it tells the caller, who may try again. */
static void on_listen(void *arg, uint32_t events)
{
	struct control *control = arg;
	autoclose int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct control_client *c;

	(void)events;
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			accept_pause(control);
		return;
	}
	if (!make_room(control))
		return;
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	c->control = control;
	c->kept = -1;
	if (watch_new(control->loop, fd, EPOLLIN, on_client, c, &c->watch) < 0) {
		free(c);
		return;
	}
	c->fd = steal_fd(&fd);
	c->next = control->clients;
	c->prev = &control->clients;
	if (c->next)
		c->next->prev = &c->next;
	control->clients = c;
	control->clients_len++;
	on_client(c, 0); /* mostly the request is there already, and then the client is not among the silent ones */
}

int control_new(
	struct loop *loop, int listen_fd, const struct control_handler *handlers, void *arg, struct control **ret)
{
	struct control *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->loop = loop;
	c->handlers = handlers;
	c->arg = arg;
	r = timer_new(loop, 0, on_pause_end, c, &c->pause);
	if (r == 0)
		r = watch_new(loop, listen_fd, EPOLLIN, on_listen, c, &c->watch);
	if (r < 0) {
		watch_free(c->pause);
		free(c);
		return r;
	}
	c->fd = listen_fd;
	*ret = c;
	return 0;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	while (c->clients)
		client_free(c->clients);
	watch_free(c->watch);
	watch_free(c->pause);
	fd_close(c->fd);
	free(c);
}

void control_keep(struct control_client *client, int fd)
{
	client->kept = fd;
}

int control_kept(const struct control_client *client)
{
	return client->kept;
}

void control_answer(struct control_client *client, const struct err *err, const struct control_fds *fds)
{
	static const struct err fine = ERR_INIT;

	/* If this fails, the caller has gone without waiting. */
	if (!client->orphaned)
		(void)!fd_send(client->fd, err ? err : &fine, sizeof(*err), fds ? fds->v : NULL, fds ? fds->n : 0);
	client_free(client);
}

int control_detach(struct control_client *client)
{
	int fd = steal_fd(&client->fd);

	client_free(client);
	return fd;
}

/*
 * Connects to the monitor and sends @request, waiting for @timeout_ms at most (-1: without a bound): an fd, or -errno
 * with an error. The kernel adds to the answer who has sent it (SCM_CREDENTIALS), if it is asked for that before.
 */
static int send_request(const struct statedir *dir, const struct control_request *request,
	const struct control_fds *give, bool ask_who, int timeout_ms, struct err *err)
{
	const struct timeval bound = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };
	const int on = ask_who;
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	int r = fd < 0 ? -errno : sock_address_at(dir->fd, CONTROL_SOCKET, &address);

	if (r == 0 && ask_who && setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		r = -errno;
	/* a monitor that is frozen takes no connection, and its queue may be full */
	if (r == 0 && timeout_ms > 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound)) < 0)
		r = -errno;
	if (r == 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		r = -errno;
	if (r == 0)
		r = fd_send(fd, request, sizeof(*request), give ? give->v : NULL, give ? give->n : 0);
	if (r < 0)
		return err_sys(err, r, "cannot reach the container's monitor");
	return steal_fd(&fd);
}

/* What a command says at a terminal of a monitor that does not answer at once. */
#define WAITING "waiting for the virtual machine"

/* Waits for the answer on @fd as control_call_cancellable() does: 0, or -errno with an error. */
static int take_answer(int fd, struct control_fds *ret_fds, int timeout_ms, int cancel_fd, struct err *err)
{
	struct control_fds fds = { .n = 0 };
	struct err answer;
	ssize_t n;
	int r = progress_poll(fd, POLLIN, cancel_fd, timeout_ms, WAITING);

	if (r == 0)
		return err_set(err, ETIMEDOUT, "the container's monitor did not answer within %d ms", timeout_ms);
	if (r == -EINTR)
		return err_set(err, EINTR, "interrupted before the container's monitor had answered");
	n = fd_recv(fd, &answer, sizeof(answer), fds.v, ret_fds ? CONTROL_FDS_MAX : 0, &fds.n);
	if (n != (ssize_t)sizeof(answer)) {
		close_fds(&fds);
		return err_set(err, ECONNRESET, "the container ended before it answered");
	}
	answer.msg[sizeof(answer.msg) - 1] = '\0';
	if (answer.errnum != 0) {
		close_fds(&fds);
		*err = answer;
		return -answer.errnum;
	}
	if (ret_fds)
		*ret_fds = fds;
	return 0;
}

int control_call(const struct statedir *dir, const struct control_request *request, const struct control_fds *give,
	struct control_fds *ret_fds, int timeout_ms, struct err *err)
{
	autoclose int fd = send_request(dir, request, give, false, timeout_ms, err);

	return fd < 0 ? fd : take_answer(fd, ret_fds, timeout_ms, -1, err);
}

int control_call_cancellable(const struct statedir *dir, const struct control_request *request, int timeout_ms,
	int cancel_fd, struct err *err)
{
	autoclose int fd = send_request(dir, request, NULL, false, timeout_ms, err);

	return fd < 0 ? fd : take_answer(fd, NULL, timeout_ms, cancel_fd, err);
}

int control_open(const struct statedir *dir, const struct control_request *request, const struct control_fds *give,
	int timeout_ms, int *ret_fd, struct err *err)
{
	autoclose int fd = send_request(dir, request, give, false, timeout_ms, err);
	int r = fd < 0 ? fd : take_answer(fd, NULL, timeout_ms, -1, err);

	if (r == 0)
		*ret_fd = steal_fd(&fd);
	return r;
}

/* The pid of who answers a request that no monitor knows; or -errno with an error. */
static pid_t answering_pid(const struct statedir *dir, int timeout_ms, struct err *err)
{
	const struct control_request nothing = { .op = CONTROL_OPS };
	autoclose int fd = send_request(dir, &nothing, NULL, true, timeout_ms, err);
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct err answer;
	struct iovec iov = { .iov_base = &answer, .iov_len = sizeof(answer) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control.buf)
	};
	struct cmsghdr *c;
	struct ucred who;
	int r;

	if (fd < 0)
		return fd;
	r = progress_poll(fd, POLLIN, -1, timeout_ms, WAITING);
	if (r <= 0 || recvmsg(fd, &msg, MSG_CMSG_CLOEXEC) <= 0)
		return err_set(err, ETIMEDOUT, "the container's monitor does not answer");
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
		return err_set(err, EPROTO, "cannot learn who the container's monitor is");
	memcpy(&who, CMSG_DATA(c), sizeof(who));
	return who.pid > 0 ? who.pid : err_set(err, ESRCH, "the container's monitor is in another pid namespace");
}

int control_monitor(const struct statedir *dir, int timeout_ms, struct err *err)
{
	autoclose int pidfd = -1;
	pid_t pid = answering_pid(dir, timeout_ms, err), again;

	if (pid < 0)
		return pid;
	pidfd = fd_open_pid(pid);
	if (pidfd < 0)
		return err_sys(err, pidfd, "cannot reach the monitor, process %ld", (long)pid);
	/* who answers with the same pid now is what the pidfd names, and no process that has got the pid of a dead one */
	again = answering_pid(dir, timeout_ms, err);
	if (again < 0)
		return again;
	return again == pid ? steal_fd(&pidfd) : err_set(err, ESRCH, "the container's monitor has changed");
}
