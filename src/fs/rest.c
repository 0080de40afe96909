/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes and open files at rest: how they are found again, and how they follow what the guest does to names.
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
 * A node keeps its directory's node referenced, so what it takes to find it again is there. Directories rest too, those
 * above others among them; waking begins at the top. Parents never form a circle: a name that would close one is
 * forgotten instead.
 *
 * References are of two kinds. Those of fids, of nodes found in a directory, and of files at rest only keep a node: they
 * are idle (idle_refs). All others are somebody's who uses the descriptor now or may do so at any time. A node rests
 * only when all of its references are idle. Idle references become busy, and new ones are taken, under the lock of the
 * session whose hand comes by (fid.c), or under export->lock.
 *
 * Open files rest as well. A client that writes back keeps each file open that it has written, until it forgets the
 * inode. Such a file is opened again by its node, with the flags that it was opened with. While it is open, its node
 * is awake. A file whose name is gone keeps its descriptor. Locks have descriptors of their own (lock.c).
 *
 * LOCK: file->lock, then export->wake, then export->lock, which is for everything about names. No system call is made
 * under that one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "fs/cred.h"
#include "fs/fds.h"
#include "fs/names.h"
#include "fs/node.h"
#include "fs/rest.h"
#include "fs/step.h"

/* How far up the check for circles, and the waking of directories, go: a path of PATH_MAX has no more levels. */
#define DEPTH_MAX 4096
/* How many nodes rest at once at most: a walk leaves no more directories. */
#define REST_MAX 16

/* ---- resting and waking ---- */

/* True if @node has a descriptor that it could do without. LOCK: export->lock */
static bool node_may_rest(struct fs_node *node)
{
	/* In this order, since whoever drops an idle reference makes it busy first. */
	unsigned int refs = atomic_load(&node->refs);

	return node->name != NULL && node->fd >= 0 && refs == atomic_load(&node->idle_refs);
}

/*
 * With @node, directories above it rest that nothing else refers to: a walk of several steps has left them, and nobody
 * would ever come by to put them to rest.
 */
bool fs_node_rest(struct fs_node *node)
{
	struct fs_export *export = node->export;
	int fds[REST_MAX], n = 0;

	if (export == NULL)
		return false;
	pthread_mutex_lock(&export->lock);
	if (!atomic_load(&export->dead) && node_may_rest(node)) {
		do {
			fds[n++] = node->fd;
			node->fd = -1;
			node = node->parent;
		} while (n < REST_MAX && node_may_rest(node) && atomic_load(&node->refs) == 1);
	}
	pthread_mutex_unlock(&export->lock);
	for (int i = 0; i < n; i++) {
		fd_close(fds[i]);
		fs_fd_give(export->fs);
	}
	return n != 0;
}

/*
 * Opens the resting @node, whose directory is awake, again: 0 or -errno. If the name changes meanwhile, what is found
 * there is another inode, or nothing. LOCK: export->wake
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
	if (dir == NULL || dir->fd < 0) { /* a rename has just put it elsewhere: as if it were gone */
		fs_node_put(dir);
		return -ENOENT;
	}
	fs_cred_node(dir);
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

/*
 * @node, what rests above it, and the first directory above that is awake, each referenced, in a new array: its length
 * or -errno. The references are no idle ones, so nothing of it goes to rest while the caller has them. LOCK: export->lock
 */
static int chain_new(struct fs_node *node, struct fs_node ***ret_chain)
{
	struct fs_node **chain, *n;
	int len = 0;

	for (n = node; n != NULL && len <= DEPTH_MAX; n = n->fd < 0 ? n->parent : NULL)
		len++;
	if (len > DEPTH_MAX) /* GUEST: */
		return -ENOENT;
	chain = calloc((size_t)len, sizeof(struct fs_node *));
	if (chain == NULL)
		return -ENOMEM;
	n = node;
	for (int i = 0; i < len; i++, n = n->parent)
		chain[i] = fs_node_get(n);
	*ret_chain = chain;
	return len;
}

int fs_node_wake(struct fs_node *node)
{
	struct fs_export *export = node->export;
	struct fs_node **chain = NULL;
	int len, r = 0;

	pthread_mutex_lock(&export->wake);
	pthread_mutex_lock(&export->lock);
	len = chain_new(node, &chain);
	pthread_mutex_unlock(&export->lock);
	if (len < 0)
		r = len;
	for (int i = len - 1; i >= 0 && r == 0; i--)
		if (chain[i]->fd < 0)
			r = node_find_again(chain[i]);
	pthread_mutex_unlock(&export->wake);
	while (len > 0)
		fs_node_put(chain[--len]);
	free(chain);
	return r;
}

/* ---- open files ---- */

/* True if the descriptor of @file could be had again, which without capabilities is not sure. */
static bool file_may_reopen(const struct fs_file *file)
{
	const struct fs *fs = file->node->export->fs;
	int access = file->flags & O_ACCMODE;
	struct statx st;
	uint32_t need;

	if (!fs->own_ids)
		return true;
	need = (access != O_WRONLY ? S_IRUSR : 0u) | (access != O_RDONLY ? S_IWUSR : 0u);
	return fs_stat(file->fd, &st) == 0 && st.stx_uid == fs->uid && (st.stx_mode & need) == need;
}

bool fs_file_rest(struct fs_file *file)
{
	struct fs_node *node = file->node;
	struct fs_export *export = node->export;
	bool rest, counted;
	int fd;

	if (export == NULL || file->fd < 0 || atomic_load(&file->refs) != 1 || file->listing || !file_may_reopen(file))
		return false;
	pthread_mutex_lock(&export->lock);
	fd = file->fd;
	counted = !file->fd_is_nodes;
	rest = node->name != NULL && !atomic_load(&export->dead);
	if (rest) {
		file->fd = -1;
		file->fd_is_nodes = false;
		fs_node_idle(node); /* the file's own reference: see fs_file_awake() and fs_file_put() */
	}
	pthread_mutex_unlock(&export->lock);
	if (rest && counted) {
		fd_close(fd);
		fs_fd_give(export->fs);
	}
	return rest;
}

/* Opens the resting @file again: 0 or -errno. LOCK: file->lock; its node is awake, and stays so. */
static int file_open_again(struct fs_file *file)
{
	struct fs_export *export = file->node->export;
	autoclose int fd = -1;
	int r;

	fs_cred_node(file->node);
	fd = fs_reopen(file->node, file->flags & ~O_TRUNC);
	if (fd < 0)
		return fd;
	r = fs_fd_take_locked(export);
	if (r < 0)
		return r;
	file->position = 0;
	file->fd = steal_fd(&fd);
	fs_node_busy(file->node);
	pthread_mutex_unlock(&export->lock);
	return 0;
}

int fs_file_awake(struct fs_file *file)
{
	struct fs_node *node;
	int r = 0;

	if (file->fd >= 0)
		return file->fd;
	pthread_mutex_lock(&file->lock);
	if (file->fd < 0) {
		node = fs_node_get(file->node);
		if (node->fd < 0)
			r = fs_node_wake(node);
		if (r == 0)
			r = file_open_again(file);
		fs_node_put(node);
	}
	pthread_mutex_unlock(&file->lock);
	return r < 0 ? r : file->fd;
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
