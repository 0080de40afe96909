/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from one node to the next.
 *
 * Containment. Every step down is one openat2(2), with RESOLVE_BENEATH, of a name that is a single component, and
 * symlinks are not followed. ".." is the only step up. The root of an export has the synthetic directory above as its
 * parent, whatever the host says. For other directories the kernel is asked, and the answer is climbed until the
 * export's root is met; from a directory that was moved out of the export, the climb never gets there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>

#include "base/fd.h"
#include "fs/cred.h"
#include "fs/node.h"
#include "fs/policy.h"
#include "fs/rest.h"
#include "fs/step.h"
#include "fs/synth.h"
#include "fs/walk.h"
#include "fs/watch.h"

/* How far ".." climbs to find the export's root: a path of PATH_MAX has no more levels. */
#define DEPTH_MAX 4096

int fs_node_check(struct fs_node *node, bool write)
{
	if (node->export == NULL)
		return write ? -EROFS : 0;
	if (atomic_load_explicit(&node->export->dead, memory_order_acquire))
		return -ESTALE;
	if (write && (node->export->flags & FS_EXPORT_READONLY))
		return -EROFS;
	if (node->fd < 0) {
		int r = fs_node_wake(node);

		if (r < 0)
			return r;
	}
	return write ? fs_policy_write(node) : 0;
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

/* True if @st describes the root of @export, come to by the mount that was exported. */
static bool is_root(const struct fs_export *export, const struct statx *st)
{
	return st->stx_ino == export->root_ino && fs_dev_of(st) == export->root_dev &&
	       st->stx_mnt_id == export->root_mount;
}

/* The directory above @fd, wherever that is, as O_PATH: a descriptor or -errno. */
static int open_parent(int fd)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};

	return fs_openat2(fd, "..", &how);
}

/* Is the directory @fd, which @st describes, the root of @export or below it? 0, -ENOENT or another -errno. */
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
			return -ENOENT; /* this is the top of the file system, and the root was not on the way */
		here = above;
	}
	return -ENOENT;
}

/* The parent of the host directory @dir. */
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

/* The entry @name of the host directory @dir. */
static int walk_host(struct fs_node *dir, const char *name, struct fs_node **ret_node, struct fs_ident *ret_ident)
{
	struct fs_ident ident;
	autoclose int fd = -1;
	struct statx st;
	int r;

	r = fs_policy_walk(dir);
	if (r < 0)
		return r;
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
	fs_watch_dir(dir);
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
		fs_cred_node(dir);
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
