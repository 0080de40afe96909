/* SPDX-License-Identifier: Apache-2.0 */
/* The container's cgroup on the host: see cgroup.h. Limits are in cgroup_limit.c. */
#include "cgroup/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "app/log.h"
#include "base/buf.h"
#include "base/fd.h"
#include "cgroup/unit.h"

/* Large hosts have some thousands of mounts. */
#define MOUNTINFO_MAX (16 * MIB)
#define HIERARCHIES_MAX 32
/* A killed process frees its memory before its cgroup counts as empty: gigabytes take a while. */
#define REMOVE_TRIES 1000
#define REMOVE_PAUSE_MS 10

struct hierarchy {
	char mount[PATH_MAX];
	bool v2;
	char root[PATH_MAX];        /* which cgroup is mounted there: "/" but in containers */
	char controllers[NAME_MAX]; /* "cpu,cpuacct", "name=systemd"; "" for v2 */
};

static bool is_cgroup(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC);
}

/* mountinfo writes space, tab, newline and backslash as \ooo. */
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

/* The controllers among the options of a v1 super block: all but the flags every hierarchy has. */
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

/* Whether @path is the mount of this super block ("MAJOR:MINOR"), not another one on top of it. */
static bool is_visible(const char *path, const char *device)
{
	unsigned int major_number, minor_number;
	struct stat st;

	return sscanf(device, "%u:%u", &major_number, &minor_number) == 2 && stat(path, &st) == 0 &&
	       st.st_dev == makedev(major_number, minor_number);
}

/* One line of mountinfo; true if it is a cgroup mount. */
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
	(void)strtok_r(NULL, " ", &save); /* the source */
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
	return is_cgroup(h->mount) && is_visible(h->mount, field[2]);
}

/* Finds the hierarchies that are mounted here, each once. Returns their number or -errno. */
static int find_hierarchies(struct hierarchy *h, struct err *err)
{
	autofree char *text = NULL;
	char *save = NULL;
	int n = 0, r;

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
	return n;
}

/* @path of the whole hierarchy as one below the mount point: what is mounted may be a part of it. */
static const char *below_root(const struct hierarchy *h, const char *path)
{
	size_t len = strlen(h->root);

	if (len > 1 && strncmp(path, h->root, len) == 0 && (path[len] == '/' || path[len] == '\0'))
		return path + len;
	return path;
}

/* The caller's cgroup in @h as a path below the mount point. */
static int own_cgroup(const struct hierarchy *h, char *path, size_t len, struct err *err)
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
		if (snprintf(path, len, "%s", below_root(h, where)) < (int)len)
			return 0;
	}
	return err_set(err, ENOENT, "cgroups: no line for \"%s\" in /proc/self/cgroup", h->controllers);
}

/* Removes empty and "." components; ".." is an error: nothing above the hierarchy is meant. */
static int clean_path(const char *path, char *to, size_t len, struct err *err)
{
	autofree char *copy = strdup(path);
	char *save = NULL;
	size_t at = 0;

	if (!copy)
		return err_sys(err, ENOMEM, "linux.cgroupsPath");
	*to = '\0';
	for (char *part = strtok_r(copy, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		if (strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0)
			return err_set(err, EINVAL, "linux.cgroupsPath: \"%s\" has a \"..\"", path);
		if (at + strlen(part) + 2 > len)
			return err_set(err, ENAMETOOLONG, "linux.cgroupsPath: too long");
		at += (size_t)snprintf(to + at, len - at, "/%s", part);
	}
	return 0;
}

static int plan_one(const char *mount, const char *path, struct state *s)
{
	char full[PATH_MAX * 2];

	if (snprintf(full, sizeof(full), "%s%s", mount, path) >= PATH_MAX)
		return -ENAMETOOLONG;
	return state_strv_add(&s->cgroups, full);
}

int cgroup_plan_missing(struct state *s, struct err *err)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < s->cgroups.n; i++) {
		/* the mount point is there: what is missing is below it */
		(void)snprintf(path, sizeof(path), "%s", s->cgroups.v[i]);
		for (char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
			*end = '\0';
			if (access(path, F_OK) < 0 && state_strv_add(&s->cgroups_made, path) < 0)
				return err_sys(err, ENOMEM, "cgroups");
			*end = '/';
		}
		if (access(path, F_OK) < 0 && state_strv_add(&s->cgroups_made, path) < 0)
			return err_sys(err, ENOMEM, "cgroups");
	}
	return 0;
}

