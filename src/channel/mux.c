/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channel: see mux.h.
 *
 * A stream's record lives from mux_stream_open() until its last frame has been sent or received. Its states:
 *
 *   open --fill() says EOF, EOF or RESET came--> freed
 *   open --mux_stream_reset(), fill() fails--> ending (no callbacks any more)
 *        --RESET frame written--> freed
 *
 * Invariants:
 * 1. For a receiver, its window, the bytes that it has not consumed and those
 *    that it has consumed but not granted again are MUX_WINDOW together; a
 *    sender's credit is never above that.
 * 2. A stream is in the ready queue if, and only if, it is open, has said that it
 *    is ready, and has credit.
 * 3. While `busy` is not 0, neither a record nor the mux itself is freed under a
 *    callback.
 */
#include "channel/mux.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/le.h"

#define MUX_READS 4   /* read(2) calls in one turn of the loop: a flood must not keep the loop from its other work */
#define MUX_WRITES 16 /* write(2) calls in one turn, for the same reason */
#define MUX_BUCKETS 64
#define MUX_GRANT_MIN (MUX_WINDOW / 4) /* smaller grants wait: a CREDIT for each DATA would double the frames */
#define MUX_ERRNO_MAX 4095

struct mux_stream {
	LIST_ENTRY(mux_stream) bucket;
	TAILQ_ENTRY(mux_stream) ready_link; /* in mux->ready */
	TAILQ_ENTRY(mux_stream) note_link;  /* in mux->notes: a CREDIT or RESET is to be sent */
	struct mux *mux;
	uint32_t id;
	enum mux_dir dir;
	uint32_t window; /* sender: credit; receiver: what the peer may still send */
	uint32_t grant;  /* receiver: consumed and not yet granted again */
	uint32_t reset_errno;
	bool ready;  /* sender: fill() is to be asked */
	bool queued; /* in mux->ready */
	bool noted;  /* in mux->notes */
	bool ending; /* reset by this end, or being ended by the peer: no callback any more */
	const struct mux_stream_ops *ops;
	void *arg;
};

TAILQ_HEAD(mux_queue, mux_stream);

struct mux {
	struct loop *loop;
	int fd;
	struct watch *watch;
	struct mux_limits limits;
	struct mux_events events;
	uint32_t last_id;     /* highest stream number opened so far */
	unsigned int streams; /* open ones */
	LIST_HEAD(, mux_stream) buckets[MUX_BUCKETS];
	struct mux_queue ready, notes;
	struct buf control_in; /* bytes of stream 0 that are no whole message yet */
	struct buf control_out;
	size_t control_out_at;  /* bytes of control_out that are framed already */
	size_t in_len;          /* bytes in @in */
	size_t out_len, out_at; /* bytes in @out, and how many of them are written */
	bool closed;            /* nothing more is read or written */
	unsigned busy;          /* how many calls of mux_on_fd() are on the stack */
	bool free_me;           /* mux_free() was called during one of them */
	uint8_t in[MUX_HEADER + MUX_PAYLOAD_MAX];
	uint8_t out[MUX_HEADER + MUX_PAYLOAD_MAX];
};

/* --- streams --- */

static struct mux_stream *mux_find(struct mux *mux, uint32_t id)
{
	struct mux_stream *s;

	LIST_FOREACH (s, &mux->buckets[id % MUX_BUCKETS], bucket) {
		if (s->id == id)
			return s;
	}
	return NULL;
}

/* Takes @s out of both queues. */
static void stream_unqueue(struct mux_stream *s)
{
	if (s->queued)
		TAILQ_REMOVE(&s->mux->ready, s, ready_link);
	if (s->noted)
		TAILQ_REMOVE(&s->mux->notes, s, note_link);
	s->queued = s->noted = false;
}

static void stream_free(struct mux_stream *s)
{
	stream_unqueue(s);
	LIST_REMOVE(s, bucket);
	s->mux->streams--;
	free(s);
}

static void mux_set_events(struct mux *mux, uint32_t events)
{
	/* epoll refuses only a descriptor that it does not watch: this one is watched while the channel is open */
	if (!mux->closed && watch_set_events(mux->watch, events) < 0)
		assert(false);
}

static void mux_want_write(struct mux *mux)
{
	mux_set_events(mux, EPOLLIN | EPOLLOUT);
}

/* Puts @s into the ready queue if invariant 2 says so. */
static void stream_enqueue(struct mux_stream *s)
{
	if (s->queued || s->ending || !s->ready || s->window == 0)
		return;
	TAILQ_INSERT_TAIL(&s->mux->ready, s, ready_link);
	s->queued = true;
	mux_want_write(s->mux);
}

