/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From which ports the sockets of a network namespace choose theirs (net.ipv4.ip_local_port_range), where its interfaces are
 * led to a machine whose kernel chooses by itself: from others than that by default, so that a connection is not taken for one of
 * the machine's (share.h).
 */
#ifndef NET_LOCALPORTS_H
#define NET_LOCALPORTS_H

#include "base/base.h"

#define LOCALPORTS_KEY "net.ipv4.ip_local_port_range"
#define LOCALPORTS_SHARED "61440 65535" /* SHARE_PORTS_FIRST to SHARE_PORTS_LAST */

/*
 * Has namespace @ns_fd (-1: the caller's) choose from the host's share, unless somebody has set a range there already, or the
 * caller may not enter it. The caller is single-threaded. 0 or -errno.
 */
must_check int localports_narrow(int ns_fd);

/* Makes the range of namespace @ns_fd the kernel's own again if it is as localports_narrow() leaves it: likewise. */
must_check int localports_restore(int ns_fd);

#endif