/*
 * Where a relative path starts in @h. In v2 beside the caller's own cgroup, not
 * below it, as runc does: the caller is in there, and a cgroup with processes
 * hands no controllers down.
 */
static int relative_start(const struct hierarchy *h, char *path, size_t len, struct err *err)
{
	int r = own_cgroup(h, path, len, err);
	char *slash = r == 0 && h->v2 ? strrchr(path, '/') : NULL;

	if (slash)
		*slash = '\0';
	if (r == 0 && strcmp(path, "/") == 0)
		*path = '\0';
	return r;
}

int cgroup_plan(const char *path, const char *id, struct state *s, struct err *err)
{
	autofree struct hierarchy *h = calloc(HIERARCHIES_MAX, sizeof(*h));
	char clean[PATH_MAX], full[PATH_MAX * 2], start[PATH_MAX];
	bool relative = path && *path && path[0] != '/';
	int n, r;

	if (!h)
		return err_sys(err, ENOMEM, "cgroups");
	r = clean_path(path && *path ? path : id, clean, sizeof(clean), err);
	if (r < 0)
		return r;
	if (!*clean) /* its limits would be the whole machine's */
		return err_set(err, EINVAL, "linux.cgroupsPath: \"%s\" is the root of all cgroups", path);
	n = find_hierarchies(h, err);
	for (int i = 0; i < n; i++) {
		start[0] = '\0';
		if (relative) {
			r = relative_start(&h[i], start, sizeof(start), err);
			if (r < 0)
				return r;
		}
		(void)snprintf(full, sizeof(full), "%s%s", start, clean);
		r = plan_one(h[i].mount, full, s);
		if (r < 0)
			return err_sys(err, r, "cgroup \"%s%s\"", h[i].mount, full);
	}
	return n < 0 ? n : cgroup_plan_missing(s, err);
}

int cgroup_plan_at(const char *path, struct state *s, struct err *err)
{
	autofree struct hierarchy *h = calloc(HIERARCHIES_MAX, sizeof(*h));
	int n, r = 0;

	if (!h)
		return err_sys(err, ENOMEM, "cgroups");
	n = find_hierarchies(h, err);
	for (int i = 0; r == 0 && i < n; i++) {
		r = plan_one(h[i].mount, below_root(&h[i], path), s);
		if (r < 0)
			return err_sys(err, r, "cgroup \"%s%s\"", h[i].mount, path);
	}
	return MIN(n, 0);
}

/* A new cpuset has no CPUs and takes no process before it is given some: its parent's. */
static int copy_cpuset(int dirfd, const char *file, const char *parent_file)
{
	autofree char *text = NULL;
	int r = fd_read_file(dirfd, file, 64 * KIB, &text, NULL);

	if (r < 0 || (text[0] != '\0' && text[0] != '\n'))
		return 0; /* no v1 cpuset, or a filled one */
	free(steal_ptr(text));
	r = fd_read_file(dirfd, parent_file, 64 * KIB, &text, NULL);
	return r < 0 ? r : fd_write_existing(dirfd, file, text);
}

/*
 * v2: a cgroup has the controllers that its parent hands down. What cannot be
 * (the parent has processes of its own, no such controller) shows when a limit is written.
 */
static void hand_down_one(const char *parent)
{
	static const char *const wanted[] = { "+cpuset", "+cpu", "+io", "+memory", "+hugetlb", "+pids", "+rdma" };
	autoclose int fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < ARRAY_LEN(wanted); i++) {
		if (fd_write_existing(fd, "cgroup.subtree_control", wanted[i]) < 0)
			log_debug("cgroup: \"%s\" does not hand down %s", parent, wanted[i] + 1);
	}
}

