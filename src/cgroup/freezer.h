/* SPDX-License-Identifier: Apache-2.0 */
/* The freezer of the container's cgroups: whoever looks at the host sees there that the container is paused. */
#ifndef CGROUP_FREEZER_H
#define CGROUP_FREEZER_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "cgroup/set.h"

/*
 * Freezes (@on) or thaws the processes in the cgroups of @c, and waits until that is done, 10 s at most; what could not
 * be frozen is thawed again. Does nothing where no cgroup of @c has a freezer. 0, or -errno with an error.
 */
must_check int freezer_set(const struct cgroups *c, bool on, struct err *err);

/* Whether the cgroups of @c are frozen, by whomever. */
bool freezer_is_on(const struct cgroups *c);

#endif
