/* SPDX-License-Identifier: Apache-2.0 */
/* What goes through sockets of the kernel in memory (kernel.h): messages, and the descriptors in them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/base.h"
#include "tests/fuzz/kernel.h"
#include "tests/fuzz/kernel_sock.h"

#define HEAD_MAX 3776u                /* of a message's bytes in its head; the rest is in pages behind it */
#define CHUNK_MAX (HEAD_MAX + 32768u) /* of a stream's message */

/* --- messages --- */

/* What a message of @len bytes takes of its sender's buffer: its head, and pages behind it. */
static size_t charge_of(size_t len)
{
	size_t head = MIN(len, (size_t)HEAD_MAX), bucket = 512;

	while (bucket < ((head + 63) & ~(size_t)63) + 320)
		bucket *= 2;
	return 256 + bucket + ((len - head + 4095) & ~(size_t)4095);
}

struct message *kernel_message_put(struct kernel_sock *from, struct kernel_sock *to, size_t len)
{
	struct message *m = kernel_alloc(sizeof(*m) + len);

	*m = (struct message){ .from = from, .len = len, .charge = charge_of(len) };
	from->charged += m->charge;
	STAILQ_INSERT_TAIL(&to->queue, m, link);
	to->queue_len++;
	return m;
}

void kernel_message_drop(struct kernel_sock *sock)
{
	struct message *m = STAILQ_FIRST(&sock->queue);

	STAILQ_REMOVE_HEAD(&sock->queue, link);
	sock->queue_len--;
	m->from->charged -= m->charge;
	for (size_t i = 0; i < m->files_len; i++)
		kernel_file_put(m->files[i]);
	if (m->files)
		kernel_free(m->files, m->files_len * sizeof(struct kernel_file *));
	kernel_free(m, sizeof(*m) + m->len);
}

/* Takes the descriptors that @msg has for the other side: their number, or -errno. Each file has a reference more. */
static ssize_t rights_take(struct msghdr *msg, struct kernel_file *files[KERNEL_PASS_MAX])
{
	size_t n = 0;
	int fd;

	for (struct cmsghdr *c = msg ? CMSG_FIRSTHDR(msg) : NULL; c; c = CMSG_NXTHDR(msg, c)) {
		require(c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len >= CMSG_LEN(0) &&
				n + (c->cmsg_len - CMSG_LEN(0)) / sizeof(fd) <= KERNEL_PASS_MAX,
			"a control message that the kernel in memory does not know");
		for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(fd); i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			files[n] = kernel_file_of(fd);
			if (!files[n]) {
				while (n > 0)
					kernel_file_put(files[--n]);
				return -EBADF;
			}
			files[n++]->refs++;
		}
	}
	return (ssize_t)n;
}

/*
 * Gives the descriptors of @m to the reader, as many as @io has room for. Those that it has none for are dropped, and so
 * are all if it has not asked for any.
 */
static void rights_give(struct message *m, const struct kernel_io *io)
{
	struct msghdr *msg = io->msg;
	size_t room = io->control_room, n = 0, max;
	struct cmsghdr *c = msg ? msg->msg_control : NULL;

	max = room > sizeof(*c) ? MIN((room - sizeof(*c)) / sizeof(int), m->files_len) : 0;
	for (; n < max; n++) {
		int fd = kernel_fd_new(m->files[n], 0, io->flags & MSG_CMSG_CLOEXEC);

		if (fd < 0)
			break;
		memcpy(CMSG_DATA(c) + n * sizeof(int), &fd, sizeof(fd));
	}
	if (n > 0) {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		msg->msg_controllen = MIN(room, CMSG_SPACE(n * sizeof(int)));
	}
	if (msg && n < m->files_len)
		msg->msg_flags |= MSG_CTRUNC;
	for (size_t i = 0; i < m->files_len; i++)
		kernel_file_put(m->files[i]);
	if (m->files)
		kernel_free(m->files, m->files_len * sizeof(struct kernel_file *));
	m->files = NULL;
	m->files_len = 0;
}

