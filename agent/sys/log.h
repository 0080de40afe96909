/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent has to say by itself. */
#ifndef AGENT_SYS_LOG_H
#define AGENT_SYS_LOG_H

#include "sys/agent.h"

/*
 * Sends the formatted text, cut to PROTO_TEXT_MAX - 1 bytes, to the monitor as a LOG message; while there is no channel
 * it goes to the kernel's log instead, which the host keeps as well.
 */
void log_write(const struct agent *agent, enum proto_log level, const char *fmt, ...) printf_like(3, 4);

#endif
