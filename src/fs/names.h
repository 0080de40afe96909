/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of names: under which name, in which directory, each node of an export was found.
 *
 * LOCK: the caller of each function holds the export's lock.
 */
#ifndef FS_NAMES_H
#define FS_NAMES_H

#include "fs/inside.h"

/*
 * Enters @node, which has no name, as the entry @name (copied) of the directory @parent. True: the table keeps a
 * reference on @parent, an idle one, which the caller takes with fs_node_get(). False, for want of memory: @node works without a
 * name, but it can neither rest nor be removed by fs_remove_node().
 */
must_check bool fs_name_set(struct fs_node *node, struct fs_node *parent, const char *name);

/* Takes @node out of the table. Returns the directory, which the caller puts after the lock; NULL: it had no name. */
must_check struct fs_node *fs_name_clear(struct fs_node *node);

/*
 * A node (borrowed) that was found as the entry @name of @dir, or NULL. Directories are compared by inode, since a
 * directory may have several nodes. With @resting, only nodes that rest are looked for.
 */
must_check struct fs_node *fs_name_find(const struct fs_node *dir, const char *name, bool resting);

/*
 * What is known of the name @name in the directory with number @ino on device @dev: a node that was found there, or
 * NULL. With @after, one of the further nodes; NULL is the last.
 */
must_check struct fs_node *fs_name_next(
	struct fs_export *export, uint64_t dev, uint64_t ino, const char *name, const struct fs_node *after);

#endif
