/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes: fids that stand for a value.
 *
 * Txattrwalk makes a fid that reads like a small file, the value (or the list of
 * names) as it was at that moment. Txattrcreate turns a fid into one that is
 * written, and the attribute is set as soon as the last byte of the announced
 * size has come (at once if the size is 0), so that an error answers the write:
 * clients do not look at what their clunk says. An announced size of 0 with
 * XATTR_REPLACE alone is how the Linux client asks for removal.
 */
#include <stdlib.h>

#include "p9/msg.h"
#include "p9/ops.h"

struct p9_xattr {
	atomic_uint refs;
	struct p9_server *server;
	uint32_t room;        /* bytes at value */
	struct fs_node *node; /* written: whose attribute; NULL for one that is read */
	char *name;
	int flags;

	pthread_mutex_t lock;
	uint32_t size, filled; /* LOCK: lock (filled); bytes of value */
	bool set;              /* LOCK: lock; it is the node's */
	uint8_t value[];
};

static void bytes_give(struct p9_server *server, uint32_t size)
{
	atomic_fetch_sub_explicit(&server->xattr_bytes, size, memory_order_relaxed);
}

static int bytes_take(struct p9_server *server, uint32_t size)
{
	unsigned int had = atomic_fetch_add_explicit(&server->xattr_bytes, size, memory_order_relaxed);

	/* no overflow: each worker adds FS_XATTR_MAX at most to what passed this check */
	if (had + size <= P9_XATTR_BYTES_MAX) /* GUEST: fids that keep values, and never end */
		return 0;
	bytes_give(server, size);
	return -ENOMEM;
}

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
		xattr->filled += iov_read(iov, count, 0, xattr->value + xattr->filled, len);
		r = (int)len;
		if (xattr->filled == xattr->size) {
			int e = fs_setxattr(xattr->node, xattr->name, xattr->value, xattr->size, xattr->flags);

			xattr->set = true; /* or it was tried: there is no second time */
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

/* The value of @name, or with "" the list of names, in a buffer of the right size. */
static int xattr_load(struct p9_server *server, struct fs_node *node, const char *name, struct p9_xattr **ret_xattr)
{
	struct p9_xattr *x;
	ssize_t n;
	int r;

	for (;;) {
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
		if (n != -ERANGE)
			return (int)n;
		/* it grew in between: ask again */
	}
}

int p9_op_xattrwalk(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	uint32_t newfid = wire_get_u32(&call->in);
	const char *name = p9_get_str(call);
	struct p9_xattr *xattr = NULL;
	autoref ref = { 0 };
	uint32_t size;
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	if (r == 0 && ref.xattr != NULL) /* GUEST: */
		r = -EINVAL;
	if (r == 0)
		r = xattr_load(call->session->server, ref.node, name, &xattr);
	if (r < 0)
		return r;
	size = xattr->size;
	fs_node_get(ref.node);
	r = p9_fid_add(call->session, newfid, ref.node, xattr, ref.uid);
	if (r < 0) {
		p9_xattr_put(xattr);
		fs_node_put(ref.node);
		return r;
	}
	p9_put(call, size, 8);
	return 0;
}

/* One without a value has nothing to wait for. */
static int xattr_set_empty(struct p9_xattr *x)
{
	x->set = true;
	if (x->flags == P9_XATTR_REPLACE)
		return fs_removexattr(x->node, x->name);
	return fs_setxattr(x->node, x->name, x->value, 0, x->flags);
}

int p9_op_xattrcreate(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	const char *name = p9_get_str(call);
	uint64_t size = wire_get_u64(&call->in);
	uint32_t flags = wire_get_u32(&call->in);
	struct p9_xattr *x;
	autoref ref = { 0 };
	int r = wire_finish(&call->in);

	if (r == 0 && (size > FS_XATTR_MAX || name[0] == '\0')) /* GUEST: */
		r = name[0] == '\0' ? -EINVAL : -E2BIG;
	if (r == 0 && (flags & ~(P9_XATTR_CREATE | P9_XATTR_REPLACE)) != 0) /* GUEST: */
		r = -EINVAL;
	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	if (r == 0 && (ref.file != NULL || ref.xattr != NULL)) /* GUEST: */
		r = -EINVAL;
	if (r == 0)
		r = xattr_new(call->session->server, (uint32_t)size, &x);
	if (r < 0)
		return r;
	x->flags = (int)flags; /* the host's XATTR_* have the same numbers */
	x->node = fs_node_get(ref.node);
	x->name = strdup(name);
	r = x->name == NULL ? -ENOMEM : size == 0 ? xattr_set_empty(x) : 0;
	if (r == 0)
		r = p9_fid_change(call->session, fid, &ref, NULL, NULL, x);
	if (r < 0)
		p9_xattr_put(x);
	return r;
}
