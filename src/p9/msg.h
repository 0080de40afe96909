/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of messages. They are read by base/wire.h, whose error is sticky, and strings by p9_get_str(). They are put
 * into the reply's body by the functions here, which cannot fail: P9_REPLY_MAX holds every body.
 */
#ifndef P9_MSG_H
#define P9_MSG_H

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/le.h"
#include "p9/server.h"

/*
 * Reads a string: a u16 length and that many bytes. It is NUL-terminated in place, for which the bytes move one down,
 * over the length; so it lives as long as the call. A NUL inside is an error; after an error the result is "".
 */
static inline const char *p9_get_str(struct p9_call *call)
{
	size_t len = wire_get_u16(&call->in);
	/* The message is the worker's own copy and may be changed; wire.h does not know that. */
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

/* Writes the lowest @bytes bytes of @v to *@at, which moves behind them. */
static inline void p9_le_put(uint8_t **at, uint64_t v, size_t bytes)
{
	uint8_t le[sizeof(v)];

	le64_put(le, v);
	memcpy(*at, le, bytes);
	*at += bytes;
}

/* Puts an integer of @bytes bytes into the reply. */
static inline void p9_put(struct p9_call *call, uint64_t v, size_t bytes)
{
	assert((size_t)(call->out_end - call->out) >= bytes);
	p9_le_put(&call->out, v, bytes);
}

/* Puts a string of @len bytes, which needs no NUL, into the reply. */
static inline void p9_put_str(struct p9_call *call, const char *s, size_t len)
{
	p9_put(call, len, 2);
	assert((size_t)(call->out_end - call->out) >= len);
	memcpy(call->out, s, len);
	call->out += len;
}

/* The type of a qid (P9_QT*) for a file of mode @mode. */
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

/* Puts a qid into the reply: type, version, path. */
static inline void p9_put_qid(struct p9_call *call, const struct fs_ident *ident)
{
	p9_put(call, p9_qid_type(ident->mode), 1);
	p9_put(call, ident->version, 4);
	p9_put(call, ident->id, 8);
}

#endif
