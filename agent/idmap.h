/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user namespace that only carries id mappings, for an idmapped mount.
 */
#ifndef AGENT_IDMAP_H
#define AGENT_IDMAP_H

#include "launch.h"

/* An fd of a user namespace with the mappings of @m, or the container's own where it has none. */
must_check int idmap_open(const struct launch *l, const struct guest_mount *m, struct err *err);

#endif
