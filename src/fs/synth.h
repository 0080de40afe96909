/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synthetic directories: see synth.c.
 *
 * Paths ("a/b/c") are those of fs_export_add(). What changes the tree is called with fs->tree held for writing, what a
 * guest sees of it takes that lock itself.
 */
#ifndef FS_SYNTH_H
#define FS_SYNTH_H

#include "fs/inside.h"

/* A directory that is in no tree yet, called @name (copied); its one reference is the caller's. 0 or -ENOMEM. */
must_check int fs_synth_new(struct fs *fs, const char *name, struct fs_node **ret_node);

/* ---- the tree. LOCK: fs->tree for writing ---- */

/*
 * The directory at @path, made with all above it where it is missing. 0; -EEXIST if an export is shown above it;
 * -ENOMEM. What has been made before an error stays, empty.
 */
must_check int fs_synth_make(struct fs *fs, const char *path, struct fs_synth **ret_synth);

/* The directory at @path, or NULL. */
must_check struct fs_synth *fs_synth_find(struct fs *fs, const char *path);

/* Takes @child out of the tree. The tree's reference on its node is the caller's from then on. */
void fs_synth_take(struct fs_synth *child);

/* Takes @synth and what is above it out of the tree, as far as it is empty. */
void fs_synth_prune(struct fs_synth *synth);

/* ---- what a guest sees of the directory @dir ---- */

/* Its entry @name, or ".." above it: a node of a synthetic directory or an export's root, referenced. 0 or -ENOENT. */
must_check int fs_synth_walk(struct fs_node *dir, const char *name, struct fs_node **ret_node);

/* Its attributes: mode 0755, owner 0, the time when it was made. */
void fs_synth_attr(struct fs_node *dir, struct fs_attr *ret_attr);

/* The part of them that identifies it. */
void fs_synth_ident(struct fs_node *dir, struct fs_ident *ret_ident);

/* Its entries from @cookie on, as fs_readdir() gives them; 0. @emit is called with fs->tree held for reading. */
must_check int fs_synth_readdir(struct fs_node *dir, uint64_t cookie, fs_emit_fn *emit, void *arg);

#endif
