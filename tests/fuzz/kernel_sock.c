/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets of the kernel in memory (kernel.h): those of AF_UNIX, as Linux has them. A socket of
 * AF_INET can be made, and finds nobody.
 *
 * A message lies in the queue of the socket that will read it, and is charged to the socket that sent it, whose buffer is
 * full when that comes to its limit. A connection that waits to be accepted is a message that carries the new socket. A
 * socket's memory stays until the end of the input, so that a message's sender may be gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "tests/fuzz/kernel.h"
#include "tests/fuzz/kernel_sock.h"

#define SNDBUF 212992   /* net.core.wmem_default */
#define SNDBUF_MIN 4608 /* SOCK_MIN_SNDBUF */
#define DGRAM_QUEUE 10  /* net.unix.max_dgram_qlen */

static LIST_HEAD(, kernel_sock) names;
static unsigned int next_name;

void kernel_sock_begin(void)
{
	LIST_INIT(&names);
	next_name = 0;
}

/* --- a socket's life --- */

static struct kernel_sock *sock_alloc(int domain, int type)
{
	struct kernel_sock *sock = kernel_alloc(sizeof(*sock));

	*sock = (struct kernel_sock){ .domain = domain, .type = type, .sndbuf = SNDBUF, .backlog = DGRAM_QUEUE };
	STAILQ_INIT(&sock->queue);
	return sock;
}

/* Closes @sock for ever: its peer is told, what it has not read is lost. @embryo: it was never accepted. */
static void sock_close(struct kernel_sock *sock, bool embryo)
{
	struct kernel_sock *peer = sock->peer;

	sock->dead = true;
	sock->state = UNCONNECTED;
	sock->down = SHUT_BOTH;
	sock->peer = NULL;
	if (peer && kernel_has_connections(sock)) {
		peer->down = SHUT_BOTH;
		if (embryo || !STAILQ_EMPTY(&sock->queue))
			peer->err = ECONNRESET;
	}
	while (!STAILQ_EMPTY(&sock->queue)) {
		struct kernel_sock *accepted = STAILQ_FIRST(&sock->queue)->accepted;

		if (accepted)
			sock_close(accepted, true);
		kernel_message_drop(sock);
	}
	if (sock->is_named && sock->name.sun_path[0] == '\0') {
		LIST_REMOVE(sock, named);
		sock->is_named = false;
	}
}

static void sock_release(struct kernel_file *f)
{
	sock_close(f->u.sock, false);
}

/* A new file of @sock with a descriptor: it, or -errno, upon which @sock is closed. */
static int sock_fd(struct kernel_sock *sock, int type_flags)
{
	struct kernel_file *f;
	int fd = kernel_file_new(&kernel_sock_ops, O_RDWR | (type_flags & (SOCK_NONBLOCK | SOCK_CLOEXEC)), &f);

	if (fd >= 0)
		f->u.sock = sock;
	else
		sock_close(sock, false);
	return fd;
}

int kernel_socket(int domain, int type)
{
	require(domain == AF_UNIX || domain == AF_INET, "a family that the kernel in memory does not know");
	return sock_fd(sock_alloc(domain, type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)), type);
}

int kernel_socketpair(int domain, int type, int fds[2])
{
	struct kernel_sock *a = sock_alloc(domain, type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC));
	struct kernel_sock *b = sock_alloc(domain, a->type);
	int first = sock_fd(a, type), second = first < 0 ? first : sock_fd(b, type);

	if (second < 0) {
		if (first >= 0)
			kernel_fd_close(first);
		return second;
	}
	a->peer = b;
	b->peer = a;
	a->state = b->state = CONNECTED;
	fds[0] = first;
	fds[1] = second;
	return 0;
}

/* --- names --- */

static struct kernel_sock *name_find(const struct sockaddr_un *name, socklen_t len)
{
	struct kernel_sock *s;

	LIST_FOREACH (s, &names, named) {
		if (s->name_len == len && memcmp(&s->name, name, len) == 0)
			return s;
	}
	return NULL;
}

