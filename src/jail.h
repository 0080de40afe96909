/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's jail: the container's root as runc would build it on the host.
 *
 * Two purposes, one tree. Engines enter the monitor's mount namespace and
 * expect the container's files there (podman cp, podman top); and a guest that
 * broke out of the VM into the monitor finds nothing else. The steps, in order:
 *
 *   jail_enter_mounts   own mount namespace, nothing propagates; /proc of the
 *                       own pid namespace, so that even an fd of it leads nowhere
 *   (the VM is built: needs the host's paths)
 *   jail_pivot          root, bind mounts, /proc; the host's tree is unmounted
 *   jail_drop           capabilities and bounding set down to those that file
 *                       service needs, no_new_privs
 *   jail_seccomp        the allow-list; last, before the first vCPU runs
 *
 * tmpfs mounts of the config exist here too, empty and read-only: their
 * contents are in the guest, and a write here would be lost silently.
 */
#ifndef JAIL_H
#define JAIL_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "binds.h"
#include "spec/spec.h"
#include "vm/vm.h"

/* @own_pids: the process is in a pid namespace of its own. */
must_check int jail_enter_mounts(bool own_pids, struct err *err);

/* @rootfs: where the root's clone is attached for a moment. Takes the jail_fds of @binds. */
must_check int jail_pivot(const struct spec *spec, const char *rootfs, struct binds *binds,
	bool own_pids, struct err *err);

must_check int jail_drop(struct err *err);

must_check int jail_seccomp(const struct vm *vm, struct err *err);

#endif
