/* SPDX-License-Identifier: Apache-2.0 */
/* The host directories and files of a container: see binds.h. */
#include "jail/binds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rootpath.h"
#include "host/kernel_fs.h"
#include "jail/clone.h"
#include "jail/idmap.h"
#include "jail/points.h"
#include "spec/mountopt.h"

void binds_done(struct binds *b)
{
	fd_close(b->root_jail_fd);
	fd_close(b->root_export_fd);
	for (size_t i = 0; i < b->n; i++) {
		fd_close(b->v[i].jail_fd);
		fd_close(b->v[i].export_fd);
	}
	free(b->v);
	free(b->exports);
	*b = (struct binds)BINDS_NONE;
}

/* Makes the mount points of all mounts, and what else the agent would make. */
static int make_points(
	const struct binds *b, const struct spec *spec, const struct guest_container *container, struct err *err)
{
	size_t next = 0;

	for (size_t i = 0; i < spec->mounts.n; i++) {
		bool dir = true, inside = false;
		int r;

		if (next < b->n && b->v[next].mount == i) {
			inside = b->v[next].inside != NULL;
			dir = b->v[next++].dir;
		}
		if (inside) /* what kind its source is is known only once it is mounted */
			continue;
		r = points_make_mount(b->root_jail_fd, spec, i, dir, err);
		if (r < 0)
			return r;
	}
	return points_make_rest(b->root_jail_fd, spec, container, err);
}

int binds_make_points(
	struct binds *b, const struct spec *spec, const struct guest_container *container, struct err *err)
{
	int r = spec->root->readonly ? make_points(b, spec, container, err) : 0;

	fd_close(steal_fd(&b->root_jail_fd));
	for (size_t i = 0; i < b->n; i++)
		fd_close(steal_fd(&b->v[i].jail_fd));
	return r;
}

bool binds_is_bind(const struct spec_mount *m)
{
	return !spec_mount_has(m, "remount") &&
	       (spec_mount_has(m, "bind") || spec_mount_has(m, "rbind") || (m->type && strcmp(m->type, "bind") == 0));
}

/* Says why @path cannot be cloned. @what begins the error; @error is a negative errno. */
static int fail_clone(const char *what, const char *path, int error, struct err *err)
{
	if (error == -EPERM)
		return err_set(err, EPERM,
			"%s: cannot clone the mount of \"%s\": operation not permitted: vmrunc needs CAP_SYS_ADMIN",
			what, path);
	if (error == -EINVAL)
		return err_set(err, EINVAL,
			"%s: cannot clone the mount of \"%s\": invalid argument: it is unbindable, has such a mount below it, or belongs to another mount namespace",
			what, path);
	return err_sys(err, error, "%s: \"%s\"", what, path);
}

/* Makes the two clones of @path; *@ret_words (may be NULL) as with clone_tree(). @what begins the error. */
static int clone_twice(const char *path, bool recursive, const char *what, int *ret_jail, int *ret_export,
	unsigned long *ret_words, struct err *err)
{
	autoclose int jail = clone_tree(path, recursive, ret_words);
	autoclose int export = jail < 0 ? -1 : clone_tree(path, recursive, NULL);

	/* where the first fails, @export has no errno */
	if (jail < 0)
		return fail_clone(what, path, jail, err);
	if (export < 0)
		return fail_clone(what, path, export, err);
	*ret_jail = steal_fd(&jail);
	*ret_export = steal_fd(&export);
	return 0;
}

/* Copies the last component of @source to @to; "root" where it has none. */
static void base_name(const char *source, char *to, size_t len)
{
	size_t end = strlen(source), start;

	while (end > 0 && source[end - 1] == '/')
		end--;
	start = end;
	while (start > 0 && source[start - 1] != '/')
		start--;
	(void)snprintf(to, len, "%.*s", (int)(end - start), source + start);
	if (!*to || strcmp(to, ".") == 0 || strcmp(to, "..") == 0)
		(void)snprintf(to, len, "root");
}

/* Maps the ids in both clones, if the mount asks for that. */
static int map_ids(const struct spec *spec, const struct spec_mount *m, const struct bind *bind, const char *source,
	struct err *err)
{
	autoclose int userns = -1;
	int r = idmap_open(spec, m, &userns, err);

	if (r < 0)
		return err_prefix(err, "mounts[%zu]: idmap", bind->mount);
	if (userns < 0)
		return 0;
	r = idmap_apply(m, bind->jail_fd, userns);
	if (r == 0)
		r = idmap_apply(m, bind->export_fd, userns);
	if (r == -EINVAL)
		return err_set(err, EINVAL,
			"mounts[%zu]: idmap: the host's kernel cannot map the ids of the file system of \"%s\"",
			bind->mount, source);
	return r < 0 ? err_sys(err, r, "mounts[%zu]: idmap: cannot map the ids of \"%s\"", bind->mount, source) : 0;
}

