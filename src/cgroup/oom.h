/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An out-of-memory kill in the container's own cgroup on the host, which stands for one that its guest has had: engines
 * watch that cgroup (v1: an eventfd of memory.oom_control; v2: oom_kill in memory.events), and know no other sign.
 */
#ifndef CGROUP_OOM_H
#define CGROUP_OOM_H

#include "base/base.h"
#include "cgroup/set.h"

/* Files of the cgroup, open; -1: there is none. */
struct cgroup_oom {
	int limit, usage, swap;
};

#define CGROUP_OOM_NONE                              \
	{                                            \
		.limit = -1, .usage = -1, .swap = -1 \
	}

/* Opens the files of the cgroups of @c that cgroup_oom_strike() needs: 0, or -ENOENT if no cgroup of @c limits memory. */
must_check int cgroup_oom_open(const struct cgroups *c, struct cgroup_oom *ret);

/* Closes the files. */
void cgroup_oom_close(struct cgroup_oom *o);

/*
 * Takes all memory that the cgroup has left, and more, so that the kernel kills the calling process, which must be in
 * that cgroup and should have been made the first that the OOM killer takes. Returns only if that has not happened. The
 * limit stays as low as it is then: this is for a cgroup that is at its end.
 */
void cgroup_oom_strike(const struct cgroup_oom *o);

#endif
