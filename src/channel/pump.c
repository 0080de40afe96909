/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a descriptor and a stream: see pump.h.
 *
 * A source watches its descriptor only while it waits for bytes: once they are there the watch is removed, and made
 * again when a read finds nothing. So a descriptor that has hung up, whose peer is slow, does not spin the loop.
 */
#include "channel/pump.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"

/*
 * The kernel brings a terminal's bytes to its master by a work queue. So when the writer has ended, the last of them
 * are waited for this long.
 */
#define SOURCE_TTY_GRACE_MS 20

#define SINK_CHUNK (64 * 1024) /* most bytes of one write(2) */

struct source {
	struct loop *loop;
	struct mux_stream *stream;
	struct watch *watch; /* set while waiting for bytes */
	struct watch *grace; /* the timer of SOURCE_TTY_GRACE_MS */
	int fd;
	enum pump_kind kind;
	bool finishing; /* source_finish() was called */
	bool graced;    /* the time of @grace is over */
	size_t left;    /* finishing: bytes still to send; SIZE_MAX: until the descriptor is empty */
	pump_end_fn *on_end;
	void *arg;
};

struct sink {
	struct loop *loop;
	struct mux_stream *stream; /* NULL: the peer has sent EOF */
	struct watch *watch;       /* set while the descriptor takes nothing */
	struct buf pending;        /* bytes that the descriptor has not taken yet; empty: all are written */
	size_t pending_at;         /* how many of them are written after all */
	int fd;
	enum pump_kind kind;
	pump_end_fn *on_end;
	void *arg;
};

static bool pump_is_socket(enum pump_kind kind)
{
	return kind == PUMP_SOCKET || kind == PUMP_CONN;
}

/* --- source --- */

static void source_destroy(struct source *src)
{
	if (src->kind == PUMP_CONN && src->fd >= 0)
		(void)shutdown(src->fd, SHUT_RD); /* the peer may have gone */
	watch_free(src->watch);
	watch_free(src->grace);
	fd_close(src->fd);
	free(src);
}

static void source_end(struct source *src, int error)
{
	pump_end_fn *on_end = src->on_end;
	void *arg = src->arg;

	source_destroy(src);
	on_end(arg, error);
}

static void source_on_fd(void *arg, uint32_t events unused)
{
	struct source *src = arg;

	watch_free(src->watch);
	src->watch = NULL;
	mux_stream_ready(src->stream);
}

/* Watches for bytes: 0 or -errno. */
static int source_wait(struct source *src)
{
	if (src->watch)
		return 0;
	return watch_new(src->loop, src->fd, EPOLLIN, source_on_fd, src, &src->watch);
}

/* The descriptor is there: begins to wait for its bytes. 0 or -errno. */
static int source_begin(struct source *src)
{
	if (src->kind != PUMP_FILE)
		return source_wait(src);
	mux_stream_ready(src->stream);
	return 0;
}

static void source_on_grace(void *arg)
{
	struct source *src = arg;

	src->graced = true;
	mux_stream_ready(src->stream);
}

/* Nothing can be read now: waits, or ends the stream if it is finishing. Returns what fill() is to return. */
static ssize_t source_dry(struct source *src)
{
	if (src->finishing && (src->left != SIZE_MAX || src->graced))
		return MUX_FILL_EOF;
	if (src->finishing && !src->grace) {
		int r = timer_new(src->loop, SOURCE_TTY_GRACE_MS, source_on_grace, src, &src->grace);

		if (r < 0)
			return r;
	}
	return source_wait(src);
}

/*
 * Whether a read would not wait. What epoll has said is no answer: until the stream has credit, and even between two
 * callbacks of one batch, others that read the same pipe or terminal may have taken the bytes.
 */
static bool source_has_bytes(const struct source *src)
{
	struct pollfd p = { .fd = src->fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* Reads once: the bytes, MUX_FILL_EOF at the end, -EAGAIN if there are none now, or another -errno. */
static ssize_t source_read(struct source *src, void *buf, size_t max)
{
	ssize_t n;

	if (src->kind == PUMP_CAREFUL && !source_has_bytes(src))
		return -EAGAIN;
	do
		n = pump_is_socket(src->kind) ? recv(src->fd, buf, max, MSG_DONTWAIT) : read(src->fd, buf, max);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == EIO)) /* EIO: a terminal that nobody has open any more */
		return MUX_FILL_EOF;
	return n < 0 ? -errno : n;
}

