/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes at rest, and how they follow what the guest does to names: see rest.c. fs_node_rest() is in fs.h.
 */
#ifndef FS_REST_H
#define FS_REST_H

#include "fs/inside.h"

/* Opens the host node @node again if it rests: 0; -ENOENT if it is not there any more, or another -errno. */
must_check int fs_node_wake(struct fs_node *node);

/*
 * The descriptor of @file, of a host node, which is opened again if it rests; or -errno as of fs_node_wake() and open(2).
 * It stays the file's, and open as long as the caller has a reference beside the one that was there when the file rested.
 */
must_check int fs_file_awake(struct fs_file *file);

/*
 * Before the entry @name of @dir is removed or replaced: wakes its nodes, since an unlinked file cannot be found again.
 */
void fs_names_wake(struct fs_node *dir, const char *name);

/* After that: its nodes have no name any more. */
void fs_names_removed(struct fs_node *dir, const char *name);

/*
 * After @old_name of @old_dir was renamed to @new_name of @new_dir (in the same export): nodes of the old name get the
 * new one, nodes of an entry that was replaced have no name any more.
 */
void fs_names_renamed(struct fs_node *old_dir, const char *old_name, struct fs_node *new_dir, const char *new_name);

#endif
