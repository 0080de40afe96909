/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's mounts, made below its root before it is entered.
 */
#ifndef AGENT_LAUNCH_MOUNTS_H
#define AGENT_LAUNCH_MOUNTS_H

#include "launch/launch.h"
#include "sys/agent.h"

/* Mounts one entry of the config below @root. 0 or -errno with @err set. */
must_check int mount_make(const struct launch *l, int root, const struct guest_mount *m, struct err *err);

/* A detached copy of what is at @path (of the VM), with all below if @recursive: an fd or -errno. */
must_check int mount_clone(const char *path, bool recursive);

/* Hides what is at @path, if there is something: nothing can be read there. */
must_check int mount_mask(int root, const char *path, struct err *err);

/* Makes what is at @path read-only, if there is something. */
must_check int mount_make_readonly(int root, const char *path, struct err *err);

/* Sets a propagation (MS_SHARED ... with MS_REC) of the mount that @fd is in. 0 or -errno. */
must_check int mount_set_propagation(int fd, uint32_t flags);

#endif