bool kernel_has_connections(const struct kernel_sock *sock)
{
	return sock->type != SOCK_DGRAM;
}

bool kernel_queue_is_full(const struct kernel_sock *sock)
{
	return sock->queue_len > sock->backlog;
}

/* --- bytes --- */

int kernel_take_error(struct kernel_sock *sock)
{
	int r = -sock->err;

	sock->err = 0;
	return r;
}

/* The socket is a stream: sends what there is room for. */
static ssize_t stream_write(struct kernel_sock *sock, const struct kernel_io *io, struct message **ret_first)
{
	size_t done = 0, want = MIN(io->total, io->max);

	*ret_first = NULL;
	if (!sock->peer && !(sock->down && sock->state == CONNECTED))
		return -ENOTCONN;
	if (sock->down & SEND_DOWN)
		return -EPIPE;
	while (done < want) {
		size_t n = MIN(MIN(want - done, sock->sndbuf / 2 - 64), (size_t)CHUNK_MAX);
		int r = kernel_take_error(sock);
		struct message *m;

		if (r == 0 && sock->charged >= sock->sndbuf)
			r = -EAGAIN;
		else if (r == 0 && (sock->peer->dead || sock->peer->down & RCV_DOWN))
			r = -EPIPE;
		if (r < 0)
			return done > 0 ? (ssize_t)done : r;
		m = kernel_message_put(sock, sock->peer, n);
		kernel_io_get(io, done, m->data, n);
		if (!*ret_first)
			*ret_first = m;
		done += n;
	}
	return (ssize_t)done;
}

/* The socket keeps messages apart: sends one. */
static ssize_t packet_write(struct kernel_sock *sock, const struct kernel_io *io, struct message **ret_first)
{
	struct kernel_sock *peer = sock->peer;
	int r = sock->type == SOCK_SEQPACKET ? kernel_take_error(sock) : 0;

	if (r < 0)
		return r;
	if (!peer || (sock->type == SOCK_SEQPACKET && sock->state != CONNECTED))
		return -ENOTCONN;
	if (io->total > sock->sndbuf - 32)
		return -EMSGSIZE;
	r = kernel_take_error(sock);
	if (r < 0)
		return r;
	if (sock->down & SEND_DOWN)
		return -EPIPE;
	if (sock->charged >= sock->sndbuf)
		return -EAGAIN;
	if (peer->dead) { /* what the socket had got of it is lost, too */
		sock->peer = NULL;
		sock->state = UNCONNECTED;
		while (!STAILQ_EMPTY(&sock->queue))
			kernel_message_drop(sock);
		return -ECONNREFUSED;
	}
	if (peer->down & RCV_DOWN)
		return -EPIPE;
	if (peer->peer != sock && kernel_queue_is_full(peer))
		return -EAGAIN;
	*ret_first = kernel_message_put(sock, peer, io->total);
	kernel_io_get(io, 0, (*ret_first)->data, io->total);
	return (ssize_t)io->total;
}

ssize_t kernel_sock_write(struct kernel_file *f, struct kernel_io *io)
{
	struct kernel_sock *sock = f->u.sock;
	struct kernel_file *files[KERNEL_PASS_MAX];
	ssize_t files_len = rights_take(io->msg, files), n;
	struct message *first = NULL;

	if (files_len < 0)
		return files_len;
	require(!io->msg || !io->msg->msg_name, "the kernel in memory sends to connected sockets only");
	n = sock->type == SOCK_STREAM ? stream_write(sock, io, &first) : packet_write(sock, io, &first);
	if (first && files_len > 0) {
		first->files_len = (size_t)files_len;
		first->files = kernel_alloc(first->files_len * sizeof(files[0]));
		memcpy(first->files, files, first->files_len * sizeof(files[0]));
	} else {
		while (files_len > 0)
			kernel_file_put(files[--files_len]);
	}
	return n;
}

