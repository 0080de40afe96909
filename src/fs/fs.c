/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service itself: how it is made and freed, and how its threads are prepared.
 *
 * Much that can be done to an open file cannot be done through an O_PATH descriptor: opening it, chmod, extended
 * attributes. The way there is the magic link /proc/self/fd/N, which leads to the very inode, whatever its name has
 * become. It is never looked up from "/", since a guest could have removed the mount point under the jail's /proc.
 * Instead, every serving thread has a working directory of its own (CLONE_FS is unshared), which is the service's
 * proc_fd, so that "N" alone is the path.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "fs/cred.h"
#include "fs/export.h"
#include "fs/fds.h"
#include "fs/inside.h"
#include "fs/memory.h"
#include "fs/synth.h"

/* Checks that @fd is /proc/self/fd of this process: 0 or -errno. */
static int proc_check(int fd, struct err *err)
{
	struct statfs fs;
	struct stat direct, through;

	if (fstatfs(fd, &fs) < 0)
		return err_sys(err, errno, "statfs of /proc/self/fd");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return err_set(err, ENODEV, "/proc/self/fd is not in a proc file system");
	if (fstat(fd, &direct) < 0 || fstatat(fd, fs_fd_name(fd).text, &through, 0) < 0)
		return err_sys(err, errno, "look-up in /proc/self/fd");
	if (direct.st_dev != through.st_dev || direct.st_ino != through.st_ino)
		return err_set(err, ESRCH, "/proc/self/fd was opened in another process");
	return 0;
}

int fs_proc_open(struct err *err)
{
	autoclose int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_sys(err, errno, "open '/proc/self/fd'");
	r = proc_check(fd, err);
	return r < 0 ? r : steal_fd(&fd);
}

/* Opens an empty file that nobody can change, as O_PATH: what a revoked descriptor leads to. */
static int dead_open(int proc_fd, struct err *err)
{
	autoclose int fd = memfd_create("vmrunc-revoked", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return err_sys(err, errno, "memfd_create");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_sys(err, errno, "seal a memfd");
	r = openat(proc_fd, fs_fd_name(fd).text, O_PATH | O_CLOEXEC);
	return r < 0 ? err_sys(err, errno, "open in /proc/self/fd") : r;
}

/* How many descriptors the services of this process may hold. */
static unsigned int fds_bound(void)
{
	struct rlimit limit;

	rlim_t reserved;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ||
		limit.rlim_cur >= FS_FDS_MAX + FS_FDS_RESERVED_MAX)
		return FS_FDS_MAX;
	if (limit.rlim_cur <= 2 * FS_FDS_RESERVED)
		return (unsigned int)limit.rlim_cur / 2;
	reserved = limit.rlim_cur / 4;
	reserved = MIN(MAX(reserved, (rlim_t)FS_FDS_RESERVED), (rlim_t)FS_FDS_RESERVED_MAX);
	return (unsigned int)(limit.rlim_cur - reserved);
}

int fs_new(int proc_fd, struct fs **ret_fs, struct err *err)
{
	autoclose int own_proc = -1;
	struct fs *fs;
	int r;

	if (proc_fd < 0) {
		proc_fd = own_proc = fs_proc_open(err);
		if (own_proc < 0)
			return own_proc;
	} else {
		r = proc_check(proc_fd, err);
		if (r < 0)
			return r;
	}
	fs = calloc(1, sizeof(*fs));
	if (fs == NULL)
		return err_set(err, ENOMEM, "file service: out of memory");
	fs->proc_fd = fs->dead_fd = -1;
	fs->fds_max = MIN(fds_bound(), fs_memory_fds());
	fs->own_ids = !fs_cred_able();
	fs->uid = (uint32_t)setfsuid((uid_t)-1);
	fs->gid = (uint32_t)setfsgid((gid_t)-1);
	pthread_rwlock_init(&fs->tree, NULL);
	r = fs_ids_init(&fs->ids);
	if (r < 0)
		err_sys(err, r, "file service");
	else
		r = fs->dead_fd = dead_open(proc_fd, err);
	if (r >= 0) {
		r = fs_synth_new(fs, "", &fs->root);
		if (r < 0)
			err_sys(err, r, "file service");
	}
	if (r < 0) {
		fs_free(fs);
		return r;
	}
	fs->proc_fd = proc_fd;
	own_proc = -1;
	*ret_fs = fs;
	return 0;
}

void fs_set_owners(struct fs *fs, const struct owner_maps *owners)
{
	fs->owners = owners;
	if (!owners)
		return;
	fs->uid = owners->user;
	fs->gid = owners->group;
}

void fs_free(struct fs *fs)
{
	if (fs == NULL)
		return;
	if (fs->root != NULL) {
		fs_exports_clear(fs->root);
		fs_node_put(fs->root);
	}
	fs_ids_done(&fs->ids);
	pthread_rwlock_destroy(&fs->tree);
	fd_close(fs->dead_fd);
	fd_close(fs->proc_fd);
	free(fs);
}

int fs_thread_init(struct fs *fs)
{
	if (unshare(CLONE_FS) < 0)
		return -errno;
	if (fchdir(fs->proc_fd) < 0)
		return -errno;
	umask(0);
	return fs_cred_thread_init(fs);
}

struct fs_node *fs_root(struct fs *fs)
{
	return fs_node_get(fs->root);
}
