/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a process: from the agent's fork to execve(2). init/birth.c is the agent's side, tell.h has the messages.
 *
 *   agent            joiner                     process
 *     | fork ---------> |                          |
 *     |                 | setns: what is shared    |
 *     |                 | clone3: what is new ---> |  (a child of the agent)
 *     | <--- PID -------|                          |
 *     | <------------ exit: reaped                 |
 *     | id maps, then GO ------------------------> |
 *     |                                            | set-up of the container (init only)
 *     | <--- PLACE, for each tmpfs to be shown ----|
 *     | <--- TTY (with the master) ----------------|
 *     |                                            | stdio, ids, capabilities, program looked up
 *     | <--- READY --------------------------------|
 *     | START, at once for an exec --------------> |
 *     |                                            | startContainer hooks (init only)
 *     | <--- EXEC ---------------------------------|
 *     |                                            | seccomp, execve
 *     | <--- end of file: execve has succeeded ----|
 *
 * Instead of any message there may be an ERROR, after which the process exits. If the end of file comes without an EXEC
 * before it, the process has died.
 */
#ifndef AGENT_LAUNCH_LAUNCH_H
#define AGENT_LAUNCH_LAUNCH_H

#include "sys/agent.h"

struct launch {
	const struct agent *agent;
	const struct guest_container *container; /* NULL: an exec */
	const struct guest_process *process;
	const struct guest_idmaps *uids; /* of the user namespace that it will be in; empty: the VM's */
	int sync;                        /* the process's end of the socket (tell.h) */
	int stdio[3];                    /* -1: /dev/null; without meaning if there is a terminal */
	const int *fds;                  /* what the process has from 3 on; numbers above all of those */
	uint32_t fds_len;
	int cgroup_fd;               /* directory of the container's cgroup; -1: there is none */
	int join_fd[GUEST_NS_COUNT]; /* pidfds of the processes whose namespaces it joins; -1: none */
	bool new_ns[GUEST_NS_COUNT]; /* which namespaces are made for it */
	const int *opened;           /* of an init's process: mounts_open() for each mount; NULL: none of them */
};

/* Whether its container has a network namespace that is not the VM's: what belongs to one is set there. */
static inline bool launch_owns_network(const struct launch *l)
{
	return l->new_ns[GUEST_NS_NET] || l->join_fd[GUEST_NS_NET] >= 0;
}

/* Forks the joiner, a child of the caller. Returns its pid, or -errno. @l is not needed after the return. */
must_check pid_t launch_fork(const struct launch *l);

#endif
