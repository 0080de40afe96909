/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on open files: lopen, lcreate, read, write, readdir, fsync. */
#include <fcntl.h>

#include "p9/msg.h"
#include "p9/ops.h"

/*
 * The host's open flags for 9P's. Flags that are not here are dropped: O_DIRECT, whose alignment rules are about the
 * host's memory, while nothing is cached here; O_NONBLOCK, O_NOCTTY, O_NOFOLLOW, O_CLOEXEC and O_LARGEFILE, which are
 * the guest's own business.
 */
static int host_flags(uint32_t flags)
{
	int host = (int)(flags & P9_O_ACCMODE);

	host |= flags & P9_O_EXCL ? O_EXCL : 0;
	host |= flags & P9_O_TRUNC ? O_TRUNC : 0;
	host |= flags & P9_O_APPEND ? O_APPEND : 0;
	host |= flags & P9_O_DSYNC ? O_DSYNC : 0;
	host |= (flags & P9_O_SYNC) ? O_SYNC : 0;
	host |= flags & P9_O_DIRECTORY ? O_DIRECTORY : 0;
	host |= flags & P9_O_NOATIME ? O_NOATIME : 0;
	return host;
}

static void put_open(struct p9_call *call, const struct fs_ident *ident)
{
	p9_put_qid(call, ident);
	p9_put(call, 0, 4); /* iounit: as much as fits into a message */
}

int p9_op_lopen(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	uint32_t flags = wire_get_u32(&call->in);
	struct fs_file *file;
	struct fs_ident ident;
	autoref ref = { 0 };
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	if (r < 0)
		return r;
	if (ref.file != NULL || ref.xattr != NULL) /* GUEST: */
		return -EBUSY;
	r = fs_open(ref.node, host_flags(flags & ~(P9_O_EXCL | P9_O_CREATE)), ref.uid, &file, &ident);
	if (r < 0)
		return r;
	r = p9_fid_change(call->session, fid, &ref, NULL, file, NULL);
	if (r < 0) {
		fs_file_put(file);
		return r;
	}
	put_open(call, &ident);
	return 0;
}

int p9_op_lcreate(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	const char *name = p9_get_str(call);
	uint32_t flags = wire_get_u32(&call->in);
	uint32_t mode = wire_get_u32(&call->in);
	uint32_t gid = wire_get_u32(&call->in);
	struct fs_node *node;
	struct fs_file *file;
	struct fs_ident ident;
	autoref dir = { 0 };
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_get(call->session, fid, &dir);
	if (r < 0)
		return r;
	if (dir.file != NULL || dir.xattr != NULL) /* GUEST: */
		return -EBUSY;
	r = fs_create(dir.node, name, host_flags(flags), mode, (struct fs_owner){ dir.uid, gid }, &node, &file, &ident);
	if (r < 0)
		return r;
	r = p9_fid_change(call->session, fid, &dir, node, file, NULL);
	if (r < 0) {
		fs_file_put(file);
		fs_node_put(node);
		return r;
	}
	put_open(call, &ident);
	return 0;
}

/* ---- data ---- */

/* How many bytes of data the reply may carry: as many as were asked for (@count), msize allows, and have room. */
static size_t data_room(const struct p9_call *call, uint32_t count)
{
	size_t space = iov_size(call->req->out, call->req->out_count);

	space = MIN(space, (size_t)call->msize);
	return space <= P9_RREAD_HEADER ? 0 : MIN((size_t)count, space - P9_RREAD_HEADER);
}

int p9_op_read(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	uint64_t offset = wire_get_u64(&call->in);
	uint32_t count = wire_get_u32(&call->in);
	struct iovec *iov = call->worker->iov;
	unsigned int segments;
	autoref ref = { 0 };
	size_t len;
	ssize_t n;
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	if (r < 0)
		return r;
	segments = iov_slice(
		call->req->out, call->req->out_count, P9_RREAD_HEADER, data_room(call, count), iov, P9_IOV_MAX, &len);
	if (ref.xattr != NULL)
		n = p9_xattr_read(ref.xattr, iov, segments, offset);
	else if (ref.file != NULL)
		n = fs_read(ref.file, iov, (int)segments, offset);
	else /* GUEST: */
		return -EBADF;
	if (n < 0)
		return (int)n;
	p9_put(call, (uint64_t)n, 4);
	call->data_len = (uint32_t)n;
	return 0;
}

