/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directories that are watched for what others change in them: see stale.c. The watcher's own functions are in fs.h.
 *
 * A watch (of inotify) belongs to an inode. An entry of the table refers to its directory by number, and to its export by a
 * pointer, which fs_watch_end() takes away. Exports of one directory have entries of their own, and share the watch.
 */
#ifndef FS_WATCH_H
#define FS_WATCH_H

#include <sys/inotify.h>

#include "fs/inside.h"

#define FS_WATCH_BUCKETS 1024u /* of either hash table; a power of two */
#define FS_WATCH_NAMES (IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE)

/* A directory of an export that is watched. */
struct fs_watched {
	int wd; /* -1: free */
	struct fs_export *export;
	uint64_t dev, ino;
	uint32_t next_wd, next_dir; /* in their buckets */
};

struct fs_watcher {
	fs_stale_fn *stale;
	void *arg;
	int inotify_fd, stop_fd;
	struct fs *fs; /* as whose thread it runs */
	pthread_t thread;
	bool started;

	pthread_mutex_t lock; /* LOCK: no other is taken while it is held */
	/* LOCK: lock */
	uint32_t by_wd[FS_WATCH_BUCKETS], by_dir[FS_WATCH_BUCKETS];
	struct fs_watched entries[FS_WATCHES_MAX];
	uint32_t next; /* the entry that is taken next */
};

/* The guest has learned of an entry of the directory @dir, which is awake: others' changes to it are looked out for. */
void fs_watch_dir(struct fs_node *dir);

/* Nothing of @export is watched any more. Before it goes. */
void fs_watch_end(struct fs_export *export);

/*
 * The directories that are watched as @wd: how many are in @ret, at most @max. The caller puts the export of each
 * (fs_export_put()).
 */
must_check unsigned int fs_watch_find(struct fs_watcher *w, int wd, struct fs_watched *ret, unsigned int max);

/* The watch @wd has ended, since its directory has. */
void fs_watch_gone(struct fs_watcher *w, int wd);

#endif
