/* SPDX-License-Identifier: Apache-2.0 */
/* A container's mounts, made below its root before the root is entered. */
#ifndef AGENT_LAUNCH_MOUNTS_H
#define AGENT_LAUNCH_MOUNTS_H

#include "launch/launch.h"
#include "sys/agent.h"

/* Makes mount @number of l->container below @root. 0 or -errno with @err set. */
must_check int mount_make(const struct launch *l, int root, uint32_t number, struct err *err);

/*
 * Makes those binds whose flags a process in a user namespace may not set, which are all that have to do with access times:
 * the VM's mounts, of which they are copies, lock them there. *@ret gets, for each mount of l->container, a detached mount
 * with its flags, or -1. They end with the process, which inherits them; so this is for a child that will make it. 0, or
 * -errno with @err set.
 */
must_check int mounts_open(const struct launch *l, const int **ret, struct err *err);

/*
 * Makes the mounts that mount_make() has left writable read-only: a new file system that the config wants so gets the
 * mount points of what is mounted in it first, devices and the terminal, as with runc and crun. 0 or -errno with @err
 * set.
 */
must_check int mount_seal_all(const struct guest_mounts *mounts, int root, struct err *err);

/*
 * A clone of the tmpfs at @destination, alone, which is attached nowhere, and to which nothing propagates: a descriptor, or
 * -errno, if there is none.
 */
must_check int mount_show(int root, const char *destination);

/*
 * A detached copy of what is mounted at @path of the VM, with @recursive of all
 * below as well. Returns a descriptor, which is the caller's, or -errno.
 */
must_check int mount_clone(const char *path, bool recursive);

/*
 * Hides what is at @path below @root, if there is something: nothing can be read there. *@empty is the mount over
 * directories, which the first one makes; -1 before that, and the caller's. 0 or -errno with @err set.
 */
must_check int mount_mask(int root, const char *path, int *empty, struct err *err);

/* Makes what is at @path below @root read-only, if there is something. 0 or -errno with @err set. */
must_check int mount_make_readonly(int root, const char *path, struct err *err);

/* Sets the propagation of the mount that @fd is in to that of @flags (MS_SHARED and its like, MS_REC). 0 or -errno. */
must_check int mount_set_propagation(int fd, uint32_t flags);

#endif
