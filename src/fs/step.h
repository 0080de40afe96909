/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single steps on the host: from a directory's descriptor and a name to a descriptor, and what statx(2) tells of it.
 * All return 0 (or a descriptor, which is the caller's) or -errno.
 */
#ifndef FS_STEP_H
#define FS_STEP_H

#include <sys/stat.h>

#include "fs/inside.h"

struct open_how;

/* Is @name a single component that is neither "." nor ".."? 0, -EINVAL, or -ENAMETOOLONG above FS_NAME_MAX. */
must_check int fs_name_check(const char *name);

/* openat2(2), which glibc 2.36 has no function for. */
must_check int fs_openat2(int dir_fd, const char *name, const struct open_how *how);

/*
 * Opens (or with O_CREAT in @flags makes, with @mode) the entry @name below @dir_fd: never above it, never through a
 * symlink. O_NOFOLLOW and O_CLOEXEC are added to @flags.
 */
must_check int fs_openat(int dir_fd, const char *name, int flags, uint32_t mode);

/* Opens the very inode of @node, whatever its name has become, through its magic link (fs.c). O_CLOEXEC is added. */
must_check int fs_reopen(const struct fs_node *node, int flags);

/* statx(2) of an open descriptor: the basic fields, the time of birth where there is one, the mount's id. */
must_check int fs_stat(int fd, struct statx *ret_st);

/* The ident of the inode that @st describes, as nodes of @export have it; -ENOMEM. */
must_check int fs_ident_of(struct fs_export *export, const struct statx *st, struct fs_ident *ret_ident);

/* The ident of the entry @name of @dir, a directory of the host whose descriptor is open. */
must_check int fs_ident_at(const struct fs_node *dir, const char *name, struct fs_ident *ret_ident);

/* The time of birth as one number of nanoseconds; 0 where the file system has none. */
uint64_t fs_born(const struct statx *st);

/* The device number of @st as one number; it differs from makedev(). */
static inline uint64_t fs_dev_of(const struct statx *st)
{
	return (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor;
}

#endif
