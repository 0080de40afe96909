/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes, POSIX ACLs among them. They are reached through the magic link (fs.c), which leads to special
 * files and symlinks too without opening them.
 */
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "fs/cred.h"
#include "fs/fds.h"
#include "fs/inside.h"
#include "fs/policy.h"
#include "fs/walk.h"

static int xattr_check(struct fs_node *node, const char *name, bool write)
{
	int r;

	if (name != NULL && (name[0] == '\0' || strnlen(name, FS_NAME_MAX + 1) > FS_NAME_MAX))
		return -ERANGE;
	r = fs_node_check(node, write);
	if (r == 0 && node->export == NULL)
		r = -EOPNOTSUPP;
	if (r == 0)
		fs_cred_service(node->export->fs);
	return r;
}

ssize_t fs_getxattr(struct fs_node *node, const char *name, void *value, size_t size)
{
	ssize_t r = xattr_check(node, name, false);

	if (r < 0)
		return r;
	r = getxattr(fs_fd_name(node->fd).text, name, value, size);
	return r < 0 ? -errno : r;
}

ssize_t fs_listxattr(struct fs_node *node, void *list, size_t size)
{
	ssize_t r = xattr_check(node, NULL, false);

	if (r == -EOPNOTSUPP)
		return 0;
	if (r < 0)
		return r;
	r = listxattr(fs_fd_name(node->fd).text, list, size);
	return r < 0 ? -errno : r;
}

int fs_setxattr(struct fs_node *node, const char *name, const void *value, size_t size, int flags)
{
	int r = xattr_check(node, name, true);

	if (r == 0)
		r = fs_policy_xattr(node->export, name, false);
	if (r < 0)
		return r;
	return setxattr(fs_fd_name(node->fd).text, name, value, size, flags) < 0 ? -errno : 0;
}

int fs_removexattr(struct fs_node *node, const char *name)
{
	int r = xattr_check(node, name, true);

	if (r == 0)
		r = fs_policy_xattr(node->export, name, true);
	if (r < 0)
		return r;
	return removexattr(fs_fd_name(node->fd).text, name) < 0 ? -errno : 0;
}
