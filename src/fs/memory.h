/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that a guest makes the services of the process hold: its bound is set by fs_memory_bound() (fs.h). */
#ifndef FS_MEMORY_H
#define FS_MEMORY_H

#include "fs/inside.h"

/* Bytes of the host kernel for a descriptor: a file, and the inode and names that it pins (2646 measured, overlayfs). */
#define FS_FD_COST 2700u

/* The bytes that a node takes, with a name of @name_len bytes (without one: 0) and its place in the table of names. */
size_t fs_memory_of_node(size_t name_len);

/* The bytes that an open file takes. */
size_t fs_memory_of_file(void);

/* How many descriptors the bound leaves room for: at most FS_FDS_MAX. */
unsigned int fs_memory_fds(void);

#endif
