/* SPDX-License-Identifier: Apache-2.0 */
/* Files in the container's cgroups. A file is named without its directory: it is in the one hierarchy that has it. */
#ifndef CGROUP_FILE_H
#define CGROUP_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "cgroup/set.h"

/*
 * Writes @text to the file named @file in the first cgroup of @c that has it. Returns 0, or -errno with an error
 * (-ENOENT: no cgroup has it).
 */
must_check int cgroup_file_write(const struct cgroups *c, const char *file, const char *text, struct err *err);

/*
 * Writes @v1_text to the file @v1, or where no cgroup has that file, @v2_text to the file @v2. Returns 0, or -errno
 * with an error that begins with "linux.resources." and @field.
 */
must_check int cgroup_file_write_either(const struct cgroups *c, const char *v1, const char *v1_text, const char *v2,
	const char *v2_text, const char *field, struct err *err);

/* Opens the file named @file in the first cgroup of @c that has it: an fd, which the caller closes, or -errno. */
must_check int cgroup_file_open(const struct cgroups *c, const char *file, int flags);

/*
 * Reads the file named @file in the first cgroup of @c that has it: 0 with *@ret, which the caller frees, or -errno
 * (-ENOENT: no cgroup has it).
 */
must_check int cgroup_file_read(const struct cgroups *c, const char *file, char **ret);

/*
 * The number in the file named @file, or with @key, the one behind that in a file of lines "KEY NUMBER". UINT64_MAX:
 * there is none.
 */
uint64_t cgroup_file_number(const struct cgroups *c, const char *file, const char *key);

/* Whether one of the cgroups of @c has a file named @file. */
bool cgroup_file_exists(const struct cgroups *c, const char *file);

/* The least number in the files named @file of the cgroups above those of @c; UINT64_MAX: there is none. */
uint64_t cgroup_file_least_above(const struct cgroups *c, const char *file);

/*
 * Whether the host has cgroup v2 alone, so that no limit goes to a file of v1. The cgroups of @c need not be made yet.
 */
bool cgroup_file_is_v2(const struct cgroups *c);

#endif
