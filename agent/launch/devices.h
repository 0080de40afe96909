/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device nodes and the usual links of a container's /dev.
 */
#ifndef AGENT_LAUNCH_DEVICES_H
#define AGENT_LAUNCH_DEVICES_H

#include "launch/launch.h"

/* Makes the config's nodes below @root; what is there already stays. 0 or -errno with @err set. */
must_check int devices_make(const struct launch *l, int root, struct err *err);

/* /dev/fd, stdin, stdout, stderr, ptmx (and core, where the kernel has /proc/kcore). */
must_check int devices_link(int root, struct err *err);

/*
 * From the agent, before a process in a new user namespace is made: that may
 * not make nodes, so they are made here and bound there. Freed with the container.
 */
must_check int devices_stage(const struct agent *agent, const struct guest_container *c, struct err *err);
void devices_unstage(const struct agent *agent, const char *cid);

#endif
