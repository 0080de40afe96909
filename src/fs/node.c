/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes: references, revocation, and the way from one to the next.
 *
 * A host node holds an O_PATH descriptor and the device and inode number that
 * it had when it was opened; neither changes while it lives, but the descriptor
 * may be given back for a time (names.c). fs_node_check() comes before each use
 * of it; from then on it stays, for who uses a node holds a reference beside
 * the one that keeps it.
 *
 * Revocation: the nodes and files of an export are in lists of it. Removing
 * the export sets `dead`, and puts the service's dead descriptor over each of
 * theirs with dup3(2): the number stays valid for whoever is about to use it,
 * what it led to is let go. A node that is being made meanwhile sees `dead` when
 * it enters the list, under the same lock.
 *
 * Containment. Every step down is one openat2(2) with RESOLVE_BENEATH of a name
 * that is a single component, and symlinks are not followed. ".." is the only
 * step up: the root of an export has the synthetic directory above as its
 * parent, whatever the host says; for other directories the kernel is asked,
 * and the answer is climbed until the export's root is met. A directory that
 * was moved out of the export never gets there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "fs/cred.h"
#include "fs/node.h"

/* How far ".." climbs to find the export's root: more levels than a path of PATH_MAX has. */
#define DEPTH_MAX 4096

/* ---- helpers on descriptors ---- */

int fs_name_check(const char *name)
{
	size_t len = strnlen(name, FS_NAME_MAX + 1);

	if (len > FS_NAME_MAX)
		return -ENAMETOOLONG;
	if (len == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	return memchr(name, '/', len) != NULL ? -EINVAL : 0;
}

static int openat2_raw(int dir_fd, const char *name, const struct open_how *how)
{
	int fd = (int)syscall(SYS_openat2, dir_fd, name, how, sizeof(*how));

	return fd < 0 ? -errno : fd;
}

int fs_openat(int dir_fd, const char *name, int flags, uint32_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_NOFOLLOW | O_CLOEXEC),
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};

	return openat2_raw(dir_fd, name, &how);
}

int fs_stat(int fd, struct statx *ret_st)
{
	return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, ret_st) < 0 ? -errno : 0;
}

static uint32_t version_of(const struct fs_export *export, const struct statx *st)
{
	uint64_t h;

	/* without a time of birth, only the version tells a number's next inode from this one */
	if ((export->flags & FS_EXPORT_EXCLUSIVE) && (st->stx_mask & STATX_BTIME))
		return 1;
	h = (uint64_t)st->stx_mtime.tv_sec * 1000000007u + st->stx_mtime.tv_nsec;

	h = (h ^ st->stx_size) * 0x9e3779b97f4a7c15ull;
	h ^= ((uint64_t)st->stx_btime.tv_sec << 30 ^ st->stx_btime.tv_nsec) * 0xc2b2ae3d27d4eb4full;
	h ^= h >> 32;
	return (uint32_t)h != 0 ? (uint32_t)h : 1;
}

int fs_ident_of(const struct fs_export *export, const struct statx *st, struct fs_ident *ret_ident)
{
	uint64_t id;
	int r = fs_ids_get(&export->fs->ids, fs_dev_of(st), st->stx_ino, &id);

	if (r < 0)
		return r;
	*ret_ident = (struct fs_ident){ .id = id, .version = version_of(export, st), .mode = st->stx_mode };
	return 0;
}

int fs_ident_at(const struct fs_node *dir, const char *name, struct fs_ident *ret_ident)
{
	struct statx st;

	if (statx(dir->fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
		return -errno;
	return fs_ident_of(dir->export, &st, ret_ident);
}

/* ---- references ---- */

void fs_export_put(struct fs_export *export)
{
	if (atomic_fetch_sub(&export->refs, 1) != 1)
		return;
	fs_node_put(export->parent);
	pthread_mutex_destroy(&export->wake);
	pthread_mutex_destroy(&export->lock);
	free(export->names);
	free(export);
}

int fs_node_new(struct fs_export *export, int fd, const struct statx *st, struct fs_node *parent, const char *name,
	struct fs_node **ret_node)
{
	struct fs_node *node;
	int r = fs_fd_take(export->fs);

	if (r < 0)
		return r;
	node = calloc(1, sizeof(*node));
	if (node == NULL) {
		fs_fd_give(export->fs);
		return -ENOMEM;
	}
	atomic_init(&node->refs, 1);
	node->fd = fd;
	node->type = st->stx_mode & S_IFMT;
	node->dev = fs_dev_of(st);
	node->ino = st->stx_ino;
	node->born = fs_born(st);
	node->export = export;

	pthread_mutex_lock(&export->lock);
	r = atomic_load(&export->dead) ? -ESTALE : 0;
	if (r == 0) {
		fs_link_add(&export->nodes, &node->link);
		if (parent != NULL)
			fs_name_set(node, parent, name);
	}
	pthread_mutex_unlock(&export->lock);
	if (r < 0) {
		free(node);
		fs_fd_give(export->fs);
		return r;
	}
	atomic_fetch_add(&export->refs, 1);
	*ret_node = node;
	return 0;
}

struct fs_node *fs_node_get(struct fs_node *node)
{
	atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
	return node;
}

/* Returns the directory that the node was found in, to be put, or NULL. */
static struct fs_node *node_free_host(struct fs_node *node)
{
	struct fs_export *export = node->export;
	struct fs_node *parent;

	pthread_mutex_lock(&export->lock);
	fs_link_del(&node->link);
	parent = fs_name_clear(node);
	pthread_mutex_unlock(&export->lock);
	if (node->fd >= 0) {
		fd_close(node->fd);
		fs_fd_give(export->fs);
	}
	free(node);
	fs_export_put(export);
	return parent;
}

/* A loop, not a recursion along the parents: a guest decides how deep they go. */
void fs_node_put(struct fs_node *node)
{
	while (node != NULL && atomic_fetch_sub(&node->refs, 1) == 1) {
		if (node->export != NULL) {
			node = node_free_host(node);
		} else {
			fs_synth_free(node->synth);
			free(node);
			node = NULL;
		}
	}
}

uint32_t fs_node_type(const struct fs_node *node)
{
	return node->type;
}

int fs_node_check(struct fs_node *node, bool write)
{
	if (node->export == NULL)
		return write ? -EROFS : 0;
	if (atomic_load_explicit(&node->export->dead, memory_order_acquire))
		return -ESTALE;
	if (write && (node->export->flags & FS_EXPORT_READONLY))
		return -EROFS;
	return node->fd >= 0 ? 0 : fs_node_wake(node);
}

int fs_entry_check(struct fs_node *dir, const char *name, bool write)
{
	int r = fs_name_check(name);

	if (r < 0)
		return r;
	if (dir->type != S_IFDIR)
		return -ENOTDIR;
	return fs_node_check(dir, write);
}

/* ---- walking ---- */

static bool is_root(const struct fs_export *export, const struct statx *st)
{
	return st->stx_ino == export->root_ino && fs_dev_of(st) == export->root_dev &&
	       st->stx_mnt_id == export->root_mount;
}

static int open_parent(int fd)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};

	return openat2_raw(fd, "..", &how);
}

