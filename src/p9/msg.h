/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of messages. Reading goes by base/wire.h (sticky error) and this for
 * strings; writing cannot fail: P9_REPLY_MAX holds every reply.
 */
#ifndef P9_MSG_H
#define P9_MSG_H

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "p9/server.h"

/*
 * A string: u16 length and its bytes; NUL-terminated in place, for which the
 * bytes move one down over the length. One with a NUL inside is an error.
 */
static inline const char *p9_get_str(struct p9_call *call)
{
	size_t len = wire_get_u16(&call->in);
	/* the message is the worker's own copy; wire.h only does not know that */
	char *s = (char *)(uintptr_t)wire_get_bytes(&call->in, len);

	if (s == NULL)
		return "";
	if (memchr(s, '\0', len) != NULL) { /* GUEST: */
		call->in.error = -EBADMSG;
		return "";
	}
	s = memmove(s - 1, s, len);
	s[len] = '\0';
	return s;
}

static inline void p9_put(struct p9_call *call, uint64_t v, size_t bytes)
{
	assert((size_t)(call->out_end - call->out) >= bytes);
	for (size_t i = 0; i < bytes; i++)
		*call->out++ = (uint8_t)(v >> 8 * i);
}

static inline void p9_put_str(struct p9_call *call, const char *s, size_t len)
{
	p9_put(call, len, 2);
	assert((size_t)(call->out_end - call->out) >= len);
	memcpy(call->out, s, len);
	call->out += len;
}

static inline uint8_t p9_qid_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return P9_QTDIR;
	case S_IFLNK:
		return P9_QTSYMLINK;
	default:
		return P9_QTFILE;
	}
}

static inline void p9_put_qid(struct p9_call *call, const struct fs_ident *ident)
{
	p9_put(call, p9_qid_type(ident->mode), 1);
	p9_put(call, ident->version, 4);
	p9_put(call, ident->id, 8);
}

#endif
