/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relays: sockets of the host for the container's processes.
 *
 *   process      agent                                        monitor                        host
 *     connect --> the relay's socket: accepted, DIAL -------> connects ---------------------> socket
 *                 link: two streams <----------------- LINK
 *     bytes <---> sink, source <------ streams -------------> source, sink <---------------> bytes
 *
 * A relay is a socket that the agent listens on, made where a mount of the container finds it, with the owner and the
 * mode of the host's, so that the guest's kernel decides as the host's would who may connect. A link is one connection.
 * connect(2) succeeds before the host's socket has been reached; if that fails, the connection is closed.
 *
 * There are at most PROTO_LINKS_MAX links: beyond them, connections wait in the kernel's queues of the relays.
 */
#ifndef AGENT_INIT_RELAY_H
#define AGENT_INIT_RELAY_H

#include "sys/agent.h"

/* Makes the sockets of all @relays for container @k. 0, or -errno with @err set; what was made stays until relay_end(). */
must_check int relay_begin(
	struct agent *agent, struct container *k, const struct guest_relays *relays, struct err *err);

/* LINK: the host has connected a link, or could not. */
void relay_link(struct agent *agent, const struct proto_link *link);

/* The processes of @k have been killed: those connections that still wait are dialled, so that the monitor hears of them. */
void relay_finish(struct agent *agent, struct container *k);

/* Closes the links and relays of @k, and removes its sockets. */
void relay_end(struct agent *agent, struct container *k);

#endif
