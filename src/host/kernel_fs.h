/* SPDX-License-Identifier: Apache-2.0 */
/* Which file systems are the kernel's own: what is written there changes the host, not a file. */
#ifndef HOST_KERNEL_FS_H
#define HOST_KERNEL_FS_H

#include <stdbool.h>

/* Whether @fd is on procfs, sysfs, a cgroup file system or another one of the kernel's; also if it cannot be asked. */
bool kernel_fs_has(int fd);

#endif
