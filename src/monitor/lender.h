/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine tells others of its ports: those that have joined its network namespace (net/usermode.h), and open what they
 * listen on there, must leave it what it has.
 *
 *   the other's opener (opener.h)           this monitor                          guest
 *     | --- connect: LENDER_NAME -----------> | on_listener()                        |
 *   its monitor (ports.h) has the connection  | -- PORTS, each PORTS_INTERVAL_MS --> |
 *     | <-- LENDER_LIST, the guest's list --- | <- RESULT -------------------------- |
 *
 * The name is an abstract one (unix(7)), which a network namespace has to itself: whoever is in it finds the machine whose it
 * is now, whichever container that is and whenever it has started.
 *
 * GUEST: the list is passed on unread; who gets it reads it as its own guest's.
 */
#ifndef MONITOR_LENDER_H
#define MONITOR_LENDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "guest/guest.h"

#define LENDER_NAME "org.vmrunc.ports" /* behind the NUL of an abstract name */
#define LENDER_CLIENTS_MAX 64          /* those that listen: the containers of a pod, and more */
#define LENDER_LIST 'L'                /* the first byte of each message; entries for proto_get_port() are behind it */
#define LENDER_BYTES_MAX 32768

struct lender {
	int listen_fd; /* -1: others are told nothing */
	struct loop *loop;
	struct guest *guest; /* borrowed, with the next one, as is the loop */
	const char *cid;
	struct watch *listen_watch;
	struct watch *timer; /* NULL: nobody has asked yet */
	bool asking;         /* the guest owes an answer */
	size_t n;
	struct {
		int fd;
		struct watch *watch;
	} at[LENDER_CLIENTS_MAX];
};

#define LENDER_NONE              \
	{                        \
		.listen_fd = -1, \
	}

/*
 * Has others find this machine in the caller's network namespace: a socket, or -errno; -EADDRINUSE: another one is there
 * already.
 */
must_check int lender_listen(void);

/*
 * Begins to tell who comes by l->listen_fd which TCP ports container @cid of @guest listens on. What is borrowed lives
 * until lender_done(), which comes before the loop's end and behind the guest's. 0 or -errno.
 */
must_check int lender_begin(struct lender *l, struct loop *loop, struct guest *guest, const char *cid);

/* Closes all connections, and the socket. */
void lender_done(struct lender *l);

/*
 * The other side, in the process that opens ports: a non-blocking connection to the machine whose network namespace the
 * caller is in, or -errno; -ECONNREFUSED: there is none; -EPERM: who has its name is another user.
 */
must_check int lender_connect(void);

#endif
