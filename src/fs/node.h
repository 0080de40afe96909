/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes and exports as counted objects: see node.c. fs_node_get() and fs_node_put() are in fs.h.
 */
#ifndef FS_NODE_H
#define FS_NODE_H

#include <sys/stat.h>

#include "fs/inside.h"

/*
 * A node (one reference, the caller's) for the O_PATH descriptor @fd, which is the node's on success, and which @st
 * describes. It was found as @name (copied) in @parent (borrowed); both NULL: nobody knows where. 0; -ENFILE, -ENOMEM,
 * or -ESTALE if @export has been removed.
 */
must_check int fs_node_new(struct fs_export *export, int fd, const struct statx *st, struct fs_node *parent,
	const char *name, struct fs_node **ret_node);

/* As fs_node_get(), for a node that another thread may be about to free: false if its last reference is gone. */
must_check bool fs_node_try_get(struct fs_node *node);

/* Drops a reference to @export: its maker's, or a node's. */
void fs_export_put(struct fs_export *export);

#endif
