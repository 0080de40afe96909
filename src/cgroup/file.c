/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the container's cgroups: see cgroup_file.h. */
#include "cgroup/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"

/* The directory that has @file, or -1. The caller closes it. */
static int dir_with(const struct state *s, const char *file, const char **ret_path)
{
	for (size_t i = 0; i < s->cgroups.n; i++) {
		int fd = open(s->cgroups.v[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 && faccessat(fd, file, F_OK, 0) == 0) {
			*ret_path = s->cgroups.v[i];
			return fd;
		}
		fd_close(fd);
	}
	return -1;
}

bool cgroup_file_exists(const struct state *s, const char *file)
{
	const char *path;
	int fd = dir_with(s, file, &path);

	fd_close(fd);
	return fd >= 0;
}

bool cgroup_is_v2(const struct state *s)
{
	char path[PATH_MAX], *slash;
	struct statfs fs;

	if (s->cgroups.n != 1)
		return false;
	(void)snprintf(path, sizeof(path), "%s", s->cgroups.v[0]);
	while (statfs(path, &fs) < 0) { /* it may not have been made yet */
		slash = strrchr(path, '/');
		if (!slash || slash == path)
			return false;
		*slash = '\0';
	}
	return fs.f_type == CGROUP2_SUPER_MAGIC;
}

int cgroup_file_write(const struct state *s, const char *file, const char *text, struct err *err)
{
	const char *path = "";
	autoclose int fd = dir_with(s, file, &path);
	int r;

	if (fd < 0)
		return err_set(err, ENOENT, "cgroup: this machine has no \"%s\"", file);
	r = fd_write_existing(fd, file, text);
	if (r < 0)
		return err_sys(err, r, "cgroup: cannot write \"%s\" to \"%s/%s\"", text, path, file);
	return 0;
}

int cgroup_file_write_either(const struct state *s, const char *v1, const char *v1_text, const char *v2,
	const char *v2_text, const char *field, struct err *err)
{
	int r = cgroup_file_write(s, v1, v1_text, err);

	if (r == -ENOENT)
		r = cgroup_file_write(s, v2, v2_text, err);
	if (r < 0)
		return err_prefix(err, "linux.resources.%s", field);
	return 0;
}
