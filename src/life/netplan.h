/* SPDX-License-Identifier: Apache-2.0 */
/* How create puts a container on a network whose interfaces are not its own: the host's, or one that it joins. */
#ifndef LIFE_NETPLAN_H
#define LIFE_NETPLAN_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "json/warnings.h"
#include "spec/spec.h"

struct netplan {
	bool usermode; /* it is there by user mode (net/usermode.h) */
	bool shared;   /* the network is that of another container's machine, too (net/share.h) */
};

#define NETPLAN_NONE               \
	{                          \
		.usermode = false, \
	}

/*
 * Decides it for @spec's network namespace, open as @ns_fd (-1: the caller's), and says in @warnings what the container lacks. A
 * network of its own is no business of this. The caller is single-threaded. 0, or
 * -errno with an error.
 */
must_check int netplan_make(
	const struct spec *spec, int ns_fd, struct warnings *warnings, struct netplan *ret, struct err *err);

#endif