/* A name as it is kept: that of a file ends with a NUL. */
static socklen_t name_take(const struct sockaddr *addr, socklen_t len, struct sockaddr_un *ret_name)
{
	*ret_name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret_name, addr, MIN(len, (socklen_t)sizeof(*ret_name)));
	if (len <= sizeof(sa_family_t) || ret_name->sun_path[0] == '\0')
		return len;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			   strnlen(ret_name->sun_path, sizeof(ret_name->sun_path)) + 1);
}

int kernel_bind(struct kernel_file *f, const struct sockaddr *addr, socklen_t len)
{
	struct kernel_sock *sock = f->u.sock;
	struct sockaddr_un name;

	len = name_take(addr, len, &name);
	if (sock->name_len)
		return -EINVAL;
	if (len <= sizeof(sa_family_t)) /* the kernel chooses one */
		len = (socklen_t)(sizeof(sa_family_t) + 1 +
				  (size_t)snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "%05x", next_name++));
	if (name_find(&name, len))
		return -EADDRINUSE;
	sock->name = name;
	sock->name_len = len;
	sock->is_named = true;
	LIST_INSERT_HEAD(&names, sock, named);
	return 0;
}

static struct kernel_sock *path_find(const char *path)
{
	struct kernel_sock *s;

	LIST_FOREACH (s, &names, named) {
		if (strcmp(s->name.sun_path, path) == 0)
			return s;
	}
	return NULL;
}

int kernel_path_open(const char *path, int flags)
{
	struct kernel_sock *sock = path_find(path);
	struct kernel_file *f;
	int fd;

	if (!sock)
		return -ENOENT;
	if (!(flags & O_PATH))
		return -ENXIO;
	fd = kernel_file_new(&kernel_path_ops, O_PATH | (flags & O_CLOEXEC), &f);
	if (fd >= 0)
		f->u.sock = sock;
	return fd;
}

int kernel_path_unlink(const char *path)
{
	struct kernel_sock *sock = path_find(path);

	if (!sock)
		return -ENOENT;
	LIST_REMOVE(sock, named);
	sock->is_named = false;
	return 0;
}

int kernel_name(struct kernel_file *f, bool peer, struct sockaddr *addr, socklen_t *len)
{
	const struct kernel_sock *sock = peer ? f->u.sock->peer : f->u.sock;
	const sa_family_t family = AF_UNIX;

	if (!sock)
		return -ENOTCONN;
	if (sock->name_len) {
		memcpy(addr, &sock->name, MIN(*len, sock->name_len));
		*len = sock->name_len;
	} else {
		memcpy(addr, &family, MIN(*len, (socklen_t)sizeof(family)));
		*len = sizeof(family);
	}
	return 0;
}

/* --- connections --- */

