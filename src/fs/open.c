/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files: opening, creating, data, directory listings.
 *
 * Only regular files and directories are ever opened. Opening a FIFO would block; opening a device would do whatever
 * its driver does on open. A node's type is known before, and the magic link opens exactly that node.
 *
 * Reads and writes name their offset, so requests on one file run side by side. A directory's descriptor has only one
 * position, so its lock is held during a listing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "fs/cred.h"
#include "fs/fds.h"
#include "fs/inside.h"
#include "fs/lock.h"
#include "fs/node.h"
#include "fs/memory.h"
#include "fs/policy.h"
#include "fs/rest.h"
#include "fs/step.h"
#include "fs/synth.h"
#include "fs/version.h"
#include "fs/walk.h"
#include "fs/watch.h"

#define OPEN_FLAGS (O_ACCMODE | O_TRUNC | O_APPEND | O_DSYNC | O_SYNC | O_NOATIME | O_DIRECTORY)

/*
 * Makes an open file of @node, and enters it in the list of the node's export: 0 or -errno. On success @fd is the
 * file's, or with @fd_is_nodes stays the node's; it is -1 for a synthetic directory.
 */
static int file_new(struct fs_node *node, int fd, bool fd_is_nodes, int flags, struct fs_file **ret_file)
{
	bool counted = fd >= 0 && !fd_is_nodes;
	struct fs_file *file;
	int r = fs_memory_take(fs_memory_of_file());

	if (r < 0)
		return r;
	file = calloc(1, sizeof(*file));
	r = file == NULL ? -ENOMEM : counted ? fs_fd_take(fs_of(node)) : 0;
	if (r < 0) {
		free(file);
		fs_memory_give(fs_memory_of_file());
		return r;
	}
	atomic_init(&file->refs, 1);
	file->fd = fd;
	file->fd_is_nodes = fd_is_nodes;
	file->flags = flags;
	pthread_mutex_init(&file->lock, NULL);
	fs_link_init(&file->link);
	if (node->export != NULL) {
		pthread_mutex_lock(&node->export->lock);
		r = atomic_load(&node->export->dead) ? -ESTALE : 0;
		if (r == 0)
			fs_link_add(&node->export->files, &file->link);
		pthread_mutex_unlock(&node->export->lock);
	}
	if (r < 0) {
		if (counted)
			fs_fd_give(fs_of(node));
		pthread_mutex_destroy(&file->lock);
		free(file);
		fs_memory_give(fs_memory_of_file());
		return r;
	}
	file->node = fs_node_get(node);
	if ((flags & O_ACCMODE) != O_RDONLY)
		atomic_fetch_add(&node->writers, 1);
	*ret_file = file;
	return 0;
}

struct fs_file *fs_file_get(struct fs_file *file)
{
	atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
	return file;
}

void fs_file_put(struct fs_file *file)
{
	struct fs_node *node;
	struct statx st;

	if (file == NULL || atomic_fetch_sub(&file->refs, 1) != 1)
		return;
	fs_locks_end(file);
	node = file->node;
	if ((file->flags & O_ACCMODE) != O_RDONLY) {
		if (node->export != NULL && (node->export->flags & FS_EXPORT_EXCLUSIVE) && file->fd >= 0 &&
			fs_stat(file->fd, &st) == 0)
			fs_version_seen(node->export, &st);
		atomic_fetch_sub(&node->writers, 1);
	}
	if (node->export != NULL) {
		pthread_mutex_lock(&node->export->lock);
		fs_link_del(&file->link);
		pthread_mutex_unlock(&node->export->lock);
	}
	if (file->fd < 0 && node->export != NULL)
		fs_node_busy(node); /* it was at rest */
	if (file->fd >= 0 && !file->fd_is_nodes) {
		fd_close(file->fd);
		fs_fd_give(fs_of(node));
	}
	pthread_mutex_destroy(&file->lock);
	free(file);
	fs_memory_give(fs_memory_of_file());
	fs_node_put(node);
}

