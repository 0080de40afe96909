/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small processes that the monitor forks beside itself before it is jailed, each for one thing that its jail does not
 * allow: what their mains begin with. Each is single-threaded, and _exit()s when one of these fails.
 */
#ifndef MONITOR_BESIDE_H
#define MONITOR_BESIDE_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "jail/ns.h"

/*
 * Takes the name @name (15 bytes at the most), and gives up what it has inherited: the container's streams, for whoever
 * reads them waits for their end, the environment, and all descriptors but the @n in @keep, which is sorted by it (-1:
 * none). 0 or -errno.
 */
must_check int beside_begin(const char *name, int *keep, size_t n);

/*
 * Sees nothing of the host's files any more, enters the monitor's user namespace (@ns, whose descriptor of it is closed then;
 * NULL, or none there: it stays in its own), ends with the monitor, and keeps the capabilities in @cap_mask and @calls alone, as
 * confine_self_with() does: 0 or -errno. An ioctl(2) is none of the calls.
 */
must_check int beside_drop(const struct ns_set *ns, uint32_t cap_mask, const int *calls, size_t n);

#endif
