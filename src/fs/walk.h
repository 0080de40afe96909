/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes before each use of a node. fs_walk() and fs_ident_get() are in fs.h.
 */
#ifndef FS_WALK_H
#define FS_WALK_H

#include "fs/inside.h"

/*
 * Makes @node fit for use: wakes it if it rests. 0; -ESTALE if its export has been removed; -ENOENT if it cannot be
 * woken; with @write, -EROFS if nothing of it may be changed.
 */
must_check int fs_node_check(struct fs_node *node, bool write);

/* As fs_node_check(), and @name must be fit for an entry of @dir (fs_name_check()), which must be a directory. */
must_check int fs_entry_check(struct fs_node *dir, const char *name, bool write);

#endif
