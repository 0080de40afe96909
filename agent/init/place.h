/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place for sockets that have the names of the host's.
 *
 * A program that is given a socket may look at its name, and at that of whoever has connected. So the guest's socket has
 * the same: a path is bound below a directory of the socket's own, which is the agent's root for that moment; the others
 * in a network namespace of the agent, all of whose addresses are the machine's own. Nobody else is in there, so that
 * names do not collide, and nobody but the agent connects.
 */
#ifndef AGENT_INIT_PLACE_H
#define AGENT_INIT_PLACE_H

#include "sys/agent.h"

/*
 * A listening stream socket named @addr; @id is a number of its own, to which place_connect() refers. Returns the
 * descriptor, which is the caller's, or -errno.
 */
must_check int place_listen(struct agent *agent, uint32_t id, const struct guest_blob *addr);

/*
 * Connects to the socket @id, at @addr, as @peer, without waiting. Returns the descriptor, which is the caller's, or
 * -errno; -EAGAIN: its queue of connections is full.
 */
must_check int place_connect(
	struct agent *agent, uint32_t id, const struct guest_blob *addr, const struct guest_blob *peer);

/* A connected pair of the family of @addr, of which the second has the names @addr and @peer. 0 or -errno. */
must_check int place_pair(
	struct agent *agent, const struct guest_blob *addr, const struct guest_blob *peer, int ret_fds[2]);

/* Removes what the socket @id has on the file system. */
void place_forget(const struct agent *agent, uint32_t id);

#endif
