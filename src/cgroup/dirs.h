/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's cgroups as directories (the cgroupfs manager). Where systemd makes some of them, this file makes
 * those that systemd does not manage; see unit.h.
 *
 * Crash safety: planning only looks. Both lists of struct cgroups are in state.json before dirs_make() makes anything,
 * so a create that is killed leaves nothing that `delete` does not know. A directory that was there before is never in
 * @made, and so never removed with its parents.
 */
#ifndef CGROUP_DIRS_H
#define CGROUP_DIRS_H

#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"
#include "cgroup/set.h"

/*
 * Fills both lists of @c. @path is linux.cgroupsPath: an absolute path counts from the root of each hierarchy, a
 * relative one from the caller's own cgroup in v1 and from its parent in v2; NULL or "" stands for "/@id". Returns 0,
 * or -errno with an error (-EINVAL: @path has a "..", or is the root; -EBUSY: there are processes in that cgroup).
 */
must_check int dirs_plan(const char *path, const char *id, struct cgroups *c, struct err *err);

/* The first half of dirs_plan(): adds @path, which is absolute and clean, in each hierarchy to c->dirs. */
must_check int dirs_plan_at(const char *path, struct cgroups *c, struct err *err);

/* The second half of dirs_plan(): adds to c->made what is missing of c->dirs and of their parents. */
must_check int dirs_plan_missing(struct cgroups *c, struct err *err);

/*
 * Makes the directories of c->made. Then tells the parents of all directories in v2 to hand their controllers down, as
 * far as they can; a controller that is missing after that shows when a limit is written. Empty cpusets of v1 get what
 * their parents have, on the whole way. Returns 0, or -errno with an error (-EBUSY: a directory is frozen).
 */
must_check int dirs_make(const struct cgroups *c, struct err *err);

/* Moves the process @pid (0: the caller) into all directories of @c: 0, or -errno with an error. */
must_check int dirs_join(const struct cgroups *c, pid_t pid, struct err *err);

/*
 * The pids of the processes in one of the directories of @c and below: all hierarchies have the same ones. As
 * cgroup_pids().
 */
must_check int dirs_pids(const struct cgroups *c, pid_t **ret, size_t *ret_n, struct err *err);

/* Removes the directories of @c that are cgroups without processes and without cgroups below. */
void dirs_remove_empty(const struct cgroups *c);

/* v1: thaws the directories of @c, since a frozen process does not die there. What cannot be thawed stays as it is. */
void dirs_thaw(const struct cgroups *c);

/*
 * Kills the processes in those directories of @c that vmrunc made or that belong to c->unit, and removes these with
 * all cgroups below them. Parents that vmrunc made are removed if nobody else uses them. Blocks until all is gone, 10
 * seconds for a directory at most: 0, or -errno with an error.
 */
must_check int dirs_remove(const struct cgroups *c, struct err *err);

#endif
