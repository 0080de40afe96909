/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of config.json in the files of the container's cgroups on the host. */
#ifndef CGROUP_LIMIT_H
#define CGROUP_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "cgroup/set.h"
#include "json/warnings.h"
#include "spec/spec.h"

/*
 * Writes the limits of @r (may be NULL) to the cgroups of @c, which are there. Limits of memory become at least
 * @memory_bytes (guest RAM and the VMM), since the guest enforces the exact ones. A limit that this host cannot
 * enforce is added to @warnings if the guest enforces it as well, and is an error otherwise. Returns 0, or -errno with
 * an error.
 */
must_check int cgroup_limit(const struct cgroups *c, const struct spec_resources *r, uint64_t memory_bytes,
	struct warnings *warnings, struct err *err);

/*
 * Writes the quota, period and share of CPU time that @r (may be NULL) has to the cgroups of @c, or if @lifted, no quota in
 * place of one, and no smaller share than a cgroup has by itself. Returns 0, or -errno with an error.
 */
must_check int cgroup_limit_cpu_time(
	const struct cgroups *c, const struct spec_resources *r, bool lifted, struct err *err);

#endif
