/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes of a container: see devices.h. */
#include "launch/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "launch/mounts.h"
#include "base/rootpath.h"
#include "sys/idmaps.h"
#include "sys/sandbox.h"
#include "sys/sys.h"

#define DEVICE_PATH_MAX 512
#define PTMX_TARGET "pts/ptmx" /* of the link /dev/ptmx */

/* Writes the path of the staged node of device number @i to @ret, which has DEVICE_PATH_MAX bytes. */
static void device_staged_path(const struct agent *agent, const char *cid, uint32_t i, char *ret)
{
	(void)snprintf(ret, DEVICE_PATH_MAX, "%s/" SANDBOX_DEVICES "/%s/%u", agent->shares, cid,
		i); /* fits: see CONTAINER_CID_MAX */
}

/* Makes the node @name of @d in @dir, for owner @uid and group @gid. 0 or -errno. */
static int device_node(int dir, const char *name, const struct guest_device *d, uint32_t uid, uint32_t gid)
{
	return rootpath_make_node(dir, name, d->mode, makedev(d->major, d->minor), uid, gid);
}

/* Binds the staged node of device number @i over a file that is made for it. 0 or -errno. */
static int device_bind(const struct launch *l, int root, uint32_t i)
{
	const struct guest_device *d = &l->container->devices.at[i];
	char path[DEVICE_PATH_MAX];
	autoclose int at = rootpath_make(root, d->path, ROOTPATH_FILE, NULL);
	autoclose int node = -1;

	if (at < 0)
		return at;
	device_staged_path(l->agent, l->container->cid, i, path);
	node = mount_clone(path, false);
	if (node < 0)
		return node;
	return sys_move_mount(node, at) < 0 ? -errno : 0;
}

/* Makes or binds device number @i. 0 or -errno. */
static int device_make(const struct launch *l, int root, uint32_t i)
{
	const struct guest_device *d = &l->container->devices.at[i];
	autoclose int dir = -1;
	const char *name;
	int r;

	if (l->new_ns[GUEST_NS_USER])
		return device_bind(l, root, i);
	dir = rootpath_make(root, d->path, ROOTPATH_PARENT, &name);
	if (dir < 0)
		return dir;
	r = device_node(dir, name, d, d->uid, d->gid);
	if (r == -EEXIST) /* as with runc, what the rootfs has stays */
		return 0;
	return r;
}

int devices_make(const struct launch *l, int root, struct err *err)
{
	const struct guest_devices *devices = &l->container->devices;

	for (uint32_t i = 0; i < devices->len; i++) {
		int r = device_make(l, root, i);

		/* the process may make no nodes (user namespace), or the 9P server makes none */
		if (r == -EPERM || r == -ENXIO || r == -EOPNOTSUPP) {
			r = devices_stage(l->agent, l->container, err);
			if (r < 0)
				return r;
			r = device_bind(l, root, i);
		}
		if (r < 0)
			return err_sys(err, r, "cannot make device \"%s\"", devices->at[i].path);
	}
	return 0;
}

int devices_stage(const struct agent *agent, const struct guest_container *c, struct err *err)
{
	char path[DEVICE_PATH_MAX];
	autoclose int dir = -1;

	(void)snprintf(path, sizeof(path), "%s/" SANDBOX_DEVICES "/%s", agent->shares, c->cid); /* fits */
	if (mkdir(path, 0755) < 0)
		return errno == EEXIST ? 0 : err_sys(err, errno, "cannot make \"%s\"", path);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, errno, "cannot open \"%s\"", path);
	for (uint32_t i = 0; i < c->devices.len; i++) {
		const struct guest_device *d = &c->devices.at[i];
		char name[16];
		int r;

		(void)snprintf(name, sizeof(name), "%u", i); /* fits */
		r = device_node(dir, name, d, idmaps_to_vm(&c->uids, d->uid), idmaps_to_vm(&c->gids, d->gid));
		if (r < 0)
			return err_sys(err, r, "cannot make device \"%s\"", d->path);
	}
	return 0;
}

void devices_unstage(const struct agent *agent, const char *cid)
{
	char path[DEVICE_PATH_MAX];

	for (uint32_t i = 0; i < PROTO_DEVICES_MAX; i++) {
		device_staged_path(agent, cid, i, path);
		if (unlink(path) < 0)
			break; /* they are numbered without gaps: the one before was the last */
	}
	(void)snprintf(path, sizeof(path), "%s/" SANDBOX_DEVICES "/%s", agent->shares, cid); /* fits */
	(void)rmdir(path); /* most containers have none */
}

int devices_link(int root, struct err *err)
{
	static const struct {
		const char *path, *target, *needs;
	} links[] = {
		{ "/dev/fd", "/proc/self/fd", NULL },
		{ "/dev/stdin", "/proc/self/fd/0", NULL },
		{ "/dev/stdout", "/proc/self/fd/1", NULL },
		{ "/dev/stderr", "/proc/self/fd/2", NULL },
		{ "/dev/core", "/proc/kcore", "/proc/kcore" },
	};
	char target[sizeof(PTMX_TARGET) + 1];
	const char *name;
	autoclose int dev = -1;
	ssize_t n;

	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		autoclose int dir = rootpath_make(root, links[i].path, ROOTPATH_PARENT, &name);

		if (links[i].needs && access(links[i].needs, F_OK) < 0)
			continue;
		if (dir < 0 || (symlinkat(links[i].target, dir, name) < 0 && errno != EEXIST))
			return err_sys(err, dir < 0 ? dir : errno, "cannot make \"%s\"", links[i].path);
	}
	/* ptmx leads to the container's own devpts, whatever the rootfs or the config have there */
	dev = rootpath_make(root, "/dev/ptmx", ROOTPATH_PARENT, &name);
	if (dev < 0)
		return err_sys(err, dev, "cannot open the container's /dev");
	n = readlinkat(dev, name, target, sizeof(target));
	if (n == (ssize_t)strlen(PTMX_TARGET) && memcmp(target, PTMX_TARGET, (size_t)n) == 0)
		return 0; /* of an earlier run, or made by the monitor in a root that is read-only */
	if (unlinkat(dev, name, 0) < 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot replace /dev/ptmx");
	if (symlinkat(PTMX_TARGET, dev, name) < 0)
		return err_sys(err, errno, "cannot make /dev/ptmx");
	return 0;
}