/* All that are above @leaf and in cgroup v2, the highest first: each can give only what it got. */
static void hand_down(const char *leaf)
{
	char path[PATH_MAX];
	struct statfs fs;

	(void)snprintf(path, sizeof(path), "%s", leaf);
	for (char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
		*end = '\0';
		if (statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			hand_down_one(path);
		*end = '/';
	}
}

static int make_one(const char *path, struct err *err)
{
	autofree char *parent = strdup(path);
	autoclose int fd = -1;
	struct statfs fs;
	char *slash = parent ? strrchr(parent, '/') : NULL;
	int r;

	if (!slash)
		return err_sys(err, ENOMEM, "cgroup \"%s\"", path);
	*slash = '\0';
	/* never a plain directory: what was mounted here when it was planned may be gone */
	if (statfs(parent, &fs) < 0 || (fs.f_type != CGROUP_SUPER_MAGIC && fs.f_type != CGROUP2_SUPER_MAGIC))
		return err_set(err, ENOENT, "cannot make cgroup \"%s\": \"%s\" is no cgroup", path, parent);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(err, errno, "cannot make cgroup \"%s\"", path);
	if (fs.f_type == CGROUP2_SUPER_MAGIC)
		return 0;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : copy_cpuset(fd, "cpuset.cpus", "../cpuset.cpus");
	if (r == 0)
		r = copy_cpuset(fd, "cpuset.mems", "../cpuset.mems");
	return r < 0 ? err_sys(err, r, "cannot set up cgroup \"%s\"", path) : 0;
}

int cgroup_make(const struct state *s, struct err *err)
{
	for (size_t i = 0; i < s->cgroups_made.n; i++) {
		int r = make_one(s->cgroups_made.v[i], err);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < s->cgroups.n; i++)
		hand_down(s->cgroups.v[i]);
	return 0;
}

int cgroup_join(const struct state *s, struct err *err)
{
	for (size_t i = 0; i < s->cgroups.n; i++) {
		autoclose int fd = open(s->cgroups.v[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		int r = fd < 0 ? -errno : fd_write_existing(fd, "cgroup.procs", "0");

		if (r < 0)
			return err_sys(err, r, "cannot join cgroup \"%s\"", s->cgroups.v[i]);
	}
	return 0;
}

/* --- removing --- */

static void kill_members(int dirfd)
{
	autofree char *text = NULL;
	char *save = NULL;

	if (fd_write_existing(dirfd, "freezer.state", "THAWED") == 0) /* v1: the frozen do not die */
		log_debug("cgroup: thawed, if it was frozen");
	if (fd_write_existing(dirfd, "cgroup.kill", "1") == 0 ||
		fd_read_file(dirfd, "cgroup.procs", 4 * MIB, &text, NULL) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);

		if (pid > 0)
			(void)kill(pid, SIGKILL); /* it may be gone already */
	}
}

/* Removes @name below @dirfd with all that is below it. */
static int remove_tree(int dirfd, const char *name)
{
	autoclose int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	struct dirent *entry;
	DIR *stream;
	int r = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	stream = copy < 0 ? NULL : fdopendir(copy);
	if (!stream) {
		fd_close(copy);
		return -errno;
	}
	kill_members(fd);
	while (r == 0 && (entry = readdir(stream))) {
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			r = remove_tree(fd, entry->d_name);
	}
	(void)closedir(stream);
	if (r == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

static bool is_leaf(const struct state *s, const char *path)
{
	for (size_t i = 0; i < s->cgroups.n; i++) {
		if (strcmp(s->cgroups.v[i], path) == 0)
			return true;
	}
	return false;
}

/* A leaf with all that is below it: bounded by REMOVE_TRIES. */
static int remove_leaf(const char *path, struct err *err)
{
	const struct timespec pause = { .tv_nsec = REMOVE_PAUSE_MS * 1000000 };
	int tries = REMOVE_TRIES, r;

	/* the path is data of a file of ours, but it is removed only where it is a cgroup */
	if (access(path, F_OK) < 0 || !is_cgroup(path))
		return 0;
	while ((r = remove_tree(AT_FDCWD, path)) == -EBUSY && tries-- > 0)
		(void)nanosleep(&pause, NULL);
	return r < 0 ? err_sys(err, r, "cannot remove cgroup \"%s\"", path) : 0;
}

static int remove_leaves(const struct state_strv *leaves, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < leaves->n; i++)
		r = remove_leaf(leaves->v[i], err);
	return r;
}

int cgroup_remove(const struct state *s, struct err *err)
{
	bool unit = s->unit && *s->unit;
	int r = unit ? cgroup_unit_stop(s, err) : 0;

	/* the unit's own cgroups are systemd's to remove, unless something was made below them */
	if (r == 0 && unit)
		r = remove_leaves(&s->cgroups, err);
	for (size_t i = s->cgroups_made.n; r == 0 && i-- > 0;) {
		const char *path = s->cgroups_made.v[i];

		if (is_leaf(s, path))
			r = remove_leaf(path, err);
		else if (access(path, F_OK) == 0 && is_cgroup(path))
			(void)rmdir(path); /* others may use the parents that we made */
	}
	return r;
}
