/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the container's cgroups on the host, v1's name or v2's.
 */
#ifndef CGROUP_FILE_H
#define CGROUP_FILE_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "container/state.h"

/*
 * Writes @text to @file in the first of the container's cgroups that has it.
 * -ENOENT: none has; else -errno of the write.
 */
must_check int cgroup_file_write(const struct state *s, const char *file, const char *text, struct err *err);

/* One limit in v1's file or else in v2's; an error begins with "linux.resources." and @field. */
must_check int cgroup_file_write_either(const struct state *s, const char *v1, const char *v1_text, const char *v2,
	const char *v2_text, const char *field, struct err *err);

/* Whether one of the container's cgroups has @file. */
bool cgroup_file_exists(const struct state *s, const char *file);

/* Whether the host has cgroup v2 alone: no limit goes to a file of v1. */
bool cgroup_is_v2(const struct state *s);

#endif
