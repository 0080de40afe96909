/* SPDX-License-Identifier: Apache-2.0 */
/* Frames over a stream socket: see netstream.h. */
#include "vm/virtio/netstream.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host/iov.h"

#define LENGTH_BYTES sizeof(uint32_t)
#define WHOLE_MAX (LENGTH_BYTES + NETSTREAM_FRAME_MAX)
#define IN_BYTES (4 * WHOLE_MAX) /* several large frames, or many small ones, a recvmsg(2) */
#define SEGMENTS_MAX 258         /* of a packet: a chain has as many as its queue has entries, and our length */

struct netstream {
	int fd; /* borrowed */
	bool ended;
	size_t in_at, in_end;   /* what has been read and not delivered is in[in_at, in_end) */
	size_t out_at, out_end; /* what waits to be sent is out[out_at, out_end) */
	uint8_t in[IN_BYTES];
	uint8_t out[WHOLE_MAX];
};

struct netstream *netstream_new(int fd)
{
	struct netstream *s = malloc(sizeof(*s)); /* its buffers are touched as far as they are used */

	if (s) {
		s->fd = fd;
		s->ended = false;
		s->in_at = s->in_end = s->out_at = s->out_end = 0;
	}
	return s;
}

void netstream_free(struct netstream *s)
{
	free(s);
}

/* ---- in ---- */

/* Reads more into the buffer, which is made free to its end before if there is little left: 0, -EAGAIN or -EPIPE. */
static int fill(struct netstream *s)
{
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (s->in_at == s->in_end)
		s->in_at = s->in_end = 0;
	if (sizeof(s->in) - s->in_at < WHOLE_MAX) {
		memmove(s->in, s->in + s->in_at, s->in_end - s->in_at);
		s->in_end -= s->in_at;
		s->in_at = 0;
	}
	iov = (struct iovec){ .iov_base = s->in + s->in_end, .iov_len = sizeof(s->in) - s->in_end };
	do
		n = recvmsg(s->fd, &msg, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return -EAGAIN;
	if (n <= 0)
		return -EPIPE;
	s->in_end += (size_t)n;
	return 0;
}

/*
 * Whether the frame at in_at is there, and then how many bytes it has: 1; 0: not all of it; -EPIPE: its length is none that a frame
 * has, and nobody knows where the next one begins.
 */
static int frame_get(const struct netstream *s, size_t *ret_length)
{
	size_t have = s->in_end - s->in_at;
	uint32_t length;

	if (have < LENGTH_BYTES)
		return 0;
	memcpy(&length, s->in + s->in_at, sizeof(length));
	length = be32toh(length);
	if (length < NETSTREAM_FRAME_MIN || length > NETSTREAM_FRAME_MAX)
		return -EPIPE;
	*ret_length = length;
	return have - LENGTH_BYTES >= length;
}

ssize_t netstream_read(struct netstream *s, size_t header, const struct iovec *iov, unsigned int iov_len)
{
	static const uint8_t zeros[64];
	size_t length = 0, put;
	int r = s->ended ? -EPIPE : 0;

	while (r == 0 && (r = frame_get(s, &length)) == 0)
		r = fill(s);
	s->ended |= r == -EPIPE;
	if (r < 0)
		return r;
	put = iov_write(iov, iov_len, 0, zeros, MIN(header, sizeof(zeros)));
	put += iov_write(iov, iov_len, put, s->in + s->in_at + LENGTH_BYTES, length);
	s->in_at += LENGTH_BYTES + length;
	return (ssize_t)put;
}

/* ---- out ---- */

bool netstream_flush(struct netstream *s)
{
	ssize_t n = 0;

	while (s->out_at < s->out_end && n >= 0) {
		struct iovec iov = { .iov_base = s->out + s->out_at, .iov_len = s->out_end - s->out_at };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

		n = sendmsg(s->fd, &msg, MSG_NOSIGNAL);
		if (n > 0)
			s->out_at += (size_t)n;
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0 && errno != EAGAIN)
			s->out_at = s->out_end; /* the peer has gone: what waits is lost with it */
	}
	return s->out_at < s->out_end;
}

int netstream_write(struct netstream *s, size_t header, const struct iovec *iov, unsigned int iov_len, size_t bytes,
	bool *ret_dropped)
{
	struct iovec segments[SEGMENTS_MAX];
	struct msghdr msg = { .msg_iov = segments };
	size_t length = bytes - header, sliced;
	uint32_t prefix = htobe32((uint32_t)length);
	ssize_t n;

	if (netstream_flush(s))
		return 0;
	segments[0] = (struct iovec){ .iov_base = &prefix, .iov_len = sizeof(prefix) };
	msg.msg_iovlen = 1 + iov_slice(iov, iov_len, header, length, segments + 1, SEGMENTS_MAX - 1, &sliced);
	/* GUEST: it may send what is no frame */
	*ret_dropped = bytes < header + NETSTREAM_FRAME_MIN || length > NETSTREAM_FRAME_MAX || sliced < length;
	if (*ret_dropped)
		return 1;
	n = sendmsg(s->fd, &msg, MSG_NOSIGNAL);
	if (n < 0) {
		*ret_dropped = errno != EAGAIN && errno != EINTR;
		return *ret_dropped;
	}
	if ((size_t)n < LENGTH_BYTES + length) {
		s->out_end = iov_read(segments, (unsigned int)msg.msg_iovlen, (size_t)n, s->out, LENGTH_BYTES + length);
		s->out_at = 0;
	}
	return 1;
}
