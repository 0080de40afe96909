/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle: see bundle.h. */
#include "container/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rootpath.h"

void bundle_done(struct bundle *b)
{
	spec_free(b->spec);
	free(b->config);
	*b = (struct bundle)BUNDLE_NONE;
}

/* Sets b->path to @path as runc shows it: absolute, without "." and "..", symbolic links resolved. */
static int set_path(struct bundle *b, const char *path, struct err *err)
{
	autofree char *real = NULL;

	if (!path || !*path)
		path = ".";
	real = realpath(path, NULL);
	if (!real && errno == ENOENT)
		return err_set(err, ENOENT, "bundle \"%s\" does not exist", path);
	if (!real && errno == ENAMETOOLONG)
		return err_set(err, ENAMETOOLONG, "bundle \"%.64s...\": path too long", path);
	if (!real)
		return err_sys(err, errno, "bundle \"%s\"", path);
	if (strlen(real) >= sizeof(b->path))
		return err_set(err, ENAMETOOLONG, "bundle \"%.64s...\": path too long", path);
	memcpy(b->path, real, strlen(real) + 1);
	return 0;
}

/* Reads and parses config.json. */
static int load_config(struct bundle *b, struct warnings *warnings, struct err *err)
{
	autoclose int dir = open(b->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (dir < 0 && errno == ENOENT)
		return err_set(err, ENOENT, "bundle \"%s\" does not exist", b->path);
	if (dir < 0)
		return err_sys(err, errno, "bundle \"%s\"", b->path);
	r = fd_read_regular(dir, "config.json", SPEC_FILE_MAX, &b->config, &b->config_len);
	if (r == -ENOENT)
		return err_set(err, ENOENT, "bundle \"%s\" has no config.json: \"vmrunc spec\" makes one", b->path);
	if (r == -EFBIG)
		return err_set(
			err, EFBIG, "\"%s/config.json\" is larger than %d MiB", b->path, (int)(SPEC_FILE_MAX / MIB));
	if (r == -FD_NOT_REGULAR)
		return err_set(err, EINVAL, "\"%s/config.json\" is not a regular file", b->path);
	if (r < 0)
		return err_sys(err, r, "cannot read \"%s/config.json\"", b->path);
	return spec_parse("config.json", b->config, b->config_len, &b->spec, warnings, err);
}

/* Takes "." and doubled slashes out of the absolute @path. A ".." stays: what it means depends on symbolic links. */
static void tidy_path(char *path)
{
	char *to = path;

	for (const char *from = path; *from;) {
		size_t len;

		from += strspn(from, "/");
		len = strcspn(from, "/");
		if (len > 0 && !(len == 1 && *from == '.')) {
			*to++ = '/';
			memmove(to, from, len);
			to += len;
		}
		from += len;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

/* Sets b->rootfs from root.path, which may be relative to the bundle, and checks that it is a directory. */
static int check_rootfs(struct bundle *b, struct err *err)
{
	const char *path = b->spec->root->path;
	struct stat st;

	if (snprintf(b->rootfs, sizeof(b->rootfs), "%s%s%s", path[0] == '/' ? "" : b->path, path[0] == '/' ? "" : "/",
		    path) >= (int)sizeof(b->rootfs))
		return err_set(err, ENAMETOOLONG, "root.path: too long");
	tidy_path(b->rootfs);
	if (stat(b->rootfs, &st) < 0 && errno == ENOENT)
		return err_set(err, ENOENT, "root.path: the root file system \"%s\" does not exist", b->rootfs);
	if (stat(b->rootfs, &st) < 0)
		return err_sys(err, errno, "root.path: \"%s\"", b->rootfs);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "root.path: \"%s\" is not a directory", b->rootfs);
	return 0;
}

/* Destinations may begin with the path of the root file system, which runc takes away: what is left of it is its root. */
static void strip_destinations(struct bundle *b)
{
	for (size_t i = 0; i < b->spec->mounts.n; i++) {
		char *destination = b->spec->mounts.v[i].destination;
		const char *inside = strcmp(b->rootfs, "/") != 0 ? rootpath_inside(destination, b->rootfs) : NULL;

		if (inside && *inside)
			memmove(destination, inside, strlen(inside) + 1);
		else if (inside)
			destination[1] = '\0'; /* "/" */
	}
}

int bundle_load(const char *path, struct bundle *b, struct warnings *warnings, struct err *err)
{
	int r = set_path(b, path, err);

	if (r == 0)
		r = load_config(b, warnings, err);
	if (r == 0)
		r = check_rootfs(b, err);
	if (r == 0)
		strip_destinations(b);
	if (r == 0 && !b->spec->process)
		r = err_set(err, EINVAL, "config.json: process: missing: there is nothing to run");
	return r;
}
