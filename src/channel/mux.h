/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channel: control messages and streams over one byte stream.
 *
 * Both ends of the channel, monitor and agent, are this code; neither trusts the other. A frame is a header of 12 bytes
 * (u8 type, 3 zero bytes, u32 stream, u32 payload length, little-endian) and at most MUX_PAYLOAD_MAX bytes.
 *
 * Stream 0 carries control messages: each is a u32 length and that many bytes, cut into frames as needed. It has no
 * credit, since a message is acted on when it is complete and never waits in a queue of the receiver.
 *
 * Every other stream has one direction. Both ends open it, one as sender, the other as receiver, under a number that a
 * control message names; numbers only grow, so none is used twice. A sender may send MUX_WINDOW bytes, and after them
 * as many as the receiver grants (mux_stream_consumed()). A stream ends by EOF from the sender or by RESET from either
 * end. Frames for a stream that has ended are dropped, since they may have crossed its end; everything else out of
 * order is a violation of the protocol and closes the channel with -EPROTO.
 *
 * Sending is by pull: a stream that has said that it is ready is asked for bytes when the descriptor takes them, in
 * turn with the other streams and behind all control messages. So nothing is queued for a stream, and a slow stream
 * delays no other.
 *
 * Everything runs on the loop's thread. Callbacks may call any function here, mux_free() too. A channel takes memory
 * for one frame each way, the control message that is being received (at most control_in_max bytes), the control
 * messages that wait to be sent (at most control_out_max), and a record for each of at most MUX_STREAMS_MAX streams.
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
	/* A whole control message; @msg is valid during the call. A result < 0 is a violation, which closes the channel. */
	int (*on_message)(void *arg, const void *msg, size_t len);
	/*
	 * The channel is over: @error is 0 if the peer closed it, else -errno
	 * (-EPROTO: a violation). It is called once, from the loop, and is the last
	 * call: the streams get none of their own, and what is called for them does
	 * nothing from then on.
	 */
	void (*on_closed)(void *arg, int error);
	/* A frame with @len bytes of a stream has been made, to be written next. It does not call the channel. May be NULL. */
	void (*on_filled)(void *arg, size_t len);
	void *arg;
};

#define MUX_FILL_EOF (-ENODATA) /* what fill() returns when the stream is to end in order */

struct mux_stream_ops {
	/*
	 * For a sender: puts up to @max bytes (at least 1) at @buf and returns how
	 * many. 0: there are none now, and mux_stream_ready() will say when there are.
	 * MUX_FILL_EOF ends the stream in order, another -errno resets it; after
	 * either the stream is gone, and end() is not called.
	 */
	ssize_t (*fill)(void *arg, void *buf, size_t max);
	/* For a receiver: bytes have come. At most MUX_WINDOW of them are unconsumed at a time. */
	void (*data)(void *arg, const void *data, size_t len);
	/* For both: the peer has ended the stream, which is gone. @error: 0 at EOF (receiver only), -errno at RESET. */
	void (*end)(void *arg, int error);
};

struct mux_limits {
	size_t control_in_max;  /* bytes of the longest control message that is accepted */
	size_t control_out_max; /* most bytes of control messages that may wait for the descriptor */
};

/*
 * Opens a channel on @fd, a connected, non-blocking byte stream (borrowed, open until mux_free()). @limits and @events
 * are copied. 0 or -errno.
 */
must_check int mux_new(struct loop *loop, int fd, const struct mux_limits *limits, const struct mux_events *events,
	struct mux **ret_mux);

/* Frees the channel (may be NULL) and its streams, without any callback. */
void mux_free(struct mux *mux);

/*
 * Queues one control message of @len bytes. 0; -EMSGSIZE if it is empty or longer than control_out_max; -ENOBUFS if too
 * many bytes wait already; -ENOMEM; -EPIPE if the channel is closed. After an error nothing of the message is sent.
 */
must_check int mux_send(struct mux *mux, const void *msg, size_t len);

/*
 * Opens stream @id, of which this end is sender or receiver as @dir says; @ops and @arg must stay until the stream has
 * ended. 0; -EINVAL if @id is not above every earlier one; -EMFILE at MUX_STREAMS_MAX; -ENOMEM; -EPIPE if the channel
 * is closed.
 */
must_check int mux_stream_open(struct mux *mux, uint32_t id, enum mux_dir dir, const struct mux_stream_ops *ops,
	void *arg, struct mux_stream **ret_stream);

/* From a sender: fill() has bytes, or an end, to give. */
void mux_stream_ready(struct mux_stream *s);

/* From a receiver: @len of the bytes that came need no memory any more, so that the peer may send as many again. */
void mux_stream_consumed(struct mux_stream *s, size_t len);

/* Ends the stream from this end, with the errno @error (of either sign) for the peer; end() is not called. */
void mux_stream_reset(struct mux_stream *s, int error);

#endif
