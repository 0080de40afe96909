/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: how many the services of the process hold, and their names in /proc/self/fd.
 */
#ifndef FS_FDS_H
#define FS_FDS_H

#include "fs/inside.h"

/* The service that @node belongs to (borrowed). */
struct fs *fs_of(const struct fs_node *node);

/* Counts one more descriptor of a node or an open file: 0, or -ENFILE if there are as many as may be. */
must_check int fs_fd_take(struct fs *fs);

/* Counts one less; the caller has closed it, or will not open it after all. */
void fs_fd_give(struct fs *fs);

/*
 * As fs_fd_take(), for a descriptor that is about to enter @export: 0, and export->lock is held, so that no removal of
 * the export can miss the descriptor. -ENFILE, or -ESTALE if the export has been removed: then nothing is held.
 */
must_check int fs_fd_take_locked(struct fs_export *export);

struct fs_fd_name {
	char text[12];
};

/* The name "N" of descriptor @fd in /proc/self/fd, which is the working directory of every serving thread. */
struct fs_fd_name fs_fd_name(int fd);

#endif
