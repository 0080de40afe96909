/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sign of an out-of-memory kill in the guest, for engines that watch the container's cgroup on the host.
 *
 * A small process is made before the jail, in the container's cgroup, with three of that cgroup's files open, a socket to
 * the monitor, and nothing else. When the container has ended and its guest's OOM killer had struck, the monitor, whose VM
 * has gone by then, writes a byte; the process takes memory until the kernel kills it (cgroup/oom.h). A broken monitor
 * could make it do so earlier, which costs it its own cgroup's memory, and no more.
 *
 *   monitor: oomsign_start() ---fork---> waits for the byte, or for the monitor's end
 *            oomsign_give()  ---byte---> is killed by the kernel: the engine's watch fires
 *                            <---EOF----
 */
#ifndef MONITOR_OOMSIGN_H
#define MONITOR_OOMSIGN_H

#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "cgroup/set.h"
#include "jail/ns.h"
#include "spec/spec.h"

/*
 * Makes the process, which gets an empty root, enters the user namespace of @ns, if there is one, and gives up all
 * capabilities and nearly all system calls. A socket to it, which the caller closes; -1: it cannot be, or no cgroup of @c limits memory. The end of the
 * socket is its own.
 */
int oomsign_start(const struct cgroups *c, const struct ns_set *ns);

/*
 * Says why a guest with @memory_bytes of RAM ran out of it: 0 where that is a limit of the container's own, which is
 * what @spec asks for; else -ENOMEM with an error for somebody who knows no VM.
 */
int oomsign_explain(const struct spec *spec, uint64_t memory_bytes, struct err *err);

/* Gives the sign, and waits until it is given or has failed, some seconds at most. @socket may be -1. */
void oomsign_give(int socket);

#endif
