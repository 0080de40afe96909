/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup hierarchies of this host: see hierarchy.h. */
#include "cgroup/hierarchy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/fd.h"

/* Large hosts have some thousands of mounts. */
#define MOUNTINFO_MAX (16 * MIB)
/* v1 has some 14 controllers, each in one hierarchy at most, and hardly any named hierarchies besides. */
#define HIERARCHIES_MAX 32

int hierarchy_version(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return 0;
	if (fs.f_type == CGROUP2_SUPER_MAGIC)
		return 2;
	return fs.f_type == CGROUP_SUPER_MAGIC ? 1 : 0;
}

/* Decodes @text in place: mountinfo writes space, tab, newline and backslash as \ooo, in octal. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] && from[3]) {
			*to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

/*
 * Copies the names of controllers from the options of a v1 super block: all but the flags that any hierarchy may have.
 */
static void keep_controllers(const char *options, char *to, size_t len)
{
	static const char *const flags[] = { "rw", "ro", "noprefix", "xattr", "clone_children", "cpuset_v2_mode" };
	autofree char *copy = strdup(options);
	char *save = NULL;
	size_t at = 0;

	*to = '\0';
	for (char *o = copy ? strtok_r(copy, ",", &save) : NULL; o; o = strtok_r(NULL, ",", &save)) {
		bool flag = strncmp(o, "release_agent=", 14) == 0;

		for (size_t i = 0; i < ARRAY_LEN(flags); i++)
			flag = flag || strcmp(flags[i], o) == 0;
		if (!flag && at + strlen(o) + 2 <= len)
			at += (size_t)snprintf(to + at, len - at, "%s%s", at ? "," : "", o);
	}
}

/* Whether @path shows the file system of this device ("MAJOR:MINOR"), and no other mount lies on top of it. */
static bool is_visible(const char *path, const char *device)
{
	unsigned int major_number, minor_number;
	struct stat st;

	return sscanf(device, "%u:%u", &major_number, &minor_number) == 2 && stat(path, &st) == 0 &&
	       st.st_dev == makedev(major_number, minor_number);
}

/* Reads one line of mountinfo (proc_pid_mountinfo(5)), which it changes. Returns true if the line is a cgroup mount. */
static bool parse_mount(char *line, struct hierarchy *h)
{
	char *save = NULL, *field[5] = { NULL }, *type, *options;
	char *dash = strstr(line, " - ");

	if (!dash)
		return false;
	*dash = '\0';
	for (int i = 0; i < 5; i++)
		field[i] = strtok_r(i ? NULL : line, " ", &save);
	save = NULL;
	type = strtok_r(dash + 3, " ", &save);
	(void)strtok_r(NULL, " ", &save); /* the source says nothing */
	options = strtok_r(NULL, " ", &save);
	if (!field[4] || !type || !options || strncmp(type, "cgroup", 6) != 0)
		return false;
	if (snprintf(h->root, sizeof(h->root), "%s", field[3]) >= (int)sizeof(h->root) ||
		snprintf(h->mount, sizeof(h->mount), "%s", field[4]) >= (int)sizeof(h->mount))
		return false;
	unescape(h->root);
	unescape(h->mount);
	h->controllers[0] = '\0';
	h->v2 = strcmp(type, "cgroup2") == 0;
	if (!h->v2)
		keep_controllers(options, h->controllers, sizeof(h->controllers));
	return hierarchy_version(h->mount) && is_visible(h->mount, field[2]);
}

int hierarchy_find_all(struct hierarchy **ret, struct err *err)
{
	autofree struct hierarchy *h = calloc(HIERARCHIES_MAX, sizeof(*h));
	autofree char *text = NULL;
	char *save = NULL;
	int n = 0, r;

	if (!h)
		return err_sys(err, ENOMEM, "cgroups");
	r = fd_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL);
	if (r < 0)
		return err_sys(err, r, "cgroups: cannot read /proc/self/mountinfo");
	for (char *line = strtok_r(text, "\n", &save); line && n < HIERARCHIES_MAX;
		line = strtok_r(NULL, "\n", &save)) {
		bool known = false;

		if (!parse_mount(line, &h[n]))
			continue;
		for (int i = 0; i < n; i++)
			known = known || strcmp(h[i].controllers, h[n].controllers) == 0;
		if (!known)
			n++;
	}
	*ret = steal_ptr(h);
	return n;
}

const char *hierarchy_below_root(const struct hierarchy *h, const char *path)
{
	size_t len = strlen(h->root);

	if (len > 1 && strncmp(path, h->root, len) == 0 && (path[len] == '/' || path[len] == '\0'))
		return path + len;
	return path;
}

int hierarchy_own_cgroup(const struct hierarchy *h, char *path, size_t len, struct err *err)
{
	autofree char *text = NULL;
	char *save = NULL;
	int r = fd_read_file(AT_FDCWD, "/proc/self/cgroup", MIB, &text, NULL);

	if (r < 0)
		return err_sys(err, r, "cgroups: cannot read /proc/self/cgroup");
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *controllers = strchr(line, ':');
		char *where = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!where)
			continue;
		*where++ = '\0';
		if (strcmp(controllers + 1, h->controllers) != 0)
			continue;
		if (snprintf(path, len, "%s", hierarchy_below_root(h, where)) < (int)len)
			return 0;
	}
	return err_set(err, ENOENT, "cgroups: /proc/self/cgroup has no line for the hierarchy \"%s\"", h->controllers);
}