/* Has a CREDIT or RESET sent for @s. */
static void stream_note(struct mux_stream *s)
{
	if (!s->noted)
		TAILQ_INSERT_TAIL(&s->mux->notes, s, note_link);
	s->noted = true;
	mux_want_write(s->mux);
}

int mux_stream_open(struct mux *mux, uint32_t id, enum mux_dir dir, const struct mux_stream_ops *ops, void *arg,
	struct mux_stream **ret_stream)
{
	struct mux_stream *s;

	if (mux->closed)
		return -EPIPE;
	if (id <= mux->last_id)
		return -EINVAL;
	if (mux->streams >= MUX_STREAMS_MAX)
		return -EMFILE;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->mux = mux;
	s->id = mux->last_id = id;
	s->dir = dir;
	s->window = MUX_WINDOW;
	s->ops = ops;
	s->arg = arg;
	LIST_INSERT_HEAD(&mux->buckets[id % MUX_BUCKETS], s, bucket);
	mux->streams++;
	*ret_stream = s;
	return 0;
}

void mux_stream_ready(struct mux_stream *s)
{
	if (s->mux->closed || s->dir != MUX_SEND)
		return;
	s->ready = true;
	stream_enqueue(s);
}

void mux_stream_consumed(struct mux_stream *s, size_t len)
{
	if (s->mux->closed || s->ending || s->dir != MUX_RECV)
		return;
	s->grant += (uint32_t)len;
	if (s->grant >= MUX_GRANT_MIN)
		stream_note(s);
}

void mux_stream_reset(struct mux_stream *s, int error)
{
	if (s->mux->closed || s->ending)
		return;
	if (error < 0)
		error = -error;
	stream_unqueue(s);
	s->ending = true;
	s->reset_errno = error > 0 && error <= MUX_ERRNO_MAX ? (uint32_t)error : EIO;
	stream_note(s);
}

/* --- the end --- */

static void mux_destroy(struct mux *mux)
{
	for (size_t i = 0; i < MUX_BUCKETS; i++) {
		while (!LIST_EMPTY(&mux->buckets[i]))
			stream_free(LIST_FIRST(&mux->buckets[i]));
	}
	watch_free(mux->watch);
	buf_done(&mux->control_in);
	buf_done(&mux->control_out);
	free(mux);
}

void mux_free(struct mux *mux)
{
	if (!mux)
		return;
	mux->closed = true;
	if (mux->busy)
		mux->free_me = true;
	else
		mux_destroy(mux);
}

static void mux_close(struct mux *mux, int error)
{
	if (mux->closed)
		return;
	mux->closed = true;
	watch_free(mux->watch);
	mux->watch = NULL;
	mux->events.on_closed(mux->events.arg, error);
}

/* --- receiving --- */

/* Takes bytes of stream 0 and hands on each message that is complete. 0, or -errno, which closes the channel. */
static int mux_take_control(struct mux *mux, const uint8_t *data, size_t len)
{
	struct buf *b = &mux->control_in;
	size_t at = 0;

	buf_put(b, data, len);
	if (buf_error(b) < 0)
		return buf_error(b);
	while (!mux->closed && b->len - at >= sizeof(uint32_t)) {
		size_t want = le32_get(b->data + at);
		int r;

		/* GUEST: the length is checked before a byte of the message is kept */
		if (want == 0 || want > mux->limits.control_in_max)
			return -EPROTO;
		if (b->len - at - sizeof(uint32_t) < want)
			break;
		r = mux->events.on_message(mux->events.arg, b->data + at + sizeof(uint32_t), want);
		if (r < 0)
			return r;
		at += sizeof(uint32_t) + want;
	}
	buf_consume(b, at);
	if (b->len == 0)
		buf_done(b); /* the memory of a large message is not kept */
	return 0;
}

/* Acts on DATA for @s. 0 or -EPROTO. */
static int stream_take_data(struct mux_stream *s, const uint8_t *data, size_t len)
{
	/* GUEST: the direction, and no byte beyond what was granted */
	if (s->dir != MUX_RECV || len == 0 || len > s->window)
		return -EPROTO;
	s->window -= (uint32_t)len;
	s->ops->data(s->arg, data, len);
	return 0;
}

/* Acts on CREDIT for @s. 0 or -EPROTO. */
static int stream_take_credit(struct mux_stream *s, const uint8_t *data, size_t len)
{
	uint32_t more;

	/* GUEST: only a sender is granted, and never more than it has used */
	if (s->dir != MUX_SEND || len != sizeof(more))
		return -EPROTO;
	more = le32_get(data);
	if (more == 0 || more > MUX_WINDOW - s->window)
		return -EPROTO;
	s->window += more;
	stream_enqueue(s);
	return 0;
}

