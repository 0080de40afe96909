/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on attributes: getattr, setattr, statfs, readlink. */
#include "p9/msg.h"
#include "p9/ops.h"

/*
 * The block size that is told for regular files whose own is smaller. Programs read in blocks of that size, and each
 * uncached read is a request.
 */
#define BLKSIZE_MIN (64u * 1024u)

static void put_time(struct p9_call *call, const struct timespec *t)
{
	p9_put(call, (uint64_t)t->tv_sec, 8);
	p9_put(call, (uint64_t)t->tv_nsec, 8);
}

int p9_op_getattr(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	uint64_t mask = wire_get_u64(&call->in);
	uint64_t valid = P9_GETATTR_BASIC | P9_GETATTR_DATA_VERSION;
	struct fs_attr a;
	autoref ref = { 0 };
	int r = wire_finish(&call->in);

	(void)mask; /* one statx(2) gives all attributes, so to leave some out saves nothing */
	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	if (r == 0)
		r = fs_getattr(ref.node, &a);
	if (r < 0)
		return r;
	if (a.has_btime)
		valid |= P9_GETATTR_BTIME | P9_GETATTR_GEN;
	if (S_ISREG(a.ident.mode) && a.blksize < BLKSIZE_MIN)
		a.blksize = BLKSIZE_MIN;
	p9_put(call, valid, 8);
	p9_put_qid(call, &a.ident);
	p9_put(call, a.ident.mode, 4);
	p9_put(call, a.uid, 4);
	p9_put(call, a.gid, 4);
	p9_put(call, a.nlink, 8);
	p9_put(call, a.rdev, 8);
	p9_put(call, a.size, 8);
	p9_put(call, a.blksize, 8);
	p9_put(call, a.blocks, 8);
	put_time(call, &a.atime);
	put_time(call, &a.mtime);
	put_time(call, &a.ctime);
	put_time(call, &a.btime);
	p9_put(call, a.generation, 8);
	p9_put(call, a.ident.version, 8);
	return 0;
}

static struct timespec get_time(struct p9_call *call)
{
	uint64_t sec = wire_get_u64(&call->in), nsec = wire_get_u64(&call->in);

	/* GUEST: utimensat(2) would take larger numbers of nanoseconds for UTIME_NOW or UTIME_OMIT */
	if (nsec >= 1000000000u)
		call->in.error = -EINVAL;
	return (struct timespec){ .tv_sec = (time_t)sec, .tv_nsec = (long)nsec };
}

static void setattr_times(struct fs_setattr *set, uint32_t valid)
{
	if (valid & P9_SETATTR_ATIME) {
		set->valid |= FS_SET_ATIME;
		if (!(valid & P9_SETATTR_ATIME_SET))
			set->atime.tv_nsec = UTIME_NOW;
	}
	if (valid & P9_SETATTR_MTIME) {
		set->valid |= FS_SET_MTIME;
		if (!(valid & P9_SETATTR_MTIME_SET))
			set->mtime.tv_nsec = UTIME_NOW;
	}
}

int p9_op_setattr(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	uint32_t valid = wire_get_u32(&call->in);
	struct fs_setattr set = { 0 };
	autoref ref = { 0 };
	int r;

	set.mode = wire_get_u32(&call->in);
	set.uid = wire_get_u32(&call->in);
	set.gid = wire_get_u32(&call->in);
	set.size = wire_get_u64(&call->in);
	set.atime = get_time(call);
	set.mtime = get_time(call);
	r = wire_finish(&call->in);
	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	if (r < 0)
		return r;
	set.valid = valid & P9_SETATTR_MODE ? FS_SET_MODE : 0;
	set.valid |= valid & P9_SETATTR_UID ? FS_SET_UID : 0;
	set.valid |= valid & P9_SETATTR_GID ? FS_SET_GID : 0;
	set.valid |= valid & P9_SETATTR_SIZE ? FS_SET_SIZE : 0;
	set.valid |= valid & P9_SETATTR_CTIME ? FS_SET_CTIME : 0;
	setattr_times(&set, valid);
	return fs_setattr(ref.node, ref.file, &set, ref.uid);
}

int p9_op_statfs(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	autoref ref = { 0 };
	struct statfs st;
	uint64_t fsid;
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	if (r == 0)
		r = fs_statfs(ref.node, &st);
	if (r < 0)
		return r;
	_Static_assert(sizeof(st.f_fsid) == sizeof(fsid), "f_fsid is 64 bits");
	memcpy(&fsid, &st.f_fsid, sizeof(fsid));
	p9_put(call, (uint64_t)st.f_type, 4);
	p9_put(call, (uint64_t)st.f_bsize, 4);
	p9_put(call, st.f_blocks, 8);
	p9_put(call, st.f_bfree, 8);
	p9_put(call, st.f_bavail, 8);
	p9_put(call, st.f_files, 8);
	p9_put(call, st.f_ffree, 8);
	p9_put(call, fsid, 8);
	p9_put(call, (uint64_t)st.f_namelen, 4);
	return 0;
}

int p9_op_readlink(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	char target[FS_TARGET_MAX + 1];
	autoref ref = { 0 };
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	if (r == 0)
		r = fs_readlink(ref.node, target, sizeof(target));
	if (r < 0)
		return r;
	p9_put_str(call, target, (size_t)r);
	return 0;
}
