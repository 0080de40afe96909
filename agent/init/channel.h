/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's end of the channel: requests in, answers and exits out.
 */
#ifndef AGENT_INIT_CHANNEL_H
#define AGENT_INIT_CHANNEL_H

#include "sys/agent.h"

/* Opens the channel on agent->channel_fd and says HELLO. 0 or -errno. */
must_check int channel_open(struct agent *agent);

/* Answers request @seq: success with a payload (NULL: none), or what @err says. */
void channel_reply(struct agent *agent, uint32_t seq, const void *payload, size_t len);
void channel_refuse(struct agent *agent, uint32_t seq, const struct err *err);

void channel_exited(struct agent *agent, uint32_t process, int status, bool oom);

/* The way out of a guest whose host is gone, or asks for it: writes back and powers off. Does not return. */
_Noreturn void agent_poweroff(struct agent *agent);

#endif