/* Acts on EOF or RESET for @s, which is freed. 0 or -EPROTO. */
static int stream_take_end(struct mux_stream *s, enum mux_frame type, const uint8_t *data, size_t len)
{
	struct mux *mux = s->mux;
	uint32_t error = 0;

	/* GUEST: EOF comes from the sender, without a payload; RESET carries an errno */
	if (type == MUX_EOF && (s->dir != MUX_RECV || len != 0))
		return -EPROTO;
	if (type == MUX_RESET) {
		if (len != sizeof(error))
			return -EPROTO;
		error = le32_get(data);
		if (error == 0 || error > MUX_ERRNO_MAX)
			return -EPROTO;
	}
	s->ending = true;
	stream_unqueue(s);
	s->ops->end(s->arg, -(int)error);
	if (!mux->closed)
		stream_free(s);
	return 0;
}

/* Acts on one frame, whose header has been checked. 0, or -errno, which closes the channel. */
static int mux_take_frame(struct mux *mux, uint8_t type, uint32_t id, const uint8_t *data, size_t len)
{
	struct mux_stream *s;

	if (id == MUX_CONTROL)
		return type == MUX_DATA && len > 0 ? mux_take_control(mux, data, len) : -EPROTO;
	s = mux_find(mux, id);
	/*
	 * GUEST: a stream that has ended may have frames on the way. One that never was
	 * may not, except for a RESET: the peer gave the stream up before it was
	 * announced.
	 */
	if (!s)
		return id <= mux->last_id || type == MUX_RESET ? 0 : -EPROTO;
	if (s->ending)
		return 0;
	switch (type) {
	case MUX_DATA:
		return stream_take_data(s, data, len);
	case MUX_CREDIT:
		return stream_take_credit(s, data, len);
	default:
		return stream_take_end(s, (enum mux_frame)type, data, len);
	}
}

/* Acts on every whole frame in the buffer and keeps the rest. 0, or -errno, which closes the channel. */
static int mux_take_frames(struct mux *mux)
{
	size_t at = 0;

	while (!mux->closed && mux->in_len - at >= MUX_HEADER) {
		const uint8_t *h = mux->in + at;
		size_t len = le32_get(h + 8);
		int r;

		/* GUEST: type, reserved bytes, length */
		if (h[0] < MUX_DATA || h[0] > MUX_RESET || h[1] || h[2] || h[3] || len > MUX_PAYLOAD_MAX)
			return -EPROTO;
		if (mux->in_len - at - MUX_HEADER < len)
			break;
		r = mux_take_frame(mux, h[0], le32_get(h + 4), h + MUX_HEADER, len);
		if (r < 0)
			return r;
		at += MUX_HEADER + len;
	}
	memmove(mux->in, mux->in + at, mux->in_len - at);
	mux->in_len -= at;
	return 0;
}

/* Reads what has come, as far as one turn of the loop allows. */
static void mux_read(struct mux *mux)
{
	for (int i = 0; i < MUX_READS && !mux->closed; i++) {
		ssize_t n = read(mux->fd, mux->in + mux->in_len, sizeof(mux->in) - mux->in_len);
		int r;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			mux_close(mux, n < 0 ? -errno : 0);
			return;
		}
		mux->in_len += (size_t)n;
		r = mux_take_frames(mux);
		if (r < 0)
			mux_close(mux, r);
	}
}

/* --- sending --- */

int mux_send(struct mux *mux, const void *msg, size_t len)
{
	struct buf *b = &mux->control_out;
	uint8_t head[sizeof(uint32_t)];
	size_t waiting = b->len - mux->control_out_at;

	if (mux->closed)
		return -EPIPE;
	if (len == 0 || len > UINT32_MAX)
		return -EMSGSIZE;
	if (waiting > mux->limits.control_out_max || len > mux->limits.control_out_max - waiting)
		return waiting == 0 ? -EMSGSIZE : -ENOBUFS;
	buf_consume(b, mux->control_out_at);
	mux->control_out_at = 0;
	le32_put(head, (uint32_t)len);
	buf_put(b, head, sizeof(head));
	buf_put(b, msg, len);
	if (buf_error(b) < 0) { /* the message is taken back; those before it stay */
		b->error = 0;
		b->len = waiting;
		return -ENOMEM;
	}
	mux_want_write(mux);
	return 0;
}

/* Writes the header of a frame whose payload of @len bytes is in mux->out already. */
static void mux_set_frame(struct mux *mux, enum mux_frame type, uint32_t id, size_t len)
{
	memset(mux->out, 0, MUX_HEADER);
	mux->out[0] = (uint8_t)type;
	le32_put(mux->out + 4, id);
	le32_put(mux->out + 8, (uint32_t)len);
	mux->out_len = MUX_HEADER + len;
	mux->out_at = 0;
}

