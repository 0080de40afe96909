/* SPDX-License-Identifier: Apache-2.0 */
/* Making a process, as PID 1 sees it: from CREATE or EXEC to execve(2); launch.h is the side that becomes it. */
#ifndef AGENT_INIT_BIRTH_H
#define AGENT_INIT_BIRTH_H

#include "sys/agent.h"

/*
 * CREATE: makes container @c and its first process, up to, not including, execve(2). Answers @seq when the process is
 * ready or has failed. The memory of @c is not needed after the return.
 */
void birth_create(struct agent *agent, const struct guest_container *c, uint32_t seq);

/*
 * EXEC: makes and starts one more process in container @cid. Answers @seq when it has executed its program or has
 * failed. The memory of @gp is not needed after the return.
 */
void birth_exec(struct agent *agent, const char *cid, const struct guest_process *gp, uint32_t seq);

/* START: lets process @id execute its program, and answers @seq when it has or has failed. */
void birth_start(struct agent *agent, uint32_t id, uint32_t seq);

/*
 * From the reaper: reads what the processes have told so far, so that no exit is seen before it. @pid, which has ended
 * and is not reaped yet, will tell nothing more.
 */
void birth_read_all(struct agent *agent, pid_t pid);

/*
 * From the reaper: @pid has ended with @status, as wait(2) gives it. Returns whether it was a joiner, which then is
 * forgotten; the process of one that has not done all of its work is refused.
 */
bool birth_on_exit(struct agent *agent, pid_t pid, int status);

#endif
