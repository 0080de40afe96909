/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message codec: little-endian fields, read from bytes and appended to a struct buf.
 *
 * The bytes that are read may be hostile: a reader never leaves them, its error is sticky (-EBADMSG), and after an
 * error every get returns 0 or an empty value. So a decoder reads all its fields and asks wire_error() or wire_finish()
 * once. Strings and blobs point into the message (borrowed). Writing has the sticky error of the buffer (buf_error()).
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

/* Makes @w read the @len bytes at @data (borrowed). */
static inline void wire_init(struct wire *w, const void *data, size_t len)
{
	w->at = data;
	w->end = w->at + len;
	w->error = 0;
}

/* How many bytes are not read yet. */
static inline size_t wire_left(const struct wire *w)
{
	return (size_t)(w->end - w->at);
}

/* 0 if every get so far has found its bytes, else -EBADMSG. */
static inline int wire_error(const struct wire *w)
{
	return w->error;
}

/* 0 if every get has found its bytes and none is left over, else -EBADMSG. */
must_check int wire_finish(struct wire *w);

/* Reads a u8: 1 byte. 0 on error. */
uint8_t wire_get_u8(struct wire *w);

/* Reads a u16: 2 bytes. 0 on error. */
uint16_t wire_get_u16(struct wire *w);

/* Reads a u32: 4 bytes. 0 on error. */
uint32_t wire_get_u32(struct wire *w);

/* Reads a u64: 8 bytes. 0 on error. */
uint64_t wire_get_u64(struct wire *w);

/* Reads @len raw bytes, borrowed; NULL on error. */
const void *wire_get_bytes(struct wire *w, size_t len);

/* Reads a u32 length and that many bytes, borrowed. On error *@ret_len is 0 and the result "". */
const void *wire_get_blob(struct wire *w, size_t *ret_len);

/*
 * Reads a string as wire_put_str() writes it: a u32 length, that many bytes, and a NUL. Borrowed and terminated. A NUL
 * among the bytes is an error; "" on error.
 */
const char *wire_get_str(struct wire *w);

/*
 * Reads a u32 count of items that take at least @min_item bytes each. A count above @max, or of more items than what is
 * left could hold, is an error; 0 on error.
 */
uint32_t wire_get_count(struct wire *w, size_t min_item, uint32_t max);

/* Appends a u8: 1 byte. */
void wire_put_u8(struct buf *b, uint8_t v);

/* Appends a u16: 2 bytes. */
void wire_put_u16(struct buf *b, uint16_t v);

/* Appends a u32: 4 bytes. */
void wire_put_u32(struct buf *b, uint32_t v);

/* Appends a u64: 8 bytes. */
void wire_put_u64(struct buf *b, uint64_t v);

/* Appends a u32 length and @len bytes; more than a u32 can count is an error of the buffer. */
void wire_put_blob(struct buf *b, const void *data, size_t len);

/* Appends @s as wire_get_str() reads it; NULL is written as "". */
void wire_put_str(struct buf *b, const char *s);

#endif
