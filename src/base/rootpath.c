/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of a container: see rootpath.h.
 *
 * The kernel opens paths (RESOLVE_IN_ROOT). What is to be made is walked to component by component: `done` is a path
 * below the root that exists and has no symlinks, `rest` is still to be walked. The target of a symlink is put before
 * the rest; so where a symlink leads to nothing, that is made, inside the root.
 */
#include "base/rootpath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

#define ROOTPATH_LINKS_MAX 40 /* symlinks in one walk, as in the kernel (path_resolution(7)) */

const char *rootpath_inside(const char *path, const char *top)
{
	size_t len = strlen(top);

	while (len > 0 && top[len - 1] == '/')
		len--;
	return strncmp(path, top, len) == 0 && (path[len] == '/' || path[len] == '\0') ? path + len : NULL;
}

/* rootpath_open(), with further flags of openat2(2) in @resolve. */
static int open_resolved(int root, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = { .flags = (unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve };
	int fd;

	if (*path == '\0')
		path = ".";
	do /* EAGAIN: something was renamed while the kernel walked */
		fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	return fd < 0 ? -errno : fd;
}

int rootpath_open(int root, const char *path, int flags)
{
	return open_resolved(root, path, flags, 0);
}

struct walk {
	int root;
	const struct stat *owner; /* whose everything is that is made; NULL: the process's */
	bool point;               /* the root itself will not do */
	bool plain;               /* nor will a symlink at the end */
	char done[PATH_MAX];      /* "" or "a/b" */
	char rest[PATH_MAX];
	int links;
};

/*
 * Opens @path, which is `done`, or that and one component more. What was walked to has no symlinks, so one that is met is
 * somebody's who changes the tree meanwhile: -ELOOP. Only with O_NOFOLLOW the last component may be one.
 */
static int walk_open(const struct walk *w, const char *path, int flags)
{
	return open_resolved(w->root, path, flags, RESOLVE_NO_SYMLINKS);
}

/* Moves the first component of the rest to @name. False if there is none, or it is too long (*@ret_error < 0). */
static bool walk_next(struct walk *w, char name[NAME_MAX + 1], int *ret_error)
{
	char *p = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(p, "/");

	*ret_error = len > NAME_MAX ? -ENAMETOOLONG : 0;
	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(name, p, len);
	name[len] = '\0';
	memmove(w->rest, p + len, strlen(p + len) + 1);
	return true;
}

static bool walk_at_end(const struct walk *w)
{
	return w->rest[strspn(w->rest, "/")] == '\0';
}

/* Takes the last component off `done`. */
static void walk_up(struct walk *w)
{
	char *slash = strrchr(w->done, '/');

	*(slash ? slash : w->done) = '\0';
}

/* Appends @name to `done`. */
static int walk_down(struct walk *w, const char *name)
{
	size_t len = strlen(w->done);

	if (len + 1 + strlen(name) >= sizeof(w->done))
		return -ENAMETOOLONG;
	if (len > 0)
		w->done[len++] = '/';
	strcpy(w->done + len, name);
	return 0;
}

/* Puts the target of the symlink @fd before the rest. */
static int walk_follow(struct walk *w, int fd)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(fd, "", target, sizeof(target));

	if (n < 0)
		return -errno;
	if ((size_t)n + strlen(w->rest) + 2 > sizeof(w->rest))
		return -ENAMETOOLONG;
	if (++w->links > ROOTPATH_LINKS_MAX)
		return -ELOOP;
	memmove(w->rest + n + 1, w->rest, strlen(w->rest) + 1);
	memcpy(w->rest, target, (size_t)n);
	w->rest[n] = '/';
	if (target[0] == '/')
		w->done[0] = '\0';
	return 0;
}

