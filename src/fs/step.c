/* SPDX-License-Identifier: Apache-2.0 */
/* Single steps on the host: see step.h. */
#include "fs/step.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/fds.h"
#include "fs/policy.h"
#include "fs/version.h"

int fs_name_check(const char *name)
{
	size_t len = strnlen(name, FS_NAME_MAX + 1);

	if (len > FS_NAME_MAX)
		return -ENAMETOOLONG;
	if (len == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	return memchr(name, '/', len) != NULL ? -EINVAL : 0;
}

int fs_openat2(int dir_fd, const char *name, const struct open_how *how)
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

	return fs_openat2(dir_fd, name, &how);
}

int fs_stat(int fd, struct statx *ret_st)
{
	return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, ret_st) < 0 ? -errno : 0;
}

int fs_ident_of(struct fs_export *export, const struct statx *st, struct fs_ident *ret_ident)
{
	uint64_t id;
	int r = fs_ids_get(&export->fs->ids, fs_dev_of(st), st->stx_ino, &id);

	if (r < 0)
		return r;
	*ret_ident = (struct fs_ident){ .id = id, .version = fs_version_of(export, st), .mode = st->stx_mode };
	return 0;
}

int fs_ident_at(const struct fs_node *dir, const char *name, struct fs_ident *ret_ident)
{
	struct statx st;

	if (statx(dir->fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
		return -errno;
	return fs_ident_of(dir->export, &st, ret_ident);
}

uint64_t fs_born(const struct statx *st)
{
	return (uint64_t)st->stx_btime.tv_sec * 1000000000u + st->stx_btime.tv_nsec;
}

int fs_reopen(const struct fs_node *node, int flags)
{
	int fd = fs_policy_open(node);

	if (fd < 0)
		return fd;
	fd = openat(AT_FDCWD, fs_fd_name(node->fd).text, flags | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}
