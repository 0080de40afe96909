/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's end of the channel: HELLO, and the requests, each handed to the file that does it. */
#ifndef AGENT_INIT_CHANNEL_H
#define AGENT_INIT_CHANNEL_H

#include "sys/agent.h"

/* Opens the channel on agent->channel_fd (agent->mux) and queues HELLO. 0 or -errno. */
must_check int channel_open(struct agent *agent);

#endif
