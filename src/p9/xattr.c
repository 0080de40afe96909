/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes, as fids stand for them.
 *
 * Txattrwalk makes a fid that reads like a small file: the value (or the list of names) as it was at that moment.
 * Txattrcreate turns a fid into one that is written. The attribute is set as soon as the last byte of the announced
 * size has come (at once if the size is 0), so that the write is answered with an error if there is one: clients do not
 * look at what their Tclunk says. The Linux client asks for removal by an announced size of 0 and XATTR_REPLACE alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "p9/server.h"

#define LOAD_TRIES 16 /* how often a value is asked for that does not fit any more when it comes */

struct p9_xattr {
	atomic_uint refs;
	struct p9_server *server;
	uint32_t room;        /* bytes at value, as they were counted */
	struct fs_node *node; /* whose attribute is written; NULL: it is read */
	char *name;
	int flags;

	pthread_mutex_t lock;
	uint32_t size, filled; /* LOCK: lock (filled); bytes of value */
	bool set;              /* LOCK: lock; the attribute was set, or that failed */
	uint8_t value[];
};

/* ---- how many bytes all of a server have ---- */

static void bytes_give(struct p9_server *server, uint32_t size)
{
	atomic_fetch_sub_explicit(&server->xattr_bytes, size, memory_order_relaxed);
}

static int bytes_take(struct p9_server *server, uint32_t size)
{
	unsigned int had = atomic_fetch_add_explicit(&server->xattr_bytes, size, memory_order_relaxed);

	/* This cannot overflow: each worker adds at most FS_XATTR_MAX to what has passed this check. */
	if (had + size <= P9_XATTR_BYTES_MAX) /* GUEST: fids keep values, and need never end */
		return 0;
	bytes_give(server, size);
	return -ENOMEM;
}

/* One with room for @size bytes, and one reference: the caller's. */
static int xattr_new(struct p9_server *server, uint32_t size, struct p9_xattr **ret_xattr)
{
	struct p9_xattr *x;
	int r = bytes_take(server, size);

	if (r < 0)
		return r;
	x = malloc(sizeof(*x) + size);
	if (x == NULL) {
		bytes_give(server, size);
		return -ENOMEM;
	}
	*x = (struct p9_xattr){ .server = server, .room = size, .size = size };
	atomic_init(&x->refs, 1);
	pthread_mutex_init(&x->lock, NULL);
	*ret_xattr = x;
	return 0;
}

struct p9_xattr *p9_xattr_get(struct p9_xattr *xattr)
{
	atomic_fetch_add(&xattr->refs, 1);
	return xattr;
}

void p9_xattr_put(struct p9_xattr *xattr)
{
	if (xattr == NULL || atomic_fetch_sub(&xattr->refs, 1) != 1)
		return;
	bytes_give(xattr->server, xattr->room);
	fs_node_put(xattr->node);
	free(xattr->name);
	pthread_mutex_destroy(&xattr->lock);
	free(xattr);
}

int p9_xattr_read(struct p9_xattr *xattr, const struct iovec *iov, unsigned int count, uint64_t offset)
{
	if (xattr->node != NULL) /* GUEST: */
		return -EBADF;
	if (offset >= xattr->size)
		return 0;
	return (int)iov_write(iov, count, 0, xattr->value + offset, xattr->size - offset);
}

int p9_xattr_write(struct p9_xattr *xattr, const struct iovec *iov, unsigned int count, size_t len, uint64_t offset)
{
	int r;

	if (xattr->node == NULL) /* GUEST: */
		return -EBADF;
	pthread_mutex_lock(&xattr->lock);
	if (xattr->set || offset != xattr->filled || len > xattr->size - xattr->filled) { /* GUEST: */
		r = -ENOSPC;
	} else {
		xattr->filled += (uint32_t)iov_read(iov, count, 0, xattr->value + xattr->filled, len);
		r = (int)len;
		if (xattr->filled == xattr->size) {
			int e = fs_setxattr(xattr->node, xattr->name, xattr->value, xattr->size, xattr->flags);

			xattr->set = true; /* even if it failed: there is no second try */
			r = e < 0 ? e : r;
		}
	}
	pthread_mutex_unlock(&xattr->lock);
	return r;
}

int p9_xattr_close(struct p9_xattr *xattr)
{
	int r;

	pthread_mutex_lock(&xattr->lock);
	r = xattr->node == NULL || xattr->set ? 0 : -EINVAL;
	pthread_mutex_unlock(&xattr->lock);
	return r;
}

int p9_xattr_load(struct p9_server *server, struct fs_node *node, const char *name, struct p9_xattr **ret_xattr)
{
	struct p9_xattr *x;
	ssize_t n = -ERANGE;
	int r;

	/* GUEST: it may have the value grow between the two calls, each time. */
	for (int tries = 0; n == -ERANGE && tries < LOAD_TRIES; tries++) {
		n = name[0] != '\0' ? fs_getxattr(node, name, NULL, 0) : fs_listxattr(node, NULL, 0);
		if (n < 0)
			return (int)n;
		if (n > FS_XATTR_MAX)
			return -E2BIG;
		r = xattr_new(server, (uint32_t)n, &x);
		if (r < 0)
			return r;
		if (n > 0)
			n = name[0] != '\0' ? fs_getxattr(node, name, x->value, x->size)
					    : fs_listxattr(node, x->value, x->size);
		if (n >= 0) {
			x->size = (uint32_t)n;
			*ret_xattr = x;
			return 0;
		}
		p9_xattr_put(x);
	}
	return (int)n;
}

/* Sets an attribute without a value, or removes it, at once: no write will follow. */
static int xattr_set_empty(struct p9_xattr *x)
{
	x->set = true;
	if (x->flags == P9_XATTR_REPLACE)
		return fs_removexattr(x->node, x->name);
	return fs_setxattr(x->node, x->name, x->value, 0, x->flags);
}

int p9_xattr_create(struct p9_server *server, struct fs_node *node, const char *name, uint32_t size, int flags,
	struct p9_xattr **ret_xattr)
{
	struct p9_xattr *x;
	int r = xattr_new(server, size, &x);

	if (r < 0)
		return r;
	x->flags = flags; /* P9_XATTR_* are the numbers of the host's XATTR_* */
	x->node = fs_node_get(node);
	x->name = strdup(name);
	r = x->name == NULL ? -ENOMEM : size == 0 ? xattr_set_empty(x) : 0;
	if (r < 0)
		p9_xattr_put(x);
	else
		*ret_xattr = x;
	return r;
}

uint32_t p9_xattr_size(const struct p9_xattr *xattr)
{
	return xattr->size;
}
