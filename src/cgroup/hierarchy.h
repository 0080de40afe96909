/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroup hierarchies that are mounted on this host: those of v1, v2, or both (hybrid).
 *
 * The kernel is asked whether a directory is a cgroup (f_type of statfs(2)): on some machines /sys/fs/cgroup is a plain
 * tmpfs, and a directory that is made in there would limit nothing.
 */
#ifndef CGROUP_HIERARCHY_H
#define CGROUP_HIERARCHY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "base/err.h"

struct hierarchy {
	char mount[PATH_MAX];       /* the mount point */
	char root[PATH_MAX];        /* the cgroup that is mounted there: "/", or another one if we are in a container */
	char controllers[NAME_MAX]; /* of v1: "cpu,cpuacct", "name=systemd"; of v2: "" */
	bool v2;
};

/*
 * Finds the hierarchies that are mounted in the caller's mount namespace, each once. Returns their number (0: there are
 * none) and in *@ret an array that the caller frees, or -errno with an error.
 */
must_check int hierarchy_find_all(struct hierarchy **ret, struct err *err);

/*
 * Turns @path, which counts from the root of the whole hierarchy, into a path below the mount point of @h. Returns a
 * pointer into @path.
 */
const char *hierarchy_below_root(const struct hierarchy *h, const char *path);

/*
 * Writes the caller's own cgroup in @h to @path (@len bytes) as a path below the mount point: 0, or -errno with an
 * error.
 */
must_check int hierarchy_own_cgroup(const struct hierarchy *h, char *path, size_t len, struct err *err);

/* The version of the cgroup at @path: 1 or 2; 0 if there is nothing at @path, or something that is not a cgroup. */
int hierarchy_version(const char *path);

#endif
