/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources.blockIO in the cgroups on the host: the disks are the host's, so the guest cannot limit them. */
#ifndef CGROUP_IO_H
#define CGROUP_IO_H

#include "base/base.h"
#include "base/err.h"
#include "cgroup/set.h"
#include "spec/spec.h"

/*
 * Writes the weights and throttles of @io (may be NULL) to the cgroups of @c. Returns 0, or -errno with an error
 * (-ENOENT: this host has no file for one of them).
 */
must_check int cgroup_io_limit(const struct cgroups *c, const struct spec_block_io *io, struct err *err);

/*
 * Converts a weight of v1 (10 to 1000) to one of v2 (1 to 10000), as runc does. A @weight out of range counts as its
 * end.
 */
unsigned int cgroup_io_weight_v2(unsigned int weight);

#endif
