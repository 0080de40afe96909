/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.cgroupsPath as the name of a systemd unit (--systemd-cgroup), by runc's rules: "slice:prefix:name". Text only:
 * systemd is not asked.
 */
#ifndef CGROUP_UNITNAME_H
#define CGROUP_UNITNAME_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"

/* systemd's UNIT_NAME_MAX, with the NUL. */
#define UNITNAME_MAX 256
/* The path of a slice names each of its parents in full: a name of 255 characters can be 127 slices deep. */
#define UNITNAME_PATH_MAX 4096

struct unitname {
	char slice[UNITNAME_MAX]; /* the slice that the unit is in */
	char unit[UNITNAME_MAX];  /* "prefix-name.scope", or "name.slice" */
	bool is_slice;
};

/* Whether a unit of this name is a slice. */
bool unitname_is_slice(const char *name);

/*
 * Parses linux.cgroupsPath. NULL or "" means "vmrunc-ID.scope" in system.slice, for the container @id. In
 * "slice:prefix:name" an empty slice means system.slice, an empty prefix is left out together with its dash, and an
 * empty name means @id; a name that ends in ".slice" is a slice and not a scope. Returns 0, or -EINVAL or
 * -ENAMETOOLONG with an error if @path has another form, or gives a name that systemd does not allow.
 */
must_check int unitname_parse(const char *path, const char *id, struct unitname *ret, struct err *err);

/*
 * Writes the path of a slice below systemd's root to @path (@len bytes): "/a.slice/a-b.slice" for "a-b.slice", "" for
 * the root slice "-.slice". Returns 0, or -EINVAL or -ENAMETOOLONG with an error.
 */
must_check int unitname_expand_slice(const char *slice, char *path, size_t len, struct err *err);

/* Writes the path of the unit @u below systemd's root to @path (@len bytes): 0, or -ENAMETOOLONG with an error. */
must_check int unitname_path(const struct unitname *u, char *path, size_t len, struct err *err);

#endif
