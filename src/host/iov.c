/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in and out of iovecs: see iov.h. */
#include "host/iov.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/base.h"

size_t iov_size(const struct iovec *iov, unsigned int count)
{
	size_t size = 0;

	for (unsigned int i = 0; i < count; i++)
		if (__builtin_add_overflow(size, iov[i].iov_len, &size))
			return SIZE_MAX;
	return size;
}

unsigned int iov_slice(const struct iovec *iov, unsigned int count, size_t offset, size_t len, struct iovec *ret_slice,
	unsigned int max, size_t *ret_len)
{
	unsigned int n = 0;
	size_t total = 0;

	for (unsigned int i = 0; i < count && n < max && total < len; i++) {
		size_t here = iov[i].iov_len;

		if (offset >= here) {
			offset -= here;
			continue;
		}
		here = MIN(here - offset, len - total);
		ret_slice[n++] = (struct iovec){ (char *)iov[i].iov_base + offset, here };
		total += here;
		offset = 0;
	}
	*ret_len = total;
	return n;
}

/*
 * Finds the next contiguous piece of a copy of @len more bytes: *@ret_at is its address, *@ret_len its length. Moves
 * the cursor (@iov, @count, @offset) behind it. False at the end of the copy or of the segments.
 */
static bool next_piece(
	const struct iovec **iov, unsigned int *count, size_t *offset, size_t len, char **ret_at, size_t *ret_len)
{
	while (*count > 0 && *offset >= (*iov)->iov_len) {
		*offset -= (*iov)->iov_len;
		(*iov)++;
		(*count)--;
	}
	if (*count == 0 || len == 0)
		return false;
	*ret_at = (char *)(*iov)->iov_base + *offset;
	*ret_len = MIN((*iov)->iov_len - *offset, len);
	*offset += *ret_len;
	return true;
}

size_t iov_read(const struct iovec *iov, unsigned int count, size_t offset, void *to, size_t len)
{
	size_t done = 0, n;
	char *at;

	for (; next_piece(&iov, &count, &offset, len - done, &at, &n); done += n)
		memcpy((char *)to + done, at, n);
	return done;
}

size_t iov_write(const struct iovec *iov, unsigned int count, size_t offset, const void *from, size_t len)
{
	size_t done = 0, n;
	char *at;

	for (; next_piece(&iov, &count, &offset, len - done, &at, &n); done += n)
		memcpy(at, (const char *)from + done, n);
	return done;
}

unsigned int iov_skip(struct iovec **iov, unsigned int count, size_t len)
{
	struct iovec *v = *iov;

	while (count > 0 && len >= v->iov_len) {
		len -= v->iov_len;
		v++;
		count--;
	}
	if (count > 0) {
		v->iov_base = (char *)v->iov_base + len;
		v->iov_len -= len;
	}
	*iov = v;
	return count;
}
