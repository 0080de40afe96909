/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record locks of open files: see lock.c. The operations are in fs.h.
 */
#ifndef FS_LOCK_H
#define FS_LOCK_H

#include "fs/inside.h"

/* The last reference to @file is gone: so are the locks that were made through it. */
void fs_locks_end(struct fs_file *file);

/* Calls @fn for each descriptor that has locks in @export. LOCK: export->lock */
void fs_locks_each_fd(struct fs_export *export, void (*fn)(const struct fs *fs, int fd));

#endif
