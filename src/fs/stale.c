/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others change behind the guest's back.
 *
 * A client of Linux keeps names: with a cache as long as there is memory, without one as long as a file is open or a
 * directory is somebody's working directory. It asks for such a name never again. So the host tells: the directories
 * in which the guest has found something are watched (inotify), and when an entry that a node was found as is not that
 * node any more, the service's owner is told its path, and has the guest forget it.
 *
 * The guest's own changes cause the same events. They are told apart by the table of names (names.h), which follows
 * the guest: after its own rename or unlink no node has the old name. In exclusive exports, where the client keeps
 * contents as well, a file that somebody has written is told likewise, if the guest itself does not have it open for
 * writing; what the guest wrote it need not be told, and what it has yet to write must not be dropped.
 *
 * It is best effort. What comes too fast for inotify, or cannot be named, is told as FS_STALE_UNKNOWN. Not noticed are
 * changes of mode, owner and times, and what another machine changes on a network file system. The number of
 * directories is bounded (FS_WATCHES_MAX); the one that was watched first is given up for another.
 *
 * LOCK: export->naming, then export->lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "fs/cred.h"
#include "fs/names.h"
#include "fs/node.h"
#include "fs/step.h"
#include "fs/version.h"
#include "fs/walk.h"
#include "fs/watch.h"
#include "host/thread.h"

#define PATH_ROOM 4096
#define DEPTH_MAX 256

/* ---- what an event means ---- */

/* Puts @name and a slash before it in front of what begins at @at: the new beginning, or NULL without room. */
static char *path_before(char *at, const char *start, const char *name)
{
	size_t len = strlen(name);

	if ((size_t)(at - start) < len + 1)
		return NULL;
	at -= len;
	memcpy(at, name, len);
	*--at = '/';
	return at;
}

/*
 * The path of the entry @name of the directory @dir in @buf, as the guest knows it; NULL if it has none: the directory
 * itself was moved or removed, or the path is too long. LOCK: export->lock
 */
static const char *path_of(const struct fs_node *dir, const char *name, char buf[PATH_ROOM])
{
	const struct fs_export *export = dir->export;
	char *at = buf + PATH_ROOM - 1;

	*at = '\0';
	at = path_before(at, buf, name);
	for (int i = 0; at != NULL && i < DEPTH_MAX && dir->name != NULL; i++, dir = dir->parent)
		at = path_before(at, buf, dir->name);
	if (dir->name != NULL || dir->ino != export->root_ino || dir->dev != export->root_dev)
		return NULL;
	at = at != NULL ? path_before(at, buf, export->path) : NULL;
	at = at != NULL ? path_before(at, buf, export->fs->watch_name) : NULL;
	return at != NULL ? at + 1 : NULL;
}

/* True if @node is what @st describes. */
static bool is_inode(const struct fs_node *node, const struct statx *st)
{
	return st->stx_ino == node->ino && fs_dev_of(st) == node->dev && fs_born(st) == node->born &&
	       (st->stx_mode & S_IFMT) == node->type;
}

/* What has become of the nodes that were found under one name. */
struct finding {
	bool gone;      /* at least one is not there any more */
	bool directory; /* one of those was a directory */
	bool there;     /* at least one is what is there now */
	bool written;   /* the guest has one of them open for writing */
};

/*
 * Takes note in @f of the nodes that were found as the entry @name of @dir, where @st is now, or nothing if that is NULL.
 * Returns the first that is gone, or NULL. LOCK: export->lock
 */
static struct fs_node *first_gone(
	const struct fs_node *dir, const char *name, const struct statx *st, struct finding *f)
{
	struct fs_export *export = dir->export;
	struct fs_node *node = NULL;

	while ((node = fs_name_next(export, dir->dev, dir->ino, name, node)) != NULL) {
		f->written = f->written || atomic_load(&node->writers) != 0;
		if (st == NULL || !is_inode(node, st))
			return node;
		f->there = true;
	}
	return NULL;
}

/* The same for all of them; those that are gone lose their name. LOCK: export->naming for writing */
static void names_check(const struct fs_node *dir, const char *name, const struct statx *st, struct finding *f)
{
	struct fs_export *export = dir->export;
	struct fs_node *node, *parent;

	do {
		pthread_mutex_lock(&export->lock);
		node = first_gone(dir, name, st, f);
		parent = NULL;
		if (node != NULL) {
			f->gone = true;
			f->directory = f->directory || node->type == S_IFDIR;
			parent = fs_name_clear(node);
		}
		pthread_mutex_unlock(&export->lock);
		fs_node_put(parent);
	} while (node != NULL);
}

/*
 * The entry @name of the directory @dir, which is awake, has changed as @mask says. True: the guest is to be told
 * *@ret_what of *@ret_path, which is in @buf, or NULL if it has none. LOCK: export->naming for writing
 */
static bool entry_check(const struct fs_node *dir, const char *name, uint32_t mask, char buf[PATH_ROOM],
	enum fs_stale *ret_what, const char **ret_path)
{
	bool exclusive = dir->export->flags & FS_EXPORT_EXCLUSIVE, there, written;
	struct finding f = { .gone = false };
	struct statx st;

