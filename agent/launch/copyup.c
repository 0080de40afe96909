/* SPDX-License-Identifier: Apache-2.0 */
/* Copying a directory's content: see copyup.h. */
#include "launch/copyup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define COPYUP_DEPTH_MAX 128 /* the tree is hostile data, so the recursion needs an end */
#define COPYUP_CHUNK (64 * 1024)

/* Copies what is left of @in to @out. */
static int copy_data(int in, int out)
{
	autofree char *chunk = malloc(COPYUP_CHUNK);

	if (!chunk)
		return -ENOMEM;
	for (;;) {
		ssize_t n = fd_read_full(in, chunk, COPYUP_CHUNK);
		int r;

		if (n <= 0)
			return (int)n;
		r = fd_write_full(out, chunk, (size_t)n);
		if (r < 0)
			return r;
	}
}

/* Copies the regular file that the O_PATH descriptor @at is to @name in @to. */
static int copy_file(int at, int to, const char *name)
{
	autoclose int in = -1, out = -1;
	char path[32];

	(void)snprintf(
		path, sizeof(path), "/proc/self/fd/%d", at); /* fits; the VM's /proc: the root is not entered yet */
	/* O_NONBLOCK: somebody may have a lease on it */
	in = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (in < 0)
		return -errno;
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return out < 0 ? -errno : copy_data(in, out);
}

/* As copy_file(), of a symlink. */
static int copy_symlink(int at, int to, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(at, "", target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return symlinkat(target, to, name) < 0 ? -errno : 0;
}

static int copy_level(int from, int to, int depth);

/* As copy_file(), of a directory with all that it has. */
static int copy_directory(int at, int to, const char *name, int depth)
{
	autoclose int out = -1;

	if (mkdirat(to, name, 0700) < 0)
		return -errno;
	out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return out < 0 ? -errno : copy_level(at, out, depth + 1);
}

/*
 * Copies @name of directory @from, whatever it is, to directory @to. Somebody else may be changing the tree: the name is
 * looked up once, and nothing is opened before it is seen what it is.
 */
static int copy_entry(int from, int to, const char *name, int depth)
{
	autoclose int at = openat(from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r;

	if (at < 0 || fstat(at, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		r = copy_directory(at, to, name, depth);
	else if (S_ISREG(st.st_mode))
		r = copy_file(at, to, name);
	else if (S_ISLNK(st.st_mode))
		r = copy_symlink(at, to, name);
	else
		r = mknodat(to, name, st.st_mode, st.st_rdev) < 0 ? -errno : 0;
	if (r < 0)
		return r;
	if (fchownat(to, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(st.st_mode) && fchmodat(to, name, st.st_mode & 07777, 0) < 0)
		return -errno;
	if (S_ISREG(st.st_mode)) {
		struct timespec times[2] = { st.st_atim, st.st_mtim };

		return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	}
	return 0;
}

/* Copies all that directory @from has to directory @to; @depth directories lie above. */
static int copy_level(int from, int to, int depth)
{
	int copy = depth < COPYUP_DEPTH_MAX ? openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *e;
	int r = 0;

	if (!dir) {
		fd_close(copy);
		return depth < COPYUP_DEPTH_MAX ? -errno : -ELOOP;
	}
	while (r == 0 && (errno = 0, e = readdir(dir))) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = copy_entry(from, to, e->d_name, depth);
	}
	if (r == 0)
		r = -errno; /* 0 at the end of the directory */
	(void)closedir(dir);
	return r;
}

int copyup_tree(int from, int to, bool with_mode)
{
	autoclose int in = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int out = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (in < 0 || out < 0 || fstat(in, &st) < 0)
		return -errno;
	if (fchown(out, st.st_uid, st.st_gid) < 0 || (with_mode && fchmod(out, st.st_mode & 07777) < 0))
		return -errno;
	return copy_level(in, out, 0);
}