int kernel_listen(struct kernel_file *f, int backlog)
{
	struct kernel_sock *sock = f->u.sock;

	if (sock->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	if (!sock->name_len || sock->state == CONNECTED)
		return -EINVAL;
	sock->state = LISTENING;
	sock->backlog = (size_t)backlog;
	return 0;
}

/* The socket that has the address, for a socket of @type: 0 or -errno. A number is a link in /proc/self/fd. */
static int sock_find(const struct sockaddr *addr, socklen_t len, int type, struct kernel_sock **ret_sock)
{
	struct kernel_file *link;
	struct sockaddr_un name;
	struct kernel_sock *sock;

	len = name_take(addr, len, &name);
	link = name.sun_path[0] ? kernel_link(name.sun_path) : NULL;
	if (link && link->ops != &kernel_path_ops)
		return -ECONNREFUSED;
	sock = link ? link->u.sock : name_find(&name, len);
	if (!sock)
		return name.sun_path[0] ? -ENOENT : -ECONNREFUSED;
	if (sock->dead)
		return -ECONNREFUSED;
	if (sock->type != type)
		return name.sun_path[0] ? -EPROTOTYPE : -ECONNREFUSED;
	*ret_sock = sock;
	return 0;
}

/* Makes the other end of a connection of @sock, which waits in the queue of @listener. */
static void connection_put(struct kernel_sock *sock, struct kernel_sock *listener)
{
	struct kernel_sock *other = sock_alloc(AF_UNIX, sock->type);

	other->state = sock->state = CONNECTED;
	other->peer = sock;
	sock->peer = other;
	other->name = listener->name;
	other->name_len = listener->name_len;
	kernel_message_put(other, listener, 0)->accepted = other;
}

int kernel_connect(struct kernel_file *f, const struct sockaddr *addr, socklen_t len)
{
	struct kernel_sock *sock = f->u.sock, *other;
	int r;

	if (sock->domain != AF_UNIX)
		return -ECONNREFUSED;
	r = sock_find(addr, len, sock->type, &other);
	if (r < 0)
		return r;
	if (sock->type == SOCK_DGRAM) {
		if (other->peer && other->peer != sock)
			return -EPERM;
		sock->peer = other;
		sock->state = CONNECTED;
		return 0;
	}
	if (other->state != LISTENING || other->down & RCV_DOWN)
		return -ECONNREFUSED;
	if (sock->state != UNCONNECTED)
		return sock->state == CONNECTED ? -EISCONN : -EINVAL;
	if (kernel_queue_is_full(other))
		return -EAGAIN;
	connection_put(sock, other);
	return 0;
}

int kernel_accept(struct kernel_file *f, struct sockaddr *addr, socklen_t *len, int flags)
{
	struct kernel_sock *sock = f->u.sock;
	struct kernel_file *accepted;
	int fd;

	if (sock->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	if (sock->state != LISTENING)
		return -EINVAL;
	if (STAILQ_EMPTY(&sock->queue))
		return sock->down & RCV_DOWN && !(f->flags & O_NONBLOCK) ? -EINVAL : -EAGAIN;
	fd = kernel_file_new(&kernel_sock_ops, O_RDWR | flags, &accepted);
	if (fd < 0)
		return fd; /* the connection goes on to wait */
	accepted->u.sock = STAILQ_FIRST(&sock->queue)->accepted;
	kernel_message_drop(sock);
	if (addr)
		(void)kernel_name(accepted, true, addr, len); /* it is connected */
	return fd;
}

int kernel_shutdown(struct kernel_file *f, int how)
{
	struct kernel_sock *sock = f->u.sock;
	unsigned int down = how == SHUT_RD ? RCV_DOWN : how == SHUT_WR ? SEND_DOWN : SHUT_BOTH;

	if (sock->domain != AF_UNIX)
		return -ENOTCONN;
	sock->down |= down;
	if (sock->peer && kernel_has_connections(sock))
		sock->peer->down |= (down & RCV_DOWN ? SEND_DOWN : 0) | (down & SEND_DOWN ? RCV_DOWN : 0);
	return 0;
}

/* --- options --- */

int kernel_get_option(struct kernel_file *f, int level, int name, void *value, socklen_t *len)
{
	struct kernel_sock *sock = f->u.sock;
	int v;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (name) {
	case SO_TYPE:
		v = sock->type;
		break;
	case SO_DOMAIN:
		v = sock->domain;
		break;
	case SO_ACCEPTCONN:
		v = sock->state == LISTENING;
		break;
	case SO_ERROR:
		v = -kernel_take_error(sock);
		break;
	case SO_SNDBUF:
		v = (int)sock->sndbuf;
		break;
	default:
		require(false, "an option that the kernel in memory does not know");
		return -ENOPROTOOPT;
	}
	memcpy(value, &v, MIN(*len, (socklen_t)sizeof(v)));
	*len = MIN(*len, (socklen_t)sizeof(v));
	return 0;
}

int kernel_set_option(struct kernel_file *f, int level, int name, const void *value, socklen_t len)
{
	int v;

	require(level == SOL_SOCKET && name == SO_SNDBUF && len == sizeof(v),
		"an option that the kernel in memory does not know");
	memcpy(&v, value, sizeof(v));
	f->u.sock->sndbuf = MAX((size_t)MIN(v, SNDBUF) * 2, (size_t)SNDBUF_MIN);
	return 0;
}

const struct kernel_ops kernel_sock_ops = {
	.mode = S_IFSOCK | 0777,
	.read = kernel_sock_read,
	.write = kernel_sock_write,
	.poll = kernel_sock_poll,
	.unread = kernel_sock_unread,
	.release = sock_release,
	.is_stream = true,
};

const struct kernel_ops kernel_path_ops = { .mode = S_IFSOCK | 0755 };
