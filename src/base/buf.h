/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer, for text that is being made and messages that are being written.
 *
 * The error is sticky: after a failed allocation every further call does nothing and buf_error() says -ENOMEM, so a
 * writer checks once at the end.
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

/* Frees the bytes and leaves an empty buffer without an error. */
void buf_done(struct buf *b);

/* Declare a local with this and it is freed at the end of its block. */
#define autobuf __attribute__((cleanup(buf_done))) struct buf

/* 0, or -ENOMEM if an earlier call could not append. */
static inline int buf_error(const struct buf *b)
{
	return b->error;
}

/* Appends @len bytes of @data, which may be NULL if @len is 0. */
void buf_put(struct buf *b, const void *data, size_t len);

/* Appends @text without its NUL. */
void buf_puts(struct buf *b, const char *text);

/* Appends formatted text without its NUL. */
void buf_printf(struct buf *b, const char *fmt, ...) printf_like(2, 3);

/* Appends @len zero bytes and returns where they start, valid until the next append; NULL on error. */
void *buf_extend(struct buf *b, size_t len);

/* Removes the first @len bytes; there must be as many. */
void buf_consume(struct buf *b, size_t len);

/* Hands the bytes, with a NUL behind them, to the caller, who frees them, and leaves an empty buffer; NULL on error. */
char *buf_steal(struct buf *b);

#endif
