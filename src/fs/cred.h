/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As whom a serving thread acts on the host: see cred.c. All are about the calling thread, and cost no system call when
 * it acts as that already.
 */
#ifndef FS_CRED_H
#define FS_CRED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "fs/fs.h"

struct fs_export;
struct fs_node;

/* True if this process may change its fsuid and fsgid. */
bool fs_cred_able(void);

/* Prepares the calling thread for the functions below; it acts as the service's user then. 0 or -errno. */
must_check int fs_cred_thread_init(struct fs *fs);

/*
 * Before a file is made: acts as @owner, or as the service's user or group for one who has no number here. 0, or -EPERM if
 * the host does not let us.
 */
must_check int fs_cred_create(struct fs *fs, struct fs_owner owner);

/* Ids of the host's kernel, here, as those of the service's users (fs_set_owners()). */
uint32_t fs_cred_uid_outside(const struct fs *fs, uint32_t uid);
uint32_t fs_cred_gid_outside(const struct fs *fs, uint32_t gid);

/* The way back: 0, or -EINVAL for one who has no number here. FS_OWNER_SERVICE stays what it is. */
must_check int fs_cred_uid_inside(const struct fs *fs, uint32_t uid, uint32_t *ret_uid);
must_check int fs_cred_gid_inside(const struct fs *fs, uint32_t gid, uint32_t *ret_gid);

/*
 * Before contents of a file of @export change: acts as the service's user, but set-id bits survive only if @uid is root,
 * and the export's policy keeps them. 0 or -errno.
 */
must_check int fs_cred_write(struct fs_export *export, uint32_t uid);

/* Before what needs no permission: acts as the service's user, with all its capabilities. */
void fs_cred_service(struct fs *fs);

/*
 * Before what the host asks @node's permissions for: the same, but as its owner where the capabilities do not hold since
 * its group has no number here. @node is a host node, and awake.
 */
void fs_cred_node(const struct fs_node *node);

/* The same, but for the capabilities, which stay what they are. */
void fs_cred_owner(const struct fs_node *node);

#endif
