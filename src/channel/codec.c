/* SPDX-License-Identifier: Apache-2.0 */
/* One field of a message, written or read: see codec.h. */
#include "channel/codec.h"

#include <errno.h>
#include <string.h>

void codec_u8(struct codec *c, uint8_t *v)
{
	if (c->out)
		wire_put_u8(c->out, *v);
	else
		*v = wire_get_u8(&c->in);
}

void codec_u16(struct codec *c, uint16_t *v)
{
	if (c->out)
		wire_put_u16(c->out, *v);
	else
		*v = wire_get_u16(&c->in);
}

void codec_u32(struct codec *c, uint32_t *v)
{
	if (c->out)
		wire_put_u32(c->out, *v);
	else
		*v = wire_get_u32(&c->in);
}

void codec_u64(struct codec *c, uint64_t *v)
{
	if (c->out)
		wire_put_u64(c->out, *v);
	else
		*v = wire_get_u64(&c->in);
}

void codec_i32(struct codec *c, int32_t *v)
{
	uint32_t u = (uint32_t)*v;

	codec_u32(c, &u);
	*v = (int32_t)u;
}

void codec_i64(struct codec *c, int64_t *v)
{
	uint64_t u = (uint64_t)*v;

	codec_u64(c, &u);
	*v = (int64_t)u;
}

void codec_bool(struct codec *c, bool *v)
{
	uint8_t u = *v;

	codec_u8(c, &u);
	if (u > 1) /* GUEST: a truth value is 0 or 1 */
		c->in.error = -EBADMSG;
	*v = u == 1;
}

void codec_str(struct codec *c, const char **s)
{
	if (c->out)
		wire_put_str(c->out, *s);
	else
		*s = wire_get_str(&c->in);
}

void codec_bytes(struct codec *c, const void **at, size_t *len)
{
	if (c->out)
		wire_put_blob(c->out, *at, *len);
	else
		*at = wire_get_blob(&c->in, len);
}

uint32_t codec_count(struct codec *c, uint32_t *len, void *at, size_t size, size_t min, uint32_t max)
{
	void *items;

	if (c->out) {
		wire_put_u32(c->out, *len);
		return *len;
	}
	*len = wire_get_count(&c->in, min, max);
	items = proto_arena_get(c->arena, *len, size);
	if (!items) {
		c->error = -ENOMEM;
		*len = 0;
	}
	memcpy(at, &items, sizeof(items)); /* *(T **)at = items, whatever T is */
	return *len;
}
