/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of exports: a tree of synthetic directories with exports as leaves.
 *
 *   / -- CID -- rootfs   (an export: mounted is its root node)
 *          \--- 3 ------ resolv.conf   (an export of a single file)
 *
 * A synthetic directory is a node like others, with a struct fs_synth behind
 * it. The tree holds a reference on each; it grows and shrinks while guests walk
 * in it, under the lock fs->tree. Synthetic directories cannot be changed by a
 * guest; their listing goes by serial numbers, so that entries which come and
 * go meanwhile make it neither skip nor repeat another.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "fs/node.h"

#define SYNTH_BLOCK 4096

int fs_synth_new(struct fs *fs, const char *name, struct fs_node **ret_node)
{
	struct fs_node *node = calloc(1, sizeof(*node));
	struct fs_synth *synth = calloc(1, sizeof(*synth));

	if (node == NULL || synth == NULL || (synth->name = strdup(name)) == NULL) {
		free(synth);
		free(node);
		return -ENOMEM;
	}
	synth->fs = fs;
	synth->id = fs_ids_fresh(&fs->ids);
	clock_gettime(CLOCK_REALTIME_COARSE, &synth->made);
	synth->self = node;
	atomic_init(&node->refs, 1);
	node->fd = -1;
	node->type = S_IFDIR;
	node->synth = synth;
	*ret_node = node;
	return 0;
}

void fs_synth_free(struct fs_synth *synth)
{
	free(synth->name);
	free(synth);
}

/* LOCK: fs->tree */
static struct fs_synth *child_find(const struct fs_synth *dir, const char *name, size_t len)
{
	for (struct fs_synth *c = dir->children; c != NULL; c = c->next)
		if (strncmp(c->name, name, len) == 0 && c->name[len] == '\0')
			return c;
	return NULL;
}

/* LOCK: fs->tree for writing. The tree takes over the caller's reference of @child. */
static void child_add(struct fs_synth *dir, struct fs_synth *child)
{
	struct fs_synth **at = &dir->children;

	while (*at != NULL)
		at = &(*at)->next;
	child->serial = ++dir->fs->next_serial;
	child->parent = dir;
	*at = child;
}

/* LOCK: fs->tree for writing. The reference that the tree had is the caller's. */
static void child_take(struct fs_synth *child)
{
	struct fs_synth **at = &child->parent->children;

	while (*at != child)
		at = &(*at)->next;
	*at = child->next;
	child->next = NULL;
	child->parent = NULL;
}

/* ---- adding ---- */

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

/* LOCK: fs->tree for writing. The synthetic node of @path, made with all above it where missing. */
static int path_make(struct fs *fs, const char *path, struct fs_synth **ret_synth)
{
	struct fs_synth *dir = fs->root->synth;

	while (*path != '\0') {
		size_t len = strcspn(path, "/");
		struct fs_synth *child = child_find(dir, path, len);
		char name[FS_NAME_MAX + 1];
		struct fs_node *node;
		int r;

		if (dir->mounted != NULL)
			return -EEXIST;
		if (child == NULL) {
			memcpy(name, path, len);
			name[len] = '\0';
			r = fs_synth_new(fs, name, &node);
			if (r < 0)
				return r;
			child = node->synth;
			child_add(dir, child);
		}
		dir = child;
		path += len + (path[len] == '/');
	}
	*ret_synth = dir;
	return 0;
}

/* LOCK: fs->tree for writing. Takes @synth and what has become empty above out of the tree. */
static void path_prune(struct fs_synth *synth)
{
	while (synth->parent != NULL && synth->children == NULL && synth->mounted == NULL) {
		struct fs_synth *above = synth->parent;

		child_take(synth);
		fs_node_put(synth->self);
		synth = above;
	}
}

static struct fs_synth *path_find(struct fs *fs, const char *path)
{
	struct fs_synth *at = fs->root->synth;

	while (at != NULL && *path != '\0') {
		size_t len = strcspn(path, "/");

		at = child_find(at, path, len);
		path += len + (path[len] == '/');
	}
	return at;
}

static struct fs_export *export_new(struct fs *fs, const struct statx *st, unsigned int flags)
{
	struct fs_export *export = calloc(1, sizeof(*export));

	if (export == NULL)
		return NULL;
	atomic_init(&export->refs, 1);
	export->fs = fs;
	export->flags = flags;
	export->root_dev = fs_dev_of(st);
	export->root_ino = st->stx_ino;
	export->root_mount = st->stx_mnt_id;
	pthread_mutex_init(&export->lock, NULL);
	pthread_mutex_init(&export->wake, NULL);
	fs_link_init(&export->nodes);
	fs_link_init(&export->files);
	return export;
}

/* LOCK: fs->tree for writing. */
static int export_show(struct fs *fs, const char *path, struct fs_export *export, struct fs_node *root)
{
	struct fs_synth *synth;
	int r = path_make(fs, path, &synth);

	if (r < 0) {
		/* what was made above stays, empty, until it is used: it harms nobody */
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
	export = export_new(fs, &st, flags);
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
		root->fd = -1; /* stays the caller's */
		fs_fd_give(fs);
		fs_node_put(root);
	}
	fs_export_put(export); /* from here on its nodes keep it */
	return r < 0 ? err_sys(err, r, "export '%s'", path) : 0;
}

