/* SPDX-License-Identifier: Apache-2.0 */
/* Copying a directory's content: see copyup.h. */
#include "launch/copyup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

static int copy_file(int from, int to, const char *name)
{
	autoclose int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	autoclose int out = -1;

	if (in < 0)
		return -errno;
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return out < 0 ? -errno : copy_data(in, out);
}

static int copy_symlink(int from, int to, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return symlinkat(target, to, name) < 0 ? -errno : 0;
}

static int copy_level(int from, int to, int depth);

static int copy_directory(int from, int to, const char *name, int depth)
{
	autoclose int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autoclose int out = -1;

	if (in < 0)
		return -errno;
	if (mkdirat(to, name, 0700) < 0)
		return -errno;
	out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return out < 0 ? -errno : copy_level(in, out, depth + 1);
}

/* Copies @name of directory @from, whatever it is, to directory @to. */
static int copy_entry(int from, int to, const char *name, int depth)
{
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		r = copy_directory(from, to, name, depth);
	else if (S_ISREG(st.st_mode))
		r = copy_file(from, to, name);
	else if (S_ISLNK(st.st_mode))
		r = copy_symlink(from, to, name);
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
	while (r == 0 && (e = readdir(dir))) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = copy_entry(from, to, e->d_name, depth);
	}
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
