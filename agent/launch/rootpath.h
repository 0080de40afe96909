/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of a container, looked up inside its root and never outside of it.
 *
 * The rootfs is hostile data: its symlinks may point anywhere, and are followed
 * as a process of the container would follow them. @root is a descriptor of its
 * root directory.
 */
#ifndef AGENT_LAUNCH_ROOTPATH_H
#define AGENT_LAUNCH_ROOTPATH_H

#include <sys/types.h>

#include "base/base.h"

/*
 * Opens @path below @root with @flags, as open(2) has them, and O_CLOEXEC; magic
 * links (/proc/self/fd) are refused. Returns a descriptor, the caller's, or
 * -errno.
 */
must_check int rootpath_open(int root, const char *path, int flags);

enum rootpath_kind { ROOTPATH_DIR, ROOTPATH_FILE, ROOTPATH_PARENT };

/*
 * Opens @path below @root with O_PATH and makes what is missing: directories with
 * mode 0755, and for ROOTPATH_FILE an empty file at the end. For ROOTPATH_PARENT
 * it opens the directory that is to hold the last component, and *@ret_name
 * points to that component in @path; else @ret_name may be NULL. Returns a
 * descriptor, the caller's, or -errno.
 */
must_check int rootpath_make(int root, const char *path, enum rootpath_kind kind, const char **ret_name);

#endif
