/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames over a stream socket, as QEMU's netdevs `socket` and `stream` have them and passt(1) speaks them: before each
 * frame stands its length, 32 bits, big-endian.
 *
 * A network device calls these as it calls readv(2) and writev(2) of a tap: one packet a call, behind a header
 * (struct virtio_net_hdr_v1), which is zero on the way in, and is left out on the way out. What of a frame has not gone
 * into the socket waits here, and goes before the next one, also when the driver resets its device between: else
 * the peer would lose its place in the stream.
 *
 * A peer that says a length that no frame has, or goes, has ended the stream.
 */
#ifndef VM_VIRTIO_NETSTREAM_H
#define VM_VIRTIO_NETSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/base.h"

#define NETSTREAM_FRAME_MIN 14    /* Ethernet's header */
#define NETSTREAM_FRAME_MAX 65535 /* what passt takes at most */

struct netstream;

/* Makes one for @fd, a non-blocking stream socket, borrowed until netstream_free(); NULL: there is no memory. */
must_check struct netstream *netstream_new(int fd);

/* Frees it. Accepts NULL. */
void netstream_free(struct netstream *s);

/*
 * Puts the next frame, behind @header zeros, into @iov. The bytes that the packet has, at most what fits into @iov: a
 * longer one is cut. -EAGAIN: there is no whole frame yet, and the socket is empty; -EPIPE: the stream has ended.
 */
must_check ssize_t netstream_read(struct netstream *s, size_t header, const struct iovec *iov, unsigned int iov_len);

/*
 * Sends the packet in @iov, of @bytes, without its first @header bytes. 1: it is sent, or is none that can be, and is
 * dropped (*@ret_dropped); 0: the socket is full, and has taken nothing of it.
 */
must_check int netstream_write(struct netstream *s, size_t header, const struct iovec *iov, unsigned int iov_len,
	size_t bytes, bool *ret_dropped);

/* Sends what waits. Whether something still does, for which EPOLLOUT is to be waited. */
must_check bool netstream_flush(struct netstream *s);

#endif
