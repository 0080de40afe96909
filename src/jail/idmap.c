/* SPDX-License-Identifier: Apache-2.0 */
/* Id mappings of bind sources: see idmap.h. */
#include "jail/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "spec/mountopt.h"

static int write_map(pid_t pid, const char *file, const struct spec_idmaps *map, struct err *err)
{
	autobuf text = BUF_INIT;
	char path[64];
	int r;

	for (size_t i = 0; i < map->n; i++)
		buf_printf(&text, "%u %u %u\n", map->v[i].container_id, map->v[i].host_id, map->v[i].size);
	r = buf_error(&text);
	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, file); /* fits */
	if (r == 0)
		r = fd_write_existing(AT_FDCWD, path, text.data);
	return r < 0 ? err_sys(err, r, "cannot write the mapping to \"%s\"", path) : 0;
}

/* The child that the namespace is made with: tells by a byte that it is there, lives until the pipe's other end closes. */
static _Noreturn void hold_namespace(int up, int down)
{
	char byte = unshare(CLONE_NEWUSER) < 0 ? (char)errno : 0;

	if (write(up, &byte, 1) == 1 && byte == 0)
		(void)!read(down, &byte, 1); /* the end of the pipe is what is waited for */
	_exit(0);
}

/* A new user namespace with these maps, made by way of process @pid in it: an fd or -errno. */
static int namespace_of(
	pid_t pid, int up, const struct spec_idmaps *uids, const struct spec_idmaps *gids, struct err *err)
{
	char path[64], byte;
	int r, fd;

	if (fd_read_full(up, &byte, 1) != 1)
		return err_set(err, ECHILD, "the process that makes a user namespace died");
	if (byte != 0)
		return err_sys(err, byte, "cannot make a user namespace");
	r = write_map(pid, "uid_map", uids, err);
	if (r == 0)
		r = write_map(pid, "gid_map", gids, err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%ld/ns/user", (long)pid); /* fits */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, errno, "cannot open \"%s\"", path) : fd;
}

static int make_namespace(const struct spec_idmaps *uids, const struct spec_idmaps *gids, struct err *err)
{
	int up[2], down[2], fd;
	pid_t pid;

	if (pipe2(up, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot make a pipe");
	if (pipe2(down, O_CLOEXEC) < 0) {
		fd_close(up[0]);
		fd_close(up[1]);
		return err_sys(err, errno, "cannot make a pipe");
	}
	(void)fflush(NULL); /* nothing may be written twice */
	pid = fork();
	if (pid == 0) {
		fd_close(up[0]);
		fd_close(down[1]);
		hold_namespace(up[1], down[0]);
	}
	fd_close(up[1]);
	fd_close(down[0]);
	fd = pid < 0 ? err_sys(err, errno, "cannot fork") : namespace_of(pid, up[0], uids, gids, err);
	fd_close(up[0]);
	fd_close(down[1]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return fd;
}

/* Which of the words idmap and ridmap the mount has last, as mountopt.c counts them. */
static enum mountopt_idmap idmap_option(const struct spec_mount *m)
{
	enum mountopt_idmap word = MOUNTOPT_IDMAP_NONE;

	for (size_t i = 0; i < m->options.n; i++) {
		if (strcmp(m->options.v[i], "idmap") == 0)
			word = MOUNTOPT_IDMAP;
		else if (strcmp(m->options.v[i], "ridmap") == 0)
			word = MOUNTOPT_RIDMAP;
	}
	return word;
}

int idmap_open(const struct spec *spec, const struct spec_mount *m, int *ret_fd, struct err *err)
{
	const struct spec_namespace *user = spec_namespace_find(spec, SPEC_NS_USER);
	int fd;

	*ret_fd = -1;
	if (!m->uid_mappings.n && idmap_option(m) == MOUNTOPT_IDMAP_NONE)
		return 0;
	if (m->uid_mappings.n) {
		fd = make_namespace(&m->uid_mappings, &m->gid_mappings, err);
	} else if (user && user->path) {
		fd = open(user->path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			(void)err_sys(err, errno, "linux.namespaces: user: \"%s\"", user->path);
	} else if (user) {
		fd = make_namespace(&spec->linux_->uid_mappings, &spec->linux_->gid_mappings, err);
	} else { /* the parser has seen to it */
		fd = err_set(err, EINVAL, "idmap without mappings needs a user namespace");
	}
	if (fd < 0)
		return -err->errnum;
	*ret_fd = fd;
	return 0;
}

int idmap_apply(const struct spec_mount *m, int fd, int userns)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (unsigned int)userns };
	unsigned int recursive = idmap_option(m) == MOUNTOPT_RIDMAP ? AT_RECURSIVE : 0;

	return mount_setattr(fd, "", AT_EMPTY_PATH | recursive, &attr, sizeof(attr)) < 0 ? -errno : 0;
}
