/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record locks, as open-file-description (OFD) locks of the host: what the guest locks is locked for the host's
 * processes and for other guests.
 *
 * An owner of locks is a process with fcntl(2), and an open file with flock(2). Each owner of locks of an inode is a
 * struct locker with an open file description of its own on the host, so that what one releases the others keep.
 *
 * The client of vmrunc's own kernel says which of the two a lock is, and whether a process's or an open file's (F_OFD_SETLK):
 * then what is flock's is the host's flock(2), and nothing is guessed. The protocol itself does not say it, and Linux's client
 * makes both record locks, with the process that asks, and asks only after its own kernel has found no conflict among its
 * processes. So of these:
 *
 * - A lock of a part of the file is fcntl's. It belongs to the process, through whichever descriptor it comes or goes.
 * - A lock of the whole file may be either. It belongs to the open file, until a lock of a part of the file, or a lock
 *   that the same process was granted by its kernel beside it, shows that it is fcntl's.
 * - When a process closes any descriptor of the file, or ends, its kernel sends a release of the whole file, which does
 *   not wait. flock's locks must survive that: "flock 9" in a shell is a child that locks and ends. So a release that
 *   does not wait leaves a lock of the whole file, but it is loose: it gives way to whatever the guest's kernel grants.
 *   If the file was read or written since the lock, then it was rather fcntl's, and is released.
 * - A release that waits is flock(LOCK_UN) or fcntl's, and is obeyed whoever shares the open file.
 *
 * flock(2) can lock a file exclusively that is open for reading only, an OFD lock cannot; so each locker's descriptor is
 * open for both. Where that cannot be had (a directory, a read-only file system, a program that is running), the host's
 * flock(2) takes its place: whole-file locks, which hold among all that come here that way.
 *
 * Nothing waits here. Whoever has to wait for a lock tries again. LOCK: export->locking, then export->lock; the lists of
 * lockers change under both.
 */
#include "fs/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "fs/cred.h"
#include "fs/fds.h"
#include "fs/ranges.h"
#include "fs/rest.h"
#include "fs/step.h"
#include "fs/walk.h"

/* LOCK: export->locking */
struct locker {
	struct fs_link link;  /* in export->lockers; LOCK: export->lock, too */
	struct fs_file *file; /* through which it last locked; borrowed: fs_locks_end() */
	uint64_t client;
	uint32_t pid;
	enum fs_lock_kind kind; /* whose these are without doubt */
	bool loose;             /* perhaps released */
	bool whole;             /* flock(2) */
	int fd;
	struct fs_ranges held;
};

static struct fs_link *bucket_of(struct fs_export *export, const struct fs_node *node)
{
	return &export->lockers[(node->ino ^ node->dev) % FS_LOCKER_BUCKETS];
}

static bool same_inode(const struct fs_node *a, const struct fs_node *b)
{
	return a->ino == b->ino && a->dev == b->dev;
}

/* Opens the descriptor of a new locker of @node: 0 or -errno. */
static int locker_open(struct locker *l, struct fs_node *node)
{
	struct fs_export *export = node->export;
	int fd = -EROFS;

	fs_cred_node(node);
	if (l->kind != FS_LOCK_FLOCK && node->type == S_IFREG && !(export->flags & FS_EXPORT_READONLY))
		fd = fs_reopen(node, O_RDWR);
	if (fd == -EROFS || fd == -EACCES || fd == -EPERM || fd == -ETXTBSY) {
		l->whole = true;
		fd = fs_reopen(node, O_RDONLY);
	}
	l->fd = fd;
	return fd < 0 ? fd : 0;
}

