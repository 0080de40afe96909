/* SPDX-License-Identifier: Apache-2.0 */
/* Id mappings of bind sources: see idmap.h. */
#include "jail/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "host/userns.h"
#include "spec/mountopt.h"

/* Writes @map to @file ("uid_map", "gid_map") of the new user namespace @u. */
static int write_map(const struct userns *u, const char *file, const struct spec_idmaps *map, struct err *err)
{
	autobuf text = BUF_INIT;
	int r;

	for (size_t i = 0; i < map->n; i++)
		buf_printf(&text, "%u %u %u\n", map->v[i].container_id, map->v[i].host_id, map->v[i].size);
	r = buf_error(&text);
	if (r == 0)
		r = userns_write_map(u, file, text.data);
	return r < 0 ? err_sys(err, r, "cannot write the mapping to \"%s\"", file) : 0;
}

/* Makes a new user namespace with these maps: a descriptor of it, or -errno. */
static int make_namespace(const struct spec_idmaps *uids, const struct spec_idmaps *gids, struct err *err)
{
	struct userns u;
	int r = userns_hold(-1, 0, &u);

	if (r < 0)
		return err_sys(err, r, "cannot make a user namespace");
	r = write_map(&u, "uid_map", uids, err);
	if (r == 0)
		r = write_map(&u, "gid_map", gids, err);
	if (r == 0 && (r = userns_open(&u, "user")) < 0)
		(void)err_sys(err, r, "cannot open a new user namespace");
	userns_done(&u);
	return r;
}

/* Which of the options idmap and ridmap the mount has last: that one counts, as in mountopt.c. */
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
		fd = open(user->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd < 0)
			(void)err_sys(err, errno, "linux.namespaces: user: \"%s\"", user->path);
	} else if (user) {
		fd = make_namespace(&spec->linux_->uid_mappings, &spec->linux_->gid_mappings, err);
	} else { /* not reached: src/spec refuses such a mount */
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
