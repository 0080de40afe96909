/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One field of a message, written or read.
 *
 * A codec either writes or reads, and codec_x() does whichever it is for one field of type x. Reading checks bounds and
 * counts (base/wire), and notes what is wrong in the codec. Writing does not change what it is given, although the
 * pointers are not const. Only proto.c includes this.
 */
#ifndef CHANNEL_CODEC_H
#define CHANNEL_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/wire.h"
#include "channel/proto_arena.h"

struct codec {
	struct buf *out; /* set: writing */
	struct wire in;  /* else reading */
	struct proto_arena *arena;
	int error; /* reading: 0 or -ENOMEM */
};

/* The next field, an integer, a truth value, a string, or @len bytes, at its address; what is read points into the message. */
void codec_u8(struct codec *c, uint8_t *v);
void codec_u16(struct codec *c, uint16_t *v);
void codec_u32(struct codec *c, uint32_t *v);
void codec_u64(struct codec *c, uint64_t *v);
void codec_i32(struct codec *c, int32_t *v);
void codec_i64(struct codec *c, int64_t *v);
void codec_bool(struct codec *c, bool *v);
void codec_str(struct codec *c, const char **s);
void codec_bytes(struct codec *c, const void **at, size_t *len);

/*
 * Codes the count of an array, whose items have @size bytes in memory and at
 * least @min on the wire; reading allocates the array in the codec's arena, at most
 * @max items. @len and @at are the two members of its struct. Returns how many items
 * are to be coded.
 */
uint32_t codec_count(struct codec *c, uint32_t *len, void *at, size_t size, size_t min, uint32_t max);

#define CODEC_COUNT(c, list, min, max) \
	codec_count((c), &(list)->len, (void *)&(list)->at, sizeof((list)->at[0]), (min), (max))

#endif
