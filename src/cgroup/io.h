/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources.blockIO on the host's cgroup. */
#ifndef CGROUP_IO_H
#define CGROUP_IO_H

#include "base/base.h"
#include "base/err.h"
#include "cgroup/set.h"
#include "spec/spec.h"

/* Writes the weights and throttles of @io (may be NULL). A file that this machine lacks is an error. */
must_check int cgroup_io_limit(const struct cgroups *c, const struct spec_block_io *io, struct err *err);

/* v1's weight (10 to 1000) as v2's (1 to 10000), as runc converts it. */
unsigned int cgroup_io_weight_v2(unsigned int weight);

#endif