/*
 * Gives the clones those of the flags @bind->flags that matter on the host: whether they can be written, and their access
 * times; nothing of that for the jail can be executed where the container may not. 0 or -errno.
 */
static int change_clones(const struct bind *bind)
{
	struct mount_attr export = { .attr_set = mountopts_atime(bind->flags), .attr_clr = MOUNT_ATTR__ATIME };
	struct mount_attr jail;

	*(bind->flags & MS_RDONLY ? &export.attr_set : &export.attr_clr) |= MOUNT_ATTR_RDONLY;
	*(bind->flags & MS_NODIRATIME ? &export.attr_set : &export.attr_clr) |= MOUNT_ATTR_NODIRATIME;
	jail = export;
	*(bind->flags & MS_NOEXEC ? &jail.attr_set : &jail.attr_clr) |= MOUNT_ATTR_NOEXEC;
	if (mount_setattr(bind->jail_fd, "", AT_EMPTY_PATH, &jail, sizeof(jail)) < 0 ||
		mount_setattr(bind->export_fd, "", AT_EMPTY_PATH, &export, sizeof(export)) < 0)
		return -errno;
	return 0;
}

/*
 * Finds out which flags the mount has at last, from its options and @words, those of the mount that its source is in
 * (statvfs(3)), and gives them to the clones. Where this process may not take flags away, they are locked for it, too.
 * 0, or -errno with an error.
 */
static int settle_flags(const struct spec *spec, struct bind *bind, unsigned long words, struct err *err)
{
	const struct spec_mount *m = &spec->mounts.v[bind->mount];
	bool locked = spec_namespace_find(spec, SPEC_NS_USER) != NULL;
	uint32_t source = mountopts_of_statfs(words);
	struct mountopts o = { .flags = 0 };
	int r = mountopts_parse(m->options.v, m->options.n, &o, err);

	if (r < 0)
		return err_prefix(err, "mounts[%zu].options", bind->mount);
	r = mountopts_bind(&o, source, locked, &bind->flags, err);
	if (r == 0 && bind->flags != source && change_clones(bind) < 0)
		r = mountopts_bind(&o, source, true, &bind->flags, err);
	if (r < 0)
		r = err_prefix(err, "mounts[%zu]: error mounting \"%s\" to rootfs at \"%s\"", bind->mount, m->source,
			m->destination);
	/* the recursive words come last, as in the guest */
	bind->readonly =
		!(o.rec_clear & MOUNT_ATTR_RDONLY) && ((bind->flags & MS_RDONLY) || (o.rec_set & MOUNT_ATTR_RDONLY));
	mountopts_done(&o);
	return r;
}

/* A new overlay of the host's: whatever flags its mount gets are the config's. */
static int open_overlay(
	const struct spec *spec, const char *bundle, const char *cid, struct bind *bind, struct err *err)
{
	const struct spec_mount *m = &spec->mounts.v[bind->mount];
	char what[64];
	int r;

	(void)snprintf(what, sizeof(what), "mounts[%zu]", bind->mount);
	r = clone_overlay(m, bundle, what, &bind->jail_fd, &bind->export_fd, err);
	bind->type = S_IFDIR;
	bind->dir = true;
	(void)snprintf(bind->name, sizeof(bind->name), "%s/%zu/overlay", cid, bind->mount);
	return r == 0 ? settle_flags(spec, bind, ST_RELATIME, err) : r;
}

/*
 * The path below @rootfs of the source of bind mount number @mount, if a mount before it is there (or below it, and the
 * bind takes such along): the source is what the container has there, not what the host has. Else NULL. What the paths
 * say counts, without a look at symbolic links.
 */
static const char *inside_of(const struct spec *spec, size_t mount, const char *rootfs)
{
	const struct spec_mount *m = &spec->mounts.v[mount];
	bool recursive = !spec_mount_has(m, "bind") || spec_mount_has(m, "rbind");
	const char *path = m->source && strcmp(rootfs, "/") != 0 ? rootpath_inside(m->source, rootfs) : NULL;

	if (!path || path[strspn(path, "/")] == '\0' || strstr(path, "/.."))
		return NULL;
	for (size_t i = 0; i < mount; i++) {
		const char *other = spec->mounts.v[i].destination;

		if (rootpath_inside(path, other) || (recursive && rootpath_inside(other, path)))
			return path;
	}
	return NULL;
}