/* Can a file like @node be opened with @flags? 0 or -errno; @node is awake then. */
static int open_check(struct fs_node *node, int flags)
{
	bool write = (flags & O_ACCMODE) != O_RDONLY;

	if ((flags & ~OPEN_FLAGS) != 0 || (flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if (node->type == S_IFLNK)
		return -ELOOP;
	if (node->type == S_IFDIR) {
		if (write || (flags & O_TRUNC))
			return -EISDIR;
	} else if (flags & O_DIRECTORY) {
		return -ENOTDIR;
	} else if (node->type != S_IFREG) {
		return -ENXIO;
	}
	return fs_node_check(node, node->type == S_IFREG && (write || (flags & O_TRUNC)));
}

int fs_open(struct fs_node *node, int flags, uint32_t uid, struct fs_file **ret_file, struct fs_ident *ret_ident)
{
	autoclose int fd = -1;
	int r;

	r = open_check(node, flags);
	if (r < 0)
		return r;
	/* No time of access changes there, and a monitor without writable exports may not ask for that (jail_drop()). */
	if (node->export != NULL && (node->export->flags & FS_EXPORT_READONLY))
		flags &= ~O_NOATIME;
	if (node->export != NULL) {

		if (flags & O_TRUNC) {
			r = fs_cred_write(node->export, uid);
			if (r < 0)
				return r;
			fs_cred_owner(node);
		} else {
			fs_cred_node(node);
		}
		if (node->type == S_IFDIR)
			flags |= O_DIRECTORY;
		fd = fs_reopen(node, flags);
		if (fd < 0)
			return fd;
	}
	r = fs_ident_get(node, ret_ident);
	if (r == 0)
		r = file_new(node, fd, false, flags, ret_file);
	if (r == 0)
		(void)steal_fd(&fd);
	return r;
}

/* For a creation that met an existing file: opens it as any other, by its node. */
static int open_existing(struct fs_node *dir, const char *name, int flags, uint32_t uid, struct fs_node **ret_node,
	struct fs_file **ret_file, struct fs_ident *ret_ident)
{
	struct fs_ident ident;
	struct fs_node *node;
	int r = fs_walk(dir, name, &node, &ident);

	if (r == 0)
		r = fs_open(node, flags, uid, ret_file, ret_ident);
	else
		node = NULL;
	if (r < 0)
		fs_node_put(node);
	else
		*ret_node = node;
	return r;
}

int fs_create(struct fs_node *dir, const char *name, int flags, uint32_t mode, struct fs_owner owner,
	struct fs_node **ret_node, struct fs_file **ret_file, struct fs_ident *ret_ident)
{
	bool exclusive = flags & O_EXCL;
	autoclose int fd = -1;
	struct fs_node *node;
	struct statx st;
	int r;

	flags &= ~(O_EXCL | O_CREAT);
	if ((flags & ~OPEN_FLAGS) != 0 || (flags & O_ACCMODE) == O_ACCMODE || (flags & O_DIRECTORY))
		return -EINVAL;
	r = fs_entry_check(dir, name, true);
	/* Without a descriptor for it, the file is not made: a creation that fails leaves nothing behind. */
	if (r == 0)
		r = fs_fd_take(dir->export->fs);
	if (r < 0)
		return r;
	fs_fd_give(dir->export->fs);
	r = fs_cred_create(dir->export->fs, owner);
	if (r < 0)
		return r;
	mode = fs_policy_new_mode(dir->export, mode, owner.uid);
	fd = fs_openat(dir->fd, name, flags | O_CREAT | O_EXCL, mode & 07777);
	if (fd == -EEXIST && !exclusive)
		return open_existing(dir, name, flags, owner.uid, ret_node, ret_file, ret_ident);
	if (fd < 0)
		return fd;
	r = fs_stat(fd, &st);
	if (r == 0)
		r = fs_ident_of(dir->export, &st, ret_ident);
	if (r == 0)
		r = fs_node_new(dir->export, fd, &st, dir, name, &node);
	if (r < 0)
		return r;
	r = file_new(node, fd, true, flags, ret_file);
	(void)steal_fd(&fd); /* it is the node's now */
	if (r < 0)
		fs_node_put(node);
	else
		*ret_node = node;
	fs_watch_dir(dir);
	return r;
}

/* ---- data ---- */

/* The descriptor to read or write @file by, or -errno. */
static int data_fd(struct fs_file *file, uint64_t offset, bool write)
{
	int r;

	if (file->node->type == S_IFDIR)
		return -EISDIR;
	if (offset > INT64_MAX)
		return -EINVAL;
	r = fs_node_check(file->node, write);
	if (!atomic_load_explicit(&file->used, memory_order_relaxed))
		atomic_store(&file->used, true);
	return r < 0 ? r : fs_file_awake(file);
}

ssize_t fs_read(struct fs_file *file, const struct iovec *iov, int count, uint64_t offset)
{
	int fd = data_fd(file, offset, false);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = preadv(fd, iov, count, (off_t)offset);
	return n < 0 ? -errno : n;
}

ssize_t fs_write(struct fs_file *file, const struct iovec *iov, int count, uint64_t offset, uint32_t uid)
{
	int fd = data_fd(file, offset, true), r;
	ssize_t n;

	if (fd < 0)
		return fd;
	r = fs_cred_write(file->node->export, uid);
	if (r < 0)
		return r;
	n = pwritev(fd, iov, count, (off_t)offset);
	return n < 0 ? -errno : n;
}

int fs_sync(struct fs_node *node, struct fs_file *file, bool data_only)
{
	autoclose int own = -1;
	int fd, r;

	r = fs_node_check(node, false);
	if (r < 0)
		return r;
	if (node->export == NULL || (node->type != S_IFREG && node->type != S_IFDIR))
		return 0; /* the host keeps nothing of it that is ours to write */
	if (file != NULL) {
		fd = fs_file_awake(file);
		if (fd < 0)
			return fd;
	} else {
		fs_cred_node(node);
		fd = own = fs_reopen(node, O_RDONLY);
		if (own < 0)
			return own;
	}
	return (data_only ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
}

/* ---- listings ---- */

static uint32_t mode_of_dtype(unsigned char type)
{
	return type == DT_UNKNOWN ? 0 : DTTOIF(type);
}

/* The id of an entry, from its inode number and the directory's device, so that no stat is needed for each entry. */
static int entry_id(struct fs_file *dir, const struct dirent64 *d, uint64_t *ret_id)
{
	struct fs_node *node = dir->node;
	struct fs_export *export = node->export;

	/*
	 * What the host has above an export's root is none of the guest's business. As with a process's root, .. is the root
	 * itself: the synthetic directory's id has more than 32 bits.
	 */
	if (strcmp(d->d_name, "..") == 0 && node->ino == export->root_ino && node->dev == export->root_dev)
		return fs_ids_get(&export->fs->ids, node->dev, node->ino, ret_id);
	return fs_ids_get(&export->fs->ids, node->dev, d->d_ino, ret_id);
}

/* Gives the @len bytes of entries at @buf to @emit. LOCK: dir->lock */
static int emit_all(struct fs_file *dir, const char *buf, size_t len, fs_emit_fn *emit, void *arg)
{
	for (size_t at = 0; at < len;) {
		const struct dirent64 *d = (const void *)(buf + at);
		struct fs_dirent entry = {
			.ident = { .mode = mode_of_dtype(d->d_type) },
			.cookie = (uint64_t)d->d_off,
			.name = d->d_name,
		};
		int r = entry_id(dir, d, &entry.ident.id);

		if (r < 0)
			return r;
		if (!emit(arg, &entry)) {
			/* The descriptor has read beyond this entry, so the next listing must seek. */
			dir->position = UINT64_MAX;
			return 0;
		}
		dir->position = entry.cookie;
		at += d->d_reclen;
	}
	return 0;
}

int fs_readdir(struct fs_file *dir, uint64_t cookie, size_t room, void *scratch, size_t scratch_size, fs_emit_fn *emit,
	void *arg)
{
	ssize_t n;
	int fd, r;

	if (dir->node->type != S_IFDIR)
		return -ENOTDIR;
	if (cookie > INT64_MAX)
		return -EINVAL;
	r = fs_node_check(dir->node, false);
	if (r < 0)
		return r;
	if (dir->node->export == NULL)
		return fs_synth_readdir(dir->node, cookie, emit, arg);

	fd = fs_file_awake(dir);
	if (fd < 0)
		return fd;
	pthread_mutex_lock(&dir->lock);
	/* A listing from the start always seeks, because a seek is what makes a file system look again. */
	if ((cookie == 0 || cookie != dir->position) && lseek(fd, (off_t)cookie, SEEK_SET) < 0) {
		r = -errno;
	} else {
		dir->position = UINT64_MAX;
		n = getdents64(fd, scratch, MIN(room, scratch_size));
		dir->listing = n > 0;
		r = n < 0 ? -errno : emit_all(dir, scratch, (size_t)n, emit, arg);
	}
	pthread_mutex_unlock(&dir->lock);
	return r;
}