/* As mux_stream_ops.fill: gives what the descriptor has now; frees the source when it ends the stream. */
static ssize_t source_fill(void *arg, void *buf, size_t max)
{
	struct source *src = arg;
	ssize_t n;

	if (src->finishing && src->left < max)
		max = src->left;
	n = max > 0 ? source_read(src, buf, max) : MUX_FILL_EOF;
	if (n == -EAGAIN)
		n = source_dry(src);
	if (n > 0 && src->finishing && src->left != SIZE_MAX)
		src->left -= (size_t)n;
	if (n < 0)
		source_end(src, n == MUX_FILL_EOF ? 0 : (int)n);
	return n;
}

static void source_on_stream_end(void *arg, int error)
{
	source_end(arg, error);
}

static const struct mux_stream_ops source_ops = {
	.fill = source_fill,
	.end = source_on_stream_end,
};

int source_new(struct loop *loop, struct mux *mux, uint32_t id, int fd, enum pump_kind kind, pump_end_fn *on_end,
	void *arg, struct source **ret_source)
{
	struct source *src = calloc(1, sizeof(*src));
	int r;

	if (!src) {
		fd_close(fd);
		return -ENOMEM;
	}
	*src = (struct source){ .loop = loop, .fd = fd, .kind = kind, .left = SIZE_MAX, .on_end = on_end, .arg = arg };
	r = mux_stream_open(mux, id, MUX_SEND, &source_ops, src, &src->stream);
	if (r < 0) {
		source_destroy(src);
		return r;
	}
	if (fd >= 0) {
		r = source_begin(src);
		if (r < 0) {
			source_free(src);
			return r;
		}
	}
	*ret_source = src;
	return 0;
}

int source_attach(struct source *src, int fd, enum pump_kind kind)
{
	src->fd = fd;
	src->kind = kind;
	return source_begin(src);
}

void source_finish(struct source *src)
{
	int n;

	src->finishing = true;
	if (src->fd < 0)
		src->left = 0;
	else if (!isatty(src->fd) && ioctl(src->fd, FIONREAD, &n) == 0 && n >= 0)
		src->left = (size_t)n;
	mux_stream_ready(src->stream);
}

void source_free(struct source *src)
{
	if (!src)
		return;
	mux_stream_reset(src->stream, ECANCELED);
	source_destroy(src);
}

/* --- sink --- */

static void sink_destroy(struct sink *sink)
{
	if (sink->kind == PUMP_CONN && sink->fd >= 0)
		(void)shutdown(sink->fd, SHUT_WR); /* the peer may have gone */
	watch_free(sink->watch);
	buf_done(&sink->pending);
	fd_close(sink->fd);
	free(sink);
}

static void sink_end(struct sink *sink, int error)
{
	pump_end_fn *on_end = sink->on_end;
	void *arg = sink->arg;

	sink_destroy(sink);
	on_end(arg, error);
}

/* Whether a write of PIPE_BUF bytes would not wait. */
static bool sink_has_room(const struct sink *sink)
{
	struct pollfd p = { .fd = sink->fd, .events = POLLOUT };

	return poll(&p, 1, 0) > 0;
}

