/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for children: the agent's own, and the orphans that PID 1 inherits.
 */
#ifndef AGENT_INIT_REAPER_H
#define AGENT_INIT_REAPER_H

#include "sys/agent.h"

/* Blocks SIGCHLD and has the loop read it (agent->reaper_fd), so that each child that ends is reaped. 0 or -errno. */
must_check int reaper_start(struct agent *agent);

#endif
