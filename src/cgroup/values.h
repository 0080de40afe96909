/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources as numbers for the monitor's cgroup on the host, before they
 * are written to files (limit.c) or told to systemd (systemd_props.c).
 *
 * The guest enforces the container's exact limits. Where the VM itself needs
 * room in the same cgroup, the host's value has it on top: memory.limit, the
 * limit of memory and swap together, memory.high. What is a guarantee or a
 * share (reservation, memory.min, shares) is the config's own.
 */
#ifndef CGROUP_VALUES_H
#define CGROUP_VALUES_H

#include "base/base.h"
#include "base/err.h"
#include "spec/spec.h"

#define CGROUP_NO_LIMIT UINT64_MAX

/* The VMM's own threads count here; the guest enforces the exact number of the container's processes. */
#define CGROUP_PIDS_MIN 128

/* Not set: leave what the cgroup has. CGROUP_NO_LIMIT: take the limit away. */
struct cgroup_values {
	struct opt_u64 memory, memory_high, memory_low, memory_min; /* bytes */
	struct opt_u64 memsw;                                       /* v1: memory and swap together */
	struct opt_u64 swap;                                        /* v2: swap alone */
	struct opt_u64 swappiness, kernel_tcp;                      /* v1 */
	struct opt_bool oom_off;                                    /* v1 */
	struct opt_u64 shares, weight;                              /* of v1 and of v2: the same */
	struct opt_u64 quota, period, burst; /* microseconds; without a limit, quota is CGROUP_NO_LIMIT */
	struct opt_u64 idle;
	struct opt_u64 rt_period; /* v1 */
	struct opt_i64 rt_runtime;
	struct opt_u64 pids;
	const char *cpus, *mems; /* the spec's, or NULL */
	struct spec_map unified; /* what of `unified` has no member above; borrowed, freed by _done */
};

/*
 * @memory_bytes: what the VM needs at least (guest RAM and the VMM).
 * @v2: the host has cgroup v2 alone: `unified` counts and wins. 0, -EINVAL or -ENOMEM.
 */
must_check int cgroup_values_of(
	const struct spec_resources *r, uint64_t memory_bytes, bool v2, struct cgroup_values *ret, struct err *err);
void cgroup_values_done(struct cgroup_values *v);

#endif
