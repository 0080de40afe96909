/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in and out of iovecs whose segments may lie in guest memory.
 *
 * The addresses and lengths of the segments are the caller's and stay as they are; only the bytes that they lead to may
 * change meanwhile. So each function touches each byte once, and a decision is made on the copy.
 */
#ifndef HOST_IOV_H
#define HOST_IOV_H

#include <stddef.h>
#include <sys/uio.h>

/* How many bytes all @count segments of @iov have; SIZE_MAX if there are more than that. */
size_t iov_size(const struct iovec *iov, unsigned int count);

/*
 * Copies at most @len bytes from byte @offset of @iov to @to. Returns how many were copied: fewer if @iov ends before.
 */
size_t iov_read(const struct iovec *iov, unsigned int count, size_t offset, void *to, size_t len);

/*
 * Copies at most @len bytes from @from to byte @offset of @iov. Returns how many were copied: fewer if @iov ends
 * before.
 */
size_t iov_write(const struct iovec *iov, unsigned int count, size_t offset, const void *from, size_t len);

/*
 * Describes the @len bytes from byte @offset of @iov on, in at most @max segments of @ret_slice. Returns how many
 * segments there are; *@ret_len is the number of their bytes, which is below @len if @iov ends before or @max is short.
 */
unsigned int iov_slice(const struct iovec *iov, unsigned int count, size_t offset, size_t len, struct iovec *ret_slice,
	unsigned int max, size_t *ret_len);

/*
 * Drops the first @len bytes of *@iov in place: moves *@iov to the first segment left, and returns how many are left.
 */
unsigned int iov_skip(struct iovec **iov, unsigned int count, size_t len);

#endif
