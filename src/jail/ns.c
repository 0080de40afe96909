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

#include "base/fd.h"
#include "base/netif.h"
#include "host/userns.h"
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

/* The order in which ns_enter() takes them: all but the mount and the user namespace, see ns.h. */
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
	set->hostname = set->domainname = NULL;
	set->owners = (struct owner_maps){ .user = 0 };
	set->offsets = NULL;
}

void ns_set_done(struct ns_set *set)
{
	for (int i = 0; i < SPEC_NS_COUNT; i++)
		fd_close(set->fd[i]);
	fd_close(set->user_fd);
	free(set->uids.v);
	free(set->gids.v);
	owners_done(&set->owners);
	ns_set_init(set);
}

/* Opens the namespace at the path that @ns has, and checks its type. */
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

/*
 * Reads the mapping @file of the user namespace @u, with the ids outside of it as this process sees them: 0 or -errno. The
 * caller frees ret->v.
 */
static int read_idmap(const struct userns *u, const char *file, struct spec_idmaps *ret)
{
	struct spec_idmaps maps = { .v = calloc(IDMAPS_MAX, sizeof(*maps.v)) };
	autofree char *text = NULL;
	int r = maps.v ? userns_read_map(u, file, IDMAP_TEXT_MAX, &text) : -ENOMEM;

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

/* Reads the mappings of the user namespace @fd, which came from @path, into @set. */
static int read_joined_idmaps(int fd, const char *path, struct ns_set *set, struct err *err)
{
	struct userns theirs;
	int r = userns_hold(fd, 0, &theirs);

	if (r < 0)
		return err_sys(err, r, "linux.namespaces: user: cannot join \"%s\"", path);
	r = read_idmap(&theirs, "uid_map", &set->uids);
	if (r == 0)
		r = read_idmap(&theirs, "gid_map", &set->gids);
	userns_done(&theirs);
	if (r < 0)
		return err_sys(err, r, "linux.namespaces: user: cannot read the mappings of \"%s\"", path);
	if (set->uids.n == 0 || set->gids.n == 0)
		return err_set(err, EINVAL, "linux.namespaces: user: \"%s\" has no mappings", path);
	return 0;
}

/* Copies the mappings @from of the config to @to, which the caller frees: 0 or -ENOMEM. */
static int copy_idmaps(const struct spec_idmaps *from, struct spec_idmaps *to)
{
	struct spec_idmap *v = calloc(from->n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	if (from->n)
		memcpy(v, from->v, from->n * sizeof(*v));
	*to = (struct spec_idmaps){ .n = from->n, .v = v };
	return 0;
}

/* --- who the monitor acts as --- */

static int fill_owner_map(const struct spec_idmaps *from, struct owner_map *to)
{
	to->v = calloc(from->n + 1, sizeof(*to->v));
	if (!to->v)
		return -ENOMEM;
	for (; to->n < from->n; to->n++) {
		const struct spec_idmap *m = &from->v[to->n];

		to->v[to->n] =
			(struct owner_range){ .inside = m->container_id, .outside = m->host_id, .count = m->size };
	}
	return 0;
}

static bool is_inside(const struct owner_map *map, uint32_t inside)
{
	for (size_t i = 0; i < map->n; i++) {
		if (inside >= map->v[i].inside && inside - map->v[i].inside < map->v[i].count)
			return true;
	}
	return false;
}

/* The container's root, or where it has none the first id that it has. */
static uint32_t first_owner(const struct owner_map *map)
{
	return is_inside(map, 0) ? 0 : map->v[0].inside;
}

/*
 * Gives @set its owners. The monitor is the container's root, which with its capabilities may act as any other owner that
 * the container has; but only the groups that the config's process is in open files of unmapped users to it.
 */
static int fill_owners(const struct spec_process *p, struct ns_set *set)
{
	struct owner_maps *o = &set->owners;
	int r = fill_owner_map(&set->uids, &o->users);

	if (r == 0)
		r = fill_owner_map(&set->gids, &o->groups);
	if (r < 0)
		return r;
	o->user = first_owner(&o->users);
	o->group = first_owner(&o->groups);
	o->groups_stay = owners_keep_groups();
	o->more = calloc((p ? p->user.additional_gids.n : 0) + 1, sizeof(*o->more));
	if (!o->more)
		return -ENOMEM;
	if (p && is_inside(&o->groups, p->user.gid))
		o->more[o->more_len++] = p->user.gid;
	for (size_t i = 0; p && i < p->user.additional_gids.n; i++) {
		if (is_inside(&o->groups, p->user.additional_gids.v[i]))
			o->more[o->more_len++] = p->user.additional_gids.v[i];
	}
	return 0;
}

/* Makes the monitor's own user namespace, with the mappings of @set. */
static int make_user(const struct spec *spec, struct ns_set *set, struct err *err)
{
	int r = fill_owners(spec->process, set);

	if (r == 0)
		r = owners_new_namespace(&set->owners, false);
	if (r == -EPERM)
		return err_set(err, EPERM,
			"linux.namespaces: user: cannot make the monitor's: operation not permitted: are all ids of the mappings there where vmrunc runs (/proc/self/uid_map)?%s",
			geteuid() == 0
				? ""
				: " A user who is not root has his own id and, with newuidmap(1), those that /etc/subuid and /etc/subgid give to him");
	if (r < 0)
		return err_sys(err, r, "linux.namespaces: user: cannot make the monitor's");
	set->user_fd = r;
	return 0;
}

/* Makes the monitor's own user namespace if the config lists one: with its mappings, or those of the one by path. */
static int open_user(const struct spec *spec, struct ns_set *set, struct err *err)
{
	const struct spec_namespace *ns = spec_namespace_find(spec, SPEC_NS_USER);
	struct stat theirs, own;
	int fd = set->fd[SPEC_NS_USER], r = 0;

	if (!ns && geteuid() != 0)
		return err_set(err, EPERM,
			"rootless container requires user namespaces: linux.namespaces lists none of type user, and you are not root: vmrunc spec --rootless writes a config that has one");
	if (!ns)
		return 0;
	if (fd >= 0) {
		if (fstat(fd, &theirs) < 0 || stat("/proc/self/ns/user", &own) < 0)
			return err_sys(err, errno, "linux.namespaces: user: \"%s\"", ns->path);
		/*
		 * It is the caller's own namespace: setns(2) refuses to enter a user namespace that one is in already.
		 */
		if (theirs.st_dev == own.st_dev && theirs.st_ino == own.st_ino)
			return 0;
		/* What the config says itself is not asked: engines that know no mappings put some there. */
		r = read_joined_idmaps(fd, ns->path, set, err);
	} else {
		r = copy_idmaps(&spec->linux_->uid_mappings, &set->uids);
		if (r == 0)
			r = copy_idmaps(&spec->linux_->gid_mappings, &set->gids);
		if (r < 0)
			return err_sys(err, r, "linux.namespaces: user");
	}
	return r < 0 ? r : make_user(spec, set, err);
}

/*
 * Makes the new network namespace where it belongs to the monitor's user namespace, as the container's belongs to its own
 * under any runtime: who has rights over the one has them over the other, and over no network of the host's.
 */
static int make_network(struct ns_set *set, struct err *err)
{
	struct userns owner;
	int r = userns_hold(set->user_fd, CLONE_NEWNET, &owner);

	if (r == 0) {
		r = set->fd[SPEC_NS_NETWORK] = userns_open(&owner, "net");
		userns_done(&owner);
	}
	return r < 0 ? err_sys(err, r, "cannot make a new network namespace in the monitor's user namespace") : 0;
}

int ns_open(const struct spec *spec, struct ns_set *set, struct err *err)
{
	const struct spec_namespaces *list;
	int r;

	if (!spec->linux_)
		return 0;
	list = &spec->linux_->namespaces;
	set->offsets = spec->linux_->time_offsets;
	set->hostname = spec->hostname;
	set->domainname = spec->domainname;
	for (size_t i = 0; i < list->n; i++) {
		const struct spec_namespace *ns = &list->v[i];

		if (!ns->path) {
			set->fresh[ns->type] = true;
			continue;
		}
		r = open_path(ns, &set->fd[ns->type], err);
		if (r < 0)
			return r;
	}
	r = open_user(spec, set, err);
	return r == 0 && set->fresh[SPEC_NS_NETWORK] && set->user_fd >= 0 ? make_network(set, err) : r;
}

bool ns_other_pids(const struct ns_set *set)
{
	return set->fresh[SPEC_NS_PID] || set->fd[SPEC_NS_PID] >= 0;
}

bool ns_own_network(const struct spec *spec, int fd)
{
	const struct spec_namespace *ns = spec_namespace_find(spec, SPEC_NS_NETWORK);
	struct stat theirs, own;

	if (!ns || !ns->path)
		return ns != NULL;
	if (strncmp(ns->path, "/proc/", strlen("/proc/")) == 0)
		return false;
	if (fstat(fd, &theirs) < 0 || stat("/proc/self/ns/net", &own) < 0)
		return false;
	return theirs.st_dev != own.st_dev || theirs.st_ino != own.st_ino;
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

/* Sets the clocks of a new time namespace; that is possible until it has its first process. */
static int write_offsets(const struct spec_time_offsets *offsets, struct err *err)
{
	int r = offsets ? write_offset("monotonic", offsets->monotonic, err) : 0;

	return r == 0 && offsets ? write_offset("boottime", offsets->boottime, err) : r;
}

/* Names the UTS namespace, unless that is the caller's. */
static int write_names(const struct ns_set *set, struct err *err)
{
	if (!set->fresh[SPEC_NS_UTS] && set->fd[SPEC_NS_UTS] < 0)
		return 0;
	if (set->hostname && sethostname(set->hostname, strlen(set->hostname)) < 0)
		return err_sys(err, errno, "cannot set the hostname \"%s\" in the uts namespace", set->hostname);
	if (set->domainname && setdomainname(set->domainname, strlen(set->domainname)) < 0)
		return err_sys(err, errno, "cannot set the domainname \"%s\" in the uts namespace", set->domainname);
	return 0;
}

int ns_enter(const struct ns_set *set, struct err *err)
{
	int r;

	for (size_t i = 0; i < ARRAY_LEN(enter_order); i++) {
		enum spec_ns type = enter_order[i];
		const char *name = spec_name_of(spec_ns_names, type);

		if (set->fd[type] >= 0 && setns(set->fd[type], clone_flags[type]) < 0)
			return err_sys(err, errno, "cannot join the %s namespace", name);
		if (set->fd[type] < 0 && set->fresh[type] && unshare(clone_flags[type]) < 0)
			return err_sys(err, errno, "cannot make a new %s namespace", name);
	}
	/* In a new net namespace the loopback interface is down; hooks and resolvers that use it need it up. */
	if (set->fresh[SPEC_NS_NETWORK] && netif_loopback_up(err) < 0)
		return -err->errnum;
	r = write_names(set, err);
	return r == 0 && set->fresh[SPEC_NS_TIME] ? write_offsets(set->offsets, err) : r;
}
