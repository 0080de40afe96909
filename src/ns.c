/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's namespaces on the host: see ns.h. */
#include "ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "spec/names.h"

static const int clone_flags[SPEC_NS_COUNT] = {
	[SPEC_NS_MOUNT] = CLONE_NEWNS,
	[SPEC_NS_PID] = CLONE_NEWPID,
	[SPEC_NS_NETWORK] = CLONE_NEWNET,
	[SPEC_NS_UTS] = CLONE_NEWUTS,
	[SPEC_NS_IPC] = CLONE_NEWIPC,
	[SPEC_NS_USER] = CLONE_NEWUSER,
	[SPEC_NS_CGROUP] = CLONE_NEWCGROUP,
	[SPEC_NS_TIME] =
		0x80, /* CLONE_NEWTIME: sched.h of Debian 12 has it only in linux/sched.h */
};

/* In this order: what belongs to a user namespace's owner first, the mount namespace is the jail's.
 */
static const enum spec_ns enter_order[] = {
	SPEC_NS_CGROUP,
	SPEC_NS_IPC,
	SPEC_NS_UTS,
	SPEC_NS_NETWORK,
	SPEC_NS_PID,
};

void ns_set_init(struct ns_set *set)
{
	for (int i = 0; i < SPEC_NS_COUNT; i++) {
		set->fresh[i] = false;
		set->fd[i] = -1;
	}
}

void ns_set_done(struct ns_set *set)
{
	for (int i = 0; i < SPEC_NS_COUNT; i++)
		fd_close(set->fd[i]);
	ns_set_init(set);
}

static int open_path(const struct spec_namespace *ns, int *ret_fd, struct err *err)
{
	const char *name = spec_name_of(spec_ns_names, ns->type);
	autoclose int fd = open(ns->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int type;

	if (fd < 0)
		return err_sys(
			err, errno, "linux.namespaces: %s: cannot open \"%s\"", name, ns->path);
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type < 0)
		return err_set(err, EINVAL, "linux.namespaces: %s: \"%s\" is not a namespace", name,
			ns->path);
	if (type != clone_flags[ns->type])
		return err_set(err, EINVAL,
			"linux.namespaces: %s: \"%s\" is a namespace of another type", name,
			ns->path);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int ns_open(const struct spec *spec, struct ns_set *set, struct err *err)
{
	const struct spec_namespaces *list;

	if (!spec->linux_)
		return 0;
	list = &spec->linux_->namespaces;
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
	if (set->fd[SPEC_NS_MOUNT] >= 0)
		return err_set(err, ENOTSUP,
			"linux.namespaces: mount: joining \"%s\" is not supported: "
			"the container's mounts are in its own kernel",
			spec_namespace_find(spec, SPEC_NS_MOUNT)->path);
	if (set->fd[SPEC_NS_USER] >= 0)
		return err_set(err, ENOTSUP,
			"linux.namespaces: user: joining \"%s\" is not supported: "
			"the container's users are in its own kernel",
			spec_namespace_find(spec, SPEC_NS_USER)->path);
	return 0;
}

/* A new net namespace has its loopback down; hooks and resolvers on it want it up. */
static int loopback_up(struct err *err)
{
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = {.ifr_flags = IFF_UP};

	(void)strcpy(req.ifr_name, "lo");
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) < 0)
		return err_sys(err, errno, "cannot bring up the loopback of the new net namespace");
	return 0;
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
	return set->fresh[SPEC_NS_NETWORK] ? loopback_up(err) : 0;
}
