/* SPDX-License-Identifier: Apache-2.0 */
/* The message codec: see wire.h. */
#include "base/wire.h"

#include <errno.h>
#include <string.h>

#include "base/le.h"

int wire_finish(struct wire *w)
{
	if (!w->error && w->at != w->end)
		w->error = -EBADMSG;
	return w->error;
}

const void *wire_get_bytes(struct wire *w, size_t len)
{
	const void *at = w->at;

	if (w->error || len > wire_left(w)) {
		w->error = -EBADMSG;
		return NULL;
	}
	w->at += len;
	return at;
}

uint8_t wire_get_u8(struct wire *w)
{
	const uint8_t *at = wire_get_bytes(w, sizeof(*at));

	return at ? *at : 0;
}

uint16_t wire_get_u16(struct wire *w)
{
	const void *at = wire_get_bytes(w, sizeof(uint16_t));

	return at ? le16_get(at) : 0;
}

uint32_t wire_get_u32(struct wire *w)
{
	const void *at = wire_get_bytes(w, sizeof(uint32_t));

	return at ? le32_get(at) : 0;
}

uint64_t wire_get_u64(struct wire *w)
{
	const void *at = wire_get_bytes(w, sizeof(uint64_t));

	return at ? le64_get(at) : 0;
}

const void *wire_get_blob(struct wire *w, size_t *ret_len)
{
	uint32_t len = wire_get_u32(w);
	const void *at = wire_get_bytes(w, len);

	*ret_len = at ? len : 0;
	return at ? at : "";
}

const char *wire_get_str(struct wire *w)
{
	uint32_t len = wire_get_u32(w);
	const char *s = wire_get_bytes(w, (size_t)len + 1);

	if (!s)
		return "";
	if (s[len] != '\0' || memchr(s, '\0', len)) {
		w->error = -EBADMSG;
		return "";
	}
	return s;
}

uint32_t wire_get_count(struct wire *w, size_t min_item, uint32_t max)
{
	uint32_t n = wire_get_u32(w);

	if (w->error || n > max || (min_item > 0 && n > wire_left(w) / min_item)) {
		w->error = -EBADMSG;
		return 0;
	}
	return n;
}

void wire_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, sizeof(v));
}

void wire_put_u16(struct buf *b, uint16_t v)
{
	uint8_t le[sizeof(v)];

	le16_put(le, v);
	buf_put(b, le, sizeof(le));
}

void wire_put_u32(struct buf *b, uint32_t v)
{
	uint8_t le[sizeof(v)];

	le32_put(le, v);
	buf_put(b, le, sizeof(le));
}

void wire_put_u64(struct buf *b, uint64_t v)
{
	uint8_t le[sizeof(v)];

	le64_put(le, v);
	buf_put(b, le, sizeof(le));
}

void wire_put_blob(struct buf *b, const void *data, size_t len)
{
	if (len > UINT32_MAX) {
		b->error = -ENOMEM;
		return;
	}
	wire_put_u32(b, (uint32_t)len);
	buf_put(b, data, len);
}

void wire_put_str(struct buf *b, const char *s)
{
	wire_put_blob(b, s ? s : "", s ? strlen(s) : 0);
	wire_put_u8(b, 0);
}
