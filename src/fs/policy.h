/* SPDX-License-Identifier: Apache-2.0 */
/* What an export's policy (host/file_policy.h) and the kind of its file system forbid. Results: 0 or -errno. */
#ifndef FS_POLICY_H
#define FS_POLICY_H

#include "fs/inside.h"

/*
 * -EACCES: @node is a file of a procfs that shows or changes the memory, the descriptors or the secrets of a process, or
 * the kernel's memory. Those are never opened: the service would do it as itself, a process that may look into others.
 */
must_check int fs_policy_open(const struct fs_node *node);

/* -EACCES: @dir is a directory of a procfs with the descriptors of a process. */
must_check int fs_policy_walk(const struct fs_node *dir);

/* -EROFS: @node is of a file system of the host's kernel, which its export may not write to. */
must_check int fs_policy_write(struct fs_node *node);

/* -EPERM: a node of type and mode @mode with the number @rdev may not be made in @export. */
must_check int fs_policy_mknod(const struct fs_export *export, uint32_t mode, uint64_t rdev);

/* @mode without the set-id bits that a new file of user @uid may not get in @export. */
uint32_t fs_policy_new_mode(const struct fs_export *export, uint32_t mode, uint32_t uid);

/*
 * Are the set-id bits of @mode forbidden for @node? Between the answer and the change nobody may change the owner: the
 * caller holds fs_policy_lock. -EPERM if so.
 */
must_check int fs_policy_chmod(const struct fs_node *node, uint32_t mode);

/* -EPERM: the attribute @name may not be set, or removed with @remove, in @export. */
must_check int fs_policy_xattr(const struct fs_export *export, const char *name, bool remove);

/* LOCK: owners and set-id bits of all files, which several services may have in common */
extern pthread_mutex_t fs_policy_lock;

#endif
