/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's own file systems: see kernel_fs.h. */
#include "host/kernel_fs.h"

#include <linux/magic.h>
#include <sys/vfs.h>

/* Not in linux/magic.h. */
#define CONFIGFS_MAGIC 0x62656570

bool kernel_fs_has(int fd)
{
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return true;
	switch (st.f_type) {
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC:
	case DEBUGFS_MAGIC:
	case TRACEFS_MAGIC:
	case SECURITYFS_MAGIC:
	case SELINUX_MAGIC:
	case SMACK_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case BPF_FS_MAGIC:
	case EFIVARFS_MAGIC:
	case PSTOREFS_MAGIC:
	case DEVPTS_SUPER_MAGIC:
	case CONFIGFS_MAGIC:
		return true;
	default:
		return false;
	}
}
