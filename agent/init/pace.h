/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the agent is scheduled. A program that writes its output in small pieces wakes the agent at each, and on one
 * processor the kernel would run the agent at once: a frame and two switches for every 4 KiB. So while such output
 * passes, the agent is a batch task, for which nobody is interrupted: it runs when the writer waits, as it does when the
 * pipe is full, or has used up its slice, and finds many pieces together. A writer that sleeps after a line delays nothing.
 *
 * Whatever the monitor asks makes it an ordinary task again, whose turn comes at once.
 */
#ifndef AGENT_INIT_PACE_H
#define AGENT_INIT_PACE_H

#include <stddef.h>

#include "sys/agent.h"

/* A frame of @len bytes of output has been made. */
void pace_output(struct agent *agent, size_t len);

/*
 * A message has come, or its answer is waited for, whose time is measured. Processes are forked while one is acted on, so
 * that none inherits the other policy.
 */
void pace_request(struct agent *agent);

#endif
