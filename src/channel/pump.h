/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a descriptor and a stream of the channel, either way, with flow control and without ever blocking the loop.
 *
 * A source reads a descriptor into a stream that this end sends, only as fast as the peer grants. A sink writes a
 * stream that this end receives to a descriptor, and grants the peer what has been written. Both belong to the loop's
 * thread.
 *
 * A connection (PUMP_CONN) has a descriptor for each of its two pumps. Where one direction ends, it is shut down, so that
 * the peer sees that half of the end; and a sink whose peer has gone altogether ends at once, with -EPIPE, although
 * nothing is to be written.
 */
#ifndef CHANNEL_PUMP_H
#define CHANNEL_PUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/loop.h"
#include "channel/mux.h"

/* How a descriptor can be used without blocking. */
enum pump_kind {
	PUMP_NONBLOCK, /* nobody else uses its open file description, which has O_NONBLOCK */
	PUMP_SOCKET,   /* a socket that others may use as well: with MSG_DONTWAIT */
	PUMP_CONN,     /* a connection: as PUMP_SOCKET, but the end of the stream shuts its direction down */
	PUMP_FILE,     /* a regular file or the like, which epoll refuses: it never waits for a peer */
	PUMP_CAREFUL,  /* others use it as well, and it blocks: in small steps, each after poll(2) has allowed it */
};

/*
 * The source or sink is over and has been freed, its descriptor closed. @error:
 * 0 at an end in order, else -errno.
 */
typedef void pump_end_fn(void *arg, int error);

struct source;
struct sink;

/*
 * Opens stream @id as sender of what @fd gives. @fd belongs to the source from the call on, also when the call fails;
 * -1: it comes later, by source_attach(). 0 or -errno.
 */
must_check int source_new(struct loop *loop, struct mux *mux, uint32_t id, int fd, enum pump_kind kind,
	pump_end_fn *on_end, void *arg, struct source **ret_source);

/* Gives a source that was made with -1 its descriptor, which then belongs to it, also on failure. 0 or -errno. */
must_check int source_attach(struct source *src, int fd, enum pump_kind kind);

/*
 * Ends the stream behind the bytes that wait in the descriptor now, even if others still have its other end open, as
 * the children of a process that has ended may.
 */
void source_finish(struct source *src);

/* Resets the stream, closes the descriptor and frees the source (may be NULL), without a call of on_end. */
void source_free(struct source *src);

/* Opens stream @id as receiver of what is to be written to @fd, which belongs to the sink as in source_new(). */
must_check int sink_new(struct loop *loop, struct mux *mux, uint32_t id, int fd, enum pump_kind kind,
	pump_end_fn *on_end, void *arg, struct sink **ret_sink);

/*
 * Gives a sink that was made with -1 its descriptor, as source_attach(), and writes what has come so far; if that was
 * all, the sink ends during the call.
 */
must_check int sink_attach(struct sink *sink, int fd, enum pump_kind kind);

/* Resets the stream, as source_free(); bytes that are not written yet are lost. */
void sink_free(struct sink *sink);

#endif
