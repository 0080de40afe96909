/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a fuzz target of the file service works on: see tree.h. */
#include "tests/fuzz/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/fuzz/replay.h"

/* Makes a tmpfs that is mounted nowhere, or where that is not permitted a directory in /tmp. */
static int top_open(struct tree *t)
{
	char *dir = t->dir;
	int ctx, top = -1;

	ctx = (int)syscall(SYS_fsopen, "tmpfs", 1u /* FSOPEN_CLOEXEC */);
	if (ctx >= 0) {
		(void)syscall(SYS_fsconfig, ctx, 1u /* FSCONFIG_SET_STRING */, "size", "16m", 0);
		if (syscall(SYS_fsconfig, ctx, 6u /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0) == 0)
			top = (int)syscall(SYS_fsmount, ctx, 1u /* FSMOUNT_CLOEXEC */, 0);
		close(ctx);
	}
	if (top < 0) {
		strcpy(dir, "/tmp/vmrunc-fuzz-XXXXXX");
		require(mkdtemp(dir) != NULL, "mkdtemp");
		top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	require(top >= 0, "a directory to work in");
	return top;
}

/* What lies in the tree, each behind the directory that it lies in. */
static const struct {
	const char *name;
	mode_t mode;
	const char *text; /* of a file, or where a symlink leads */
	int parent;       /* its directory's place in this table */
} entries[TREE_ENTRIES] = {
	{ "in", S_IFDIR | 0755, NULL, -1 },
	{ "file", S_IFREG | 0644, "0123456789", 0 },
	{ "dir", S_IFDIR | 0755, NULL, 0 },
	{ "up", S_IFLNK | 0777, "../out/secret", 0 },
	{ "fifo", S_IFIFO | 0644, NULL, 0 },
	{ "a", S_IFREG | 0644, "A", 2 },
	{ "loop", S_IFLNK | 0777, "up", 2 },
};

#define STRANGER 70000 /* a user */
#define CHECKS 64      /* times that the tree is made, for one after which all of it is looked at */

/* When all of it was changed last: so long ago that a change shows, even one within a tick of the kernel's clock. */
static const struct timespec long_ago[2] = { { 1234567891, 987654321 }, { 1234567891, 987654321 } };

/* ---- removing ---- */

/* Removes the entry @name of @dir_fd, whatever it is. */
UNTRACED static void entry_remove(int dir_fd, const char *name)
{
	if (unlinkat(dir_fd, name, 0) == 0)
		return;
	tree_clean(dir_fd, name);
	require(unlinkat(dir_fd, name, AT_REMOVEDIR) == 0, "clean up");
}

UNTRACED void tree_clean(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *d;
	DIR *dir;

	if (fd < 0)
		return;
	dir = fdopendir(fd);
	require(dir != NULL, "fdopendir");
	while ((d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			entry_remove(fd, d->d_name);
	}
	closedir(dir);
}

/* ---- making ---- */

static void file_write(int dir_fd, const char *path, const char *text)
{
	int fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	require(fd >= 0 && fd_write_full(fd, text, strlen(text)) == 0, path);
	close(fd);
}

void tree_write(const struct tree *t, const char *path, const char *text)
{
	file_write(t->top, path, text);
}

/* Remembers what the entry @i is like, from which tree_changed() knows a change. */
UNTRACED static void entry_note(struct tree *t, int i)
{
	require(fstat(t->fds[i], &t->was[i]) == 0, entries[i].name);
}

/* Who owns the entry @i: of files in dir/ somebody who has no number in a user namespace of 65,536 users, if that may be. */
static uid_t owner_of(int i)
{
	return geteuid() == 0 && entries[i].parent > 0 ? STRANGER : geteuid();
}

/* Makes the entry @i in the directory @dir_fd, where nothing has its name. */
UNTRACED static void entry_make(struct tree *t, int i, int dir_fd)
{
	const char *name = entries[i].name;
	mode_t type = entries[i].mode & S_IFMT, mode = entries[i].mode & 07777;

	if (type == S_IFDIR)
		require(mkdirat(dir_fd, name, mode) == 0, "mkdir");
	else if (type == S_IFLNK)
		require(symlinkat(entries[i].text, dir_fd, name) == 0, "symlink");
	else if (type == S_IFIFO)
		require(mkfifoat(dir_fd, name, mode) == 0, "mkfifo");
	else
		file_write(dir_fd, name, entries[i].text);
	fd_close(t->fds[i]);
	t->fds[i] = openat(dir_fd, name, (type == S_IFDIR ? O_RDONLY : O_PATH) | O_NOFOLLOW | O_CLOEXEC);
	require(t->fds[i] >= 0, name);
	if (type == S_IFDIR)
		return; /* dir_mend() ends it, when it is full */
	/* the thread may still be the user and group of the last request that it has served */
	require(fchownat(dir_fd, name, owner_of(i), getegid(), AT_SYMLINK_NOFOLLOW) == 0, "chown");
	require(utimensat(dir_fd, name, long_ago, AT_SYMLINK_NOFOLLOW) == 0, "utimensat");
	entry_note(t, i);
}

/* ---- what has changed ---- */

UNTRACED static bool time_same(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/*
 * Whether the entry @i is not as it was made. An attribute (xattr(7)) moves nothing but the time of the inode's change, in
 * ticks: where one may have been set, an inode that is younger than a tick counts as changed.
 */
UNTRACED static bool entry_changed(const struct tree *t, int i)
{
	const struct stat *was = &t->was[i];
	struct stat st;

	if (t->fds[i] < 0 || fstat(t->fds[i], &st) < 0)
		return true;
	if (st.st_mode != was->st_mode || st.st_uid != was->st_uid || st.st_gid != was->st_gid ||
		st.st_nlink != was->st_nlink || st.st_size != was->st_size)
		return true;
	if (!time_same(&st.st_mtim, &was->st_mtim) || !time_same(&st.st_ctim, &was->st_ctim))
		return true;
	return t->doubt && (st.st_ctim.tv_sec > t->began.tv_sec ||
				   (st.st_ctim.tv_sec == t->began.tv_sec && st.st_ctim.tv_nsec >= t->began.tv_nsec));
}

UNTRACED bool tree_changed(struct tree *t)
{
	t->changed = 0;
	for (int i = 0; i < TREE_ENTRIES; i++)
		t->changed |= entry_changed(t, i) ? 1u << i : 0;
	return t->changed != 0;
}

/* ---- mending ---- */

/* The entry @name of the directory that is the entry @parent: its place in the table, or -1. */
UNTRACED static int entry_of(int parent, const char *name)
{
	for (int i = 0; i < TREE_ENTRIES; i++) {
		if (entries[i].parent == parent && strcmp(entries[i].name, name) == 0)
			return i;
	}
	return -1;
}

/* Removes what is in the directory @dir and does not belong there, or is not what it was: which entries are left. */
UNTRACED static unsigned int dir_weed(struct tree *t, int dir)
{
	_Alignas(struct dirent64) char buf[8192];
	unsigned int left = 0;
	ssize_t len;

	require(lseek(t->fds[dir], 0, SEEK_SET) == 0, "lseek");
	while ((len = getdents64(t->fds[dir], buf, sizeof(buf))) > 0) {
		const struct dirent64 *d;

		for (ssize_t at = 0; at < len; at += d->d_reclen) {
			int i;

			d = (const struct dirent64 *)(buf + at);
			if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
				continue;
			i = entry_of(dir, d->d_name);
			/* a directory is mended, since what was in it may be what it was */
			if (i >= 0 && t->fds[i] >= 0 && t->was[i].st_ino == d->d_ino &&
				(!(t->changed & 1u << i) || S_ISDIR(entries[i].mode)))
				left |= 1u << i;
			else
				entry_remove(t->fds[dir], d->d_name);
		}
	}
	require(len == 0, "getdents");
	return left;
}

/* Takes all attributes of the directory @fd away, its lists of access, too. */
UNTRACED static void attributes_remove(int fd)
{
	char names[4096];
	ssize_t len = flistxattr(fd, names, sizeof(names));

	for (const char *name = names; name < names + MAX(len, 0); name += strlen(name) + 1)
		(void)fremovexattr(fd, name); /* the kernel's own stay */
}

/* Makes the attributes of the directory @dir what they were, of which what is made in it would inherit some. */
UNTRACED static void dir_own(const struct tree *t, int dir)
{
	int fd = t->fds[dir];
	struct stat st;

	if (t->doubt)
		attributes_remove(fd);
	require(fstat(fd, &st) == 0, entries[dir].name);
	if (st.st_uid != geteuid() || st.st_gid != getegid())
		require(fchown(fd, geteuid(), getegid()) == 0, "chown");
	if (st.st_mode != entries[dir].mode)
		require(fchmod(fd, entries[dir].mode & 07777) == 0, "chmod");
}

/* Whether the directory @dir or anything in it is not what it was. */
UNTRACED static bool dir_changed(const struct tree *t, int dir)
{
	unsigned int all = 1u << dir;

	for (int i = 0; i < TREE_ENTRIES; i++)
		all |= entries[i].parent == dir ? 1u << i : 0;
	return t->changed & all;
}

/* Makes the directory @dir what it was, with all below it. Changes are known from tree_changed(). */
UNTRACED static void dir_mend(struct tree *t, int dir)
{
	int fd = t->fds[dir];
	unsigned int left = dir_weed(t, dir);

	dir_own(t, dir);
	for (int i = 0; i < TREE_ENTRIES; i++) {
		bool there = left & 1u << i;

		if (entries[i].parent != dir)
			continue;
		if (!there)
			entry_make(t, i, fd);
		if (S_ISDIR(entries[i].mode) && (!there || dir_changed(t, i)))
			dir_mend(t, i);
	}
	require(futimens(fd, long_ago) == 0, "a directory's times");
	entry_note(t, dir);
}

/* Whether @fd has no other attributes than what nobody has changed: those that the kernel gives all files. */
static bool has_no_attributes(const struct tree *t, int fd)
{
	return flistxattr(fd, NULL, 0) == flistxattr(t->secret_fd, NULL, 0);
}

/* Requires that what the entry @i holds is what it is to hold. */
UNTRACED static void entry_look(const struct tree *t, int i, int dir_fd)
{
	const char *text = entries[i].text, *name = entries[i].name;
	char got[64];
	struct stat st;
	ssize_t len;
	int fd;

	require(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == t->was[i].st_ino &&
			st.st_mode == entries[i].mode && st.st_uid == owner_of(i) && st.st_gid == getegid(),
		"an entry that was not made anew");
	if (text == NULL)
		return;
	fd = S_ISREG(st.st_mode) ? openat(dir_fd, name, O_RDONLY | O_CLOEXEC) : -1;
	len = fd >= 0 ? read(fd, got, sizeof(got)) : readlinkat(dir_fd, name, got, sizeof(got));
	require(len == (ssize_t)strlen(text) && memcmp(got, text, (size_t)len) == 0, "a text that was not made anew");
	require(fd < 0 || has_no_attributes(t, fd), "an attribute that was not taken away");
	fd_close(fd);
}

/* Looks at all of the tree without the help of what is remembered: whether it is what it was in truth. */
UNTRACED static void tree_look(const struct tree *t)
{
	for (int i = 0; i < TREE_ENTRIES; i++) {
		int own = 2; /* "." and ".." */
		DIR *dir;

		entry_look(t, i, entries[i].parent < 0 ? t->top : t->fds[entries[i].parent]);
		if (!S_ISDIR(entries[i].mode))
			continue;
		for (int k = 0; k < TREE_ENTRIES; k++)
			own += entries[k].parent == i;
		dir = fdopendir(openat(t->fds[i], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		require(dir != NULL, "fdopendir");
		while (readdir(dir) != NULL)
			own--;
		closedir(dir);
		require(own == 0, "an entry that was not removed");
		require(has_no_attributes(t, t->fds[i]), "an attribute that was not taken away");
	}
}

UNTRACED void tree_make(struct tree *t)
{
	static unsigned int times;

	if (tree_changed(t))
		dir_mend(t, 0);
	if (times++ % CHECKS == 0)
		tree_look(t);
	t->doubt = false;
	require(clock_gettime(CLOCK_REALTIME_COARSE, &t->began) == 0, "clock");
}

/* ---- what must not happen ---- */

UNTRACED bool tree_secret_in(const void *data, size_t len)
{
	const char *at = data, *end = at + len;

	while (len >= strlen(TREE_SECRET) && (at = memchr(at, TREE_SECRET[0], (size_t)(end - at))) != NULL) {
		if ((size_t)(end - at) < strlen(TREE_SECRET))
			return false;
		if (memcmp(at++, TREE_SECRET, strlen(TREE_SECRET)) == 0)
			return true;
	}
	return false;
}

UNTRACED void tree_check(const struct tree *t)
{
	char text[sizeof(TREE_SECRET)];
	struct stat st;

	require(fstatat(t->top, "out/secret", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == t->secret.st_ino,
		"what is outside was moved");
	require(st.st_nlink == 1 && st.st_mode == t->secret.st_mode && st.st_uid == t->secret.st_uid &&
			st.st_gid == t->secret.st_gid && time_same(&st.st_ctim, &t->secret.st_ctim),
		"what is outside was linked or chmodded");
	require(pread(t->secret_fd, text, sizeof(text), 0) == strlen(TREE_SECRET) &&
			memcmp(text, TREE_SECRET, strlen(TREE_SECRET)) == 0,
		"what is outside was changed");
}

UNTRACED void tree_check_all(const struct tree *t)
{
	struct stat st;

	tree_check(t);
	require(fstatat(t->top, "out", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == t->out.st_ino &&
			st.st_mode == t->out.st_mode && st.st_uid == t->out.st_uid && st.st_gid == t->out.st_gid &&
			time_same(&st.st_mtim, &t->out.st_mtim),
		"out/ is not what it was");
}

void tree_open(struct tree *t)
{
	t->top = top_open(t);
	for (int i = 0; i < TREE_ENTRIES; i++)
		t->fds[i] = -1;
	t->doubt = false;
	require(mkdirat(t->top, "out", 0755) == 0, "mkdir");
	tree_write(t, "out/secret", TREE_SECRET);
	require(utimensat(t->top, "out", long_ago, 0) == 0 && fstatat(t->top, "out", &t->out, 0) == 0, "out/");
	t->secret_fd = openat(t->top, "out/secret", O_RDONLY | O_CLOEXEC);
	require(t->secret_fd >= 0 && fstat(t->secret_fd, &t->secret) == 0, "out/secret");
	entry_make(t, 0, t->top);
}

void tree_close(struct tree *t)
{
	tree_clean(t->top, ".");
	if (t->dir[0] != '\0')
		require(rmdir(t->dir) == 0, "clean up");
	for (int i = 0; i < TREE_ENTRIES; i++)
		fd_close(t->fds[i]);
	close(t->secret_fd);
	close(t->top);
	t->top = -1;
}
