/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synthetic directories: a tree with exports as its leaves.
 *
 *   / -- CID -- rootfs   (an export: its `mounted` is the root node of the export)
 *          \--- 3 ------ resolv.conf   (an export of a single file)
 *
 * A synthetic directory is a node like others, with a struct fs_synth behind it. The tree holds a reference on each. It
 * grows and shrinks while guests walk in it, under the lock fs->tree. A guest cannot change synthetic directories.
 * Their listing goes by serial numbers, so that entries which come and go meanwhile make it neither skip nor repeat
 * another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/inside.h"
#include "fs/synth.h"

#define SYNTH_BLOCK 4096 /* the block size told of them */

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

/* The child of @dir whose name is the @len bytes at @name, or NULL. LOCK: fs->tree */
static struct fs_synth *child_find(const struct fs_synth *dir, const char *name, size_t len)
{
	for (struct fs_synth *c = dir->children; c != NULL; c = c->next)
		if (strncmp(c->name, name, len) == 0 && c->name[len] == '\0')
			return c;
	return NULL;
}

/* Puts @child at the end of @dir's children; the caller's reference to it is the tree's. LOCK: fs->tree for writing */
static void child_add(struct fs_synth *dir, struct fs_synth *child)
{
	struct fs_synth **at = &dir->children;

	while (*at != NULL)
		at = &(*at)->next;
	child->serial = ++dir->fs->next_serial;
	child->parent = dir;
	*at = child;
}

void fs_synth_take(struct fs_synth *child)
{
	struct fs_synth **at = &child->parent->children;

	while (*at != child)
		at = &(*at)->next;
	*at = child->next;
	child->next = NULL;
	child->parent = NULL;
}

int fs_synth_make(struct fs *fs, const char *path, struct fs_synth **ret_synth)
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

void fs_synth_prune(struct fs_synth *synth)
{
	while (synth->parent != NULL && synth->children == NULL && synth->mounted == NULL) {
		struct fs_synth *above = synth->parent;

		fs_synth_take(synth);
		fs_node_put(synth->self);
		synth = above;
	}
}

struct fs_synth *fs_synth_find(struct fs *fs, const char *path)
{
	struct fs_synth *at = fs->root->synth;

	while (at != NULL && *path != '\0') {
		size_t len = strcspn(path, "/");

		at = child_find(at, path, len);
		path += len + (path[len] == '/');
	}
	return at;
}

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

/* Describes @child as a listing shows it. LOCK: fs->tree */
static void synth_entry(const struct fs_synth *child, struct fs_dirent *ret_entry)
{
	const struct fs_node *node = child->mounted != NULL ? child->mounted : child->self;
	uint64_t id;

	/* If memory is short, an export is listed under the number of the directory that it covers. */
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