/* ---- removing ---- */

/*
 * The only failure of dup3 that is possible with two open descriptors is a race with close: EBUSY,
 * try again.
 */
static void fd_revoke(const struct fs *fs, int fd)
{
	while (fd >= 0 && dup3(fs->dead_fd, fd, O_CLOEXEC) < 0 && (errno == EBUSY || errno == EINTR))
		;
}

static void export_revoke(struct fs_export *export)
{
	struct fs *fs = export->fs;

	pthread_mutex_lock(&export->lock);
	atomic_store(&export->dead, true);
	for (struct fs_link *l = export->nodes.next; l != &export->nodes; l = l->next)
		fd_revoke(fs, container_of(l, struct fs_node, link)->fd);
	for (struct fs_link *l = export->files.next; l != &export->files; l = l->next) {
		struct fs_file *file = container_of(l, struct fs_file, link);

		if (!file->fd_is_nodes)
			fd_revoke(fs, file->fd);
		fd_revoke(fs, file->lock_fd);
	}
	pthread_mutex_unlock(&export->lock);
}

int fs_export_remove(struct fs *fs, const char *path, struct err *err)
{
	struct fs_node *root = NULL;
	struct fs_synth *synth;

	pthread_rwlock_wrlock(&fs->tree);
	synth = path_find(fs, path);
	if (synth != NULL && synth->mounted != NULL) {
		root = synth->mounted;
		synth->mounted = NULL;
		path_prune(synth);
	}
	pthread_rwlock_unlock(&fs->tree);
	if (root == NULL)
		return err_set(err, ENOENT, "no export '%s'", path);
	export_revoke(root->export);
	fs_node_put(root);
	return 0;
}

void fs_synth_clear(struct fs_node *dir)
{
	struct fs_synth *synth = dir->synth;

	while (synth->children != NULL) {
		struct fs_synth *child = synth->children;

		fs_synth_clear(child->self);
		if (child->mounted != NULL) {
			export_revoke(child->mounted->export);
			fs_node_put(steal_ptr(child->mounted));
		}
		child_take(child);
		fs_node_put(child->self);
	}
}

/* ---- what a guest sees ---- */

int fs_synth_walk(struct fs_node *dir, const char *name, struct fs_node **ret_node)
{
	struct fs_synth *synth = dir->synth, *to;
	struct fs *fs = synth->fs;
	int r = 0;

	pthread_rwlock_rdlock(&fs->tree);
	if (strcmp(name, "..") == 0)
		to = synth->parent != NULL ? synth->parent : dir == fs->root ? synth : NULL;
	else
		to = child_find(synth, name, strlen(name));
	if (to != NULL)
		*ret_node = fs_node_get(to->mounted != NULL ? to->mounted : to->self);
	else
		r = -ENOENT;
	pthread_rwlock_unlock(&fs->tree);
	return r;
}

void fs_synth_ident(struct fs_node *dir, struct fs_ident *ret_ident)
{
	*ret_ident = (struct fs_ident){ .id = dir->synth->id, .version = 1, .mode = S_IFDIR | 0755 };
}

void fs_synth_attr(struct fs_node *dir, struct fs_attr *ret_attr)
{
	const struct fs_synth *synth = dir->synth;

	*ret_attr = (struct fs_attr){
		.nlink = 2,
		.blksize = SYNTH_BLOCK,
		.atime = synth->made,
		.mtime = synth->made,
		.ctime = synth->made,
	};
	fs_synth_ident(dir, &ret_attr->ident);
}

/* LOCK: fs->tree. The entry as a listing shows it. */
static void synth_entry(const struct fs_synth *child, struct fs_dirent *ret_entry)
{
	const struct fs_node *node = child->mounted != NULL ? child->mounted : child->self;
	uint64_t id;

	/* should memory be short, an export is listed under the number of the place it covers */
	if (node->export == NULL || fs_ids_get(&child->fs->ids, node->dev, node->ino, &id) < 0)
		id = child->id;
	*ret_entry = (struct fs_dirent){
		.ident = { .id = id, .mode = node->type },
		.cookie = 2 + child->serial,
		.name = child->name,
	};
}

int fs_synth_readdir(struct fs_node *dir, uint64_t cookie, fs_emit_fn *emit, void *arg)
{
	struct fs_synth *synth = dir->synth, *up;
	struct fs_dirent entry;
	bool more = true;

	pthread_rwlock_rdlock(&synth->fs->tree);
	up = synth->parent != NULL ? synth->parent : synth;
	for (; more && cookie < 2; cookie++) {
		entry = (struct fs_dirent){
			.ident = { .id = cookie == 0 ? synth->id : up->id, .mode = S_IFDIR },
			.cookie = cookie + 1,
			.name = cookie == 0 ? "." : "..",
		};
		more = emit(arg, &entry);
	}
	for (const struct fs_synth *c = synth->children; more && c != NULL; c = c->next) {
		if (2 + c->serial <= cookie)
			continue;
		synth_entry(c, &entry);
		more = emit(arg, &entry);
	}
	pthread_rwlock_unlock(&synth->fs->tree);
	return 0;
}
