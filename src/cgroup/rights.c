/* SPDX-License-Identifier: Apache-2.0 */
/* What an ordinary user may do with cgroups: see rights.h. */
#include "cgroup/rights.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/err.h"
#include "base/fd.h"
#include "cgroup/hierarchy.h"

/* Whether the caller may write @file in the directory @dir ("": the directory itself). */
static bool may_write(const char *dir, const char *file)
{
	char path[2 * PATH_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

/* Whether the cgroup @dir is there and takes a process of the caller's, or can be made in what is there of its parents. */
static bool may_have(const char *dir)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s", dir);
	if (access(path, F_OK) == 0)
		return may_write(path, "cgroup.procs");
	for (char *slash = strrchr(path, '/'); slash && slash != path; slash = strrchr(path, '/')) {
		*slash = '\0';
		if (access(path, F_OK) == 0)
			return hierarchy_version(path) != 0 && may_write(path, "");
	}
	return false;
}

/* Cuts @path back to the deepest directory that @other is below, too. */
static void cut_to_common(char *path, const char *other)
{
	size_t at = 0, end = 0;

	for (; path[at] && path[at] == other[at]; at++) {
		if (path[at] == '/')
			end = at;
	}
	if ((!path[at] || path[at] == '/') && (!other[at] || other[at] == '/'))
		end = at;
	path[end] = '\0';
}

/* Whether a process of the caller's may move from its own cgroup of @h to @dir, as far as the cgroup above both says. */
static bool may_move(const struct hierarchy *h, const char *dir)
{
	char own[PATH_MAX], common[2 * PATH_MAX];
	struct err ignored = ERR_INIT;

	if (hierarchy_own_cgroup(h, own, sizeof(own), &ignored) < 0)
		return false;
	if (snprintf(common, sizeof(common), "%s%s", h->mount, strcmp(own, "/") == 0 ? "" : own) >= PATH_MAX)
		return false;
	cut_to_common(common, dir);
	return may_write(common, "cgroup.procs");
}

bool rights_suffice(const struct cgroups *c)
{
	autofree struct hierarchy *h = NULL;
	struct err ignored = ERR_INIT;
	int n = hierarchy_find_all(&h, &ignored);

	for (size_t i = 0; i < c->dirs.n; i++) {
		if (!may_have(c->dirs.v[i]))
			return false;
	}
	for (int k = 0; k < n; k++) {
		size_t len = strlen(h[k].mount);

		for (size_t i = 0; h[k].v2 && i < c->dirs.n; i++) {
			const char *dir = c->dirs.v[i];

			if (strncmp(dir, h[k].mount, len) == 0 && dir[len] == '/' && !may_move(&h[k], dir))
				return false;
		}
	}
	return true;
}
