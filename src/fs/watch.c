/* SPDX-License-Identifier: Apache-2.0 */
/* The directories that are watched: see watch.h. Two hash tables over one array, by watch and by directory. */
#include "fs/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include "base/fd.h"
#include "fs/cred.h"
#include "fs/fds.h"

#define NONE UINT32_MAX

int fs_watcher_new(fs_stale_fn *stale, void *arg, struct fs_watcher **ret_watcher, struct err *err)
{
	struct fs_watcher *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return err_set(err, ENOMEM, "watcher of files: out of memory");
	w->stale = stale;
	w->arg = arg;
	w->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	w->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->inotify_fd < 0 || w->stop_fd < 0) {
		int r = err_sys(err, errno, "watcher of files: inotify");

		fd_close(w->inotify_fd);
		fd_close(w->stop_fd);
		free(w);
		return r;
	}
	pthread_mutex_init(&w->lock, NULL);
	for (unsigned int i = 0; i < FS_WATCH_BUCKETS; i++)
		w->by_wd[i] = w->by_dir[i] = NONE;
	for (unsigned int i = 0; i < FS_WATCHES_MAX; i++)
		w->entries[i].wd = -1;
	*ret_watcher = w;
	return 0;
}

void fs_watch(struct fs *fs, struct fs_watcher *watcher, const char *name)
{
	fs->watcher = watcher;
	fs->watch_name = name;
}

/* ---- the table of watches. LOCK of all: watcher->lock ---- */

static uint32_t *wd_bucket(struct fs_watcher *w, int wd)
{
	return &w->by_wd[(uint32_t)wd & (FS_WATCH_BUCKETS - 1)];
}

static uint32_t *dir_bucket(struct fs_watcher *w, uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino ^ dev << 7) * 0x9e3779b97f4a7c15ull;

	return &w->by_dir[h >> 32 & (FS_WATCH_BUCKETS - 1)];
}

/* The entry of the watch @wd of @export, or with NULL of any, or NULL. */
static struct fs_watched *entry_by_wd(struct fs_watcher *w, int wd, const struct fs_export *export)
{
	for (uint32_t i = *wd_bucket(w, wd); i != NONE; i = w->entries[i].next_wd)
		if (w->entries[i].wd == wd && (export == NULL || w->entries[i].export == export))
			return &w->entries[i];
	return NULL;
}

static bool dir_is_watched(struct fs_watcher *w, const struct fs_node *dir)
{
	for (uint32_t i = *dir_bucket(w, dir->dev, dir->ino); i != NONE; i = w->entries[i].next_dir)
		if (w->entries[i].ino == dir->ino && w->entries[i].dev == dir->dev &&
			w->entries[i].export == dir->export)
			return true;
	return false;
}

/* Takes @e out of both tables, and ends its watch unless another export has it, too. */
static void entry_take(struct fs_watcher *w, struct fs_watched *e)
{
	uint32_t *at, i = (uint32_t)(e - w->entries);
	int wd = e->wd;

	for (at = wd_bucket(w, e->wd); *at != i; at = &w->entries[*at].next_wd)
		;
	*at = e->next_wd;
	for (at = dir_bucket(w, e->dev, e->ino); *at != i; at = &w->entries[*at].next_dir)
		;
	*at = e->next_dir;
	e->wd = -1;
	if (entry_by_wd(w, wd, NULL) == NULL)
		(void)inotify_rm_watch(
			w->inotify_fd, wd); /* it fails if the directory is gone, and the watch with it */
}

/*
 * The place for an entry of @wd: that of the entry which came first, but for those of the same directory in other exports, with
 * which the watch might go. (If there are no others, the first one: then @wd is a watch that has ended, until the kernel says so.)
 */
static struct fs_watched *entry_place(struct fs_watcher *w, int wd)
{
	for (unsigned int i = 0; i < FS_WATCHES_MAX && w->entries[w->next].wd == wd; i++)
		w->next = (w->next + 1) % FS_WATCHES_MAX;
	return &w->entries[w->next];
}

/* Enters @dir, which is watched as @wd, in the place of another entry. */
static void entry_put(struct fs_watcher *w, int wd, const struct fs_node *dir)
{
	struct fs_watched *e;

	if (entry_by_wd(w, wd, dir->export) != NULL || atomic_load(&dir->export->dead))
		return;
	e = entry_place(w, wd);
	w->next = (w->next + 1) % FS_WATCHES_MAX;
	if (e->wd >= 0)
		entry_take(w, e);
	*e = (struct fs_watched){ .wd = wd, .export = dir->export, .dev = dir->dev, .ino = dir->ino };
	e->next_wd = *wd_bucket(w, wd);
	*wd_bucket(w, wd) = (uint32_t)(e - w->entries);
	e->next_dir = *dir_bucket(w, e->dev, e->ino);
	*dir_bucket(w, e->dev, e->ino) = (uint32_t)(e - w->entries);
}

void fs_watch_dir(struct fs_node *dir)
{
	struct fs_watcher *w = dir->export->fs->watcher;
	uint32_t mask = FS_WATCH_NAMES | IN_ONLYDIR | IN_EXCL_UNLINK | IN_MASK_ADD;
	bool known;
	int wd;

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	known = dir_is_watched(w, dir);
	pthread_mutex_unlock(&w->lock);
	if (known)
		return;
	if (dir->export->flags & FS_EXPORT_EXCLUSIVE)
		mask |= IN_CLOSE_WRITE;
	/* It fails where the host's bounds are reached, or the directory cannot be read: then it is not watched. */
	fs_cred_service(dir->export->fs);
	wd = inotify_add_watch(w->inotify_fd, fs_fd_name(dir->fd).text, mask);
	if (wd < 0)
		return;
	pthread_mutex_lock(&w->lock);
	entry_put(w, wd, dir);
	pthread_mutex_unlock(&w->lock);
}

void fs_watch_end(struct fs_export *export)
{
	struct fs_watcher *w = export->fs->watcher;

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	atomic_store(&export->dead, true); /* entry_put() makes none any more */
	for (unsigned int i = 0; i < FS_WATCHES_MAX; i++) {
		if (w->entries[i].wd >= 0 && w->entries[i].export == export)
			entry_take(w, &w->entries[i]);
	}
	pthread_mutex_unlock(&w->lock);
}

unsigned int fs_watch_find(struct fs_watcher *w, int wd, struct fs_watched *ret, unsigned int max)
{
	unsigned int n = 0;

	pthread_mutex_lock(&w->lock);
	for (uint32_t i = *wd_bucket(w, wd); i != NONE && n < max; i = w->entries[i].next_wd)
		if (w->entries[i].wd == wd)
			ret[n++] = w->entries[i];
	for (unsigned int i = 0; i < n; i++)
		atomic_fetch_add(&ret[i].export->refs, 1); /* fs_watch_end() has not come yet, so there is one */
	pthread_mutex_unlock(&w->lock);
	return n;
}

void fs_watch_gone(struct fs_watcher *w, int wd)
{
	struct fs_watched *e;

	pthread_mutex_lock(&w->lock);
	while ((e = entry_by_wd(w, wd, NULL)) != NULL)
		entry_take(w, e);
	pthread_mutex_unlock(&w->lock);
}
