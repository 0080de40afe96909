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
 * A descriptor that a process is given (agent/init/fds.h) is a link from the beginning; for one that listens on the host, links come
 * from there, and the agent connects them to the process's socket (agent/init/place.h).
 *
 * Every link and relay belongs to a process: the one that has the descriptor, or the first of the container.
 *
 * Processes open at most PROTO_LINKS_MAX links: beyond them, connections wait in the kernel's queues of the relays.
 */
#ifndef AGENT_INIT_RELAY_H
#define AGENT_INIT_RELAY_H

#include "sys/agent.h"

/*
 * Makes the sockets of all @relays for the container that process @owner is the first of. 0, or -errno with @err set; what
 * was made stays until relay_end().
 */
must_check int relay_begin(struct agent *agent, uint32_t owner, const struct guest_relays *relays, struct err *err);

/*
 * Opens the streams of @fd, a descriptor of process @owner, and joins them to @ours (then the relay's; -1: there is
 * none), or remembers the listening socket that it is. 0 or -errno; its streams are open all the same.
 */
must_check int relay_attach(struct agent *agent, uint32_t owner, const struct guest_fd *fd, int ours);

/*
 * Has each connection to @fd, a bound TCP socket that is non-blocking, and the relay's then, dialled as relay @id of process
 * @owner. 0 or -errno.
 */
must_check int relay_listen_inet(struct agent *agent, uint32_t owner, uint32_t id, int fd);

/* Closes that socket; connections stay. */
void relay_close_inet(struct agent *agent, uint32_t id);

/*
 * Has @fd, a connected non-blocking stream socket (then the link's, or closed), dialled as one of relay @relay's. 0 or -errno; -EAGAIN:
 * there are as many links as there may be.
 */
must_check int relay_dial(struct agent *agent, uint32_t owner, uint32_t relay, int fd);

/* LINK: the host has connected a link, or could not, or somebody has connected to a listening descriptor of the host. */
void relay_link(struct agent *agent, const struct proto_link *link);

/*
 * Joins the streams that LINK @msg names to @fd, a socket that is connected or will be, which the call takes; -1: there is none, and the
 * host's connection is closed. It is a link of process @owner.
 */
void relay_join(struct agent *agent, uint32_t owner, const struct proto_link *msg, int fd);

/*
 * Process @owner has ended: those connections that still wait are dialled, so that the monitor hears of them, and what it
 * has written is sent, whoever else may have its descriptors.
 */
void relay_finish(struct agent *agent, uint32_t owner);

/* Closes the links and relays of process @owner, and removes the sockets. */
void relay_end(struct agent *agent, uint32_t owner);

#endif