/* The socket is a stream: reads over the bounds of messages, but for those that carry descriptors. */
static ssize_t stream_read(struct kernel_sock *sock, struct kernel_io *io)
{
	size_t done = 0, want = MIN(io->total, io->max);
	struct message *m;

	if (sock->state != CONNECTED)
		return -EINVAL;
	while (done < want && (m = STAILQ_FIRST(&sock->queue)) != NULL) {
		size_t n = MIN(want - done, m->len - m->at);
		bool had_files = m->files_len > 0;

		kernel_io_put(io, done, m->data + m->at, n);
		rights_give(m, io);
		m->at += n;
		done += n;
		if (m->at == m->len)
			kernel_message_drop(sock);
		if (had_files)
			break;
	}
	if (done > 0 || want == 0)
		return (ssize_t)done;
	if (sock->err)
		return kernel_take_error(sock);
	return sock->down & RCV_DOWN ? 0 : -EAGAIN;
}

static ssize_t packet_read(struct kernel_sock *sock, struct kernel_io *io)
{
	struct message *m = STAILQ_FIRST(&sock->queue);
	size_t n;
	int r;

	if (sock->type == SOCK_SEQPACKET && sock->state != CONNECTED)
		return -ENOTCONN;
	r = kernel_take_error(sock);
	if (r < 0)
		return r;
	if (!m)
		return sock->type == SOCK_SEQPACKET && sock->down & RCV_DOWN ? 0 : -EAGAIN;
	n = MIN(io->total, m->len);
	kernel_io_put(io, 0, m->data, n);
	if (n < m->len && io->msg)
		io->msg->msg_flags |= MSG_TRUNC;
	if (io->flags & MSG_TRUNC)
		n = m->len;
	rights_give(m, io);
	kernel_message_drop(sock);
	return (ssize_t)n;
}

ssize_t kernel_sock_read(struct kernel_file *f, struct kernel_io *io)
{
	struct msghdr *msg = io->msg;

	require(!(io->flags & MSG_PEEK), "the kernel in memory does not peek");
	if (msg) {
		msg->msg_flags = io->flags & MSG_CMSG_CLOEXEC;
		msg->msg_namelen = 0;
		io->control_room = msg->msg_controllen;
		msg->msg_controllen = 0;
	}
	return f->u.sock->type == SOCK_STREAM ? stream_read(f->u.sock, io) : packet_read(f->u.sock, io);
}

static bool is_writable(const struct kernel_sock *sock)
{
	const struct kernel_sock *peer = sock->peer;

	if (sock->state == LISTENING || sock->charged * 4 > sock->sndbuf)
		return false;
	return sock->type == SOCK_STREAM || !peer || peer->peer == sock || !kernel_queue_is_full(peer);
}

uint32_t kernel_sock_poll(const struct kernel_file *f)
{
	const struct kernel_sock *sock = f->u.sock;
	uint32_t events = 0;

	if (sock->err)
		events |= EPOLLERR;
	if (sock->down == SHUT_BOTH || (kernel_has_connections(sock) && sock->state == UNCONNECTED))
		events |= EPOLLHUP;
	if (sock->down & RCV_DOWN)
		events |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (!STAILQ_EMPTY(&sock->queue))
		events |= EPOLLIN | EPOLLRDNORM;
	if (is_writable(sock))
		events |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	return events;
}

ssize_t kernel_sock_unread(const struct kernel_file *f)
{
	const struct kernel_sock *sock = f->u.sock;
	const struct message *m;
	size_t n = 0;

	if (sock->state == LISTENING)
		return -EINVAL;
	STAILQ_FOREACH (m, &sock->queue, link) {
		n += m->len - m->at;
		if (sock->type == SOCK_DGRAM)
			break;
	}
	return (ssize_t)n;
}
