/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on record locks: lock, getlock. */
#include <fcntl.h>

#include "p9/msg.h"
#include "p9/ops.h"

static int host_type(uint8_t type)
{
	return type == P9_LOCK_RDLCK ? F_RDLCK : type == P9_LOCK_WRLCK ? F_WRLCK : F_UNLCK;
}

static uint8_t wire_type(int type)
{
	return type == F_RDLCK ? P9_LOCK_RDLCK : type == F_WRLCK ? P9_LOCK_WRLCK : P9_LOCK_UNLCK;
}

static enum fs_lock_kind kind_of(uint32_t flags)
{
	static const enum fs_lock_kind kinds[] = {
		[P9_LOCK_KIND_NONE] = FS_LOCK_UNKNOWN,
		[P9_LOCK_KIND_PROCESS] = FS_LOCK_PROCESS,
		[P9_LOCK_KIND_FILE] = FS_LOCK_FILE,
		[P9_LOCK_KIND_FLOCK] = FS_LOCK_FLOCK,
	};

	return kinds[flags >> P9_LOCK_KIND_SHIFT & P9_LOCK_KIND_MASK];
}

/* The number of the client that calls itself @name: two sessions never are the same one. */
static uint64_t client_of(const struct p9_call *call, const char *name)
{
	uint64_t h = (uintptr_t)call->session;

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3ull;
	return h;
}

int p9_op_lock(struct p9_call *call)
{
	struct p9_locks *locks = call->session->server->locks;
	uint32_t fid = wire_get_u32(&call->in);
	uint8_t type = wire_get_u8(&call->in);
	uint32_t flags = wire_get_u32(&call->in);
	struct fs_lock lock = { .type = (short)host_type(type) };
	autoref ref = { 0 };
	int r;

	lock.start = wire_get_u64(&call->in);
	lock.length = wire_get_u64(&call->in);
	lock.pid = wire_get_u32(&call->in);
	lock.client = client_of(call, p9_get_str(call));
	lock.wait = flags & P9_LOCK_FLAG_BLOCK;
	lock.kind = kind_of(flags);
	r = wire_finish(&call->in);
	if (r == 0 && type > P9_LOCK_UNLCK) /* GUEST: */
		r = -EINVAL;
	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	if (r == 0 && (ref.file == NULL || ref.xattr != NULL)) /* GUEST: */
		r = -EBADF;
	if (r == 0)
		r = fs_lock_set(ref.file, &lock);
	if (r == 0 && lock.type != F_WRLCK)
		p9_locks_kick(locks); /* unlocked, or made weaker */
	if (r == -EAGAIN && lock.wait) {
		r = p9_locks_wait(locks, call->req, &ref, &lock);
		if (r == 0)
			return P9_PARKED;
	}
	if (r < 0 && r != -EAGAIN)
		return r;
	p9_put(call, r == 0 ? P9_LOCK_SUCCESS : P9_LOCK_BLOCKED, 1);
	return 0;
}

int p9_op_getlock(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	uint8_t type = wire_get_u8(&call->in);
	/* Linux 6.1 asks with "unlocked", whatever its process asked; the answer is then the lock that keeps a writer out. */
	struct fs_lock lock = { .type = type == P9_LOCK_RDLCK ? F_RDLCK : F_WRLCK };
	const char *client;
	autoref ref = { 0 };
	uint32_t pid;
	int r;

	lock.start = wire_get_u64(&call->in);
	lock.length = wire_get_u64(&call->in);
	pid = wire_get_u32(&call->in);
	client = p9_get_str(call);
	lock.pid = pid;
	lock.client = client_of(call, client);
	r = wire_finish(&call->in);
	if (r == 0 && type > P9_LOCK_UNLCK) /* GUEST: */
		r = -EINVAL;
	if (r == 0 && strlen(client) > P9_REPLY_MAX / 2) /* GUEST: */
		r = -EINVAL;
	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	if (r == 0 && (ref.file == NULL || ref.xattr != NULL)) /* GUEST: */
		r = -EBADF;
	if (r == 0)
		r = fs_lock_get(ref.file, &lock);
	if (r < 0)
		return r;
	p9_put(call, wire_type(lock.type), 1);
	p9_put(call, lock.start, 8);
	p9_put(call, lock.length, 8);
	p9_put(call, pid,
		4); /* the asker's: which process holds it cannot be known, since it belongs to an open file */
	p9_put_str(call, client, strlen(client));
	return 0;
}
