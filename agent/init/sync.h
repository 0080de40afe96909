/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that the guest has written into its shares, onto the host.
 *
 * By a child: writing back may take long, and the loop must not wait.
 */
#ifndef AGENT_INIT_SYNC_H
#define AGENT_INIT_SYNC_H

#include "sys/agent.h"

typedef void sync_fn(void *arg, uint32_t number);

/* Calls @done(@arg, @number) when it is done: from the loop, or at once where there is nothing to do. */
void sync_shares(struct agent *agent, sync_fn *done, void *arg, uint32_t number);

/* From the reaper: whether @pid was a sync's child, which then is finished. */
bool sync_on_exit(struct agent *agent, pid_t pid);

#endif
