/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in and out of iovecs that may be guest memory: see iov.c. */
#ifndef HOST_IOV_H
#define HOST_IOV_H

#include <stddef.h>
#include <sys/uio.h>

/* The bytes in all segments, at most SIZE_MAX. */
size_t p9_iov_size(const struct iovec *iov, unsigned int count);

/* Copies up to @len bytes from @offset on; returns how many there were. */
size_t p9_iov_read(const struct iovec *iov, unsigned int count, size_t offset, void *to, size_t len);
size_t p9_iov_write(const struct iovec *iov, unsigned int count, size_t offset, const void *from, size_t len);

/*
 * Describes the @len bytes from @offset on in at most @max segments of
 * @ret_slice; returns the segments, and in *@ret_len the bytes they have.
 */
unsigned int p9_iov_slice(const struct iovec *iov, unsigned int count, size_t offset, size_t len,
	struct iovec *ret_slice, unsigned int max, size_t *ret_len);

#endif