	pthread_mutex_lock(&dir->export->lock);
	*ret_path = path_of(dir, name, buf);
	pthread_mutex_unlock(&dir->export->lock);
	there = statx(dir->fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &st) == 0;
	names_check(dir, name, there ? &st : NULL, &f);
	written = exclusive && there && !f.gone && f.there && !f.written && (mask & IN_CLOSE_WRITE) &&
		  fs_version_changed(dir->export, &st);
	*ret_what = exclusive && !f.written && !f.directory ? FS_STALE_DROP : FS_STALE_GONE;
	return f.gone || written;
}

/* The directory with that number in which the guest has found the entry @name: a node, referenced, or NULL. */
static struct fs_node *dir_of(struct fs_export *export, uint64_t dev, uint64_t ino, const char *name)
{
	struct fs_node *node, *dir = NULL;

	pthread_mutex_lock(&export->lock);
	node = fs_name_next(export, dev, ino, name, NULL);
	if (node != NULL)
		dir = fs_node_get(node->parent);
	pthread_mutex_unlock(&export->lock);
	return dir;
}

/* Something has happened to the entry @name of a directory: tells the owner if that makes what the guest has stale. */
static void on_entry(struct fs_watcher *w, const struct fs_watched *at, const char *name, uint32_t mask)
{
	struct fs_export *export = at->export;
	enum fs_stale what = FS_STALE_UNKNOWN;
	const char *path = NULL;
	char buf[PATH_ROOM];
	struct fs_node *dir;
	bool stale = false;

	pthread_rwlock_wrlock(&export->naming);
	dir = dir_of(export, at->dev, at->ino, name);
	if (dir != NULL && fs_node_check(dir, false) == 0) {
		fs_cred_service(export->fs);
		stale = entry_check(dir, name, mask, buf, &what, &path);
	}
	pthread_rwlock_unlock(&export->naming);
	fs_node_put(dir);
	/* Without a path, the guest has come to it by a directory that it was told to forget: there is nothing to say. */
	if (stale && path != NULL)
		w->stale(w->arg, what, path);
}

/* ---- the thread ---- */

/* How many exports of one directory hear of its events. */
#define SHARED_MAX 8

/* One event of inotify: an entry has changed, a watch has ended, or events were lost. */
static void on_event(struct fs_watcher *w, const struct inotify_event *event)
{
	struct fs_watched at[SHARED_MAX];
	unsigned int n;

	if (event->mask & IN_Q_OVERFLOW) {
		w->stale(w->arg, FS_STALE_UNKNOWN, "");
	} else if (event->mask & IN_IGNORED) {
		fs_watch_gone(w, event->wd);
	} else if (event->len != 0) {
		n = fs_watch_find(w, event->wd, at, SHARED_MAX);
		for (unsigned int i = 0; i < n; i++) {
			on_entry(w, &at[i], event->name, event->mask);
			fs_export_put(at[i].export);
		}
	}
}

/* What fs_watcher_start() hands its thread, and hears of it. */
struct start {
	struct fs_watcher *w;
	sem_t done;
	int r; /* 0, or why the thread cannot watch */
};

/* Waits for events, until the watcher is stopped. */
static void *watcher_run(void *arg)
{
	struct start *start = arg;
	struct fs_watcher *w = start->w;
	struct pollfd fds[2] = { { .fd = w->inotify_fd, .events = POLLIN }, { .fd = w->stop_fd, .events = POLLIN } };
	_Alignas(struct inotify_event) char buf[8192];
	ssize_t n = fs_thread_init(w->fs);

	start->r = (int)n;
	sem_post(&start->done); /* @start is gone from here on */
	while (n >= 0 || n == -EAGAIN) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents != 0)
			break;
		n = read(w->inotify_fd, buf, sizeof(buf));
		if (n < 0)
			n = errno == EINTR ? -EAGAIN : -errno;
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event = (const void *)(buf + at);

			on_event(w, event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
	return NULL;
}

void fs_watcher_stop(struct fs_watcher *w)
{
	uint64_t one = 1;

	if (w == NULL || !w->started)
		return;
	w->started = false;
	while (write(w->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	(void)pthread_join(w->thread, NULL);
}

int fs_watcher_start(struct fs_watcher *w, struct fs *fs)
{
	struct start start = { .w = w };
	int r;

	w->fs = fs;
	(void)sem_init(&start.done, 0, 0); /* it fails for a wrong value only */
	r = thread_start(THREAD_WATCH, &w->thread, watcher_run, &start);
	if (r == 0) {
		while (sem_wait(&start.done) < 0)
			; /* a signal */
		w->started = true;
		r = start.r;
	}
	if (r < 0)
		fs_watcher_stop(w);
	(void)sem_destroy(&start.done);
	return r;
}

void fs_watcher_free(struct fs_watcher *w)
{
	if (w == NULL)
		return;
	fs_watcher_stop(w);
	fd_close(w->inotify_fd);
	fd_close(w->stop_fd);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
