/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's namespaces on the host: see ns.h. */
#include "jail/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/netif.h"
#include "spec/names.h"

/* The kernel's limit of 340 mappings, each three numbers of up to ten digits. */
#define IDMAPS_MAX 340
#define IDMAP_TEXT_MAX (IDMAPS_MAX * 48)

static const int clone_flags[SPEC_NS_COUNT] = {
	[SPEC_NS_MOUNT] = CLONE_NEWNS,
	[SPEC_NS_PID] = CLONE_NEWPID,
	[SPEC_NS_NETWORK] = CLONE_NEWNET,
	[SPEC_NS_UTS] = CLONE_NEWUTS,
	[SPEC_NS_IPC] = CLONE_NEWIPC,
	[SPEC_NS_USER] = CLONE_NEWUSER,
	[SPEC_NS_CGROUP] = CLONE_NEWCGROUP,
	[SPEC_NS_TIME] = 0x80, /* CLONE_NEWTIME: sched.h of Debian 12 has it only in linux/sched.h */
};

/* Of all but the mount namespace and the user namespace, see ns.h. */
static const enum spec_ns enter_order[] = {
	SPEC_NS_CGROUP,
	SPEC_NS_IPC,
	SPEC_NS_UTS,
	SPEC_NS_NETWORK,
	SPEC_NS_PID,
	SPEC_NS_TIME,
};

void ns_set_init(struct ns_set *set)
{
	for (int i = 0; i < SPEC_NS_COUNT; i++) {
		set->fresh[i] = false;
		set->fd[i] = -1;
	}
	set->user_fd = -1;
	set->uids = set->gids = (struct spec_idmaps){ .n = 0 };
	set->offsets = NULL;
}

void ns_set_done(struct ns_set *set)
{
	for (int i = 0; i < SPEC_NS_COUNT; i++)
		fd_close(set->fd[i]);
	fd_close(set->user_fd);
	free(set->uids.v);
	free(set->gids.v);
	ns_set_init(set);
}

static int open_path(const struct spec_namespace *ns, int *ret_fd, struct err *err)
{
	const char *name = spec_name_of(spec_ns_names, ns->type);
	autoclose int fd = open(ns->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int type;

	if (fd < 0)
		return err_sys(err, errno, "linux.namespaces: %s: cannot open \"%s\"", name, ns->path);
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type < 0)
		return err_set(err, EINVAL, "linux.namespaces: %s: \"%s\" is not a namespace", name, ns->path);
	if (type != clone_flags[ns->type])
		return err_set(
			err, EINVAL, "linux.namespaces: %s: \"%s\" is a namespace of another type", name, ns->path);
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* --- user namespaces --- */

/* A process that does nothing but stand in a user namespace, for its files in /proc. */
struct holder {
	pid_t pid;
	int sock; /* its end is the process's */
};

static _Noreturn void hold(int join_fd, int sock)
{
	int failed = (join_fd >= 0 ? setns(join_fd, CLONE_NEWUSER) : unshare(CLONE_NEWUSER)) < 0 ? errno : 0;
	char end;

	if (write(sock, &failed, sizeof(failed)) == (ssize_t)sizeof(failed))
		(void)!read(sock, &end, 1); /* whatever it says, this is over */
	_exit(0);
}

static void holder_done(struct holder *h)
{
	fd_close(h->sock);
	if (h->pid > 0) {
		while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
}

/* A holder in the user namespace @join_fd, or in a new one (-1): 0 or -errno. */
static int holder_new(int join_fd, struct holder *h)
{
	int socks[2], failed = 0;

	*h = (struct holder){ .sock = -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks) < 0)
		return -errno;
	h->sock = socks[0];
	(void)fflush(NULL);
	h->pid = fork();
	if (h->pid == 0) {
		fd_close(socks[0]);
		hold(join_fd, socks[1]);
	}
	if (h->pid < 0)
		failed = errno;
	fd_close(socks[1]);
	if (h->pid > 0 && fd_read_full(h->sock, &failed, sizeof(failed)) != (ssize_t)sizeof(failed))
		failed = ECHILD;
	if (failed)
		holder_done(h);
	return -failed;
}

/* Reads a mapping as this process sees it: 0 or -errno. The caller frees ret->v. */
static int read_idmap(const char *path, struct spec_idmaps *ret)
{
	struct spec_idmaps maps = { .v = calloc(IDMAPS_MAX, sizeof(*maps.v)) };
	autofree char *text = NULL;
	int r = maps.v ? fd_read_file(AT_FDCWD, path, IDMAP_TEXT_MAX, &text, NULL) : -ENOMEM;

	for (char *line = text; r == 0 && *line; line += strcspn(line, "\n") + 1) {
		struct spec_idmap *m = &maps.v[maps.n];

		if (maps.n == IDMAPS_MAX || sscanf(line, "%u %u %u", &m->container_id, &m->host_id, &m->size) != 3)
			r = -EBADMSG;
		else
			maps.n++;
		if (!strchr(line, '\n'))
			break;
	}
	if (r < 0) {
		free(maps.v);
		return r;
	}
	*ret = maps;
	return 0;
}

static int read_idmap_of(pid_t pid, const char *file, struct spec_idmaps *ret)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, file); /* fits */
	return read_idmap(path, ret);
}

