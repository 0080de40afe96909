/* SPDX-License-Identifier: Apache-2.0 */
/* Mount points, and what else is made in a read-only root on the host: see points.h. */
#include "jail/points.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rootpath.h"

/* Whether one of the first @n mounts of @spec covers @path: then what is there is not the rootfs's. */
static bool is_covered(const struct spec *spec, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++) {
		if (rootpath_inside(path, spec->mounts.v[i].destination))
			return true;
	}
	return false;
}

/*
 * What a point's making came to: an error, unless the file system is read-only. In that case the agent finds what is
 * there already, or says what is missing.
 */
static int made(int r, const char *what, const char *path, struct err *err)
{
	return r < 0 && r != -EROFS ? err_sys(err, r, "cannot make the %s \"%s\" in the root file system", what, path)
				    : 0;
}

/* Makes @path with its parents as a file or a directory, if it is not there. 0 or -errno. */
static int make_point(int root, const char *path, bool dir)
{
	int fd = rootpath_make_owned(root, path, dir ? ROOTPATH_DIR : ROOTPATH_FILE);

	if (fd < 0)
		return fd;
	fd_close(fd);
	return 0;
}

/* Makes the node of @d; as with runc, what the rootfs has stays. 0 or -errno. */
static int make_device(int root, const struct guest_device *d)
{
	const char *name;
	autoclose int dir = rootpath_make(root, d->path, ROOTPATH_PARENT, &name);
	int r;

	if (dir < 0)
		return dir;
	r = rootpath_make_node(dir, name, d->mode, makedev(d->major, d->minor), d->uid, d->gid);
	return r == -EEXIST ? 0 : r;
}

/* Makes the link @path to @target, with @replace in the place of what is there. 0 or -errno. */
static int make_link(int root, const char *path, const char *target, bool replace)
{
	const char *name;
	autoclose int dir = rootpath_make(root, path, ROOTPATH_PARENT, &name);

	if (dir < 0)
		return dir;
	if (replace && unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return symlinkat(target, dir, name) < 0 && errno != EEXIST ? -errno : 0;
}

/* The links of /dev, as agent/launch/devices.c makes them. */
static const struct {
	const char *path, *target;
	bool replace;
} links[] = {
	{ "/dev/fd", "/proc/self/fd", false },
	{ "/dev/stdin", "/proc/self/fd/0", false },
	{ "/dev/stdout", "/proc/self/fd/1", false },
	{ "/dev/stderr", "/proc/self/fd/2", false },
	{ "/dev/core", "/proc/kcore", false },
	{ "/dev/ptmx", "pts/ptmx", true },
};

/*
 * The agent binds its own nodes over plain files where the guest's process may make none, which is in a user
 * namespace.
 */
int points_make_devices(int root, const struct spec *spec, const struct guest_container *container, struct err *err)
{
	const struct guest_devices *devices = &container->devices;
	bool files = spec_namespace_find(spec, SPEC_NS_USER);
	int r = 0;

	for (uint32_t i = 0; r == 0 && !container->no_devices && i < devices->len; i++) {
		const struct guest_device *d = &devices->at[i];

		if (!is_covered(spec, spec->mounts.n, d->path))
			r = made(files ? make_point(root, d->path, false) : make_device(root, d), "device", d->path,
				err);
	}
	return r;
}

int points_make_rest(int root, const struct spec *spec, const struct guest_container *container, struct err *err)
{
	size_t n = spec->mounts.n;
	int r = points_make_devices(root, spec, container, err);

	for (size_t i = 0; r == 0 && !container->no_devices && i < ARRAY_LEN(links); i++) {
		if (!is_covered(spec, n, links[i].path))
			r = made(make_link(root, links[i].path, links[i].target, links[i].replace), "link",
				links[i].path, err);
	}
	if (r == 0 && spec->process->terminal && !is_covered(spec, n, "/dev/console"))
		r = made(make_point(root, "/dev/console", false), "console", "/dev/console", err);
	/* A working directory that cannot be made is an error only if the process cannot enter it: the agent says so. */
	if (r == 0 && spec->process->cwd && !is_covered(spec, n, spec->process->cwd))
		(void)make_point(root, spec->process->cwd, true);
	return r;
}

int points_make_mount(int root, const struct spec *spec, size_t index, bool dir, struct err *err)
{
	const struct spec_mount *m = &spec->mounts.v[index];

	if (spec_mount_has(m, "remount") || is_covered(spec, index, m->destination))
		return 0;
	return made(make_point(root, m->destination, dir), "mount point", m->destination, err);
}