/* Makes a frame of control messages, as many bytes of them as fit. */
static void mux_frame_control(struct mux *mux)
{
	struct buf *b = &mux->control_out;
	size_t len = MIN(b->len - mux->control_out_at, (size_t)MUX_PAYLOAD_MAX);

	memcpy(mux->out + MUX_HEADER, b->data + mux->control_out_at, len);
	mux_set_frame(mux, MUX_DATA, MUX_CONTROL, len);
	mux->control_out_at += len;
	if (mux->control_out_at == b->len) {
		buf_done(b);
		mux->control_out_at = 0;
	}
}

/* Makes the frame, CREDIT or RESET, that @s owes the peer. */
static void mux_frame_note(struct mux *mux, struct mux_stream *s)
{
	TAILQ_REMOVE(&mux->notes, s, note_link);
	s->noted = false;
	if (s->ending) {
		le32_put(mux->out + MUX_HEADER, s->reset_errno);
		mux_set_frame(mux, MUX_RESET, s->id, sizeof(uint32_t));
		stream_free(s);
		return;
	}
	le32_put(mux->out + MUX_HEADER, s->grant);
	mux_set_frame(mux, MUX_CREDIT, s->id, sizeof(uint32_t));
	s->window += s->grant;
	s->grant = 0;
}

/* Asks @s, the first ready stream, for bytes. A frame need not come of it. */
static void mux_frame_data(struct mux *mux, struct mux_stream *s)
{
	size_t max = MIN((size_t)s->window, (size_t)MUX_PAYLOAD_MAX);
	ssize_t n;

	TAILQ_REMOVE(&mux->ready, s, ready_link);
	s->queued = false;
	s->ready = false;
	n = s->ops->fill(s->arg, mux->out + MUX_HEADER, max);
	if (mux->closed || s->ending)
		return;
	if (n > 0) {
		mux_set_frame(mux, MUX_DATA, s->id, (size_t)n);
		s->window -= (uint32_t)n;
		s->ready = true;
		stream_enqueue(s);
		if (mux->events.on_filled)
			mux->events.on_filled(mux->events.arg, (size_t)n);
	} else if (n == MUX_FILL_EOF) {
		mux_set_frame(mux, MUX_EOF, s->id, 0);
		stream_free(s);
	} else if (n < 0) {
		mux_stream_reset(s, (int)n);
	}
}

/* Makes the next frame: of control first, then credit and resets, then data in turn. False if there is none. */
static bool mux_next_frame(struct mux *mux)
{
	mux->out_len = mux->out_at = 0;
	if (mux->control_out.len > mux->control_out_at) {
		mux_frame_control(mux);
		return true;
	}
	while (mux->out_len == 0 && !mux->closed) {
		if (!TAILQ_EMPTY(&mux->notes))
			mux_frame_note(mux, TAILQ_FIRST(&mux->notes));
		else if (!TAILQ_EMPTY(&mux->ready))
			mux_frame_data(mux, TAILQ_FIRST(&mux->ready));
		else
			return false;
	}
	return mux->out_len > 0;
}

/* Writes frames until the descriptor takes no more, none is left, or the turn of the loop is over. */
static void mux_write(struct mux *mux)
{
	for (int i = 0; i < MUX_WRITES && !mux->closed; i++) {
		ssize_t n;

		if (mux->out_at == mux->out_len && !mux_next_frame(mux)) {
			mux_set_events(mux, EPOLLIN);
			return;
		}
		if (mux->closed)
			return;
		n = write(mux->fd, mux->out + mux->out_at, mux->out_len - mux->out_at);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			mux_close(mux, -errno);
			return;
		}
		mux->out_at += (size_t)n;
	}
}

static void mux_on_fd(void *arg, uint32_t events)
{
	struct mux *mux = arg;

	mux->busy++;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		mux_read(mux);
	if (events & EPOLLOUT)
		mux_write(mux);
	mux->busy--;
	if (mux->free_me)
		mux_destroy(mux);
}

int mux_new(struct loop *loop, int fd, const struct mux_limits *limits, const struct mux_events *events,
	struct mux **ret_mux)
{
	struct mux *mux = malloc(sizeof(*mux)); /* its buffers are touched as far as they are used */
	int r;

	if (!mux)
		return -ENOMEM;
	memset(mux, 0, offsetof(struct mux, in));
	mux->loop = loop;
	mux->fd = fd;
	mux->limits = *limits;
	mux->events = *events;
	for (size_t i = 0; i < MUX_BUCKETS; i++)
		LIST_INIT(&mux->buckets[i]);
	TAILQ_INIT(&mux->ready);
	TAILQ_INIT(&mux->notes);
	r = watch_new(loop, fd, EPOLLIN, mux_on_fd, mux, &mux->watch);
	if (r < 0) {
		free(mux);
		return r;
	}
	*ret_mux = mux;
	return 0;
}
