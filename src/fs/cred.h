/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As whom a serving thread acts on the host: see cred.c.
 */
#ifndef FS_CRED_H
#define FS_CRED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "fs/fs.h"

bool fs_cred_able(void); /* may this process change its fsuid and fsgid? */

must_check int fs_cred_thread_init(struct fs *fs);

/* Before a file is made: as @owner. -EPERM if the host does not let us. */
must_check int fs_cred_create(struct fs *fs, struct fs_owner owner);

/* Before contents change: as the service; set-id bits survive only if @uid is root. */
must_check int fs_cred_write(struct fs *fs, uint32_t uid);

/* Before anything else: as the service, with all it may. */
void fs_cred_service(struct fs *fs);

#endif
