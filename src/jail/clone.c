/* SPDX-License-Identifier: Apache-2.0 */
/* Clones of mounts: see clone.h. */
#include "jail/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "spec/mountopt.h"

int clone_tree(const char *path, bool recursive, unsigned long *ret_words)
{
	struct mount_attr private = { .propagation = MS_PRIVATE, .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
	autoclose int fd =
		open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0));

	struct statvfs st;

	if (fd < 0 || (ret_words && fstatvfs(fd, &st) < 0))
		return -errno;
	if (ret_words)
		*ret_words = st.f_flag;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &private, sizeof(private)) < 0)
		return -errno;
	return steal_fd(&fd);
}

bool clone_is_overlay(const struct spec_mount *m)
{
	if (!m->type || strcmp(m->type, "overlay") != 0 || spec_mount_has(m, "remount"))
		return false;
	for (size_t i = 0; i < m->options.n; i++) {
		if (strncmp(m->options.v[i], "lowerdir=", strlen("lowerdir=")) == 0)
			return true;
	}
	return false;
}

/* In the child: mounts the overlay in a mount namespace of its own, which goes with it. Sets @fds: 0 or -errno. */
static int overlay_mount(const struct mountopts *o, const char *at, int fds[2])
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("overlay", at, "overlay", o->flags & MS_RDONLY, o->data) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		fds[i] = clone_tree(at, false, NULL);
		if (fds[i] < 0)
			return fds[i];
	}
	return 0;
}

int clone_overlay(
	const struct spec_mount *m, const char *at, const char *what, int *ret_jail, int *ret_export, struct err *err)
{
	int ends[2], fds[2], error, r, status;
	struct mountopts o;
	size_t n = 0;
	pid_t pid;

	r = mountopts_parse(m->options.v, m->options.n, &o, err);
	if (r < 0)
		return err_prefix(err, "%s", what);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		mountopts_done(&o);
		return err_sys(err, errno, "%s: socket", what);
	}
	pid = fork();
	if (pid == 0) {
		error = overlay_mount(&o, at, fds);
		_exit(fd_send(ends[1], &error, sizeof(error), fds, error == 0 ? 2 : 0) < 0);
	}
	fd_close(ends[1]);
	error = pid < 0 ? -errno : -EIO;
	if (pid > 0 && fd_recv(ends[0], &error, sizeof(error), fds, 2, &n) != (ssize_t)sizeof(error))
		error = -EIO;
	if (pid > 0)
		(void)waitpid(pid, &status, 0);
	fd_close(ends[0]);
	mountopts_done(&o);
	if (error == 0 && n == 2) {
		*ret_jail = fds[0];
		*ret_export = fds[1];
		return 0;
	}
	return err_sys(err, error ? error : -EIO,
		"%s: cannot mount the overlay on the host (lowerdir, upperdir and workdir are its paths)", what);
}
