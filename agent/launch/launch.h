/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a process: from the agent's fork to execve.
 *
 *   agent            joiner                     process
 *     | fork ---------> |                          |
 *     |                 | setns: what is shared    |
 *     |                 | clone3: what is new ---> |  (a child of the agent)
 *     | <--- PID -------|                          |
 *     | <------------ exit: reaped                 |
 *     | id maps, then 'g' -----------------------> |
 *     |                                            | set-up of the container (init only)
 *     | <--- TTY (with the master) ----------------|
 *     |                                            | stdio, ids, capabilities, program looked up
 *     | <--- READY --------------------------------|
 *     | 's' at START (at once for an exec) ------> |
 *     |                                            | startContainer hooks (init only)
 *     | <--- EXEC ---------------------------------|
 *     |                                            | seccomp, execve
 *     | <--- end of file: execve has succeeded ----|
 *
 * Instead of any message there may be an ERROR, and then the process exits. An
 * end without EXEC before it is the death of a process that has not got so far.
 */
#ifndef AGENT_LAUNCH_LAUNCH_H
#define AGENT_LAUNCH_LAUNCH_H

#include "sys/agent.h"

struct launch {
	const struct agent *agent;
	const struct guest_container *container; /* NULL: an exec */
	const struct guest_process *process;
	const struct guest_idmaps *uids; /* of the user namespace that it will be in; empty: none */
	int sync;                        /* this side's socket */
	int stdio[3];                    /* -1: /dev/null; of no meaning with a terminal */
	int cgroup_fd;                   /* the container's; -1: none */
	int join_fd[GUEST_NS_COUNT];     /* pidfds of the processes whose namespaces to join; -1: not joined */
	bool new_ns[GUEST_NS_COUNT];
};

/* Forks the joiner: its pid, or -errno. Everything that @l points to is read before it returns in the child. */
must_check pid_t launch_fork(const struct launch *l);

#endif
