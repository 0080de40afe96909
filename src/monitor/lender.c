/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine tells others of its ports: see lender.h. */
#include "monitor/lender.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "monitor/ports.h"

#define BACKLOG 16

/* The address, and how long it is. */
static socklen_t address_of(struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path + 1, LENDER_NAME, sizeof(LENDER_NAME) - 1);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(LENDER_NAME));
}

int lender_listen(void)
{
	struct sockaddr_un at;
	socklen_t len = address_of(&at);
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return steal_fd(&fd);
}

int lender_connect(void)
{
	struct sockaddr_un at;
	socklen_t len = address_of(&at), who_len = sizeof(struct ucred);
	struct ucred who;
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&at, len) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_len) < 0)
		return -errno;
	return who.uid == geteuid() ? steal_fd(&fd) : -EPERM;
}

static void remove_at(struct lender *l, size_t i)
{
	watch_free(l->at[i].watch);
	fd_close(l->at[i].fd);
	l->at[i] = l->at[--l->n];
}

/* The loop's callback: one of them has gone, or says something, which nobody asked for. */
static void on_client(void *arg, uint32_t events)
{
	struct lender *l = arg;
	char byte;

	(void)events;
	/* the loop does not say which: the others have nothing to say */
	for (size_t i = l->n; i > 0; i--) {
		if (read(l->at[i - 1].fd, &byte, 1) >= 0 || (errno != EAGAIN && errno != EINTR))
			remove_at(l, i - 1);
	}
}

/*
 * As guest_done_fn: passes the guest's list on, and an empty one where the container does not run. Who does not read it gets the
 * next one.
 */
static void on_list(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct lender *l = arg;
	char head = LENDER_LIST;
	struct iovec v[] = { { .iov_base = &head, .iov_len = 1 },
		{ .iov_base = (void *)(uintptr_t)payload, .iov_len = err->errnum ? 0 : len } };
	const struct msghdr message = { .msg_iov = v, .msg_iovlen = ARRAY_LEN(v) };

	l->asking = false;
	for (size_t i = 0; v[1].iov_len < LENDER_BYTES_MAX && i < l->n; i++)
		(void)!sendmsg(l->at[i].fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (l->n > 0)
		(void)!timer_set(l->timer, PORTS_INTERVAL_MS); /* without it, they keep the list that they have */
}

/* The timer: asks the guest, and takes who comes. */
static void ask(void *arg)
{
	struct lender *l = arg;
	struct err ignored = ERR_INIT; /* the channel is at its end, which is told elsewhere */

	(void)!watch_set_events(l->listen_watch, EPOLLIN);
	if (!l->asking && l->n > 0)
		l->asking = guest_list_ports(l->guest, l->cid, on_list, l, &ignored) == 0;
}

/* The loop's callback: somebody comes. One too many is sent away, and comes again. */
static void on_listener(void *arg, uint32_t events)
{
	struct lender *l = arg;
	autoclose int fd = accept4(l->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
		/* whoever waits there would have the loop call again at once: there may be a descriptor later */
		if (timer_set(l->timer, PORTS_INTERVAL_MS) == 0)
			(void)!watch_set_events(l->listen_watch, 0);
	}
	if (fd < 0 || l->n == LENDER_CLIENTS_MAX)
		return;
	if (watch_new(l->loop, fd, EPOLLIN, on_client, l, &l->at[l->n].watch) < 0)
		return;
	l->at[l->n++].fd = steal_fd(&fd);
	ask(l);
}

int lender_begin(struct lender *l, struct loop *loop, struct guest *guest, const char *cid)
{
	int r;

	l->loop = loop;
	l->guest = guest;
	l->cid = cid;
	if (l->listen_fd < 0)
		return 0;
	r = timer_new(loop, 0, ask, l, &l->timer);
	return r < 0 ? r : watch_new(loop, l->listen_fd, EPOLLIN, on_listener, l, &l->listen_watch);
}

void lender_done(struct lender *l)
{
	while (l->n > 0)
		remove_at(l, l->n - 1);
	watch_free(l->listen_watch);
	l->listen_watch = NULL;
	watch_free(l->timer);
	l->timer = NULL;
	fd_close(steal_fd(&l->listen_fd));
}
