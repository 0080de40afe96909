/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer: for text being made and for messages being written.
 *
 * The error is sticky: after a failed allocation every further call does
 * nothing and buf_error() says -ENOMEM, so a writer checks once at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

struct buf {
	char *data; /* NUL behind @len bytes whenever data is not NULL */
	size_t len;
	size_t cap;
	int error; /* 0 or -ENOMEM */
};

#define BUF_INIT                                             \
	{                                                    \
		.data = NULL, .len = 0, .cap = 0, .error = 0 \
	}

void buf_done(struct buf *b); /* frees, and leaves an empty buffer */
#define autobuf __attribute__((cleanup(buf_done))) struct buf

static inline int buf_error(const struct buf *b)
{
	return b->error;
}

void buf_put(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...) printf_like(2, 3);

/* Appends @len zero bytes and returns where they start, or NULL. Valid until the next append. */
void *buf_extend(struct buf *b, size_t len);

/* Removes the first @len (<= b->len) bytes. */
void buf_consume(struct buf *b, size_t len);

/* Hands the bytes (NUL-terminated, never NULL) to the caller, who frees them; NULL if the error is set. */
char *buf_steal(struct buf *b);

#endif
