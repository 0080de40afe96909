/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of a container, looked up inside its root and never out of it.
 *
 * The rootfs is hostile data: its symlinks may point anywhere, and are followed
 * as the container itself would. @root is a descriptor of its root directory.
 */
#ifndef AGENT_LAUNCH_ROOTPATH_H
#define AGENT_LAUNCH_ROOTPATH_H

#include <sys/types.h>

#include "base/base.h"

/* Opens @path below @root, symlinks and magic links as said above. An fd or -errno. */
must_check int rootpath_open(int root, const char *path, int flags);

enum rootpath_kind { ROOTPATH_DIR, ROOTPATH_FILE, ROOTPATH_PARENT };

/*
 * Opens @path with O_PATH and makes what is missing: directories (0755), and
 * for ROOTPATH_FILE an empty file at the end. ROOTPATH_PARENT: the directory
 * that is to hold the last component, which goes to @ret_name (points into
 * @path). An fd or -errno.
 */
must_check int rootpath_make(int root, const char *path, enum rootpath_kind kind, const char **ret_name);

#endif
