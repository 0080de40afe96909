/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing back: everything that the guest has written into its shares goes to the host. A child does it, since it may
 * take long and the loop must not wait.
 */
#ifndef AGENT_INIT_SYNC_H
#define AGENT_INIT_SYNC_H

#include "sys/agent.h"

typedef void sync_fn(void *arg, uint32_t number);

/*
 * Writes the shares back, and calls @done(@arg, @number) when that is done: from the loop, or at once where there is
 * nothing to do. A failure is logged.
 */
void sync_shares(struct agent *agent, sync_fn *done, void *arg, uint32_t number);

/*
 * Runs @work(@agent, @work_arg) in a child, and calls @done(@arg, @number) from the loop when it has ended. False, and
 * nothing is done, if no child can be made.
 */
typedef void sync_work_fn(struct agent *agent, const void *work_arg);
must_check bool sync_by_child(
	struct agent *agent, sync_work_fn *work, const void *work_arg, sync_fn *done, void *arg, uint32_t number);

/* From the reaper: @pid has ended. Returns whether it was such a child, whose @done has been called then. */
bool sync_on_exit(struct agent *agent, pid_t pid);

#endif
