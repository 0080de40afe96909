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

void tree_clean(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *d;
	DIR *dir;

	if (fd < 0)
		return;
	dir = fdopendir(fd);
	require(dir != NULL, "fdopendir");
	while ((d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, d->d_name, 0) == 0)
			continue;
		tree_clean(fd, d->d_name);
		require(unlinkat(fd, d->d_name, AT_REMOVEDIR) == 0, "clean up");
	}
	closedir(dir);
}

void tree_write(const struct tree *t, const char *path, const char *text)
{
	int fd = openat(t->top, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	require(fd >= 0 && fd_write_full(fd, text, strlen(text)) == 0, path);
	close(fd);
}

void tree_make(const struct tree *t)
{
	tree_write(t, "in/file", "0123456789");
	require(mkdirat(t->top, "in/dir", 0755) == 0, "mkdir");
	tree_write(t, "in/dir/a", "A");
	require(symlinkat("../out/secret", t->top, "in/up") == 0, "symlink");
	require(symlinkat("up", t->top, "in/dir/loop") == 0, "symlink");
	require(mkfifoat(t->top, "in/fifo", 0644) == 0, "mkfifo");
}

bool tree_secret_in(const void *data, size_t len)
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

void tree_check(const struct tree *t)
{
	char *text = NULL;
	int r = fd_read_file(t->top, "out/secret", 100, &text, NULL);
	struct stat st;

	require(r == 0 && strcmp(text, TREE_SECRET) == 0, "what is outside was changed");
	require(fstatat(t->top, "out/secret", &st, 0) == 0 && st.st_nlink == 1 && st.st_mode == 0100644,
		"what is outside was linked or chmodded");
	require(unlinkat(t->top, "out", AT_REMOVEDIR) < 0 && errno == ENOTEMPTY, "out/ is not what it was");
	free(text);
}

void tree_open(struct tree *t)
{
	t->top = top_open(t);
	require(mkdirat(t->top, "in", 0755) == 0 && mkdirat(t->top, "out", 0755) == 0, "mkdir");
	tree_write(t, "out/secret", TREE_SECRET);
}

void tree_close(struct tree *t)
{
	tree_clean(t->top, ".");
	if (t->dir[0] != '\0')
		require(rmdir(t->dir) == 0, "clean up");
	close(t->top);
	t->top = -1;
}