/* A locker without locks, in the list: 0 or -errno. */
static int locker_new(struct fs_file *file, const struct fs_lock *lock, enum fs_lock_kind kind, struct locker **ret)
{
	struct fs_export *export = file->node->export;
	struct locker *l = calloc(1, sizeof(*l));
	int r = -ENOMEM;

	if (l != NULL) {
		l->kind = kind;
		r = locker_open(l, file->node);
	}
	if (r == 0) {
		r = fs_fd_take_locked(export);
		if (r < 0)
			fd_close(l->fd);
	}
	if (r < 0) {
		free(l);
		return r;
	}
	l->file = file;
	l->client = lock->client;
	l->pid = lock->pid;
	fs_link_add(bucket_of(export, file->node), &l->link);
	pthread_mutex_unlock(&export->lock);
	*ret = l;
	return 0;
}

/* Ends @l and its locks. */
static void locker_free(struct locker *l, struct fs_export *export)
{
	pthread_mutex_lock(&export->lock);
	fs_link_del(&l->link);
	pthread_mutex_unlock(&export->lock);
	fd_close(l->fd);
	fs_fd_give(export->fs);
	atomic_fetch_sub(&export->fs->locks, l->held.len);
	fs_ranges_done(&l->held);
	free(l);
}

/* Locks or releases on the host: 0, -EAGAIN or another -errno. */
static int host_set(const struct locker *l, const struct fs_lock *lock)
{
	struct flock fl = {
		.l_type = lock->type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)lock->start,
		.l_len = (off_t)lock->length,
	};
	int op = lock->type == F_RDLCK ? LOCK_SH : lock->type == F_WRLCK ? LOCK_EX : LOCK_UN;
	int r;

	r = l->whole ? flock(l->fd, op | LOCK_NB) : fcntl(l->fd, F_OFD_SETLK, &fl);
	if (r == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

/* Locks or releases for @l, and counts: 0, -EAGAIN, -ENOLCK or another -errno. */
static int locker_set(struct locker *l, const struct fs_lock *lock)
{
	struct fs *fs = l->file->node->export->fs;
	struct fs_ranges new;
	int r = fs_ranges_apply(&l->held, lock, &new);

	if (r < 0)
		return r;
	if (new.len > l->held.len && atomic_load(&fs->locks) + (new.len - l->held.len) > FS_LOCKS_MAX) /* GUEST: */
		r = -ENOLCK;
	/* flock(2) has no parts: a release of one leaves all, until nothing is held. */
	else if (!l->whole || lock->type != F_UNLCK || new.len == 0)
		r = host_set(l, lock);
	if (r < 0) {
		fs_ranges_done(&new);
		if (r == -EAGAIN &&
			l->kind == FS_LOCK_FLOCK) { /* flock(2) lets go of the old lock before it asks for another */
			atomic_fetch_sub(&fs->locks, l->held.len);
			fs_ranges_done(&l->held);
		}
		return r;
	}
	atomic_fetch_add(&fs->locks, new.len);
	atomic_fetch_sub(&fs->locks, l->held.len);
	fs_ranges_done(&l->held);
	l->held = new;
	return 0;
}

static bool is_whole(const struct fs_lock *lock)
{
	return lock->start == 0 && lock->length == 0;
}

/* What a release means for @l, whose file is of the same inode as @file. */
static int release_one(struct locker *l, struct fs_file *file, const struct fs_lock *lock)
{
	bool mine = l->pid == lock->pid;

	if (l->kind == FS_LOCK_UNKNOWN && !is_whole(lock) && mine)
		l->kind = FS_LOCK_PROCESS; /* flock(2) releases no part */
	if (l->kind == FS_LOCK_PROCESS)
		return mine ? locker_set(l, lock) : 0;
	if (l->file != file || (!lock->wait && !mine))
		return 0;
	if (lock->wait || atomic_load(&file->used))
		return locker_set(l, lock);
	l->loose = true;
	return 0;
}

/* True if a lock of @kind, said to be so, is its open file's and not its process's. */
static bool is_files(enum fs_lock_kind kind)
{
	return kind == FS_LOCK_FILE || kind == FS_LOCK_FLOCK;
}

/* The locker whose locks @lock, through @file, joins or changes; NULL: there is none, or a new one is needed. */
static struct locker *owner_of(struct fs_file *file, const struct fs_lock *lock)
{
	struct fs_link *bucket = bucket_of(file->node->export, file->node), *at;
	struct locker *by_file = NULL, *by_process = NULL, *perhaps = NULL;

	for (at = bucket->next; at != bucket; at = at->next) {
		struct locker *l = container_of(at, struct locker, link);

		if (l->client != lock->client || !same_inode(l->file->node, file->node))
			continue;
		if (is_files(l->kind) || is_files(lock->kind)) {
			if (l->kind == lock->kind && l->file == file)
				return l;
		} else if (l->kind == FS_LOCK_PROCESS) {
			by_process = l->pid == lock->pid ? l : by_process;
		} else if (l->file == file) {
			by_file = l;
		} else if (l->pid == lock->pid) {
			perhaps = l;
		}
	}
	if (lock->kind != FS_LOCK_UNKNOWN)
		return by_process;
	if (is_whole(lock))
		return by_file != NULL ? by_file : by_process;
	if (by_process != NULL)
		return by_process;
	return by_file != NULL && by_file->pid == lock->pid ? by_file : perhaps;
}

/* Releases what the owner, who is known, has locked. LOCK: export->locking */
static int release_of_owner(struct fs_file *file, const struct fs_lock *lock)
{
	struct locker *own = owner_of(file, lock);
	int r = own != NULL ? locker_set(own, lock) : 0;

	if (own != NULL && own->held.len == 0)
		locker_free(own, file->node->export);
	return r;
}

/* Releases what may be meant by who asks. LOCK: export->locking */
static int release(struct fs_file *file, const struct fs_lock *lock)
{
	struct fs_export *export = file->node->export;
	struct fs_link *bucket = bucket_of(export, file->node), *at, *next;
	int r = 0;

	if (lock->kind != FS_LOCK_UNKNOWN)
		return release_of_owner(file, lock);
	for (at = bucket->next; r == 0 && at != bucket; at = next) {
		struct locker *l = container_of(at, struct locker, link);

		next = at->next;
		if (l->client != lock->client || is_files(l->kind) || !same_inode(l->file->node, file->node))
			continue;
		r = release_one(l, file, lock);
		if (l->held.len == 0)
			locker_free(l, export);
	}
	return r;
}

/*
 * The guest's kernel has granted @lock, the host has not. If that is because of what another locker of the guest is said
 * to hold, then that is out of date, or is the same process's: true, and *@own is the locker to try again with.
 */
static bool gives_way(struct fs_file *file, const struct fs_lock *lock, struct locker **own)
{
	struct fs_export *export = file->node->export;
	struct fs_link *bucket = bucket_of(export, file->node), *at;

	for (at = bucket->next; at != bucket; at = at->next) {
		struct locker *l = container_of(at, struct locker, link);

		if (l == *own || l->client != lock->client || is_files(l->kind) ||
			!same_inode(l->file->node, file->node) || !fs_ranges_conflict(&l->held, lock))
			continue;
		if (l->loose) {
			locker_free(l, export);
			return true;
		}
		if (l->pid == lock->pid && (*own)->held.len == 0) {
			locker_free(*own, export);
			l->kind = FS_LOCK_PROCESS;
			*own = l;
			return true;
		}
	}
	return false;
}

/* LOCK: export->locking */
static int acquire(struct fs_file *file, const struct fs_lock *lock)
{
	struct locker *own = owner_of(file, lock);
	int r;

	if (own == NULL) {
		r = locker_new(file, lock,
			lock->kind == FS_LOCK_UNKNOWN && !is_whole(lock) ? FS_LOCK_PROCESS : lock->kind, &own);
		if (r < 0)
			return r;
	} else if (own->kind == FS_LOCK_UNKNOWN && !is_whole(lock)) {
		own->kind = FS_LOCK_PROCESS;
	}
	do
		r = locker_set(own, lock);
	while (r == -EAGAIN && lock->kind == FS_LOCK_UNKNOWN && gives_way(file, lock, &own));
	if (own->held.len == 0) {
		locker_free(own, file->node->export);
	} else if (r == 0) {
		own->file = file;
		own->pid = lock->pid;
		own->loose = false;
		atomic_store(&file->used, false);
	}
	return r;
}

static int lock_check(const struct fs_file *file, const struct fs_lock *lock)
{
	if (lock->start > INT64_MAX || lock->length > INT64_MAX) /* GUEST: */
		return -EINVAL;
	if (lock->length != 0 && lock->start > INT64_MAX - (lock->length - 1)) /* GUEST: as fcntl(2) has it */
		return -EOVERFLOW;
	if (lock->type != F_RDLCK && lock->type != F_WRLCK && lock->type != F_UNLCK)
		return -EINVAL;
	if (lock->kind == FS_LOCK_FLOCK && !is_whole(lock)) /* GUEST: */
		return -EINVAL;
	return file->node->export == NULL ? -ENOLCK : fs_node_check(file->node, false);
}

int fs_lock_set(struct fs_file *file, const struct fs_lock *lock)
{
	int r = lock_check(file, lock);

	if (r < 0)
		return r;
	pthread_mutex_lock(&file->node->export->locking);
	r = lock->type == F_UNLCK ? release(file, lock) : acquire(file, lock);
	pthread_mutex_unlock(&file->node->export->locking);
	return r;
}

int fs_lock_get(struct fs_file *file, struct fs_lock *lock)
{
	struct locker *own;
	struct flock fl;
	int fd, r = lock_check(file, lock);

	if (r < 0)
		return r;
	fl = (struct flock){ .l_type = lock->type, .l_whence = SEEK_SET };
	fl.l_start = (off_t)lock->start;
	fl.l_len = (off_t)lock->length;
	pthread_mutex_lock(&file->node->export->locking);
	own = owner_of(file, lock);
	if (own == NULL) /* whose the asker's own would be is not said here */
		own = owner_of(file, &(struct fs_lock){ .kind = FS_LOCK_FILE, .client = lock->client });
	fd = own != NULL ? own->fd : fs_file_awake(file);
	if (fd < 0)
		r = fd;
	else if (own != NULL && own->whole)
		fl.l_type = F_UNLCK; /* flock(2) cannot tell who holds one */
	else
		r = fcntl(fd, F_OFD_GETLK, &fl) < 0 ? -errno : 0;
	pthread_mutex_unlock(&file->node->export->locking);
	if (r == 0) {
		lock->type = fl.l_type;
		lock->start = (uint64_t)fl.l_start;
		lock->length = (uint64_t)fl.l_len;
	}
	return r;
}

void fs_locks_end(struct fs_file *file)
{
	struct fs_export *export = file->node->export;
	struct fs_link *bucket, *at, *next;

	if (export == NULL || atomic_load(&export->fs->locks) == 0)
		return;
	bucket = bucket_of(export, file->node);
	pthread_mutex_lock(&export->locking);
	for (at = bucket->next; at != bucket; at = next) {
		struct locker *l = container_of(at, struct locker, link);

		next = at->next;
		if (l->file == file)
			locker_free(l, export);
	}
	pthread_mutex_unlock(&export->locking);
}

void fs_locks_each_fd(struct fs_export *export, void (*fn)(const struct fs *fs, int fd))
{
	for (unsigned int i = 0; i < FS_LOCKER_BUCKETS; i++) {
		struct fs_link *bucket = &export->lockers[i], *at;

		for (at = bucket->next; at != bucket; at = at->next)
			fn(export->fs, container_of(at, struct locker, link)->fd);
	}
}
