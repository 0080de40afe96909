/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in and out of iovecs.
 *
 * The segments' addresses and lengths are the transport's and fixed; only what
 * they point to may change under us, so each byte is copied out once.
 */
#include <stdint.h>
#include <stdbool.h>
#include <string.h>

#include "base/base.h"
#include "host/iov.h"

size_t p9_iov_size(const struct iovec *iov, unsigned int count)
{
	size_t size = 0;

	for (unsigned int i = 0; i < count; i++)
		if (__builtin_add_overflow(size, iov[i].iov_len, &size))
			return SIZE_MAX;
	return size;
}

unsigned int p9_iov_slice(const struct iovec *iov, unsigned int count, size_t offset, size_t len,
	struct iovec *ret_slice, unsigned int max, size_t *ret_len)
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

/* The next piece of a copy: where it is and how long. False at the end. */
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

size_t p9_iov_read(const struct iovec *iov, unsigned int count, size_t offset, void *to, size_t len)
{
	size_t done = 0, n;
	char *at;

	for (; next_piece(&iov, &count, &offset, len - done, &at, &n); done += n)
		memcpy((char *)to + done, at, n);
	return done;
}

size_t p9_iov_write(const struct iovec *iov, unsigned int count, size_t offset, const void *from, size_t len)
{
	size_t done = 0, n;
	char *at;

	for (; next_piece(&iov, &count, &offset, len - done, &at, &n); done += n)
		memcpy(at, (const char *)from + done, n);
	return done;
}
