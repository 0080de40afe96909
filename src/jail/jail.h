/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's jail: the container's root as runc would build it on the host.
 *
 * Two purposes, one tree. Engines enter the monitor's mount namespace and
 * expect the container's files there (podman cp, podman top); and a guest that
 * broke out of the VM into the monitor finds nothing else. The steps, in order:
 *
 *   jail_enter_mounts   own mount namespace, nothing propagates; /proc of the
 *                       monitor's pid namespace
 *   jail_open_fds       what file service and stdio need of /proc, and no more
 *   (the VM is built: needs the host's paths)
 *   jail_build          root, bind mounts, /proc, at the root's path on the host
 *   (createContainer hooks)
 *   jail_pivot          into it; the host's tree is unmounted
 *   jail_enter_user     the monitor's own user namespace, if it gets one
 *   jail_drop           capabilities and bounding set down to those that file
 *                       service needs, no_new_privs
 *   jail_seccomp        the allow-list; last, before the first vCPU runs
 *
 * Without a mount namespace of its own (the config lists none, or one by path)
 * nothing may be mounted: jail_chroot stands for enter_mounts, build and pivot, and
 * makes an empty tree that belongs to no namespace the monitor's root.
 *
 * tmpfs mounts of the config exist here too, empty and read-only: their
 * contents are in the guest, and a write here would be lost silently.
 */
#ifndef JAIL_JAIL_H
#define JAIL_JAIL_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "jail/binds.h"
#include "spec/spec.h"
#include "vm/vm.h"

/* @own_pids: the process is in another pid namespace than the mounted /proc is of. */
must_check int jail_enter_mounts(bool own_pids, struct err *err);

/*
 * This process's /proc/self/fd as a detached, read-only mount of that directory alone: nothing
 * else of /proc is above it. The caller owns the descriptor; or -errno.
 */
must_check int jail_open_fds(struct err *err);

/* A root that was built, and not entered yet. */
struct jail_root;

/* @rootfs: where the root's clone is attached. Takes the jail_fds of @binds. */
must_check int jail_build(const struct spec *spec, const char *rootfs, struct binds *binds, bool own_pids,
	struct jail_root **ret, struct err *err);
void jail_root_free(struct jail_root *root); /* accepts NULL */

must_check int jail_pivot(struct jail_root *root, struct err *err);

/* @mount_ns: the mount namespace to join, borrowed; -1: the caller's. */
must_check int jail_chroot(int mount_ns, struct err *err);

/* @user_ns: borrowed. The process has all capabilities in it. */
must_check int jail_enter_user(int user_ns, struct err *err);

must_check int jail_drop(struct err *err);

/*
 * Loads the system call filter for this process and all its threads: what is in @sets (NULL at the end; each set is a list
 * of lists that ends with names of NULL) works, and what libc needs besides. 0, or -errno with an error.
 */
must_check int jail_seccomp(const struct vm_calls *const *sets, struct err *err);

#endif
