/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's root file system: see rootfs.h.
 *
 * All of it is done before pivot_root(2), through descriptors below the new
 * root, while /proc and /dev are still the VM's own:
 *
 *   root bound -> mounts in order -> devices, links -> terminal, console
 *   -> sysctl -> tmpfs read-only -> read-only paths -> masked paths -> root read-only -> pivot
 */
#include "launch/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "launch/devices.h"
#include "launch/mounts.h"
#include "launch/tell.h"
#include "base/rootpath.h"
#include "launch/tty.h"
#include "sys/sandbox.h"
#include "sys/sys.h"

/* Binds the container's root at shares/root: its descriptor, or -errno. */
static int rootfs_bind(const struct launch *l, struct err *err)
{
	const struct guest_container *c = l->container;
	char path[4096 + 64], at[256];
	autoclose int copy = -1;
	int fd;

	/* neither side may see the other's mounts from here on (MS_SLAVE would let the VM's in) */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(err, errno, "cannot make the mount namespace private");
	if ((size_t)snprintf(path, sizeof(path), "%s/%s/%s", l->agent->shares, SANDBOX_PRIVATE, c->rootfs) >=
		sizeof(path))
		return err_set(err, ENAMETOOLONG, "root file system \"%s\"", c->rootfs);
	copy = mount_clone(path, true);
	if (copy < 0)
		return err_sys(err, copy, "root file system \"%s\"", c->rootfs);
	(void)snprintf(at, sizeof(at), "%s/" SANDBOX_ROOT, l->agent->shares); /* shares is short */
	fd = open(at, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || sys_move_mount(copy, fd) < 0) {
		int e = errno;

		fd_close(fd);
		return err_sys(err, e, "cannot bind the root file system");
	}
	fd_close(fd);
	fd = open(at, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, errno, "cannot open the root file system") : fd;
}

static int rootfs_make_mounts(const struct launch *l, int root, struct err *err)
{
	const struct guest_mounts *mounts = &l->container->mounts;

	for (uint32_t i = 0; i < mounts->len; i++) {
		int r = mount_make(l, root, i, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Fills /dev, unless it is a bind of the config's, and opens the terminal. */
static int rootfs_make_devices(const struct launch *l, int root, int *ret_slave, struct err *err)
{
	int r = 0;

	if (!l->container->no_devices)
		r = devices_make(l, root, err);
	if (r == 0 && !l->container->no_devices)
		r = devices_link(root, err);
	if (r < 0 || !l->process->terminal)
		return r;
	r = tty_open(l, root, ret_slave, err);
	return r == 0 ? tty_bind_console(root, *ret_slave, err) : r;
}

/* Hides the masked paths. One that is named twice is hidden once, since it would be a mount more to look at. */
static int rootfs_mask(const struct guest_strings *masked, int root, struct err *err)
{
	autoclose int empty = -1;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < masked->len; i++) {
		bool named = false;

		for (uint32_t k = 0; k < i && !named; k++)
			named = strcmp(masked->at[k], masked->at[i]) == 0;
		if (!named)
			r = mount_mask(root, masked->at[i], &empty, err);
	}
	return r;
}

/* Makes paths read-only, masks paths, makes the root read-only. */
static int rootfs_restrict(const struct launch *l, int root, struct err *err)
{
	const struct guest_container *c = l->container;
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int r = mount_seal_all(&c->mounts, root, err);

	for (uint32_t i = 0; r == 0 && i < c->readonly_paths.len; i++)
		r = mount_make_readonly(root, c->readonly_paths.at[i], err);
	if (r == 0)
		r = rootfs_mask(&c->masked, root, err);
	if (r == 0 && c->readonly && sys_mount_setattr(root, 0, &attr) < 0)
		r = err_sys(err, errno, "cannot make the root file system read-only");
	return r;
}

/* Gives the agent what the host looks into, in their order; it is all of the container's mounts by now. */
static int rootfs_show(const struct launch *l, int root, struct err *err)
{
	const struct guest_mounts *mounts = &l->container->mounts;

	for (uint32_t i = 0; i < mounts->len; i++) {
		autoclose int fd = -1;

		if (!mounts->at[i].shown)
			continue;
		fd = mount_show(root, mounts->at[i].destination);
		if (tell_say(l->sync, TELL_PLACE, fd) < 0)
			return err_set(err, EPIPE, "the agent has given the process up");
	}
	return 0;
}

/* Makes the working directory if it is missing, as runc does. In a read-only root it stays missing. */
static int rootfs_make_cwd(const struct launch *l, int root, struct err *err)
{
	autoclose int cwd = -1;

	if (!*l->process->cwd)
		return 0;
	cwd = rootpath_make(root, l->process->cwd, ROOTPATH_DIR, NULL);
	if (cwd < 0 && cwd != -EROFS && cwd != -ENOTDIR && cwd != -EACCES)
		return err_sys(err, cwd, "process.cwd: cannot make \"%s\"", l->process->cwd);
	return 0;
}

/* Makes @root the root, and gets rid of the old one. */
static int rootfs_pivot(const struct launch *l, int root, struct err *err)
{
	autoclose int new_root = -1;
	int r;

	/* pivot_root(2) refuses to put the old root on a shared mount */
	r = mount_set_propagation(root, MS_PRIVATE);
	if (r < 0)
		return err_sys(err, r, "cannot make the root private");
	if (fchdir(root) < 0 || sys_pivot_root(".", ".") < 0)
		return err_sys(err, errno, "cannot change the root");
	/* "." is the old root now, mounted over the new one: it goes with all that is mounted in it */
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_sys(err, errno, "cannot leave the old root");
	new_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (new_root < 0)
		return err_sys(err, errno, "cannot open the new root");
	/* as with runc and crun, "rslave" and its like hold for all mounts below as well */
	r = mount_set_propagation(new_root, l->container->rootfs_propagation);
	return r < 0 ? err_sys(err, r, "linux.rootfsPropagation") : 0;
}

int rootfs_enter(const struct launch *l, int *ret_slave, struct err *err)
{
	mode_t old_umask = umask(0);
	autoclose int root = rootfs_bind(l, err);
	int r;

	if (root < 0)
		return root;
	r = rootfs_make_mounts(l, root, err);
	if (r == 0)
		r = rootfs_make_devices(l, root, ret_slave, err);
	if (r == 0)
		r = rootfs_make_cwd(l, root, err);
	if (r == 0)
		r = sysctl_write_all(
			&l->container->sysctl, SYSCTL_CONTAINER | (launch_owns_network(l) ? SYSCTL_NET : 0u), err);
	if (r == 0)
		r = rootfs_restrict(l, root, err);
	if (r == 0)
		r = rootfs_show(l, root, err);
	if (r == 0)
		r = rootfs_pivot(l, root, err);
	(void)umask(old_umask);
	return r;
}
