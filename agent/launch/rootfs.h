/* SPDX-License-Identifier: Apache-2.0 */
/* A container's root file system: how it is built and entered. */
#ifndef AGENT_LAUNCH_ROOTFS_H
#define AGENT_LAUNCH_ROOTFS_H

#include "launch/launch.h"

/*
 * Builds the container's tree in the caller's mount namespace, which is new, opens its terminal if it has one
 * (*@ret_slave, then the caller's, else left alone), and makes the tree the root. Afterwards nothing of the VM's own
 * tree can be reached. 0 or -errno with @err set.
 */
must_check int rootfs_enter(const struct launch *l, int *ret_slave, struct err *err);

#endif
