/* SPDX-License-Identifier: Apache-2.0 */
/* The container's cgroups as directories: see dirs.h. */
#include "cgroup/dirs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroup/hierarchy.h"

/* A cgroup counts as busy until its killed processes have freed their memory, which takes a while for gigabytes. */
#define REMOVE_TRIES 1000
#define REMOVE_PAUSE_MS 10

/* Copies @path to @to without empty and "." components. A ".." is an error: it could lead out of the hierarchy. */
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

/* Adds the cgroup @path (absolute or "") of the hierarchy at @mount to c->dirs: 0 or -errno. */
static int plan_one(const char *mount, const char *path, struct cgroups *c)
{
	char full[PATH_MAX * 2];

	if (snprintf(full, sizeof(full), "%s%s", mount, path) >= PATH_MAX)
		return -ENAMETOOLONG;
	return strv_add(&c->dirs, full);
}

int dirs_plan_missing(struct cgroups *c, struct err *err)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < c->dirs.n; i++) {
		/* this looks at the parents of the mount point too, but those exist */
		(void)snprintf(path, sizeof(path), "%s", c->dirs.v[i]);
		for (char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
			*end = '\0';
			if (access(path, F_OK) < 0 && strv_add(&c->made, path) < 0)
				return err_sys(err, ENOMEM, "cgroups");
			*end = '/';
		}
		if (access(path, F_OK) < 0 && strv_add(&c->made, path) < 0)
			return err_sys(err, ENOMEM, "cgroups");
	}
	return 0;
}

/*
 * Writes to @path where a relative linux.cgroupsPath starts in @h. In v2 that is beside the caller's own cgroup and not
 * below it, as runc does it: the caller is a process in there, and a cgroup with processes hands no controllers down.
 */
static int relative_start(const struct hierarchy *h, char *path, size_t len, struct err *err)
{
	int r = hierarchy_own_cgroup(h, path, len, err);
	char *slash = r == 0 && h->v2 ? strrchr(path, '/') : NULL;

	if (slash)
		*slash = '\0';
	if (r == 0 && strcmp(path, "/") == 0)
		*path = '\0';
	return r;
}

/*
 * Refuses a cgroup with processes in it: they are another container's, perhaps one of the same ID in another --root,
 * and whichever of the two made the cgroup kills all that is in it at its end.
 */
static int check_empty(const struct cgroups *c, struct err *err)
{
	for (size_t i = 0; i < c->dirs.n; i++) {
		autoclose int fd = open(c->dirs.v[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		autofree char *text = NULL;
		int n = 0;

		if (fd < 0 || fd_read_file(fd, "cgroup.procs", 4 * MIB, &text, NULL) < 0)
			continue; /* it is to be made yet */
		for (const char *at = text; (at = strchr(at, '\n')); at++)
			n++;
		if (n > 0)
			return err_set(err, EBUSY,
				"container's cgroup is not empty: %d process(es) found in \"%s\": is there a container of this ID under another --root? Set another linux.cgroupsPath",
				n, c->dirs.v[i]);
	}
	return 0;
}

int dirs_plan(const char *path, const char *id, struct cgroups *c, struct err *err)
{
	autofree struct hierarchy *h = NULL;
	char clean[PATH_MAX], full[PATH_MAX * 2], start[PATH_MAX];
	bool relative = path && *path && path[0] != '/';
	int n, r;

	r = clean_path(path && *path ? path : id, clean, sizeof(clean), err);
	if (r < 0)
		return r;
	if (!*clean) /* a limit of this cgroup would be one of the whole machine */
		return err_set(err, EINVAL, "linux.cgroupsPath: \"%s\" is the root of all cgroups", path);
	n = hierarchy_find_all(&h, err);
	for (int i = 0; i < n; i++) {
		start[0] = '\0';
		if (relative) {
			r = relative_start(&h[i], start, sizeof(start), err);
			if (r < 0)
				return r;
		}
		(void)snprintf(full, sizeof(full), "%s%s", start, clean);
		r = plan_one(h[i].mount, full, c);
		if (r < 0)
			return err_sys(err, r, "cgroup \"%s%s\"", h[i].mount, full);
	}
	r = n < 0 ? n : check_empty(c, err);
	return r < 0 ? r : dirs_plan_missing(c, err);
}

int dirs_plan_at(const char *path, struct cgroups *c, struct err *err)
{
	autofree struct hierarchy *h = NULL;
	int n = hierarchy_find_all(&h, err);

	for (int i = 0; i < n; i++) {
		int r = plan_one(h[i].mount, hierarchy_below_root(&h[i], path), c);

		if (r < 0)
			return err_sys(err, r, "cgroup \"%s%s\"", h[i].mount, path);
	}
	return MIN(n, 0);
}

/*
 * Gives an empty cpuset of v1 what its parent has: it starts without CPUs and memory nodes, and takes no process before
 * it has some. @file is the file in @dirfd, @parent_file its parent's. Returns 0 or -errno.
 */
static int copy_cpuset(int dirfd, const char *file, const char *parent_file)
{
	autofree char *text = NULL;
	int r = fd_read_file(dirfd, file, 64 * KIB, &text, NULL);

	if (r < 0 || (text[0] != '\0' && text[0] != '\n'))
		return 0; /* this is not the hierarchy of cpuset, or the file has something already */
	free(steal_ptr(text));
	r = fd_read_file(dirfd, parent_file, 64 * KIB, &text, NULL);
	return r < 0 ? r : fd_write_existing(dirfd, file, text);
}

/* Calls copy_cpuset() for @path, if that is a cgroup of v1: 0, or -errno with an error. */
static int fill_cpuset(const char *path, struct err *err)
{
	autoclose int fd = -1;
	int r;

	if (hierarchy_version(path) != 1)
		return 0;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : copy_cpuset(fd, "cpuset.cpus", "../cpuset.cpus");
	if (r == 0)
		r = copy_cpuset(fd, "cpuset.mems", "../cpuset.mems");
	return r < 0 ? err_sys(err, r, "cannot set up cgroup \"%s\"", path) : 0;
}

/* Fills the cpusets above @leaf and @leaf itself, the highest first: each can have only what its parent has. */
static int fill_cpusets(const char *leaf, struct err *err)
{
	char path[PATH_MAX];
	int r = 0;

	(void)snprintf(path, sizeof(path), "%s", leaf);
	for (char *end = strchr(path + 1, '/'); r == 0 && end; end = strchr(end + 1, '/')) {
		*end = '\0';
		r = fill_cpuset(path, err);
		*end = '/';
	}
	return r == 0 ? fill_cpuset(path, err) : r;
}

/* Writes @text to a file, where it is no error if the file is missing or refuses. */
static void try_write(int dirfd, const char *file, const char *text)
{
	int ignored = fd_write_existing(dirfd, file, text);

	(void)ignored;
}

/*
 * v2: tells @parent to hand its controllers down, each on its own. What it refuses (it has processes, or lacks the
 * controller itself) is not an error: it may not be needed.
 */
static void hand_down_one(const char *parent)
{
	static const char *const wanted[] = { "+cpuset", "+cpu", "+io", "+memory", "+hugetlb", "+pids", "+rdma" };
	autoclose int fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < ARRAY_LEN(wanted); i++)
		try_write(fd, "cgroup.subtree_control", wanted[i]);
}

/*
 * Calls hand_down_one() for all cgroups of v2 above @leaf, the highest first: each can hand down only what it was
 * given.
 */
static void hand_down(const char *leaf)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s", leaf);
	for (char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
		*end = '\0';
		if (hierarchy_version(path) == 2)
			hand_down_one(path);
		*end = '/';
	}
}

