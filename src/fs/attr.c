/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of nodes: reading and changing them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "fs/cred.h"
#include "fs/fds.h"
#include "fs/inside.h"
#include "fs/policy.h"
#include "fs/rest.h"
#include "fs/step.h"
#include "fs/synth.h"
#include "fs/walk.h"

/* What a file of the root file system that has a size, and nothing else yet, is said to take: 4 KiB. */
#define BLOCKS_OF_LATE_DATA 8

static struct timespec time_of(const struct statx_timestamp *t)
{
	return (struct timespec){ .tv_sec = t->tv_sec, .tv_nsec = t->tv_nsec };
}

static uint32_t generation_of(const struct statx *st)
{
	uint64_t h = (uint64_t)st->stx_btime.tv_sec * 1000000007u + st->stx_btime.tv_nsec;

	return (uint32_t)(h ^ h >> 32);
}

/*
 * The blocks that a client is told of. One with a cache keeps this number while it writes into what was a hole, so a file
 * that got its size first and its bytes later would look as if it had none, and tar --sparse would leave them out.
 */
static uint64_t blocks_of(const struct fs_export *export, const struct statx *st)
{
	bool written_late = (export->flags & FS_EXPORT_EXCLUSIVE) && S_ISREG(st->stx_mode) && st->stx_size != 0;

	return written_late && st->stx_blocks == 0 ? BLOCKS_OF_LATE_DATA : st->stx_blocks;
}

/*
 * The user of @node as the guest is told, of whom @st says the number inside. In a user namespace the host's kernel says
 * nobody's number for each user that has none. Where the container has a nobody, it does tell the two apart when a file is opened
 * with O_NOATIME, which takes its owner or a capability over it.
 */
static uint32_t user_of(const struct fs_node *node, const struct statx *st)
{
	const struct fs *fs = node->export->fs;
	uint32_t inside = st->stx_uid;
	autoclose int fd = -1;

	if (fs->owners && inside == OWNER_NOBODY && owner_outside(&fs->owners->users, inside) != OWNER_NOBODY &&
		(node->type == S_IFREG || node->type == S_IFDIR)) {
		fd = fs_reopen(node, O_RDONLY | O_NOATIME | O_NONBLOCK);
		if (fd == -EPERM || fd == -EACCES)
			inside = UINT32_MAX; /* nobody has that one */
	}
	return fs_cred_uid_outside(fs, inside);
}

int fs_getattr(struct fs_node *node, struct fs_attr *ret_attr)
{
	struct statx st;
	int r = fs_node_check(node, false);

	if (r < 0)
		return r;
	if (node->export == NULL) {
		fs_synth_attr(node, ret_attr);
		return 0;
	}
	fs_cred_service(node->export->fs);
	r = fs_stat(node->fd, &st);
	if (r < 0)
		return r;
	*ret_attr = (struct fs_attr){
		.uid = user_of(node, &st),
		.gid = fs_cred_gid_outside(node->export->fs, st.stx_gid),
		.nlink = st.stx_nlink,
		.rdev = makedev(st.stx_rdev_major, st.stx_rdev_minor),
		.size = st.stx_size,
		.blksize = st.stx_blksize,
		.blocks = blocks_of(node->export, &st),
		.atime = time_of(&st.stx_atime),
		.mtime = time_of(&st.stx_mtime),
		.ctime = time_of(&st.stx_ctime),
		.has_btime = st.stx_mask & STATX_BTIME,
	};
	if (ret_attr->has_btime) {
		ret_attr->btime = time_of(&st.stx_btime);
		ret_attr->generation = generation_of(&st);
	}
	return fs_ident_of(node->export, &st, &ret_attr->ident);
}

int fs_statfs(struct fs_node *node, struct statfs *ret_st)
{
	int r = fs_node_check(node, false);

	if (r < 0)
		return r;
	if (node->export == NULL) {
		*ret_st = (struct statfs){ .f_type = V9FS_MAGIC, .f_bsize = 4096, .f_namelen = FS_NAME_MAX };
		return 0;
	}
	fs_cred_service(node->export->fs);
	return fstatfs(node->fd, ret_st) < 0 ? -errno : 0;
}

