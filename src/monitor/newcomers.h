/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that ties interfaces to taps which come while the container runs (podman network connect), and frees the
 * taps of those that go. The monitor has no right to: what has been broken into by a guest must not change the network.
 *
 * It is made before the jail, in the container's network namespace, and keeps two netlink sockets there, a socket to the
 * monitor, and of all capabilities CAP_NET_ADMIN, which it can use on these sockets alone: it may make no other, nor enter
 * another namespace. Where the network namespace belongs to the monitor's user namespace, so does the capability. The
 * guest has no way to it: it reads what the kernel says of interfaces, and one word of the monitor's.
 *
 *   monitor: newcomers_start() ---fork---> waits for the word, or for the monitor's end
 *            newcomers_begin() ---byte---> attach_again(), now and at each notice of the kernel's
 *                              <---text--- why it could not
 *
 * What it has done the monitor sees as it sees any change of the namespace (network_follow()): the tap has another group.
 */
#ifndef MONITOR_NEWCOMERS_H
#define MONITOR_NEWCOMERS_H

#include <stddef.h>

#include "base/base.h"
#include "base/err.h"
#include "jail/ns.h"

#define NEWCOMERS_TEXT_MAX 512 /* bytes of a text */

/*
 * Makes the process, for the taps of container @id in the caller's network namespace. @ns: that namespace belongs to its
 * user namespace, which the process enters (NULL: to another one). The caller is single-threaded. A non-blocking socket to
 * it, which the caller closes, or -errno with an error. The end of the socket is its own.
 */
must_check int newcomers_start(const char *id, const struct ns_set *ns, struct err *err);

/* start has tied what was there: from now on the process does. 0 or -errno; -EPIPE: it has ended. */
must_check int newcomers_begin(int socket);

/*
 * Takes what the process says: a text of @ret's, without control characters; its length, 0 if it has ended, or -errno;
 * -EAGAIN: nothing now.
 */
must_check int newcomers_hear(int socket, char ret[NEWCOMERS_TEXT_MAX]);

#endif
