/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message codec: little-endian fields read from and written to bytes.
 *
 * Reading is hostile-safe: a reader never leaves its bytes, its error is
 * sticky (-EBADMSG), and after an error every get returns 0 or an empty value;
 * a decoder reads all its fields and asks wire_error() once. Strings and blobs
 * point into the message (borrowed).
 */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct wire {
	const uint8_t *at, *end;
	int error; /* 0 or -EBADMSG */
};

static inline void wire_init(struct wire *w, const void *data, size_t len)
{
	w->at = data;
	w->end = w->at + len;
	w->error = 0;
}

static inline size_t wire_left(const struct wire *w)
{
	return (size_t)(w->end - w->at);
}

/* 0 if nothing went wrong so far, else -EBADMSG. */
static inline int wire_error(const struct wire *w)
{
	return w->error;
}

/* 0 if nothing went wrong and nothing is left over, else -EBADMSG. */
must_check int wire_finish(struct wire *w);

uint8_t wire_get_u8(struct wire *w);
uint16_t wire_get_u16(struct wire *w);
uint32_t wire_get_u32(struct wire *w);
uint64_t wire_get_u64(struct wire *w);

/* @len raw bytes, borrowed; NULL on error. */
const void *wire_get_bytes(struct wire *w, size_t len);

/* A u32 length and that many bytes, borrowed. *@ret_len is 0 and the result "" on error. */
const void *wire_get_blob(struct wire *w, size_t *ret_len);

/*
 * A string as wire_put_str writes it: u32 length, bytes without NUL, one NUL.
 * Borrowed and terminated; a NUL inside is an error. "" on error.
 */
const char *wire_get_str(struct wire *w);

/*
 * A u32 count of items that take at least @min_item bytes each: a count that
 * cannot fit into what is left, or is above @max, is an error (0).
 */
uint32_t wire_get_count(struct wire *w, size_t min_item, uint32_t max);

void wire_put_u8(struct buf *b, uint8_t v);
void wire_put_u16(struct buf *b, uint16_t v);
void wire_put_u32(struct buf *b, uint32_t v);
void wire_put_u64(struct buf *b, uint64_t v);
void wire_put_blob(struct buf *b, const void *data, size_t len);
void wire_put_str(struct buf *b, const char *s); /* NULL is written as "" */

#endif
