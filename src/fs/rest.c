/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes at rest: how they are found again, and how they follow what the guest does to names.
 *
 * A guest keeps a reference on everything that it has in its dentry cache. That may be more files than a process has
 * descriptors, and each descriptor pins an inode of the host. So a node that nobody uses may be put to rest: its
 * descriptor is closed, and it is found again by its directory's node and its name, if what is there is still the same
 * inode (device, number, time of birth). Otherwise it is gone (ENOENT), as a name is that the host has removed.
 *
 * That is safe only if the name follows what the guest itself does; hence the table of names (names.h). Before an entry
 * is removed or replaced, resting nodes of that name are woken, since an unlinked file has no way back; afterwards they
 * have no name, so they never rest again. The nodes of a renamed entry get the new name.
 *
 * A node keeps its directory's node referenced. So a directory rests only when no node below it was found through it,
 * and waking is one step. Parents never form a circle: a name that would close one is forgotten instead.
 *
 * LOCK: export->lock for everything about names. The only system call made under it is close(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "fs/cred.h"
#include "fs/fds.h"
#include "fs/names.h"
#include "fs/node.h"
#include "fs/rest.h"
#include "fs/step.h"

/* How far up the check for circles goes: a path of PATH_MAX has no more levels. */
#define DEPTH_MAX 4096

/* ---- resting and waking ---- */

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

/*
 * Opens the resting @node again: 0 or -errno. If the name changes meanwhile, what is found there is another inode, or
 * nothing. LOCK: export->wake
 */
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
		strcpy(name, node->name); /* it fits: it passed fs_name_check() */
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
		node = fs_name_find(dir, name, true);
		more = node != NULL && fs_node_try_get(node);
		pthread_mutex_unlock(&export->lock);
		if (more) {
			/* A node that is not found any more is as good as removed. */
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
		node = fs_name_find(dir, name, false);
		parent = node != NULL ? fs_name_clear(node) : NULL;
		pthread_mutex_unlock(&export->lock);
		fs_node_put(parent);
	} while (parent != NULL);
}

/* True if @dir is the node @below, or was found below it. LOCK: export->lock */
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
		node = fs_name_find(old_dir, old_name, false);
		parent = node != NULL ? fs_name_clear(node) : NULL;
		if (node != NULL && !is_below(new_dir, node) && fs_name_set(node, new_dir, new_name))
			fs_node_get(new_dir);
		pthread_mutex_unlock(&export->lock);
		fs_node_put(parent);
	} while (parent != NULL);
}
