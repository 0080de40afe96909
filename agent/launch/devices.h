/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes and the usual links of a container's /dev. */
#ifndef AGENT_LAUNCH_DEVICES_H
#define AGENT_LAUNCH_DEVICES_H

#include "launch/launch.h"

/* Makes the nodes of l->container below @root; what the rootfs has already stays. 0 or -errno with @err set. */
must_check int devices_make(const struct launch *l, int root, struct err *err);

/*
 * Makes the links /dev/fd, stdin, stdout, stderr and ptmx below @root, and core where the kernel has /proc/kcore. 0 or
 * -errno with @err set.
 */
must_check int devices_link(int root, struct err *err);

/*
 * Makes the nodes of @c among the shares, where devices_make() finds them to bind them: a process in a user namespace
 * may not make any. If they are there already, nothing is done. 0 or -errno with @err set.
 */
must_check int devices_stage(const struct agent *agent, const struct guest_container *c, struct err *err);

/* Removes what devices_stage() has made for container @cid, if anything. */
void devices_unstage(const struct agent *agent, const char *cid);

#endif
