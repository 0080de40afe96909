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
#include <unistd.h>

#include "base/fd.h"
#include "host/sock.h"

struct control_client {
	struct control *control;
	int fd;
	struct watch *watch;
	bool asked; /* the request was read, the answer is owed */
	struct control_client *next, **prev;
};

struct control {
	struct loop *loop;
	int fd;
	struct watch *watch;
	control_fn *fn;
	void *arg;
	struct control_client *clients;
	unsigned int clients_len;
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
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->control->clients_len--;
	free(c);
}

static void on_client(void *arg, uint32_t events)
{
	struct control_client *c = arg;
	struct control_request request;
	ssize_t n;

	if (c->asked) {
		/* The caller went away while its request is under way: the answer goes nowhere. */
		if (events & (EPOLLHUP | EPOLLERR)) {
			watch_free(c->watch);
			c->watch = NULL;
		}
		return;
	}
	n = recv(c->fd, &request, sizeof(request), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != (ssize_t)sizeof(request)) {
		client_free(c);
		return;
	}
	c->asked = true;
	if (watch_set_events(c->watch, 0) < 0) {
		client_free(c);
		return;
	}
	c->control->fn(c->control->arg, &request, c);
}

static void on_listen(void *arg, uint32_t events)
{
	struct control *control = arg;
	autoclose int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct control_client *c;

	(void)events;
	if (fd < 0 || control->clients_len >= CONTROL_CLIENTS_MAX)
		return; /* closing tells the caller; it may try again */
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	c->control = control;
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
}

int control_new(struct loop *loop, int listen_fd, control_fn *fn, void *arg, struct control **ret)
{
	struct control *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->loop = loop;
	c->fn = fn;
	c->arg = arg;
	r = watch_new(loop, listen_fd, EPOLLIN, on_listen, c, &c->watch);
	if (r < 0) {
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
	fd_close(c->fd);
	free(c);
}

void control_answer(struct control_client *client, const struct err *err)
{
	static const struct err fine = ERR_INIT;

	if (fd_send(client->fd, err ? err : &fine, sizeof(*err), NULL, 0) < 0)
		client->asked = false; /* the caller has gone without waiting */
	client_free(client);
}

int control_call(const struct statedir *dir, const struct control_request *request, int timeout_ms, struct err *err)
{
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct err answer;
	int r = fd < 0 ? -errno : sock_address_at(dir->fd, CONTROL_SOCKET, &address);
	ssize_t n;

	if (r == 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		r = -errno;
	if (r == 0)
		r = fd_send(fd, request, sizeof(*request), NULL, 0);
	if (r < 0)
		return err_sys(err, r, "cannot reach the container's monitor");
	do
		r = poll(&p, 1, timeout_ms);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return err_set(err, ETIMEDOUT, "the container's monitor did not answer within %d ms", timeout_ms);
	n = recv(fd, &answer, sizeof(answer), 0);
	if (n != (ssize_t)sizeof(answer))
		return err_set(err, ECONNRESET, "the container ended before it answered");
	answer.msg[sizeof(answer.msg) - 1] = '\0';
	if (answer.errnum == 0)
		return 0;
	*err = answer;
	return -answer.errnum;
}
