/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where nodes were found, and how one is found again.
 *
 * A guest keeps a reference on everything it has in its dentry cache, which may
 * be more files than a process has descriptors, and each descriptor pins an
 * inode of the host. So a node that nobody uses may be put to rest: its
 * descriptor is closed, and it is found again by its directory's node and its
 * name, if what is there is still the same inode (device, number, time of
 * birth); else it is gone (ENOENT), as a name is that the host has removed.
 *
 * That is safe only if the name follows what the guest itself does: each export
 * has a table of its nodes by (directory, name). Before an entry is removed or
 * replaced, resting nodes of that name are woken, for an unlinked file has no way
 * back; afterwards they have no name, so they never rest again. A renamed entry's
 * nodes get the new name.
 *
 * A node keeps its directory's node referenced, so a directory rests only when
 * no node below it was found through it, and waking is one step. Parents never
 * form a circle: a name that would close one is forgotten instead.
 *
 * LOCK: all of it stands under export->lock; no system call is made under it but
 * close(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "fs/cred.h"
#include "fs/node.h"

#define BUCKETS_MIN 64u
/* How far up the check for circles goes: more levels than a path of PATH_MAX has. */
#define DEPTH_MAX 4096

static uint32_t name_hash(uint64_t dev, uint64_t ino, const char *name)
{
	uint64_t h = ino * 0x9e3779b97f4a7c15ull ^ dev;

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3ull;
	return (uint32_t)(h ^ h >> 32);
}

static struct fs_node **bucket_of(struct fs_export *export, uint32_t hash)
{
	return &export->names[hash & (export->name_buckets - 1)];
}

/* Longer chains do as well if there is no memory. */
static void table_grow(struct fs_export *export)
{
	uint32_t n = export->name_buckets == 0 ? BUCKETS_MIN : 2 * export->name_buckets;
	struct fs_node **bigger, **old = export->names, *node, *next;
	uint32_t old_n = export->name_buckets;

	if (export->name_count < old_n)
		return;
	bigger = calloc(n, sizeof(struct fs_node *));
	if (bigger == NULL)
		return;
	export->names = bigger;
	export->name_buckets = n;
	for (uint32_t i = 0; i < old_n; i++) {
		for (node = old[i]; node != NULL; node = next) {
			struct fs_node **at = bucket_of(export, node->name_hash);

			next = node->name_next;
			node->name_next = *at;
			*at = node;
		}
	}
	free(old);
}

/* LOCK: export->lock. Takes over @name and the reference to @parent; false if it could not. */
static bool name_set(struct fs_node *node, struct fs_node *parent, char *name)
{
	struct fs_export *export = node->export;
	struct fs_node **at;

	table_grow(export);
	if (export->name_buckets == 0)
		return false;
	node->parent = parent;
	node->name = name;
	node->name_hash = name_hash(parent->dev, parent->ino, name);
	at = bucket_of(export, node->name_hash);
	node->name_next = *at;
	*at = node;
	export->name_count++;
	return true;
}

void fs_name_set(struct fs_node *node, struct fs_node *parent, const char *name)
{
	char *copy = strdup(name);

	if (copy == NULL)
		return; /* it works without, but for resting and removal by node */
	if (name_set(node, parent, copy))
		fs_node_get(parent);
	else
		free(copy);
}

struct fs_node *fs_name_clear(struct fs_node *node)
{
	struct fs_node **at, *parent = node->parent;

	if (node->name == NULL)
		return NULL;
	for (at = bucket_of(node->export, node->name_hash); *at != node; at = &(*at)->name_next)
		;
	*at = node->name_next;
	node->export->name_count--;
	free(node->name);
	node->name = NULL;
	node->parent = NULL;
	return parent;
}

/*
 * LOCK: export->lock. A node found as (@dir, @name), if there is one; @resting: only one that
 * rests.
 */
static struct fs_node *name_find(const struct fs_node *dir, const char *name, bool resting)
{
	struct fs_export *export = dir->export;
	uint32_t hash = name_hash(dir->dev, dir->ino, name);
	struct fs_node *node;

	if (export->name_buckets == 0)
		return NULL;
	for (node = *bucket_of(export, hash); node != NULL; node = node->name_next)
		if (node->name_hash == hash && node->parent->ino == dir->ino && node->parent->dev == dir->dev &&
			strcmp(node->name, name) == 0 && (!resting || node->fd < 0))
			return node;
	return NULL;
}

/* A reference, unless the last one is being put. */
static bool node_try_get(struct fs_node *node)
{
	unsigned int refs = atomic_load(&node->refs);

	while (refs != 0)
		if (atomic_compare_exchange_weak(&node->refs, &refs, refs + 1))
			return true;
	return false;
}

/* ---- resting and waking ---- */

bool fs_fds_short(const struct fs *fs)
{
	return atomic_load_explicit(&fs->fds, memory_order_relaxed) > fs->fds_max - fs->fds_max / 4;
}

bool fs_node_rest(struct fs_node *node)
{
	struct fs_export *export = node->export;
	int fd = -1;

	if (export == NULL)
		return false;
	pthread_mutex_lock(&export->lock);
	if (node->name != NULL && node->fd >= 0 && atomic_load(&node->refs) == 1 && !atomic_load(&export->dead)) {
		fd = node->fd;
		node->fd = -1;
	}
	pthread_mutex_unlock(&export->lock);
	if (fd < 0)
		return false;
	fd_close(fd);
	fs_fd_give(export->fs);
	return true;
}

bool fs_node_rests(const struct fs_node *node)
{
	return node->export != NULL && node->fd < 0;
}

uint64_t fs_born(const struct statx *st)
{
	return (uint64_t)st->stx_btime.tv_sec * 1000000000u + st->stx_btime.tv_nsec;
}

/* LOCK: export->wake. Nobody changes the name meanwhile, or else what is found is not the same. */
static int node_find_again(struct fs_node *node)
{
	struct fs_export *export = node->export;
	char name[FS_NAME_MAX + 1];
	autoclose int fd = -1;
	struct fs_node *dir;
	struct statx st;
	int r;

	pthread_mutex_lock(&export->lock);
	dir = node->parent != NULL ? fs_node_get(node->parent) : NULL;
	if (dir != NULL)
		strcpy(name, node->name); /* it passed fs_name_check */
	pthread_mutex_unlock(&export->lock);
	if (dir == NULL)
		return -ENOENT;
	fs_cred_service(export->fs);
	fd = fs_openat(dir->fd, name, O_PATH, 0);
	fs_node_put(dir);
	if (fd < 0)
		return fd;
	r = fs_stat(fd, &st);
	if (r < 0)
		return r;
	if (st.stx_ino != node->ino || fs_dev_of(&st) != node->dev || fs_born(&st) != node->born ||
		(st.stx_mode & S_IFMT) != node->type)
		return -ENOENT;
	r = fs_fd_take_locked(export);
	if (r < 0)
		return r;
	node->fd = steal_fd(&fd);
	pthread_mutex_unlock(&export->lock);
	return 0;
}

int fs_node_wake(struct fs_node *node)
{
	int r = 0;

	pthread_mutex_lock(&node->export->wake);
	if (node->fd < 0)
		r = node_find_again(node);
	pthread_mutex_unlock(&node->export->wake);
	return r;
}

/* ---- what the guest does to names ---- */

void fs_names_wake(struct fs_node *dir, const char *name)
{
	struct fs_export *export = dir->export;
	struct fs_node *node;
	bool more = true;

	while (more) {
		pthread_mutex_lock(&export->lock);
		node = name_find(dir, name, true);
		more = node != NULL && node_try_get(node);
		pthread_mutex_unlock(&export->lock);
		if (more) {
			/* what is not found any more is as good as removed */
			more = fs_node_wake(node) == 0;
			fs_node_put(node);
		}
	}
}

void fs_names_removed(struct fs_node *dir, const char *name)
{
	struct fs_export *export = dir->export;
	struct fs_node *node, *parent;

	do {
		pthread_mutex_lock(&export->lock);
		node = name_find(dir, name, false);
		parent = node != NULL ? fs_name_clear(node) : NULL;
		pthread_mutex_unlock(&export->lock);
		fs_node_put(parent);
	} while (parent != NULL);
}

/* LOCK: export->lock. Is @dir the node @below, or found below it? */
static bool is_below(const struct fs_node *dir, const struct fs_node *below)
{
	int i;

	for (i = 0; i < DEPTH_MAX && dir != NULL && dir != below; i++)
		dir = dir->parent;
	return dir != NULL;
}

void fs_names_renamed(struct fs_node *old_dir, const char *old_name, struct fs_node *new_dir, const char *new_name)
{
	struct fs_export *export = old_dir->export;
	struct fs_node *node, *parent;

	if (old_dir->ino == new_dir->ino && old_dir->dev == new_dir->dev && strcmp(old_name, new_name) == 0)
		return;
	fs_names_removed(new_dir, new_name);
	do {
		pthread_mutex_lock(&export->lock);
		node = name_find(old_dir, old_name, false);
		parent = node != NULL ? fs_name_clear(node) : NULL;
		if (node != NULL && !is_below(new_dir, node))
			fs_name_set(node, new_dir, new_name);
		pthread_mutex_unlock(&export->lock);
		fs_node_put(parent);
	} while (parent != NULL);
}
