/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.cgroupsPath as the name of a systemd unit (--systemd-cgroup), by
 * runc's rules: "slice:prefix:name". No bus is asked here.
 */
#ifndef CGROUP_UNITNAME_H
#define CGROUP_UNITNAME_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"

/* systemd's UNIT_NAME_MAX, with the NUL. */
#define UNITNAME_MAX 256
/* A slice's path names each of its parents in full: 256 characters can nest 127 deep. */
#define UNITNAME_PATH_MAX 4096

struct unitname {
	char slice[UNITNAME_MAX]; /* where it goes */
	char unit[UNITNAME_MAX];  /* "prefix-name.scope", or a slice of its own */
	bool is_slice;
};

/*
 * @path NULL or "": "vmrunc-ID.scope" in system.slice. An empty slice is
 * system.slice, an empty prefix is left out with its dash, an empty name is @id.
 * A name that ends in ".slice" is a slice, not a scope. -EINVAL for anything
 * else, as systemd's own rules for names have it.
 */
must_check int unitname_parse(const char *path, const char *id, struct unitname *ret, struct err *err);

/* "a-b.slice" becomes "/a.slice/a-b.slice", "-.slice" the empty path: -EINVAL, -ENAMETOOLONG. */
must_check int unitname_expand_slice(const char *slice, char *path, size_t len, struct err *err);

/* The unit's path below systemd's root. */
must_check int unitname_path(const struct unitname *u, char *path, size_t len, struct err *err);

#endif