int fs_readlink(struct fs_node *node, char *buf, size_t size)
{
	int r = fs_node_check(node, false);
	ssize_t n;

	if (r < 0)
		return r;
	if (node->type != S_IFLNK)
		return -EINVAL;
	fs_cred_service(node->export->fs);
	n = readlinkat(node->fd, "", buf, size);
	return n < 0 ? -errno : (int)n;
}

/* ---- changing ---- */

/* Truncates @node to @size, through @file if that is open for writing: 0 or -errno. */
static int set_size(struct fs_node *node, struct fs_file *file, uint64_t size, uint32_t uid)
{
	autoclose int own = -1;
	int fd, r;

	if (node->type != S_IFREG)
		return node->type == S_IFDIR ? -EISDIR : -EINVAL;
	if (size > INT64_MAX)
		return -EFBIG;
	if (file != NULL && (file->flags & O_ACCMODE) != O_RDONLY)
		fd = fs_file_awake(file);
	else
		fd = own = fs_reopen(node, O_WRONLY);
	if (fd < 0)
		return fd;
	r = fs_cred_write(node->export, uid); /* after the file was opened, which is done as the service */
	if (r < 0)
		return r;
	r = ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
	fs_cred_service(node->export->fs);
	return r;
}

/* Gives @node to the owners that @set names: 0, -EINVAL for one whom the service's user namespace does not have, or -errno. */
static int set_owner(struct fs_node *node, const struct fs_setattr *set)
{
	const struct fs *fs = node->export->fs;
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;
	int r = set->valid & FS_SET_UID ? fs_cred_uid_inside(fs, set->uid, &uid) : 0;

	if (r == 0 && (set->valid & FS_SET_GID))
		r = fs_cred_gid_inside(fs, set->gid, &gid);
	if (r < 0)
		return r;
	pthread_mutex_lock(&fs_policy_lock);
	r = fchownat(node->fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
	pthread_mutex_unlock(&fs_policy_lock);
	return r;
}

static int set_mode(struct fs_node *node, uint32_t mode)
{
	int r;

	/* The magic link would lead fchmodat(2) to the symlink itself, which has no mode of its own. */
	if (node->type == S_IFLNK)
		return -EOPNOTSUPP;
	pthread_mutex_lock(&fs_policy_lock);
	r = fs_policy_chmod(node, mode);
	if (r == 0)
		r = fchmodat(AT_FDCWD, fs_fd_name(node->fd).text, mode & 07777, 0) < 0 ? -errno : 0;
	pthread_mutex_unlock(&fs_policy_lock);
	return r;
}

/* Sets the times that @set names: 0 or -errno. */
static int set_times(struct fs_node *node, const struct fs_setattr *set)
{
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };

	if (set->valid & FS_SET_ATIME)
		ts[0] = set->atime;
	if (set->valid & FS_SET_MTIME)
		ts[1] = set->mtime;
	if (utimensat(node->fd, "", ts, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	/* Linux before 5.8 does not take an empty path here. */
	return utimensat(AT_FDCWD, fs_fd_name(node->fd).text, ts, 0) < 0 ? -errno : 0;
}

/*
 * The order matters, because of side effects: a new size and a new owner clear set-id bits, so the mode comes after
 * them; and all of these change times, so the times are set last.
 */
int fs_setattr(struct fs_node *node, struct fs_file *file, const struct fs_setattr *set, uint32_t uid)
{
	int r = fs_node_check(node, true);

	if (r < 0)
		return r;
	fs_cred_node(node);
	if (set->valid & FS_SET_SIZE)
		r = set_size(node, file, set->size, uid);
	if (r == 0 && (set->valid & (FS_SET_UID | FS_SET_GID)))
		r = set_owner(node, set);
	else if (r == 0 && set->valid == FS_SET_CTIME)
		r = set_owner(node, set); /* it names no owner, so that only the time of change changes */
	if (r == 0 && (set->valid & FS_SET_MODE))
		r = set_mode(node, set->mode);
	if (r == 0 && (set->valid & (FS_SET_ATIME | FS_SET_MTIME)))
		r = set_times(node, set);
	return r;
}
