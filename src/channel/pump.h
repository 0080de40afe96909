/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a descriptor and a stream of the channel, either way, with flow
 * control and without ever blocking the loop.
 *
 * A source reads a descriptor into a sending stream, only as fast as the peer
 * grants; a sink writes a receiving stream to a descriptor, and grants the peer
 * what has been written. Both are for the loop's thread.
 */
#ifndef CHANNEL_PUMP_H
#define CHANNEL_PUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/loop.h"
#include "channel/mux.h"

/* How a descriptor may be used without blocking. */
enum pump_kind {
	PUMP_NONBLOCK, /* its description is ours and has O_NONBLOCK */
	PUMP_SOCKET,   /* shared, maybe blocking: MSG_DONTWAIT */
	PUMP_FILE,     /* regular file or the like: epoll refuses it, it never waits for a peer */
	PUMP_CAREFUL,  /* shared and blocking, pollable: small steps after poll(2) says so */
};

/* It is over, and the object freed: 0 at an end in order, else -errno. Its descriptor is closed by then. */
typedef void pump_end_fn(void *arg, int error);

struct source;
struct sink;

/*
 * Opens stream @id as sender of what @fd gives. @fd belongs to the source from
 * the call on, also when it fails; -1: it comes by source_attach(). 0 or -errno.
 */
must_check int source_new(struct loop *loop, struct mux *mux, uint32_t id, int fd, enum pump_kind kind,
	pump_end_fn *on_end, void *arg, struct source **ret_source);

/* Gives @fd (then the source's, also on failure) to one that was made with -1. */
must_check int source_attach(struct source *src, int fd, enum pump_kind kind);

/*
 * Ends the stream behind what the descriptor holds now, although others may
 * still have its other end open (a process has ended that left children).
 */
void source_finish(struct source *src);

/* Resets the stream and frees; no call to on_end. Accepts NULL. */
void source_free(struct source *src);

/* Opens stream @id as receiver for @fd, which belongs to the sink as above. */
must_check int sink_new(struct loop *loop, struct mux *mux, uint32_t id, int fd, enum pump_kind kind,
	pump_end_fn *on_end, void *arg, struct sink **ret_sink);
must_check int sink_attach(struct sink *sink, int fd, enum pump_kind kind); /* as source_attach() */
void sink_free(struct sink *sink); /* as source_free(); unwritten bytes are lost */

#endif
