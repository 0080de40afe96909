/* SPDX-License-Identifier: Apache-2.0 */
/* The versions of inodes, by which clients tell whether they know one: see version.c. */
#ifndef FS_VERSION_H
#define FS_VERSION_H

#include <sys/stat.h>

#include "fs/inside.h"

/* The version of the inode that @st describes, as nodes of @export have it; never 0. */
must_check uint32_t fs_version_of(struct fs_export *export, const struct statx *st);

/* The guest has written the inode that @st describes, in the exclusive @export, and has no more to write for now. */
void fs_version_seen(struct fs_export *export, const struct statx *st);

/*
 * A file of the exclusive @export, which the guest is not writing, was closed after writing; @st describes it. True: not
 * the guest has changed it, and it has another version now.
 */
must_check bool fs_version_changed(struct fs_export *export, const struct statx *st);

#endif
