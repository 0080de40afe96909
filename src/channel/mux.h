/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channel: control messages and streams over one byte stream.
 *
 * Both ends of the channel (monitor and agent) are this code; neither trusts
 * the other. A frame is a header of 12 bytes (u8 type, 3 zero bytes, u32
 * stream, u32 payload length, little-endian) and at most MUX_PAYLOAD_MAX bytes.
 *
 * Stream 0 carries control messages: each a u32 length and that many bytes,
 * cut into frames as needed. It has no credit, since a message is acted on when
 * it is complete and never waits in a queue of the receiver.
 *
 * Every other stream has one direction. Both ends open it, the one as sender,
 * the other as receiver, under a number that a control message names; numbers
 * only grow, so none is used twice. A sender may send MUX_WINDOW bytes, and
 * then what the receiver grants (mux_stream_consumed). It ends by EOF from the
 * sender or by RESET from either. Frames for a stream that has ended are
 * dropped (they may have crossed its end); everything else out of order is a
 * protocol violation and closes the channel with -EPROTO.
 *
 * Sending is by pull: a stream that said it is ready is asked for bytes when
 * the fd takes them, in turn with the others and behind all control. So
 * nothing is queued for a stream, and a slow one delays nobody.
 *
 * One thread, the loop's. Callbacks may call anything here, mux_free() too.
 * Memory: one frame each way, the control message being received (at most
 * control_in_max), control being sent (at most control_out_max), and a
 * record for each of at most MUX_STREAMS_MAX streams.
 */
#ifndef CHANNEL_MUX_H
#define CHANNEL_MUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"
#include "base/loop.h"

#define MUX_HEADER 12
#define MUX_PAYLOAD_MAX (64 * 1024)
#define MUX_WINDOW (256 * 1024) /* bytes a sender may be ahead of the receiver: what a receiver must buffer */
#define MUX_STREAMS_MAX 1024    /* open at a time: some 340 processes with three each */

#define MUX_CONTROL 0 /* the number of the control stream */

enum mux_frame {
	MUX_DATA = 1,
	MUX_CREDIT, /* payload: u32 bytes */
	MUX_EOF,    /* no payload */
	MUX_RESET,  /* payload: u32 errno */
};

enum mux_dir { MUX_SEND, MUX_RECV };

struct mux;
struct mux_stream;

struct mux_events {
	/* A whole control message; @msg is valid during the call. < 0: a violation, which closes the channel. */
	int (*on_message)(void *arg, const void *msg, size_t len);
	/*
	 * The channel is over: 0 if the peer closed it, else -errno (-EPROTO: a
	 * violation). Called once, from the loop, and nothing after it; the streams
	 * get no calls of their own, and calls for them do nothing until mux_free().
	 */
	void (*on_closed)(void *arg, int error);
	void *arg;
};

#define MUX_FILL_EOF (-ENODATA) /* what fill() returns at the end */

struct mux_stream_ops {
	/*
	 * Sender: put up to @max bytes (>= 1) at @buf and return how many; 0: none now
	 * (mux_stream_ready() asks again); MUX_FILL_EOF ends the stream in order,
	 * another -errno resets it. After either the stream is gone, without end().
	 */
	ssize_t (*fill)(void *arg, void *buf, size_t max);
	/* Receiver: bytes, at most MUX_WINDOW of them unconsumed at a time. */
	void (*data)(void *arg, const void *data, size_t len);
	/* Either: the peer has ended it: 0 at EOF (receiver only), -errno at reset. The stream is gone. */
	void (*end)(void *arg, int error);
};

struct mux_limits {
	size_t control_in_max;  /* longest control message accepted */
	size_t control_out_max; /* most bytes of control that may wait for the fd */
};

/*
 * Takes a connected non-blocking stream @fd (borrowed, open until mux_free()):
 * 0 or -errno.
 */
must_check int mux_new(struct loop *loop, int fd, const struct mux_limits *limits, const struct mux_events *events,
	struct mux **ret_mux);
void mux_free(struct mux *mux); /* accepts NULL; no callback is made */

/* Queues one control message: 0, -EMSGSIZE (empty or too long), -ENOBUFS, -ENOMEM or -EPIPE (closed). */
must_check int mux_send(struct mux *mux, const void *msg, size_t len);

/*
 * Opens stream @id (> every earlier one, or -EINVAL) in this end's role; @ops
 * and @arg stay until the stream has ended. 0, -EMFILE, -ENOMEM or -EPIPE.
 */
must_check int mux_stream_open(struct mux *mux, uint32_t id, enum mux_dir dir, const struct mux_stream_ops *ops,
	void *arg, struct mux_stream **ret_stream);

void mux_stream_ready(struct mux_stream *s);                /* sender: fill() has bytes */
void mux_stream_consumed(struct mux_stream *s, size_t len); /* receiver: @len bytes have left our buffer */
void mux_stream_reset(struct mux_stream *s, int error);     /* ends it from this side, without a call to end() */

#endif
