/* SPDX-License-Identifier: Apache-2.0 */
/* A socket that keeps messages apart, joined to two streams: see packets.h. */
#include "channel/packets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "channel/records.h"

struct packets {
	struct loop *loop;
	int fd; /* messages are sent to it; the source has a duplicate */
	int type;
	struct watch *room; /* set while the socket takes nothing */
	struct record_source *source;
	struct record_sink *sink;
	packets_end_fn *on_end;
	void *arg;
};

static void packets_on_room(void *arg, uint32_t events unused)
{
	struct packets *p = arg;

	watch_free(p->room);
	p->room = NULL;
	if (p->sink)
		record_sink_resume(p->sink);
}

/*
 * As record_fn: sends one message. One that nobody can get any more, or that is too long for the socket, is lost. The first
 * attempt may tell of an earlier message that was refused.
 */
static int packets_take(void *arg, const void *data, size_t len)
{
	struct packets *p = arg;
	ssize_t n = send(p->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && (errno == EINTR || errno == ECONNREFUSED || errno == ECONNRESET))
		n = send(p->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0 || errno != EAGAIN)
		return 0;
	return p->room || watch_new(p->loop, p->fd, EPOLLOUT, packets_on_room, p, &p->room) == 0 ? -EAGAIN : 0;
}

static void packets_on_source_end(void *arg, int error unused)
{
	struct packets *p = arg;

	p->source = NULL;
	p->on_end(p->arg);
}

static void packets_on_sink_end(void *arg, int error unused)
{
	struct packets *p = arg;

	p->sink = NULL;
	if (p->type == SOCK_SEQPACKET)
		(void)shutdown(p->fd, SHUT_WR); /* the peer may have gone */
	p->on_end(p->arg);
}

int packets_new(struct loop *loop, struct mux *mux, uint32_t send, uint32_t receive, int fd, int type,
	packets_end_fn *on_end, void *arg, struct packets **ret)
{
	struct packets *p = calloc(1, sizeof(*p));
	int own = p ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
	int r = !p ? -ENOMEM : own < 0 ? -errno : 0;

	if (r < 0) {
		fd_close(fd);
		free(p);
		return r;
	}
	*p = (struct packets){ .loop = loop, .fd = fd, .type = type, .on_end = on_end, .arg = arg };
	if (receive < send)
		r = record_sink_new(mux, receive, packets_take, packets_on_sink_end, p, &p->sink);
	if (r == 0)
		r = record_source_new(
			loop, mux, send, own, type == SOCK_SEQPACKET, packets_on_source_end, p, &p->source);
	else
		fd_close(own);
	if (r == 0 && receive > send)
		r = record_sink_new(mux, receive, packets_take, packets_on_sink_end, p, &p->sink);
	if (r < 0) {
		packets_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

bool packets_owe(const struct packets *p)
{
	return p->sink != NULL;
}

bool packets_over(const struct packets *p)
{
	return !p->sink && !p->source;
}

void packets_finish(struct packets *p)
{
	if (p->source)
		record_source_finish(p->source);
}

void packets_free(struct packets *p)
{
	if (!p)
		return;
	record_source_free(p->source);
	record_sink_free(p->sink);
	watch_free(p->room);
	fd_close(p->fd);
	free(p);
}
