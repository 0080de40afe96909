/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's root file system: built, then entered.
 */
#ifndef AGENT_LAUNCH_ROOTFS_H
#define AGENT_LAUNCH_ROOTFS_H

#include "launch/launch.h"

/*
 * In a new mount namespace: puts together the container's tree, opens its
 * terminal if it has one (*@ret_slave, else left alone), and makes the tree the
 * root. Afterwards nothing of the VM's own tree can be reached.
 */
must_check int rootfs_enter(const struct launch *l, int *ret_slave, struct err *err);

#endif