/* Makes the cgroup @path, whose parent is there, unless it exists by now. Returns 0, or -errno with an error. */
static int make_one(const char *path, struct err *err)
{
	autofree char *parent = strdup(path);
	char *slash = parent ? strrchr(parent, '/') : NULL;

	if (!slash)
		return err_sys(err, ENOMEM, "cgroup \"%s\"", path);
	*slash = '\0';
	/*
	 * whatever was mounted here when this was planned may be gone, and a plain directory must not be made instead
	 */
	if (hierarchy_version(parent) == 0)
		return err_set(err, ENOENT, "cannot make cgroup \"%s\": \"%s\" is not a cgroup", path, parent);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(err, errno, "cannot make cgroup \"%s\"", path);
	return 0;
}

/* Whether the file @file of the cgroup @dirfd has a line that begins with @start. */
static bool has_line(int dirfd, const char *file, const char *start)
{
	autofree char *text = NULL;
	char *save = NULL;

	if (fd_read_file(dirfd, file, 64 * KIB, &text, NULL) < 0)
		return false;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, start, strlen(start)) == 0)
			return true;
	}
	return false;
}

/* Refuses a frozen cgroup, or one below a frozen one: a process that joins it stops, and cannot even be killed in v1. */
static int check_thawed(const char *path, struct err *err)
{
	autoclose int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "cgroup \"%s\"", path);
	if (has_line(fd, "freezer.state", "FR") || has_line(fd, "cgroup.freeze", "1") ||
		has_line(fd, "cgroup.events", "frozen 1"))
		return err_set(err, EBUSY,
			"container's cgroup unexpectedly frozen: \"%s\", or one above it; thaw it, or set another linux.cgroupsPath",
			path);
	return 0;
}

int dirs_make(const struct cgroups *c, struct err *err)
{
	for (size_t i = 0; i < c->made.n; i++) {
		int r = make_one(c->made.v[i], err);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < c->dirs.n; i++) {
		int r = fill_cpusets(c->dirs.v[i], err);

		if (r == 0)
			r = check_thawed(c->dirs.v[i], err);
		if (r < 0)
			return r;
		hand_down(c->dirs.v[i]);
	}
	return 0;
}

