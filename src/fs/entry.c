/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directory entries: making, linking, renaming, removing them.
 *
 * Each is one system call of the host on (directory descriptor, name). A node is its inode, not its name; rest.c sees
 * to it that nodes which are held follow what happens to their names.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/cred.h"
#include "fs/fds.h"
#include "fs/inside.h"
#include "fs/policy.h"
#include "fs/rest.h"
#include "fs/step.h"
#include "fs/walk.h"

/* Prepares an operation that makes @name in @dir, owned by @owner: 0 or -errno. */
static int make_check(struct fs_node *dir, const char *name, struct fs_owner owner)
{
	int r = fs_entry_check(dir, name, true);

	return r < 0 ? r : fs_cred_create(dir->export->fs, owner);
}

int fs_mkdir(struct fs_node *dir, const char *name, uint32_t mode, struct fs_owner owner, struct fs_ident *ret_ident)
{
	int r = make_check(dir, name, owner);

	if (r < 0)
		return r;
	if (mkdirat(dir->fd, name, mode & 07777) < 0)
		return -errno;
	return fs_ident_at(dir, name, ret_ident);
}

int fs_mknod(struct fs_node *dir, const char *name, uint32_t mode, uint64_t rdev, struct fs_owner owner,
	struct fs_ident *ret_ident)
{
	int r = make_check(dir, name, owner);

	if (r < 0)
		return r;
	r = fs_policy_mknod(dir->export, mode, rdev);
	if (r < 0)
		return r;
	mode = fs_policy_new_mode(dir->export, mode, owner.uid);
	if (mknodat(dir->fd, name, mode & (S_IFMT | 07777), rdev) < 0)
		return -errno;
	return fs_ident_at(dir, name, ret_ident);
}

int fs_symlink(
	struct fs_node *dir, const char *name, const char *target, struct fs_owner owner, struct fs_ident *ret_ident)
{
	int r = make_check(dir, name, owner);

	if (r < 0)
		return r;
	if (symlinkat(target, dir->fd, name) < 0)
		return -errno;
	return fs_ident_at(dir, name, ret_ident);
}

int fs_link(struct fs_node *dir, const char *name, struct fs_node *node)
{
	int r = fs_entry_check(dir, name, true);

	if (r == 0)
		r = fs_node_check(node, true);
	if (r < 0)
		return r;
	if (node->export != dir->export)
		return -EXDEV;
	fs_cred_node(dir);
	/* This goes by the magic link, because AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH. */
	if (linkat(AT_FDCWD, fs_fd_name(node->fd).text, dir->fd, name, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	return 0;
}

int fs_unlink(struct fs_node *dir, const char *name, bool directory)
{
	int r = fs_entry_check(dir, name, true);

	if (r < 0)
		return r;
	pthread_rwlock_rdlock(&dir->export->naming);
	fs_names_wake(dir, name);
	fs_cred_node(dir);
	if (unlinkat(dir->fd, name, directory ? AT_REMOVEDIR : 0) < 0)
		r = -errno;
	else
		fs_names_removed(dir, name);
	pthread_rwlock_unlock(&dir->export->naming);
	return r;
}

int fs_rename(struct fs_node *old_dir, const char *old_name, struct fs_node *new_dir, const char *new_name)
{
	int r = fs_entry_check(old_dir, old_name, true);

	if (r == 0)
		r = fs_entry_check(new_dir, new_name, true);
	if (r < 0)
		return r;
	if (old_dir->export != new_dir->export)
		return -EXDEV;
	pthread_rwlock_rdlock(&old_dir->export->naming);
	fs_names_wake(new_dir, new_name);
	fs_cred_node(old_dir);
	if (renameat(old_dir->fd, old_name, new_dir->fd, new_name) < 0)
		r = -errno;
	else
		fs_names_renamed(old_dir, old_name, new_dir, new_name);
	pthread_rwlock_unlock(&old_dir->export->naming);
	return r;
}

/* ---- by node ---- */

struct found {
	struct fs_node *dir; /* referenced */
	char name[FS_NAME_MAX + 1];
};

/*
 * Where @node was found, if it is still there: 0, and the caller puts ret->dir. As always, a process of the host may
 * change that before it is used.
 */
static int node_where(struct fs_node *node, struct found *ret)
{
	struct statx st;
	int r;

	if (node->export == NULL)
		return -EROFS;
	r = fs_node_check(node, true);
	if (r < 0)
		return r;
	ret->dir = NULL;
	pthread_mutex_lock(&node->export->lock);
	if (node->name != NULL) {
		ret->dir = fs_node_get(node->parent);
		strcpy(ret->name, node->name); /* it fits: it passed fs_name_check() */
	}
	pthread_mutex_unlock(&node->export->lock);
	if (ret->dir == NULL)
		return node->export->root_ino == node->ino && node->export->root_dev == node->dev
			       ? -EBUSY
			       : -ENOENT; /* it was unlinked, or was come to by ".." */
	r = fs_node_check(ret->dir, true);
	if (r < 0) {
		fs_node_put(ret->dir);
		return r;
	}
	if (statx(ret->dir->fd, ret->name, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_INO, &st) < 0 ||
		st.stx_ino != node->ino || fs_dev_of(&st) != node->dev) {
		fs_node_put(ret->dir);
		return -ENOENT;
	}
	return 0;
}

int fs_remove_node(struct fs_node *node)
{
	struct found at;
	int r = node_where(node, &at);

	if (r < 0)
		return r;
	r = fs_unlink(at.dir, at.name, node->type == S_IFDIR);
	fs_node_put(at.dir);
	return r;
}

int fs_rename_node(struct fs_node *node, struct fs_node *new_dir, const char *new_name)
{
	struct found at;
	int r = node_where(node, &at);

	if (r < 0)
		return r;
	r = fs_rename(at.dir, at.name, new_dir, new_name);
	fs_node_put(at.dir);
	return r;
}