/* Clones the source of mount number @mount, and names its export. */
static int open_bind(
	const struct spec *spec, size_t mount, const char *bundle, const char *cid, struct bind *bind, struct err *err)
{
	const struct spec_mount *m = &spec->mounts.v[mount];
	char path[PATH_MAX], base[NAME_MAX + 1], what[64];
	unsigned long words = 0;
	struct stat st;
	int r;

	(void)snprintf(what, sizeof(what), "mounts[%zu].source", mount);
	bind->mount = mount;
	if (clone_is_overlay(m))
		return open_overlay(spec, bundle, cid, bind, err);
	if (!m->source || !*m->source)
		return err_set(err, EINVAL, "%s: missing", what);
	if (snprintf(path, sizeof(path), "%s%s%s", m->source[0] == '/' ? "" : bundle, m->source[0] == '/' ? "" : "/",
		    m->source) >= (int)sizeof(path))
		return err_set(err, ENAMETOOLONG, "%s: too long", what);
	r = clone_twice(path, !spec_mount_has(m, "bind") || spec_mount_has(m, "rbind"), what, &bind->jail_fd,
		&bind->export_fd, &words, err);
	if (r == 0)
		r = settle_flags(spec, bind, words, err);
	if (r == 0)
		r = map_ids(spec, m, bind, path, err);
	if (r < 0)
		return r;
	if (fstat(bind->export_fd, &st) < 0)
		return err_sys(err, errno, "%s: \"%s\"", what, path);
	bind->type = st.st_mode & S_IFMT;
	bind->dir = S_ISDIR(st.st_mode);
	base_name(path, base, sizeof(base));
	(void)snprintf(bind->name, sizeof(bind->name), "%s/%zu/%s", cid, mount, base);
	return 0;
}

/* Prepares a bind of what an earlier mount of the container has. The guest cannot map its ids. 0, or -EINVAL with an error. */
static int check_inside(const struct spec *spec, struct bind *bind, struct err *err)
{
	const struct spec_mount *m = &spec->mounts.v[bind->mount];

	bind->dir = true; /* until it is found out */
	if (spec_mount_has(m, "idmap") || spec_mount_has(m, "ridmap") || m->uid_mappings.n || m->gid_mappings.n)
		return err_set(err, EINVAL,
			"mounts[%zu]: idmap: ids of what another mount has at \"%s\" cannot be mapped", bind->mount,
			m->source);
	return 0;
}

int binds_open(const struct spec *spec, const char *bundle, const char *rootfs, const char *cid, struct binds *b,
	struct err *err)
{
	int r = clone_twice(rootfs, true, "root.path", &b->root_jail_fd, &b->root_export_fd, NULL, err);

	if (r < 0)
		return r;
	(void)snprintf(b->root_name, sizeof(b->root_name), "%s/rootfs", cid);
	b->v = calloc(spec->mounts.n + 1, sizeof(*b->v));
	b->exports = calloc(spec->mounts.n + 1, sizeof(*b->exports));
	if (!b->v || !b->exports)
		return err_sys(err, ENOMEM, "mounts");
	for (size_t i = 0; i < spec->mounts.n; i++) {
		struct bind *bind = &b->v[b->n];

		if (!binds_is_bind(&spec->mounts.v[i]) && !clone_is_overlay(&spec->mounts.v[i]))
			continue;
		*bind = (struct bind){
			.mount = i, .jail_fd = -1, .export_fd = -1, .inside = inside_of(spec, i, rootfs)
		};
		b->n++;
		r = bind->inside ? check_inside(spec, bind, err) : open_bind(spec, i, bundle, cid, bind, err);
		if (r < 0)
			return r;
		b->exports[b->n - 1] = (struct guest_export){
			.mount = i, .shared = true, .name = bind->name, .flags = bind->flags, .inside = bind->inside
		};
	}
	return 0;
}

bool binds_writable(const struct binds *b, const struct spec *spec)
{
	for (size_t i = 0; i < b->n; i++) {
		if (!b->v[i].readonly && !b->v[i].inside)
			return true;
	}
	return !spec->root->readonly;
}

/*
 * Hands the clone *@fd to @vm. A read-only one is so by its mounts, whatever the code that serves it does: that is what
 * holds when a guest has broken into that code.
 */
static int share(struct vm *vm, const struct landlock *landlock, enum vm_share share, const char *name, int *fd,
	bool readonly, struct err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int r;

	if (readonly && mount_setattr(*fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return err_sys(err, errno, "export \"%s\": cannot make it read-only", name);
	r = landlock_add(landlock, *fd, err);
	if (r < 0)
		return r;
	return vm_share_add(vm, share, name, steal_fd(fd), readonly ? VM_SHARE_READ_ONLY : 0, err);
}

int binds_share(struct binds *b, const struct spec *spec, const struct file_policy *files,
	const struct landlock *landlock, struct vm *vm, struct err *err)
{
	int r = share(vm, landlock, VM_SHARE_PRIVATE, b->root_name, &b->root_export_fd, spec->root->readonly, err);

	for (size_t i = 0; r == 0 && i < b->n; i++) {
		if (b->v[i].inside)
			continue;
		r = share(vm, landlock, VM_SHARE_SHARED, b->v[i].name, &b->v[i].export_fd,
			b->v[i].readonly || (!files->kernel_files && kernel_fs_has(b->v[i].export_fd)), err);
	}
	return r;
}

struct guest_export_list binds_exports(const struct binds *b)
{
	return (struct guest_export_list){ .n = b->n, .v = b->exports };
}