int dirs_join(const struct cgroups *c, pid_t pid, struct err *err)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%ld", (long)pid); /* fits */
	for (size_t i = 0; i < c->dirs.n; i++) {
		autoclose int fd = open(c->dirs.v[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		int r = fd < 0 ? -errno : fd_write_existing(fd, "cgroup.procs", text);

		if (r < 0)
			return err_sys(err, r, "cannot join cgroup \"%s\"", c->dirs.v[i]);
	}
	return 0;
}

/* --- who is in there --- */

struct pid_array {
	pid_t *v;
	size_t n;
};

/* Adds the pids that stand in the file cgroup.procs of @dirfd to @pids: 0 or -errno. */
static int add_pids(int dirfd, struct pid_array *pids)
{
	autofree char *text = NULL;
	char *save = NULL;
	int r = fd_read_file(dirfd, "cgroup.procs", 4 * MIB, &text, NULL);

	if (r < 0)
		return r;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);
		pid_t *grown = reallocarray(pids->v, pids->n + 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		pids->v = grown;
		if (pid > 0) /* 0 is one that our pid namespace does not know */
			pids->v[pids->n++] = pid;
	}
	return 0;
}

/* Adds the pids in the cgroup @dirfd and in those below, which may go meanwhile: 0 or -errno. */
static int walk_pids(int dirfd, struct pid_array *pids)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int r;

	if (!stream) {
		fd_close(copy);
		return errno == ENOENT ? 0 : -errno;
	}
	r = add_pids(dirfd, pids);
	while (r == 0 && (entry = readdir(stream))) {
		autoclose int below = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		below = openat(dirfd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (below >= 0)
			r = walk_pids(below, pids);
	}
	(void)closedir(stream);
	return r == -ENODEV || r == -ENOENT ? 0 : r;
}

int dirs_pids(const struct cgroups *c, pid_t **ret, size_t *ret_n, struct err *err)
{
	struct pid_array pids = { .v = NULL };
	autoclose int fd = -1;
	int r = 0;

	for (size_t i = 0; fd < 0 && i < c->dirs.n; i++) {
		if (hierarchy_version(c->dirs.v[i]))
			fd = open(c->dirs.v[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd >= 0)
		r = walk_pids(fd, &pids);
	if (r < 0) {
		free(pids.v);
		return err_sys(err, r, "cannot read the container's cgroup");
	}
	*ret = pids.v;
	*ret_n = pids.n;
	return 0;
}

/* --- removing --- */

void dirs_thaw(const struct cgroups *c)
{
	for (size_t i = 0; i < c->dirs.n; i++) {
		autoclose int fd = open(c->dirs.v[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0)
			try_write(fd, "freezer.state", "THAWED");
	}
}

/* Kills all processes in the cgroup @dirfd; v2 kills those below it as well. */
static void kill_members(int dirfd)
{
	autofree char *text = NULL;
	char *save = NULL;

	try_write(dirfd, "freezer.state", "THAWED"); /* v1: a frozen process does not die */
	if (fd_write_existing(dirfd, "cgroup.kill", "1") == 0 ||
		fd_read_file(dirfd, "cgroup.procs", 4 * MIB, &text, NULL) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);

		if (pid > 0)
			(void)kill(pid, SIGKILL); /* fails if the process has gone by itself */
	}
}

/*
 * Kills and removes the cgroup @name below @dirfd with all cgroups in it: 0 or -errno (-EBUSY: a process still ends).
 */
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

/* Removes one of c->dirs with all that is below it, in REMOVE_TRIES at most. */
static int remove_leaf(const char *path, struct err *err)
{
	const struct timespec pause = { .tv_nsec = REMOVE_PAUSE_MS * 1000000 };
	int tries = REMOVE_TRIES, r;

	/* the path comes from a file of ours, but nothing but a cgroup is ever removed */
	if (hierarchy_version(path) == 0)
		return 0;
	while ((r = remove_tree(AT_FDCWD, path)) == -EBUSY && tries-- > 0)
		(void)nanosleep(&pause, NULL);
	return r < 0 ? err_sys(err, r, "cannot remove cgroup \"%s\"", path) : 0;
}

int dirs_remove(const struct cgroups *c, struct err *err)
{
	int r = 0;

	/* systemd has removed the cgroups of a unit, but not if somebody has made others below them */
	for (size_t i = 0; c->unit && *c->unit && r == 0 && i < c->dirs.n; i++)
		r = remove_leaf(c->dirs.v[i], err);
	for (size_t i = c->made.n; r == 0 && i-- > 0;) {
		const char *path = c->made.v[i];

		if (strv_has(&c->dirs, path))
			r = remove_leaf(path, err);
		else if (hierarchy_version(path))
			(void)rmdir(path); /* a parent may have other children by now: then it stays */
	}
	return r;
}

void dirs_remove_empty(const struct cgroups *c)
{
	for (size_t i = 0; i < c->dirs.n; i++) {
		const struct timespec pause = { .tv_nsec = REMOVE_PAUSE_MS * 1000000 };
		int tries = REMOVE_TRIES / 10; /* the killed process has still to leave it */

		while (hierarchy_version(c->dirs.v[i]) && rmdir(c->dirs.v[i]) < 0 && errno == EBUSY && tries-- > 0)
			(void)nanosleep(&pause, NULL);
	}
}
