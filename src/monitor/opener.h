/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small process in the container's network namespace that opens TCP ports there for the monitor, which may make no
 * sockets and has no capability that the network knows.
 *
 * It sees no files, and may open nothing but TCP sockets that listen, and a connection to the machine whose namespace that is
 * (lender.h). It ends with the monitor.
 */
#ifndef MONITOR_OPENER_H
#define MONITOR_OPENER_H

#include <stdbool.h>

#include "base/base.h"
#include "channel/proto.h"

/*
 * Starts it, before the jail, in the caller's network namespace. @low: it keeps CAP_NET_BIND_SERVICE, for ports that
 * need it. The socket by which it is asked, which ends it when it is closed; or -errno.
 */
must_check int opener_start(bool low);

/*
 * Has a socket listen at @port: a descriptor, which is the caller's, or -errno, of socket(2), bind(2) or listen(2).
 * Waits for the answer, for which that process does nothing that could take long. Makes only calls of base_syscalls.
 */
must_check int opener_ask(int socket, const struct proto_port *port);

/* As opener_ask(), for lender_connect(). */
must_check int opener_ask_owner(int socket);

#endif
