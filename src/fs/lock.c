/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record locks of open files, as open-file-description (OFD) locks of the host: what the guest locks is locked for the
 * host's processes and for other guests.
 *
 * The guest sends flock(2) and fcntl(2) locks alike, the former with the whole range. flock(2) can lock a file
 * exclusively that is open for reading only, an OFD lock cannot. So a file that is not open for both gets a second
 * descriptor that is, and all its locks live there. Where that cannot be had either (a directory, a read-only file
 * system, a program that is running), the host's flock(2) takes its place: whole-file locks, which hold among all that
 * come here that way.
 *
 * Nothing waits here. Whoever has to wait for a lock tries again.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "fs/cred.h"
#include "fs/fds.h"
#include "fs/inside.h"
#include "fs/rest.h"
#include "fs/step.h"
#include "fs/walk.h"

/* Opens the second descriptor, or decides that this file is locked by flock(2): 0 or -errno. LOCK: file->lock */
static int lock_fd_open(struct fs_file *file)
{
	struct fs_node *node = file->node;
	struct fs_export *export = node->export;
	autoclose int fd = -1;
	int r;

	if (node->type != S_IFREG || (export->flags & FS_EXPORT_READONLY)) {
		file->lock_whole = true;
		return 0;
	}
	fs_cred_service(export->fs);
	fd = fs_reopen(node, O_RDWR);
	if (fd == -EROFS || fd == -EACCES || fd == -EPERM || fd == -ETXTBSY) {
		file->lock_whole = true;
		return 0;
	}
	if (fd < 0)
		return fd;
	r = fs_fd_take_locked(export);
	if (r < 0)
		return r;
	file->lock_fd = steal_fd(&fd);
	pthread_mutex_unlock(&export->lock);
	return 0;
}

/* The descriptor that has the locks, or -errno; *@ret_whole: they are made by flock(2). LOCK: file->lock */
static int lock_fd_of(struct fs_file *file, bool *ret_whole)
{
	int r = 0;

	if ((file->flags & O_ACCMODE) != O_RDWR && file->lock_fd < 0 && !file->lock_whole)
		r = lock_fd_open(file);
	if (r < 0)
		return r;
	*ret_whole = file->lock_whole;
	return file->lock_fd >= 0 ? file->lock_fd : file->fd;
}

/* The range and type of @lock for fcntl(2): 0 or -EINVAL. */
static int lock_to_host(const struct fs_lock *lock, struct flock *ret_fl)
{
	if (lock->start > INT64_MAX || lock->length > INT64_MAX)
		return -EINVAL;
	if (lock->type != F_RDLCK && lock->type != F_WRLCK && lock->type != F_UNLCK)
		return -EINVAL;
	*ret_fl = (struct flock){
		.l_type = lock->type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)lock->start,
		.l_len = (off_t)lock->length,
	};
	return 0;
}

/* Wakes @file: a descriptor that is not needed, or -errno. */
static int lock_check(struct fs_file *file)
{
	int r = file->node->export == NULL ? -ENOLCK : fs_node_check(file->node, false);

	return r < 0 ? r : fs_file_awake(file);
}

int fs_lock_set(struct fs_file *file, const struct fs_lock *lock)
{
	struct flock fl;
	bool whole;
	int fd, r;

	r = lock_check(file);
	if (r >= 0)
		r = lock_to_host(lock, &fl);
	if (r < 0)
		return r;
	pthread_mutex_lock(&file->lock);
	file->locked = true; /* from here on it does not rest */
	fd = lock_fd_of(file, &whole);
	if (fd < 0)
		r = fd;
	else if (!whole)
		r = fcntl(fd, F_OFD_SETLK, &fl) < 0 ? -errno : 0;
	else
		r = flock(fd, LOCK_NB | (lock->type == F_RDLCK          ? LOCK_SH
						: lock->type == F_WRLCK ? LOCK_EX
									: LOCK_UN)) < 0
			    ? -errno
			    : 0;
	pthread_mutex_unlock(&file->lock);
	return r == -EACCES ? -EAGAIN : r;
}

int fs_lock_get(struct fs_file *file, struct fs_lock *lock)
{
	struct flock fl;
	bool whole;
	int fd, r;

	r = lock_check(file);
	if (r >= 0)
		r = lock_to_host(lock, &fl);
	if (r < 0)
		return r;
	pthread_mutex_lock(&file->lock);
	fd = lock_fd_of(file, &whole);
	if (fd < 0)
		r = fd;
	else if (whole)
		fl.l_type = F_UNLCK; /* flock(2) cannot tell who holds one */
	else
		r = fcntl(fd, F_OFD_GETLK, &fl) < 0 ? -errno : 0;
	pthread_mutex_unlock(&file->lock);
	if (r == 0)
		*lock = (struct fs_lock){
			.type = fl.l_type,
			.start = (uint64_t)fl.l_start,
			.length = (uint64_t)fl.l_len,
		};
	return r;
}
