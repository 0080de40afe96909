/* SPDX-License-Identifier: Apache-2.0 */
/* The operations, one for each message (p9_op_fn in server.h); the table of them is in ops.c. */
#ifndef P9_OPS_H
#define P9_OPS_H

#include "p9/server.h"

/* op_fid.c */
p9_op_fn p9_op_version, p9_op_auth, p9_op_attach, p9_op_walk, p9_op_clunk, p9_op_remove;
/* op_attr.c */
p9_op_fn p9_op_getattr, p9_op_setattr, p9_op_statfs, p9_op_readlink;
/* op_entry.c */
p9_op_fn p9_op_mkdir, p9_op_mknod, p9_op_symlink, p9_op_link, p9_op_rename, p9_op_renameat, p9_op_unlinkat;
/* op_file.c */
p9_op_fn p9_op_lopen, p9_op_lcreate, p9_op_read, p9_op_write, p9_op_readdir, p9_op_fsync;
/* op_xattr.c */
p9_op_fn p9_op_xattrwalk, p9_op_xattrcreate;
/* op_lock.c */
p9_op_fn p9_op_lock, p9_op_getlock;

#endif
