/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams over a stream of the channel: each is a u32 length, little-endian, and that many bytes.
 *
 * A record source reads a datagram socket into a stream that this end sends; a record sink hands each whole record of a
 * stream that this end receives to its owner. The receiver holds at most a window, of which a record is the smaller
 * part. Both belong to the loop's thread.
 */
#ifndef CHANNEL_RECORDS_H
#define CHANNEL_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/loop.h"
#include "channel/mux.h"
#include "channel/pump.h"

/* The longest record, in bytes: what a unix socket takes is bounded by its buffer, some 208 KiB where nobody asks for more. */
#define RECORD_MAX (160 * 1024)

struct record_source;
struct record_sink;

/*
 * Opens stream @id as sender of the datagrams that come to @fd, a non-blocking socket, which belongs to the source from the
 * call on, also when it fails. Longer ones than RECORD_MAX are dropped. @ends: it is a SOCK_SEQPACKET, which has an end:
 * a message without a byte. 0 or -errno.
 */
must_check int record_source_new(struct loop *loop, struct mux *mux, uint32_t id, int fd, bool ends,
	pump_end_fn *on_end, void *arg, struct record_source **ret);

/* Ends the stream behind the datagrams that wait in the socket now. */
void record_source_finish(struct record_source *src);

/* Resets the stream, closes the socket and frees the source (may be NULL), without a call of on_end. */
void record_source_free(struct record_source *src);

/* Takes one record: 0, or -EAGAIN to be offered it again by record_sink_resume(). */
typedef int record_fn(void *arg, const void *data, size_t len);

/*
 * Opens stream @id as receiver of records for @take; @on_end is called when it is over and freed, and all records before
 * its end are taken. 0 or -errno.
 */
must_check int record_sink_new(
	struct mux *mux, uint32_t id, record_fn *take, pump_end_fn *on_end, void *arg, struct record_sink **ret);

/* Offers the record again that was not taken, and those behind it. May end the sink. */
void record_sink_resume(struct record_sink *sink);

/* Resets the stream and frees the sink (may be NULL), without a call of on_end. */
void record_sink_free(struct record_sink *sink);

#endif
