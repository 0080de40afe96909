/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 9P session over a stream socket.
 *
 * The calling thread reads messages into slots and submits them. The thread that ends a request writes its reply. A
 * slot has room for the largest message and the largest reply. There are at most P9_SOCKET_REQUESTS slots, and reading
 * stops while all are in use.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/le.h"
#include "p9/proto.h"
#include "p9/server.h"
#include "p9/socket.h"

struct slot {
	struct p9_request req;
	struct iovec in, out;
	struct slot *next;
	uint8_t *message, *reply; /* P9_MSIZE_MAX bytes each, in one piece */
};

struct connection {
	int fd;
	struct p9_session *session;
	pthread_mutex_t lock;
	pthread_cond_t freed;
	struct slot *free;          /* LOCK: lock */
	unsigned int slots;         /* LOCK: lock */
	pthread_mutex_t write_lock; /* LOCK: so that one reply at a time goes to the socket */
};

/* Sends all of @data. If that fails, the connection is shut down. */
static void send_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			/* The client will not get this reply, so the reading side is to end as well. */
			(void)shutdown(fd, SHUT_RDWR);
			return;
		}
		data += n;
		len -= (size_t)n;
	}
}

/* Sends the reply, and frees the slot: the done() of all requests. */
static void slot_done(struct p9_request *req, uint32_t reply_len)
{
	struct slot *slot = container_of(req, struct slot, req);
	struct connection *c = req->arg;

	pthread_mutex_lock(&c->write_lock);
	send_all(c->fd, slot->reply, reply_len);
	pthread_mutex_unlock(&c->write_lock);

	pthread_mutex_lock(&c->lock);
	slot->next = c->free;
	c->free = slot;
	pthread_cond_signal(&c->freed);
	pthread_mutex_unlock(&c->lock);
}

/* A new slot, or NULL for want of memory. */
static struct slot *slot_new(struct connection *c)
{
	struct slot *slot = calloc(1, sizeof(*slot));

	if (slot == NULL)
		return NULL;
	slot->message = malloc(2 * (size_t)P9_MSIZE_MAX);
	if (slot->message == NULL) {
		free(slot);
		return NULL;
	}
	slot->reply = slot->message + P9_MSIZE_MAX;
	slot->out = (struct iovec){ slot->reply, P9_MSIZE_MAX };
	slot->req = (struct p9_request){
		.in = &slot->in,
		.in_count = 1,
		.out = &slot->out,
		.out_count = 1,
		.done = slot_done,
		.arg = c,
	};
	return slot;
}

/* A slot for the next message: a new one, or one that is free, for which it waits. NULL: there is no memory for any. */
static struct slot *slot_get(struct connection *c)
{
	struct slot *slot = NULL;

	pthread_mutex_lock(&c->lock);
	if (c->free == NULL && c->slots < P9_SOCKET_REQUESTS) {
		slot = slot_new(c);
		c->slots += slot != NULL;
	}
	while (slot == NULL && c->slots > 0 && c->free == NULL)
		pthread_cond_wait(&c->freed, &c->lock);
	if (slot == NULL && c->free != NULL) {
		slot = c->free;
		c->free = slot->next;
	}
	pthread_mutex_unlock(&c->lock);
	return slot;
}

static void slot_put(struct connection *c, struct slot *slot)
{
	pthread_mutex_lock(&c->lock);
	slot->next = c->free;
	c->free = slot;
	pthread_mutex_unlock(&c->lock);
}

/* Reads one message into @slot: 1, 0 at the end of the stream, or -errno. */
static int message_read(int fd, struct slot *slot)
{
	ssize_t n = fd_read_full(fd, slot->message, 4);
	uint32_t size;

	if (n <= 0)
		return (int)n;
	if (n < 4)
		return -EBADMSG;
	size = le32_get(slot->message);
	if (size < P9_HEADER || size > P9_MSIZE_MAX) /* GUEST: then nobody knows where the next message starts */
		return -EBADMSG;
	n = fd_read_full(fd, slot->message + 4, size - 4);
	if (n < 0)
		return (int)n;
	if ((size_t)n < size - 4)
		return -EBADMSG;
	slot->in = (struct iovec){ slot->message, size };
	return 1;
}

int p9_socket_serve(struct p9_server *server, int fd)
{
	struct connection c = { .fd = fd };
	struct slot *slot;
	int r;

	r = p9_session_new(server, &c.session);
	if (r < 0)
		return r;
	pthread_mutex_init(&c.lock, NULL);
	pthread_mutex_init(&c.write_lock, NULL);
	pthread_cond_init(&c.freed, NULL);
	do {
		slot = slot_get(&c);
		r = slot != NULL ? message_read(fd, slot) : -ENOMEM;
		if (r > 0)
			p9_submit(c.session, &slot->req);
		else if (slot != NULL)
			slot_put(&c, slot);
	} while (r > 0);
	p9_session_free(c.session);
	while ((slot = c.free) != NULL) {
		c.free = slot->next;
		free(slot->message);
		free(slot);
	}
	pthread_cond_destroy(&c.freed);
	pthread_mutex_destroy(&c.write_lock);
	pthread_mutex_destroy(&c.lock);
	return r;
}
