/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent tells the monitor: the answers to its requests, and the ends of processes. */
#ifndef AGENT_INIT_ANSWER_H
#define AGENT_INIT_ANSWER_H

#include "sys/agent.h"

/* Answers request @seq: it is done, with @len bytes of @payload (NULL and 0: none). */
void answer_done(struct agent *agent, uint32_t seq, const void *payload, size_t len);

/* Answers request @seq: it failed for the reason in @err, which is set. */
void answer_refuse(struct agent *agent, uint32_t seq, const struct err *err);

/*
 * Tells that the monitor's process number @process has ended with @status, as wait(2) gives it; @oom: the OOM killer
 * struck in its container.
 */
void answer_exited(struct agent *agent, uint32_t process, int status, bool oom);

#endif
