/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's own words: to the monitor while there is a channel, else to the
 * kernel's log, which the host keeps too.
 */
#ifndef AGENT_SYS_LOG_H
#define AGENT_SYS_LOG_H

#include "sys/agent.h"

void log_start(struct agent *agent); /* messages from here on use its channel once it is open */
void log_write(enum proto_log level, const char *fmt, ...) printf_like(2, 3);

#endif
