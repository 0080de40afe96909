/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes, POSIX ACLs among them. They are reached through the magic link (fs.c), which leads to special
 * files and symlinks too without opening them.
 *
 * An ACL names users and groups by the ids of the process that reads or writes it: here those of the service's user
 * namespace, which a guest knows by other numbers (acl(5); the form is the kernel's posix_acl_xattr.h).
 */
#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/fd.h"
#include "base/le.h"
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
		fs_cred_node(node);
	return r;
}

static bool is_acl(const char *name)
{
	return strcmp(name, "system.posix_acl_access") == 0 || strcmp(name, "system.posix_acl_default") == 0;
}

/*
 * Changes the ids in the ACL of @size bytes at @value to those outside, or with @inside to those of here: 0, or -EINVAL for
 * one who has no number here. What is no ACL is left as it is, for the kernel to refuse.
 */
static int acl_translate(const struct fs *fs, uint8_t *value, size_t size, bool inside)
{
	if (size < sizeof(struct posix_acl_xattr_header))
		return 0;
	for (size_t at = sizeof(struct posix_acl_xattr_header); size - at >= sizeof(struct posix_acl_xattr_entry);
		at += sizeof(struct posix_acl_xattr_entry)) {
		uint8_t *entry = value + at, *where = entry + offsetof(struct posix_acl_xattr_entry, e_id);
		uint16_t tag = le16_get(entry);
		uint32_t id = le32_get(where);
		int r = 0;

		if (tag == ACL_USER && inside)
			r = fs_cred_uid_inside(fs, id, &id);
		else if (tag == ACL_USER)
			id = fs_cred_uid_outside(fs, id);
		else if (tag == ACL_GROUP && inside)
			r = fs_cred_gid_inside(fs, id, &id);
		else if (tag == ACL_GROUP)
			id = fs_cred_gid_outside(fs, id);
		if (r < 0)
			return r;
		le32_put(where, id);
	}
	return 0;
}

ssize_t fs_getxattr(struct fs_node *node, const char *name, void *value, size_t size)
{
	ssize_t r = xattr_check(node, name, false);

	if (r < 0)
		return r;
	r = getxattr(fs_fd_name(node->fd).text, name, value, size);
	/* a program with capabilities of a root that is not ours: for this user namespace it has none (capabilities(7)) */
	if (r < 0 && errno == EOVERFLOW && node->export->fs->owners && strcmp(name, "security.capability") == 0)
		return -ENODATA;
	if (r < 0)
		return -errno;
	if (size && node->export->fs->owners && is_acl(name))
		(void)acl_translate(node->export->fs, value, (size_t)r, false); /* everybody has a number outside */
	return r;
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
	autofree uint8_t *own = NULL;
	int r = xattr_check(node, name, true);

	if (r == 0)
		r = fs_policy_xattr(node->export, name, false);
	if (r < 0)
		return r;
	if (size > FS_XATTR_MAX)
		return -E2BIG;
	if (size && node->export->fs->owners && is_acl(name)) {
		own = malloc(size);
		if (!own)
			return -ENOMEM;
		memcpy(own, value, size);
		r = acl_translate(node->export->fs, own, size, true);
		if (r < 0)
			return r;
		value = own;
	}
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
