/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports of a container that is on somebody else's network by user mode: what it listens on is opened in that namespace.
 *
 *   client ── port of the namespace (opener.h) ══ relay of the channel ══ agent ── connect(2) ── the container's socket
 *
 * The guest is asked which TCP sockets listen, every PORTS_INTERVAL_MS: no notice tells of them. What is new is opened,
 * what is gone is closed. A port that cannot be had, as one that is taken, is told in the guest's log once, and is tried again as
 * long as the guest listens on it.
 *
 * So are those of a user's who is not root in the container's own network namespace, for processes of his there: his Podman's
 * port forwarder connects from in there. What comes from outside is the machine's (net/redirect.h), and does not get to them.
 *
 * Where the namespace is that of another machine, what that one's container listens on is taken: its monitor tells it
 * (lender.h), and where there is one from the beginning, nothing is opened before it has. It has precedence, whenever it has
 * begun to listen, and so has a machine that comes later, which is looked for each time.
 *
 * GUEST: it may name any port. It can have those that a process of the container could have under runc, PORTS_MAX at a time.
 */
#ifndef MONITOR_PORTS_H
#define MONITOR_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "guest/guest.h"
#include "monitor/resolvers.h"
#include "spec/spec.h"
#include "vm/guestlog.h"

#define PORTS_MAX 256
#define PORTS_INTERVAL_MS 500 /* a server is slower to start, and the guest's reading of two files is nothing */

struct ports;

/*
 * Makes what is needed before the jail, in the container's network namespace. 0 with *@ret; or -errno with an error.
 * @id and @resolvers, where the agent itself listens, are borrowed until ports_free(). @joined: the namespace is somebody else's,
 * and may be a machine's. @whose says in the guest's log where a
 * port could not be had; it outlives them.
 */
must_check int ports_new(const char *id, const struct spec *spec, const struct resolvers *resolvers, bool joined,
	const char *whose, struct ports **ret, struct err *err);

/* Begins: the connections are those of process @process of @guest. What is borrowed lives until ports_free(). 0 or -errno. */
must_check int ports_begin(
	struct ports *p, struct loop *loop, struct guest *guest, struct guestlog *log, uint32_t process);

/* Ends it. The guest, if it was given, is still there. Accepts NULL. */
void ports_free(struct ports *p);

#endif
