/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a caller who is not the machine's root may have cgroups. An ordinary user has no rights there unless somebody
 * delegates a cgroup to him, as systemd does with v2.
 */
#ifndef CGROUP_RIGHTS_H
#define CGROUP_RIGHTS_H

#include <stdbool.h>

#include "cgroup/set.h"

/*
 * Whether this process may make all directories of @c that are missing, and move a process of its own into all of
 * c->dirs: for v2 the cgroup above both the process's own and the container's must be the caller's, too (cgroups(7)).
 */
bool rights_suffice(const struct cgroups *c);

#endif