/* Calls write(2) or send(2) once: the bytes written, -EAGAIN if none can be now, or another -errno. */
static ssize_t sink_write_once(struct sink *sink, const void *data, size_t len)
{
	ssize_t n;

	if (sink->kind == PUMP_CAREFUL && !sink_has_room(sink))
		return -EAGAIN;
	if (sink->kind == PUMP_CAREFUL)
		len = MIN(len, (size_t)PIPE_BUF);
	do
		n = pump_is_socket(sink->kind) ? send(sink->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL)
					       : write(sink->fd, data, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/*
 * Writes as much of @data as the descriptor takes now, and grants the peer as much again: the bytes written (0: none
 * now), or -errno.
 */
static ssize_t sink_write(struct sink *sink, const char *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = sink_write_once(sink, data + done, MIN(len - done, (size_t)SINK_CHUNK));

		if (n == -EAGAIN)
			break;
		if (n < 0)
			return n;
		done += (size_t)n;
	}
	if (done > 0 && sink->stream)
		mux_stream_consumed(sink->stream, done);
	return (ssize_t)done;
}

static void sink_on_fd(void *arg, uint32_t events);

/* Waits until the descriptor takes bytes again: 0 or -errno. */
static int sink_wait(struct sink *sink)
{
	if (sink->watch)
		return watch_set_events(sink->watch, EPOLLOUT);
	return watch_new(sink->loop, sink->fd, EPOLLOUT, sink_on_fd, sink, &sink->watch);
}

/* Waits for nothing but, with a connection, the end of its peer: 0 or -errno. */
static int sink_rest(struct sink *sink)
{
	if (sink->kind == PUMP_CONN)
		return sink->watch ? watch_set_events(sink->watch, 0)
				   : watch_new(sink->loop, sink->fd, 0, sink_on_fd, sink, &sink->watch);
	watch_free(sink->watch);
	sink->watch = NULL;
	return 0;
}

/* Writes what is pending as far as the descriptor takes it: 0 or -errno. */
static int sink_flush(struct sink *sink)
{
	struct buf *b = &sink->pending;
	ssize_t n;

	if (b->len == 0)
		return sink_rest(sink);
	n = sink_write(sink, b->data + sink->pending_at, b->len - sink->pending_at);
	if (n < 0)
		return (int)n;
	sink->pending_at += (size_t)n;
	if (sink->pending_at < b->len)
		return sink_wait(sink);
	buf_done(b); /* an idle stream holds no memory */
	sink->pending_at = 0;
	return sink_rest(sink);
}

/* After an attempt to write that returned @r: ends the sink if that failed, or if all is written and none will come. */
static void sink_settle(struct sink *sink, int r)
{
	if (r < 0) {
		if (sink->stream)
			mux_stream_reset(sink->stream, r);
		sink_end(sink, r);
	} else if (!sink->stream && sink->pending.len == 0) {
		sink_end(sink, 0);
	}
}

static void sink_on_fd(void *arg, uint32_t events)
{
	struct sink *sink = arg;
	bool gone = sink->kind == PUMP_CONN && (events & (EPOLLHUP | EPOLLERR));

	sink_settle(sink, gone ? -EPIPE : sink_flush(sink));
}

/* Keeps @data until the descriptor takes it: 0 or -errno. At most MUX_WINDOW bytes are kept, as credit ends there. */
static int sink_keep(struct sink *sink, const char *data, size_t len)
{
	struct buf *b = &sink->pending;

	if (sink->pending_at >= MUX_WINDOW / 2) { /* the bytes that are written already are dropped now and then */
		buf_consume(b, sink->pending_at);
		sink->pending_at = 0;
	}
	buf_put(b, data, len);
	if (buf_error(b) < 0)
		return buf_error(b);
	return sink->fd >= 0 ? sink_wait(sink) : 0;
}

/* Writes at once what comes while nothing is pending: only what the descriptor does not take is copied. */
static void sink_data(void *arg, const void *data, size_t len)
{
	struct sink *sink = arg;
	ssize_t n = 0;
	int r = 0;

	if (sink->fd >= 0 && sink->pending.len == 0)
		n = sink_write(sink, data, len);
	if (n < 0)
		r = (int)n;
	else if ((size_t)n < len)
		r = sink_keep(sink, (const char *)data + n, len - (size_t)n);
	sink_settle(sink, r);
}

static void sink_on_stream_end(void *arg, int error)
{
	struct sink *sink = arg;

	sink->stream = NULL;
	if (error < 0)
		sink_end(sink, error);
	else
		sink_settle(sink, 0);
}

static const struct mux_stream_ops sink_ops = {
	.data = sink_data,
	.end = sink_on_stream_end,
};

int sink_new(struct loop *loop, struct mux *mux, uint32_t id, int fd, enum pump_kind kind, pump_end_fn *on_end,
	void *arg, struct sink **ret_sink)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	int r;

	if (!sink) {
		fd_close(fd);
		return -ENOMEM;
	}
	*sink = (struct sink){ .loop = loop, .fd = fd, .kind = kind, .on_end = on_end, .arg = arg };
	r = mux_stream_open(mux, id, MUX_RECV, &sink_ops, sink, &sink->stream);
	if (r < 0) {
		sink_destroy(sink);
		return r;
	}
	r = fd >= 0 ? sink_rest(sink) : 0;
	if (r < 0) {
		sink_free(sink);
		return r;
	}
	*ret_sink = sink;
	return 0;
}

int sink_attach(struct sink *sink, int fd, enum pump_kind kind)
{
	int r;

	sink->fd = fd;
	sink->kind = kind;
	r = sink_flush(sink);
	if (r == 0)
		sink_settle(sink, 0);
	return r;
}

void sink_free(struct sink *sink)
{
	if (!sink)
		return;
	if (sink->stream)
		mux_stream_reset(sink->stream, ECANCELED);
	sink_destroy(sink);
}