int p9_op_write(struct p9_call *call)
{
	struct p9_request *req = call->req;
	uint32_t fid = wire_get_u32(&call->in);
	uint64_t offset = wire_get_u64(&call->in);
	uint32_t count = wire_get_u32(&call->in);
	struct iovec *iov = call->worker->iov;
	unsigned int segments;
	autoref ref = { 0 };
	size_t len;
	ssize_t n;
	int r = wire_finish(&call->in);

	if (r < 0)
		return r;
	if (count > req->size - P9_TWRITE_HEADER) /* GUEST: */
		return -EBADMSG;
	r = p9_fid_get(call->session, fid, &ref);
	if (r < 0)
		return r;
	segments = iov_slice(req->in, req->in_count, P9_TWRITE_HEADER, count, iov, P9_IOV_MAX, &len);
	if (ref.xattr != NULL)
		n = p9_xattr_write(ref.xattr, iov, segments, len, offset);
	else if (ref.file != NULL)
		n = fs_write(ref.file, iov, (int)segments, offset, ref.uid);
	else /* GUEST: */
		return -EBADF;
	if (n < 0)
		return (int)n;
	p9_put(call, (uint64_t)n, 4);
	return 0;
}

/* ---- directories ---- */

struct listing {
	uint8_t *at, *end;
	bool full; /* an entry did not fit */
};

static uint8_t dtype_of(uint32_t mode)
{
	return (uint8_t)((mode & S_IFMT) >> 12);
}

/* qid[13] offset[8] type[1], and the length[2] of the name behind them */
#define DIRENT_FIXED (13u + 8u + 1u + 2u)

/* An fs_emit_fn: adds one entry as Rreaddir has it, or says that it does not fit. */
static bool listing_add(void *arg, const struct fs_dirent *entry)
{
	struct listing *list = arg;
	size_t len = strlen(entry->name);

	if ((size_t)(list->end - list->at) < DIRENT_FIXED + len) {
		list->full = true;
		return false;
	}
	p9_le_put(&list->at, p9_qid_type(entry->ident.mode), 1);
	p9_le_put(&list->at, entry->ident.version, 4);
	p9_le_put(&list->at, entry->ident.id, 8);
	p9_le_put(&list->at, entry->cookie, 8);
	p9_le_put(&list->at, dtype_of(entry->ident.mode), 1);
	p9_le_put(&list->at, len, 2);
	memcpy(list->at, entry->name, len);
	list->at += len;
	return true;
}

int p9_op_readdir(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	uint64_t offset = wire_get_u64(&call->in);
	uint32_t count = wire_get_u32(&call->in);
	struct p9_worker *w = call->worker;
	struct listing list;
	autoref ref = { 0 };
	size_t room, len;
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	if (r < 0)
		return r;
	if (ref.file == NULL || ref.xattr != NULL) /* GUEST: */
		return -EBADF;
	room = MIN(data_room(call, count), sizeof(w->data));
	list = (struct listing){ .at = w->data, .end = w->data + room };
	/* An entry is at most 7/6 as long here as in the host's form: what is read will fit, or nearly so. */
	r = fs_readdir(ref.file, offset, MAX(room / 7 * 6, (size_t)(FS_NAME_MAX + 32)), w->scratch, sizeof(w->scratch),
		listing_add, &list);
	if (r < 0)
		return r;
	len = (size_t)(list.at - w->data);
	if (len == 0 && list.full) /* GUEST: nothing at all would look like the end */
		return -EINVAL;
	p9_put(call, len, 4);
	iov_write(call->req->out, call->req->out_count, P9_RREAD_HEADER, w->data, len);
	call->data_len = (uint32_t)len;
	return 0;
}

int p9_op_fsync(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	/* Older clients do not send the flag. */
	uint32_t data_only = wire_left(&call->in) != 0 ? wire_get_u32(&call->in) : 0;
	autoref ref = { 0 };
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	return r < 0 ? r : fs_sync(ref.node, ref.file, data_only != 0);
}
