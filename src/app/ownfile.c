/* SPDX-License-Identifier: Apache-2.0 */
/* This program's own file: see ownfile.h. */
#include "app/ownfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

#define OWN_FILE "/proc/self/exe"

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/*
 * Opens the file on a read-only clone of its mount: an O_PATH fd or -errno. The clone begins with the file's directory,
 * so that the link /proc/PID/exe still ends with the program's name. -ESTALE: another file has its name by now.
 */
static int open_on_clone(void)
{
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	char path[PATH_MAX], *name;
	ssize_t len = readlink(OWN_FILE, path, sizeof(path) - 1);
	autoclose int dir = -1, file = -1;
	struct stat here, there;

	if (len < 0)
		return -errno;
	path[len] = '\0';
	name = strrchr(path, '/');
	if (!name)
		return -ENOENT;
	*name++ = '\0';
	dir = open_tree(AT_FDCWD, *path ? path : "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (dir < 0 || mount_setattr(dir, "", AT_EMPTY_PATH, &readonly, sizeof(readonly)) < 0)
		return -errno;
	file = openat(dir, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	if (file < 0 || fstat(file, &there) < 0 || stat(OWN_FILE, &here) < 0)
		return -errno;
	return same_file(&here, &there) ? steal_fd(&file) : -ESTALE;
}

int ownfile_protect(char **argv)
{
	struct statvfs mount;
	autoclose int file = -1;

	if (statvfs(OWN_FILE, &mount) < 0)
		return -errno;
	if (mount.f_flag & ST_RDONLY) {
		/* execveat(2) names a process after the descriptor; ps(1) and pgrep(1) are to find the program */
		(void)prctl(PR_SET_NAME, program_invocation_short_name, 0, 0, 0); /* for people only */
		return 0;
	}
	file = open_on_clone();
	if (file < 0)
		return file;
	(void)syscall(SYS_execveat, file, "", argv, environ, AT_EMPTY_PATH); /* returns only if it fails */
	return -errno;
}
