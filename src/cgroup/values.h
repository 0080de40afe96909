/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources as numbers for the cgroups on the host, before limit.c writes them to files and systemd_props.c
 * tells them to systemd.
 *
 * The guest enforces the container's exact limits. On the host the virtual machine itself needs memory in the same
 * cgroup, so that its need is added to memory.limit, to the limit of memory and swap together, and to memory.high.
 * Guarantees and shares (reservation, memory.min, shares) are what the config says.
 */
#ifndef CGROUP_VALUES_H
#define CGROUP_VALUES_H

#include "base/base.h"
#include "base/err.h"
#include "spec/spec.h"

#define CGROUP_NO_LIMIT UINT64_MAX

/* The VMM's own threads count in pids.max; the guest enforces the exact number of the container's processes. */
#define CGROUP_PIDS_MIN 128

/* A value that is not set leaves what the cgroup has; CGROUP_NO_LIMIT takes the limit away. */
struct cgroup_values {
	struct opt_u64 memory, memory_high, memory_low, memory_min; /* bytes */
	struct opt_u64 memsw;                                       /* v1: memory and swap together */
	struct opt_u64 swap;                                        /* v2: swap alone */
	struct opt_u64 swappiness, kernel_tcp;                      /* v1 */
	struct opt_bool oom_off;                                    /* v1 */
	struct opt_u64 shares, weight;                              /* the same share, for v1 and for v2 */
	/* microseconds; without a limit, quota is CGROUP_NO_LIMIT; the period is not 0: one divides by it */
	struct opt_u64 quota, period, burst;
	struct opt_u64 idle;
	struct opt_u64 rt_period; /* v1 */
	struct opt_i64 rt_runtime;
	struct opt_u64 pids;
	const char *cpus, *mems; /* lists; borrowed from the spec, or NULL */
	struct spec_map unified; /* the pairs of `unified` without a member above; the strings are borrowed */
};

/*
 * Computes the values for @r (may be NULL). @memory_bytes is what the VM needs at least: guest RAM and the VMM. @v2
 * means that the host has cgroup v2 alone: then `unified` counts, and wins over the other fields. Returns 0 with @ret,
 * which borrows from @r and is ended by cgroup_values_done(), or -EINVAL or -ENOMEM with an error.
 */
must_check int cgroup_values_of(
	const struct spec_resources *r, uint64_t memory_bytes, bool v2, struct cgroup_values *ret, struct err *err);

/* Frees what @v owns. */
void cgroup_values_done(struct cgroup_values *v);

#endif
