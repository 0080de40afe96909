/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's cgroups as a transient unit of systemd (--systemd-cgroup).
 *
 *   unit_plan    decides on the unit's name and the paths of its cgroups
 *   unit_start   has systemd make the unit; what systemd does not make then (v1: cpuset, freezer ...) is left to
 *                dirs_make(), and the limits are written to the files as without systemd
 *   unit_stop    has systemd stop it
 *
 * The name is in state.json before the unit is made, as dirs.h has it for directories.
 */
#ifndef CGROUP_UNIT_H
#define CGROUP_UNIT_H

#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"
#include "cgroup/set.h"
#include "json/warnings.h"
#include "spec/spec.h"

/* What a unit is started with. All pointers are borrowed. */
struct unit_request {
	const char *path, *id;                  /* as for unit_plan() */
	const struct spec_resources *resources; /* may be NULL */
	const struct spec_map *annotations;     /* org.systemd.property.NAME */
	uint64_t memory_bytes;                  /* what the VM needs at least */
	pid_t pid;        /* the process that the unit begins with: systemd makes no scope without one */
	int interrupt_fd; /* readable: unit_start() gives up; -1: none */
};

/*
 * Fills c->unit and c->dirs. @path is linux.cgroupsPath in systemd's form, "slice:prefix:name" (unitname.h), NULL or
 * "". @id is the container's. Asks systemd for its root: 0, or -errno with an error.
 */
must_check int unit_plan(const char *path, const char *id, struct cgroups *c, struct err *err);

/*
 * Starts the planned unit and waits until it stands. The cgroups that are still missing are then in c->made. A slice
 * that is there already is joined, a scope is an error (-EEXIST); in both cases c->unit becomes "", since the unit is
 * not ours to stop. Returns 0, or -errno with an error (-EINTR: u->interrupt_fd became readable).
 */
must_check int unit_start(const struct unit_request *u, struct cgroups *c, struct err *err);

/* Tells systemd the limits of @r for c->unit, which runs. 0, or -errno with an error. */
must_check int unit_update(
	const struct cgroups *c, const struct spec_resources *r, uint64_t memory_bytes, struct err *err);

/* Stops c->unit of container @id, and waits until it is gone. A unit of that name that is not ours is left alone. */
must_check int unit_stop(const struct cgroups *c, const char *id, struct warnings *warnings, struct err *err);

#endif
