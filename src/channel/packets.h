/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connected socket that keeps messages apart (SOCK_DGRAM, SOCK_SEQPACKET), joined to two streams of records (records.h):
 * what comes to the socket goes out by one, what comes by the other is sent. It belongs to the loop's thread.
 *
 * The end of each direction crosses where the socket has one: a SOCK_SEQPACKET's peer that is gone. Datagrams have none, so
 * the stream of what the socket receives lasts until packets_finish() or packets_free().
 */
#ifndef CHANNEL_PACKETS_H
#define CHANNEL_PACKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/loop.h"
#include "channel/mux.h"

struct packets;

/* A direction has ended. @arg's owner may free the packets in here. */
typedef void packets_end_fn(void *arg);

/*
 * Joins @fd, of @type, which belongs to the packets from the call on, also when it fails, to the streams @send, by which
 * this end sends, and @receive, which are opened in the order of their numbers. 0 with the packets in *@ret, whose owner
 * frees them, or -errno.
 */
must_check int packets_new(struct loop *loop, struct mux *mux, uint32_t send, uint32_t receive, int fd, int type,
	packets_end_fn *on_end, void *arg, struct packets **ret);

/* Whether records may still come that are to be sent to the socket. */
bool packets_owe(const struct packets *p);

/* Whether both directions have ended, so that nothing is left to do but to free @p. */
bool packets_over(const struct packets *p);

/* Ends the stream of what the socket receives behind the messages that wait in it now. */
void packets_finish(struct packets *p);

/* Resets the streams, closes the socket and frees @p (may be NULL), without a call of on_end. */
void packets_free(struct packets *p);

#endif
