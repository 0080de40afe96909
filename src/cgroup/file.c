/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the container's cgroups: see file.h. */
#include "cgroup/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroup/hierarchy.h"

#define FILE_MAX (4 * MIB) /* bytes of any file: cgroup.procs of a full pid space */
#define NUMBER_MAX 64      /* bytes of a file that has one number */

/*
 * Opens the first cgroup that has @file, and returns its path as well. Returns -1 if there is none; the caller closes
 * it.
 */
static int dir_with(const struct cgroups *c, const char *file, const char **ret_path)
{
	for (size_t i = 0; i < c->dirs.n; i++) {
		int fd = open(c->dirs.v[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 && faccessat(fd, file, F_OK, 0) == 0) {
			*ret_path = c->dirs.v[i];
			return fd;
		}
		fd_close(fd);
	}
	return -1;
}

int cgroup_file_open(const struct cgroups *c, const char *file, int flags)
{
	const char *path;
	autoclose int dir = dir_with(c, file, &path);
	int fd = dir < 0 ? -1 : openat(dir, file, flags | O_CLOEXEC);

	if (dir < 0)
		return -ENOENT;
	return fd < 0 ? -errno : fd;
}

int cgroup_file_read(const struct cgroups *c, const char *file, char **ret)
{
	const char *path;
	autoclose int fd = dir_with(c, file, &path);

	return fd < 0 ? -ENOENT : fd_read_file(fd, file, FILE_MAX, ret, NULL);
}

uint64_t cgroup_file_number(const struct cgroups *c, const char *file, const char *key)
{
	size_t len = key ? strlen(key) : 0;
	autofree char *text = NULL;
	const char *at;

	if (cgroup_file_read(c, file, &text) < 0)
		return UINT64_MAX;
	for (at = text; key && at && !(strncmp(at, key, len) == 0 && at[len] == ' ');) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	if (!at || !*at)
		return UINT64_MAX;
	at += key ? len + 1 : 0;
	return *at >= '0' && *at <= '9' ? (uint64_t)strtoull(at, NULL, 10) : UINT64_MAX;
}

bool cgroup_file_exists(const struct cgroups *c, const char *file)
{
	const char *path;
	int fd = dir_with(c, file, &path);

	fd_close(fd);
	return fd >= 0;
}

bool cgroup_file_is_v2(const struct cgroups *c)
{
	char path[PATH_MAX], *slash;

	if (c->dirs.n != 1)
		return false;
	(void)snprintf(path, sizeof(path), "%s", c->dirs.v[0]);
	while (access(path, F_OK) < 0) { /* not made yet: its parent tells as well */
		slash = strrchr(path, '/');
		if (!slash || slash == path)
			return false;
		*slash = '\0';
	}
	return hierarchy_version(path) == 2;
}

uint64_t cgroup_file_least_above(const struct cgroups *c, const char *file)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < c->dirs.n; i++) {
		char path[PATH_MAX], *slash;

		(void)snprintf(path, sizeof(path), "%s", c->dirs.v[i]);
		while ((slash = strrchr(path, '/')) && slash != path) {
			autofree char *text = NULL;
			autoclose int fd = -1;

			*slash = '\0';
			fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
			if (fd >= 0 && fd_read_file(fd, file, NUMBER_MAX, &text, NULL) >= 0 && *text >= '0' &&
				*text <= '9')
				least = MIN(least, (uint64_t)strtoull(text, NULL, 10));
		}
	}
	return least;
}

int cgroup_file_write(const struct cgroups *c, const char *file, const char *text, struct err *err)
{
	const char *path = "";
	autoclose int fd = dir_with(c, file, &path);
	int r;

	if (fd < 0)
		return err_set(err, ENOENT,
			"cgroup: there is no \"%s\": this host's kernel has no such limit, or the parent cgroup does not hand the controller down",
			file);
	r = fd_write_existing(fd, file, text);
	if (r < 0)
		return err_sys(err, r, "cgroup: cannot write \"%s\" to \"%s/%s\"", text, path, file);
	return 0;
}

int cgroup_file_write_either(const struct cgroups *c, const char *v1, const char *v1_text, const char *v2,
	const char *v2_text, const char *field, struct err *err)
{
	int r = cgroup_file_write(c, v1, v1_text, err);

	if (r == -ENOENT)
		r = cgroup_file_write(c, v2, v2_text, err);
	if (r < 0)
		return err_prefix(err, "linux.resources.%s", field);
	return 0;
}
