/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's cgroup as a transient unit of systemd (--systemd-cgroup).
 *
 *   cgroup_unit_plan    names and paths, before anything is made
 *   cgroup_unit_start   the unit, with the process that is to be the monitor's
 *                       parent in it; then as with cgroupfs: what systemd has
 *                       not made (v1: cpuset, freezer ...) and all limits
 *   cgroup_unit_stop    at delete, by cgroup_remove()
 *
 * Crash safety is cgroup.h's: the name is in state.json before the unit is made.
 */
#ifndef CGROUP_UNIT_H
#define CGROUP_UNIT_H

#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"
#include "container/state.h"
#include "spec/spec.h"

/* @path: linux.cgroupsPath, "slice:prefix:name" (unitname.h). Fills s->unit and s->cgroups. */
must_check int cgroup_unit_plan(const char *path, const char *id, struct state *s, struct err *err);

/*
 * Starts the unit with @pid in it. The cgroups that are still missing are then
 * in s->cgroups_made, to be saved and made.
 * -EEXIST: there is such a scope, of somebody else. A slice that is there is
 * joined. s->unit is cleared in both cases: delete leaves it.
 * -EINTR: @interrupt_fd became readable.
 */
must_check int cgroup_unit_start(
	const struct spec *spec, uint64_t memory_bytes, pid_t pid, int interrupt_fd, struct state *s, struct err *err);

must_check int cgroup_unit_stop(const struct state *s, struct err *err);

#endif
