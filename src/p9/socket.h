/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 9P session over a stream socket, for tests and clients that are not guests of ours.
 */
#ifndef P9_SOCKET_H
#define P9_SOCKET_H

#include "p9/p9.h"

/* Requests under way on one connection; the next message is read when one has ended. */
#define P9_SOCKET_REQUESTS 64u

/*
 * Serves the client at the other end of the blocking stream socket @fd (borrowed) until it hangs up, sends what is no
 * message, or an error occurs: 0 or -errno. All requests have ended when this returns.
 */
must_check int p9_socket_serve(struct p9_server *server, int fd);

#endif
