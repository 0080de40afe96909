/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exports: how they are shown in the tree of synthetic directories (synth.c), and how they are removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "fs/export.h"
#include "fs/fds.h"
#include "fs/inside.h"
#include "fs/lock.h"
#include "fs/node.h"
#include "fs/step.h"
#include "fs/synth.h"
#include "fs/watch.h"

#define SYNTH_BLOCK 4096

/* ---- adding ---- */

/* Is @path plain and relative, as fs_export_add() wants it? 0, or -EINVAL with @err set. */
static int path_check(const char *path, struct err *err)
{
	const char *p = path;

	for (;;) {
		size_t len = strcspn(p, "/");

		if (len == 0 || len > FS_NAME_MAX || (len == 1 && p[0] == '.') ||
			(len == 2 && p[0] == '.' && p[1] == '.'))
			return err_set(err, EINVAL, "export path '%s' is not plain and relative", path);
		if (p[len] == '\0')
			return 0;
		p += len + 1;
	}
}

/* An export whose root @st describes, with one reference, or NULL for want of memory. */
static struct fs_export *export_new(
	struct fs *fs, const char *path, const struct statx *st, unsigned int flags, const struct file_policy *policy)
{
	struct fs_export *export = calloc(1, sizeof(*export));

	if (export == NULL || (export->path = strdup(path)) == NULL) {
		free(export);
		return NULL;
	}
	atomic_init(&export->refs, 1);
	export->fs = fs;
	export->flags = flags;
	export->policy = policy ? *policy : (struct file_policy)FILE_POLICY_ALL;
	export->root_dev = fs_dev_of(st);
	export->root_ino = st->stx_ino;
	export->root_mount = st->stx_mnt_id;
	pthread_mutex_init(&export->lock, NULL);
	pthread_rwlock_init(&export->naming, NULL);
	pthread_mutex_init(&export->wake, NULL);
	pthread_mutex_init(&export->locking, NULL);
	for (unsigned int i = 0; i < FS_LOCKER_BUCKETS; i++)
		fs_link_init(&export->lockers[i]);
	fs_link_init(&export->nodes);
	fs_link_init(&export->files);
	return export;
}

/* Mounts @root at @path: 0 or -errno. LOCK: fs->tree for writing */
static int export_show(struct fs *fs, const char *path, struct fs_export *export, struct fs_node *root)
{
	struct fs_synth *synth;
	int r = fs_synth_make(fs, path, &synth);

	if (r < 0) {
		/* The directories that were made above stay, empty, until they are used: they harm nobody. */
		return r;
	}
	if (synth->mounted != NULL || synth->children != NULL)
		return -EEXIST;
	synth->mounted = root;
	export->parent = fs_node_get(synth->parent->self);
	return 0;
}

int fs_export_add(struct fs *fs, const char *path, int fd, unsigned int flags, struct err *err)
{
	return fs_export_add_bounded(fs, path, fd, flags, NULL, err);
}

int fs_export_add_bounded(
	struct fs *fs, const char *path, int fd, unsigned int flags, const struct file_policy *policy, struct err *err)
{
	struct fs_export *export;
	struct fs_node *root;
	struct statx st;
	int r;

	r = path_check(path, err);
	if (r < 0)
		return r;
	r = fs_stat(fd, &st);
	if (r < 0)
		return err_sys(err, r, "stat of export '%s'", path);
	export = export_new(fs, path, &st, flags, policy);
	if (export == NULL)
		return err_set(err, ENOMEM, "export '%s': out of memory", path);
	r = fs_node_new(export, fd, &st, NULL, NULL, &root);
	if (r < 0) {
		fs_export_put(export);
		return err_sys(err, r, "export '%s'", path);
	}
	pthread_rwlock_wrlock(&fs->tree);
	r = export_show(fs, path, export, root);
	pthread_rwlock_unlock(&fs->tree);
	if (r < 0) {
		root->fd = -1; /* it stays the caller's */
		fs_fd_give(fs);
		fs_node_put(root);
	}
	fs_export_put(export); /* from here on, its nodes keep it */
	return r < 0 ? err_sys(err, r, "export '%s'", path) : 0;
}

/* ---- removing ---- */

/*
 * Puts the dead descriptor over @fd, if that is one. With two open descriptors dup3(2) can fail only because another
 * thread is just opening a file (EBUSY), so it is tried again.
 */
static void fd_revoke(const struct fs *fs, int fd)
{
	while (fd >= 0 && dup3(fs->dead_fd, fd, O_CLOEXEC) < 0 && (errno == EBUSY || errno == EINTR))
		;
}

/* Marks @export dead, and revokes the descriptors of all its nodes and files. */
static void export_revoke(struct fs_export *export)
{
	struct fs *fs = export->fs;

	fs_watch_end(export);
	pthread_mutex_lock(&export->lock);
	atomic_store(&export->dead, true);
	for (struct fs_link *l = export->nodes.next; l != &export->nodes; l = l->next)
		fd_revoke(fs, container_of(l, struct fs_node, link)->fd);
	for (struct fs_link *l = export->files.next; l != &export->files; l = l->next) {
		struct fs_file *file = container_of(l, struct fs_file, link);

		if (!file->fd_is_nodes)
			fd_revoke(fs, file->fd);
	}
	fs_locks_each_fd(export, fd_revoke);
	pthread_mutex_unlock(&export->lock);
}

int fs_export_remove(struct fs *fs, const char *path, struct err *err)
{
	struct fs_node *root = NULL;
	struct fs_synth *synth;

	pthread_rwlock_wrlock(&fs->tree);
	synth = fs_synth_find(fs, path);
	if (synth != NULL && synth->mounted != NULL) {
		root = synth->mounted;
		synth->mounted = NULL;
		fs_synth_prune(synth);
	}
	pthread_rwlock_unlock(&fs->tree);
	if (root == NULL)
		return err_set(err, ENOENT, "no export '%s'", path);
	export_revoke(root->export);
	fs_node_put(root);
	return 0;
}

void fs_exports_clear(struct fs_node *dir)
{
	struct fs_synth *synth = dir->synth;

	while (synth->children != NULL) {
		struct fs_synth *child = synth->children;

		fs_exports_clear(child->self);
		if (child->mounted != NULL) {
			export_revoke(child->mounted->export);
			fs_node_put(steal_ptr(child->mounted));
		}
		fs_synth_take(child);
		fs_node_put(child->self);
	}
}