/* The mappings of the user namespace @fd, which came from @path. */
static int read_joined_idmaps(int fd, const char *path, struct ns_set *set, struct err *err)
{
	struct holder h;
	int r = holder_new(fd, &h);

	if (r < 0)
		return err_sys(err, r, "linux.namespaces: user: cannot join \"%s\"", path);
	r = read_idmap_of(h.pid, "uid_map", &set->uids);
	if (r == 0)
		r = read_idmap_of(h.pid, "gid_map", &set->gids);
	holder_done(&h);
	if (r < 0)
		return err_sys(err, r, "linux.namespaces: user: cannot read the mappings of \"%s\"", path);
	if (set->uids.n == 0 || set->gids.n == 0)
		return err_set(err, EINVAL, "linux.namespaces: user: \"%s\" has no mappings", path);
	return 0;
}

/* Every id that this process has is to be itself for the process @pid. */
static int write_identity(pid_t pid, const char *file)
{
	struct spec_idmaps own = { .n = 0 };
	autobuf text = BUF_INIT;
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/self/%s", file); /* fits */
	r = read_idmap(path, &own);
	for (size_t i = 0; r == 0 && i < own.n; i++)
		buf_printf(&text, "%u %u %u\n", own.v[i].container_id, own.v[i].container_id, own.v[i].size);
	free(own.v);
	if (r == 0)
		r = buf_error(&text);
	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, file); /* fits */
	return r < 0 ? r : fd_write_existing(AT_FDCWD, path, text.data ? text.data : "");
}

/* The monitor's own user namespace. */
static int make_user(int *ret_fd, struct err *err)
{
	struct holder h;
	char path[64];
	int r = holder_new(-1, &h), fd = -1;

	if (r < 0)
		return err_sys(err, r, "linux.namespaces: user: cannot make one for the monitor");
	r = write_identity(h.pid, "uid_map");
	if (r == 0)
		r = write_identity(h.pid, "gid_map");
	(void)snprintf(path, sizeof(path), "/proc/%ld/ns/user", (long)h.pid); /* fits */
	if (r == 0 && (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		r = -errno;
	holder_done(&h);
	if (r < 0)
		return err_sys(err, r, "linux.namespaces: user: cannot map the ids of the monitor's");
	*ret_fd = fd;
	return 0;
}

static int open_user(const struct spec *spec, struct ns_set *set, struct err *err)
{
	const struct spec_namespace *ns = spec_namespace_find(spec, SPEC_NS_USER);
	struct stat theirs, own;
	int fd = set->fd[SPEC_NS_USER], r = 0;

	if (!ns)
		return 0;
	if (fd >= 0) {
		if (fstat(fd, &theirs) < 0 || stat("/proc/self/ns/user", &own) < 0)
			return err_sys(err, errno, "linux.namespaces: user: \"%s\"", ns->path);
		/* the caller's own: nobody can join it, who is in it */
		if (theirs.st_dev == own.st_dev && theirs.st_ino == own.st_ino)
			return 0;
		r = read_joined_idmaps(fd, ns->path, set, err);
	}
	return r < 0 ? r : make_user(&set->user_fd, err);
}

int ns_open(const struct spec *spec, struct ns_set *set, struct err *err)
{
	const struct spec_namespaces *list;

	if (!spec->linux_)
		return 0;
	list = &spec->linux_->namespaces;
	set->offsets = spec->linux_->time_offsets;
	for (size_t i = 0; i < list->n; i++) {
		const struct spec_namespace *ns = &list->v[i];
		int r;

		if (!ns->path) {
			set->fresh[ns->type] = true;
			continue;
		}
		r = open_path(ns, &set->fd[ns->type], err);
		if (r < 0)
			return r;
	}
	return open_user(spec, set, err);
}

bool ns_other_pids(const struct ns_set *set)
{
	return set->fresh[SPEC_NS_PID] || set->fd[SPEC_NS_PID] >= 0;
}

/* --- entering --- */

static int write_offset(const char *clock, const struct spec_time_offset *offset, struct err *err)
{
	char text[64];
	int r;

	if (!offset)
		return 0;
	(void)snprintf(text, sizeof(text), "%s %lld %u", clock, (long long)offset->secs, offset->nanosecs); /* fits */
	r = fd_write_existing(AT_FDCWD, "/proc/self/timens_offsets", text);
	return r < 0 ? err_sys(err, r, "linux.timeOffsets: cannot set \"%s\" for the monitor", text) : 0;
}

/* Before the new time namespace has its first process. */
static int write_offsets(const struct spec_time_offsets *offsets, struct err *err)
{
	int r = offsets ? write_offset("monotonic", offsets->monotonic, err) : 0;

	return r == 0 && offsets ? write_offset("boottime", offsets->boottime, err) : r;
}

int ns_enter(const struct ns_set *set, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(enter_order); i++) {
		enum spec_ns type = enter_order[i];
		const char *name = spec_name_of(spec_ns_names, type);

		if (set->fd[type] >= 0 && setns(set->fd[type], clone_flags[type]) < 0)
			return err_sys(err, errno, "cannot join the %s namespace", name);
		if (set->fresh[type] && unshare(clone_flags[type]) < 0)
			return err_sys(err, errno, "cannot make a new %s namespace", name);
	}
	/* a new net namespace has its loopback down; hooks and resolvers on it want it up */
	if (set->fresh[SPEC_NS_NETWORK] && netif_loopback_up(err) < 0)
		return -err->errnum;
	return set->fresh[SPEC_NS_TIME] ? write_offsets(set->offsets, err) : 0;
}
