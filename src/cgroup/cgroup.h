/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's cgroup on the host: the monitor is its only member.
 *
 * Works with v1, hybrid and v2: every hierarchy that is mounted gets the
 * container's directory. What is a cgroup is asked of the kernel (f_type): on
 * machines where /sys/fs/cgroup is a plain tmpfs nothing is made there.
 *
 * Crash safety: cgroup_plan() only looks. Its two lists go into state.json
 * before cgroup_make() makes anything, so that a killed create leaves nothing
 * that delete does not know; a directory that was there before is never in the
 * list of those that delete removes.
 */
#ifndef CGROUP_CGROUP_H
#define CGROUP_CGROUP_H

#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"
#include "container/state.h"
#include "spec/spec.h"

/*
 * @path: linux.cgroupsPath (absolute: from each hierarchy's root; relative:
 * below the caller's own cgroup in v1, beside it in v2), NULL or "": /@id.
 * Fills the lists of @s.
 */
must_check int cgroup_plan(const char *path, const char *id, struct state *s, struct err *err);

/* The two halves of it, for who makes the leaves otherwise: @path in every hierarchy ... */
must_check int cgroup_plan_at(const char *path, struct state *s, struct err *err);
/* ... and what of the planned ones is missing. */
must_check int cgroup_plan_missing(struct state *s, struct err *err);

/* Makes what cgroup_plan() found missing. */
must_check int cgroup_make(const struct state *s, struct err *err);

/*
 * Writes the limits of @r to the container's cgroups. Memory limits
 * become at least @memory_bytes (guest RAM and the VMM): the guest enforces the exact ones.
 */
must_check int cgroup_limit(
	const struct state *s, const struct spec_resources *r, uint64_t memory_bytes, struct err *err);

/* Moves the calling process. */
must_check int cgroup_join(const struct state *s, struct err *err);

/*
 * Kills what is left in cgroups that vmrunc made and removes them, those below
 * them too; stops the unit. Parents that it made go if nobody else uses them.
 * Returns when all is gone.
 */
must_check int cgroup_remove(const struct state *s, struct err *err);

#endif
