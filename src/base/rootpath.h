/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of a container, looked up inside its root and never outside of it.
 *
 * The rootfs is hostile data: its symlinks may point anywhere, and are followed as a process of the container would
 * follow them. @root is a descriptor of its root directory. The monitor makes the mount points of the host's tree with
 * it, the agent those of the guest's.
 */
#ifndef BASE_ROOTPATH_H
#define BASE_ROOTPATH_H

#include <sys/types.h>

#include "base/base.h"

/*
 * What of the absolute @path lies below the directory @top, which may end with slashes, as far as the paths say: "" if it is
 * @top, else a path from its slash on, in @path; NULL: it lies elsewhere.
 */
const char *rootpath_inside(const char *path, const char *top);

/*
 * Opens @path below @root with @flags, as open(2) has them, and O_CLOEXEC; magic links (/proc/self/fd) are refused.
 * Returns a descriptor, the caller's, or -errno.
 */
must_check int rootpath_open(int root, const char *path, int flags);

enum rootpath_kind { ROOTPATH_DIR, ROOTPATH_PLAIN_DIR, ROOTPATH_FILE, ROOTPATH_PARENT };

/*
 * Opens @path below @root with O_PATH and makes what is missing: directories with mode 0755, and for ROOTPATH_FILE an
 * empty file at the end. For ROOTPATH_PARENT it opens the directory that is to hold the last component, and *@ret_name
 * points to that component in @path; else @ret_name may be NULL. ROOTPATH_PLAIN_DIR is a directory under its own name: what
 * is there may be no symlink to one, and no file (-ENOTDIR). Returns a descriptor, the caller's, or -errno; -ELOOP also if
 * somebody puts symlinks where the walk has been.
 */
must_check int rootpath_make(int root, const char *path, enum rootpath_kind kind, const char **ret_name);

/*
 * As rootpath_make() for a directory or a file that something is to be mounted on. @root itself is none, whatever the
 * symlinks say: a mount on it would lie below all that is looked up with @root later. It is -EBUSY.
 */
must_check int rootpath_make_point(int root, const char *path, enum rootpath_kind kind);

/*
 * As rootpath_make_point(); what is made belongs to the owner of @root, who is the container's root if there is a user
 * namespace.
 */
must_check int rootpath_make_owned(int root, const char *path, enum rootpath_kind kind);

/*
 * Makes the node @name, a device or a FIFO, in the directory @dir: with exactly @mode, which has its type, and then the owner
 * @uid and the group @gid. 0 or -errno; -EEXIST if something is there already, or has been put in its place meanwhile, which
 * is left as it is. Others may be writing to the directory. Sets the process's umask for a moment, so no other thread may be
 * making files.
 */
must_check int rootpath_make_node(int dir, const char *name, mode_t mode, dev_t dev, uid_t uid, gid_t gid);

/*
 * Whether the mount @from can be attached on @to, as far as that depends on which of them is a directory: 0, or
 * -ENOTDIR, for which the kernel says EINVAL.
 */
must_check int rootpath_check_kinds(int from, int to);

#endif
