/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interfaces of the host that a config gives to a container: linux.netDevices (config-linux.md, "Network Devices").
 *
 * The interface is moved into the container's network namespace, where it is from then on as if an engine had put it
 * there: the machine gets it at start. It keeps its MAC address, its MTU, and its permanent addresses of global scope. At the container's end
 * nobody moves it back, as the specification has it: when a namespace goes, the kernel gives a physical interface back, and
 * deletes a virtual one; in a namespace that stays it stays.
 */
#ifndef NET_HOSTLINK_H
#define NET_HOSTLINK_H

#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"

/*
 * Moves the interface @host_name of the caller's network namespace into that of the process @pid, as @name, and brings it up
 * there. The caller is single-threaded. 0, or -errno with an error; then it is where it was, as far as it can be.
 */
must_check int hostlink_move(pid_t pid, const char *host_name, const char *name, struct err *err);

#endif
