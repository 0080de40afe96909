/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams over a stream: see records.h. */
#include "channel/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/le.h"

#define RECORD_HEADER sizeof(uint32_t)

struct record_source {
	struct loop *loop;
	struct mux_stream *stream;
	struct watch *watch; /* set while waiting for a datagram */
	int fd;
	bool ends;
	bool finishing;
	size_t len, at; /* bytes of the record in @bytes, and how many of them are sent */
	pump_end_fn *on_end;
	void *arg;
	uint8_t bytes[RECORD_HEADER + RECORD_MAX];
};

struct record_sink {
	struct mux_stream *stream; /* NULL: the peer has ended it */
	struct buf pending;
	size_t at; /* bytes of @pending that are handed on; they are dropped when they are as many as the others */
	record_fn *take;
	pump_end_fn *on_end;
	void *arg;
	int error; /* of the end */
	bool busy; /* records are being taken: the sink is not freed under them */
	bool free_me;
};

/* --- source --- */

static void record_source_destroy(struct record_source *src)
{
	watch_free(src->watch);
	fd_close(src->fd);
	free(src);
}

static void record_source_on_fd(void *arg, uint32_t events unused)
{
	struct record_source *src = arg;

	watch_free(src->watch);
	src->watch = NULL;
	mux_stream_ready(src->stream);
}

/* Reads the next datagram that is not too long: 1, 0 if there is none now, MUX_FILL_EOF behind the last, or -errno. */
static int record_source_read(struct record_source *src)
{
	for (;;) {
		ssize_t n = recv(src->fd, src->bytes + RECORD_HEADER, RECORD_MAX, MSG_DONTWAIT | MSG_TRUNC);

		/* that nobody got an earlier datagram which was sent from here is no end */
		if (n < 0 && (errno == EINTR || ((errno == ECONNREFUSED || errno == ECONNRESET) && !src->ends)))
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n == 0 && src->ends)
			return MUX_FILL_EOF;
		if (n > RECORD_MAX)
			continue; /* half of it would be another message */
		le32_put(src->bytes, (uint32_t)n);
		src->len = RECORD_HEADER + (size_t)n;
		src->at = 0;
		return 1;
	}
}

/* As mux_stream_ops.fill: gives the rest of a record, or of the next; frees the source when it ends the stream. */
static ssize_t record_source_fill(void *arg, void *buf, size_t max)
{
	struct record_source *src = arg;
	int r = src->at < src->len ? 1 : record_source_read(src);
	size_t n;

	if (r > 0) {
		n = MIN(src->len - src->at, max);
		memcpy(buf, src->bytes + src->at, n);
		src->at += n;
		return (ssize_t)n;
	}
	if (r == 0 && !src->finishing)
		r = watch_new(src->loop, src->fd, EPOLLIN, record_source_on_fd, src, &src->watch);
	else if (r == 0)
		r = MUX_FILL_EOF;
	if (r < 0) {
		pump_end_fn *on_end = src->on_end;
		void *owner = src->arg;

		record_source_destroy(src);
		on_end(owner, r == MUX_FILL_EOF ? 0 : r);
	}
	return r;
}

static void record_source_on_end(void *arg, int error)
{
	struct record_source *src = arg;
	pump_end_fn *on_end = src->on_end;
	void *owner = src->arg;

	record_source_destroy(src);
	on_end(owner, error);
}

int record_source_new(struct loop *loop, struct mux *mux, uint32_t id, int fd, bool ends, pump_end_fn *on_end,
	void *arg, struct record_source **ret)
{
	static const struct mux_stream_ops ops = { .fill = record_source_fill, .end = record_source_on_end };
	struct record_source *src = malloc(sizeof(*src)); /* its buffer is touched as far as it is used */
	int r;

	if (!src) {
		fd_close(fd);
		return -ENOMEM;
	}
	memset(src, 0, offsetof(struct record_source, bytes));
	src->loop = loop;
	src->fd = fd;
	src->ends = ends;
	src->on_end = on_end;
	src->arg = arg;
	r = mux_stream_open(mux, id, MUX_SEND, &ops, src, &src->stream);
	if (r < 0) {
		record_source_destroy(src);
		return r;
	}
	mux_stream_ready(src->stream);
	*ret = src;
	return 0;
}