/* Makes @name in the directory `done`: a directory, or the file that ends a path. */
static int walk_make(struct walk *w, const char *name, bool file)
{
	autoclose int dir = walk_open(w, w->done, O_PATH | O_DIRECTORY);
	autoclose int fd = -1;

	if (dir < 0)
		return dir;
	if (file) {
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd < 0)
			return errno == EEXIST ? 0 : -errno;
	} else if (mkdirat(dir, name, 0755) < 0) {
		return errno == EEXIST ? 0 : -errno;
	}
	if (!w->owner)
		return 0;
	/* others may have put a file or a link in the directory's place since */
	if (!file)
		fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 || fchownat(fd, "", w->owner->st_uid, w->owner->st_gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* Goes one component further, to @name, which is made if it is missing. 0 or -errno. */
static int walk_step(struct walk *w, const char *name, bool file_at_end)
{
	bool last = walk_at_end(w);
	char path[PATH_MAX + NAME_MAX + 2];
	autoclose int fd = -1;
	struct stat st;
	int r;

	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		walk_up(w);
		return 0;
	}
	(void)snprintf(path, sizeof(path), "%s%s%s", w->done, *w->done ? "/" : "", name); /* fits */
	fd = walk_open(w, path, O_PATH | O_NOFOLLOW);
	if (fd == -ENOENT) {
		r = walk_make(w, name, file_at_end && last);
		return r < 0 ? r : walk_down(w, name);
	}
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) && last && w->plain)
		return -ENOTDIR;
	if (S_ISLNK(st.st_mode))
		return walk_follow(w, fd);
	if (!S_ISDIR(st.st_mode) && !last)
		return -ENOTDIR;
	return walk_down(w, name);
}

/* rootpath_make(), with the new walk @w. */
static int walk_path(struct walk *w, const char *path, enum rootpath_kind kind, const char **ret_name)
{
	size_t len = strlen(path);
	char name[NAME_MAX + 1];
	int r;

	while (len > 0 && path[len - 1] == '/')
		len--;
	if (kind == ROOTPATH_PARENT) {
		while (len > 0 && path[len - 1] != '/')
			len--;
		*ret_name = path + len;
		if (**ret_name == '\0' || strchr(*ret_name, '/') || strcmp(*ret_name, "..") == 0)
			return -EINVAL;
	}
	if (len >= sizeof(w->rest))
		return -ENAMETOOLONG;
	memcpy(w->rest, path, len);
	w->plain = kind == ROOTPATH_PLAIN_DIR;
	while (walk_next(w, name, &r)) {
		r = walk_step(w, name, kind == ROOTPATH_FILE);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	if (w->point && !*w->done)
		return -EBUSY;
	return walk_open(w, w->done, w->plain ? O_PATH | O_DIRECTORY : O_PATH);
}

int rootpath_make(int root, const char *path, enum rootpath_kind kind, const char **ret_name)
{
	struct walk w = { .root = root };

	return walk_path(&w, path, kind, ret_name);
}

int rootpath_make_point(int root, const char *path, enum rootpath_kind kind)
{
	struct walk w = { .root = root, .point = true };

	return walk_path(&w, path, kind, NULL);
}

int rootpath_make_owned(int root, const char *path, enum rootpath_kind kind)
{
	struct stat owner;
	struct walk w = { .root = root, .owner = &owner, .point = true };

	return fstat(root, &owner) < 0 ? -errno : walk_path(&w, path, kind, NULL);
}

/*
 * Nothing is changed by its name: whoever can write the directory could put a link to another file there, or that file. Nor is
 * the mode changed, which no descriptor of a node allows that is not opened.
 */
int rootpath_make_node(int dir, const char *name, mode_t mode, dev_t dev, uid_t uid, gid_t gid)
{
	mode_t mask = umask(0);
	int r = mknodat(dir, name, mode, dev) < 0 ? -errno : 0;
	autoclose int fd = -1;
	struct stat st;

	(void)umask(mask);
	if (r < 0)
		return r;
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT ? -EEXIST : -errno;
	if ((st.st_mode & S_IFMT) != (mode & S_IFMT) || (!S_ISFIFO(mode) && st.st_rdev != dev))
		return -EEXIST;
	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int rootpath_check_kinds(int from, int to)
{
	struct stat a, b;

	if (fstat(from, &a) < 0 || fstat(to, &b) < 0)
		return -errno;
	return S_ISDIR(a.st_mode) == S_ISDIR(b.st_mode) ? 0 : -ENOTDIR;
}
