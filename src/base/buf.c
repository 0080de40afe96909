/* SPDX-License-Identifier: Apache-2.0 */
/* A growable byte buffer: see buf.h. */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_MIN_CAP 64

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

/* Makes room for @more bytes and a NUL: 0 or the sticky error. */
static int buf_reserve(struct buf *b, size_t more)
{
	size_t need, cap;
	char *grown;

	if (b->error)
		return b->error;
	if (__builtin_add_overflow(b->len, more, &need) || __builtin_add_overflow(need, 1, &need))
		return b->error = -ENOMEM;
	if (need <= b->cap)
		return 0;
	cap = MAX(b->cap, (size_t)BUF_MIN_CAP);
	while (cap < need) {
		if (__builtin_mul_overflow(cap, 2, &cap))
			return b->error = -ENOMEM;
	}
	grown = realloc(b->data, cap);
	if (!grown)
		return b->error = -ENOMEM;
	b->data = grown;
	b->cap = cap;
	return 0;
}

void buf_put(struct buf *b, const void *data, size_t len)
{
	if (buf_reserve(b, len) < 0)
		return;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || buf_reserve(b, (size_t)n) < 0) {
		b->error = -ENOMEM;
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap); /* its length is n, as above */
	va_end(ap);
	b->len += (size_t)n;
}

void *buf_extend(struct buf *b, size_t len)
{
	char *at;

	if (buf_reserve(b, len) < 0)
		return NULL;
	at = b->data + b->len;
	memset(at, 0, len + 1);
	b->len += len;
	return at;
}

void buf_consume(struct buf *b, size_t len)
{
	if (len == 0)
		return;
	memmove(b->data, b->data + len, b->len - len + 1);
	b->len -= len;
}

char *buf_steal(struct buf *b)
{
	char *data;

	if (buf_reserve(b, 0) < 0) {
		buf_done(b);
		return NULL;
	}
	b->data[b->len] = '\0';
	data = b->data;
	*b = (struct buf)BUF_INIT;
	return data;
}