void record_source_finish(struct record_source *src)
{
	src->finishing = true;
	mux_stream_ready(src->stream);
}

void record_source_free(struct record_source *src)
{
	if (!src)
		return;
	mux_stream_reset(src->stream, ECANCELED);
	record_source_destroy(src);
}

/* --- sink --- */

static void record_sink_destroy(struct record_sink *sink)
{
	buf_done(&sink->pending);
	free(sink);
}

/* Hands on the whole records that there are. 0, -EAGAIN if one is not taken, or -EPROTO. */
static int record_sink_hand_on(struct record_sink *sink)
{
	struct buf *b = &sink->pending;

	while (b->len - sink->at >= RECORD_HEADER && !sink->free_me) {
		size_t len = le32_get(b->data + sink->at);

		if (len > RECORD_MAX) /* GUEST: the length is checked before a byte of the record is waited for */
			return -EPROTO;
		if (b->len - sink->at - RECORD_HEADER < len)
			return 0;
		if (sink->take(sink->arg, b->data + sink->at + RECORD_HEADER, len) == -EAGAIN)
			return -EAGAIN;
		sink->at += RECORD_HEADER + len;
		if (sink->stream)
			mux_stream_consumed(sink->stream, RECORD_HEADER + len);
	}
	return 0;
}

/*
 * Drops what is handed on. GUEST: a window may be thousands of records without a byte; to move what is left for each of
 * them would be work without bound for a few bytes of the guest's.
 */
static void record_sink_trim(struct record_sink *sink)
{
	struct buf *b = &sink->pending;

	if (sink->at == b->len)
		buf_done(b); /* an idle stream holds no memory */
	else if (sink->at >= b->len - sink->at)
		buf_consume(b, sink->at);
	else
		return;
	sink->at = 0;
}

void record_sink_resume(struct record_sink *sink)
{
	int r;

	if (sink->busy)
		return;
	sink->busy = true;
	r = record_sink_hand_on(sink);
	record_sink_trim(sink);
	sink->busy = false;
	if (sink->free_me) {
		record_sink_destroy(sink);
		return;
	}
	if (r == -EPROTO && sink->stream)
		mux_stream_reset(sink->stream, r);
	/* what is left at the end of the stream and is no whole record is nobody's */
	if (r == -EPROTO || (r == 0 && !sink->stream)) {
		pump_end_fn *on_end = sink->on_end;
		void *owner = sink->arg;

		r = r < 0 ? r : sink->error;
		record_sink_destroy(sink);
		on_end(owner, r);
	}
}

static void record_sink_data(void *arg, const void *data, size_t len)
{
	struct record_sink *sink = arg;

	buf_put(&sink->pending, data, len);
	record_sink_resume(sink);
}

static void record_sink_on_end(void *arg, int error)
{
	struct record_sink *sink = arg;

	sink->stream = NULL;
	sink->error = error;
	record_sink_resume(sink);
}

int record_sink_new(
	struct mux *mux, uint32_t id, record_fn *take, pump_end_fn *on_end, void *arg, struct record_sink **ret)
{
	static const struct mux_stream_ops ops = { .data = record_sink_data, .end = record_sink_on_end };
	struct record_sink *sink = calloc(1, sizeof(*sink));
	int r;

	if (!sink)
		return -ENOMEM;
	*sink = (struct record_sink){ .take = take, .on_end = on_end, .arg = arg };
	r = mux_stream_open(mux, id, MUX_RECV, &ops, sink, &sink->stream);
	if (r < 0) {
		record_sink_destroy(sink);
		return r;
	}
	*ret = sink;
	return 0;
}

void record_sink_free(struct record_sink *sink)
{
	if (!sink)
		return;
	if (sink->stream)
		mux_stream_reset(sink->stream, ECANCELED);
	if (sink->busy)
		sink->free_me = true;
	else
		record_sink_destroy(sink);
}