/* Is the directory @fd, described by @st, the export's root or below it? 0 or -ENOENT. */
static int climb_to_root(const struct fs_export *export, int fd, const struct statx *st)
{
	struct statx here = *st, above;
	autoclose int at = -1;

	for (int i = 0; i < DEPTH_MAX; i++) {
		int up, r;

		if (is_root(export, &here))
			return 0;
		up = open_parent(at >= 0 ? at : fd);
		if (up < 0)
			return up;
		fd_close(at);
		at = up;
		r = fs_stat(at, &above);
		if (r < 0)
			return r;
		if (above.stx_ino == here.stx_ino && above.stx_mnt_id == here.stx_mnt_id)
			return -ENOENT; /* the top of the file system, and no root on the way */
		here = above;
	}
	return -ENOENT;
}

static int walk_up(struct fs_node *dir, struct fs_node **ret_node, struct fs_ident *ret_ident)
{
	struct fs_export *export = dir->export;
	autoclose int fd = -1;
	struct statx st;
	int r;

	r = fs_stat(dir->fd, &st);
	if (r < 0)
		return r;
	if (is_root(export, &st)) {
		*ret_node = fs_node_get(export->parent);
		fs_synth_ident(export->parent, ret_ident);
		return 0;
	}
	fd = open_parent(dir->fd);
	if (fd < 0)
		return fd;
	r = fs_stat(fd, &st);
	if (r == 0)
		r = climb_to_root(export, fd, &st);
	if (r == 0)
		r = fs_ident_of(export, &st, ret_ident);
	if (r == 0)
		r = fs_node_new(export, fd, &st, NULL, NULL, ret_node);
	if (r == 0)
		(void)steal_fd(&fd);
	return r;
}

static int walk_host(struct fs_node *dir, const char *name, struct fs_node **ret_node, struct fs_ident *ret_ident)
{
	struct fs_ident ident;
	autoclose int fd = -1;
	struct statx st;
	int r;

	fd = fs_openat(dir->fd, name, O_PATH, 0);
	if (fd < 0)
		return fd;
	r = fs_stat(fd, &st);
	if (r == 0)
		r = fs_ident_of(dir->export, &st, &ident);
	if (r == 0)
		r = fs_node_new(dir->export, fd, &st, dir, name, ret_node);
	if (r < 0)
		return r;
	(void)steal_fd(&fd);
	*ret_ident = ident;
	return 0;
}

int fs_walk(struct fs_node *dir, const char *name, struct fs_node **ret_node, struct fs_ident *ret_ident)
{
	bool up = strcmp(name, "..") == 0, here = strcmp(name, ".") == 0;
	int r;

	r = up || here ? 0 : fs_name_check(name);
	if (r == 0 && dir->type != S_IFDIR)
		r = -ENOTDIR;
	if (r == 0)
		r = fs_node_check(dir, false);
	if (r == 0 && here)
		r = fs_ident_get(dir, ret_ident);
	if (r < 0)
		return r;
	if (here) {
		*ret_node = fs_node_get(dir);
		return 0;
	}
	if (dir->export != NULL) {
		fs_cred_service(dir->export->fs);
		return up ? walk_up(dir, ret_node, ret_ident) : walk_host(dir, name, ret_node, ret_ident);
	}
	r = fs_synth_walk(dir, name, ret_node);
	if (r < 0)
		return r;
	if ((*ret_node)->export == NULL) {
		fs_synth_ident(*ret_node, ret_ident);
		return 0;
	}
	r = fs_ident_get(*ret_node, ret_ident);
	if (r < 0) {
		fs_node_put(*ret_node);
		*ret_node = NULL;
	}
	return r;
}

int fs_ident_get(struct fs_node *node, struct fs_ident *ret_ident)
{
	struct statx st;
	int r;

	if (node->export == NULL) {
		fs_synth_ident(node, ret_ident);
		return 0;
	}
	r = fs_node_check(node, false);
	if (r == 0)
		r = fs_stat(node->fd, &st);
	return r < 0 ? r : fs_ident_of(node->export, &st, ret_ident);
}
