/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors that a process gets beside its standard streams: what the guest has in the place of the caller's. */
#ifndef AGENT_INIT_FDS_H
#define AGENT_INIT_FDS_H

#include "sys/agent.h"

/*
 * Makes what @gp->fds describes for the process of that number, and opens the streams. @ret_fds gets a descriptor for
 * each, of numbers that the process does not use itself; they are the caller's; -1: not made. 0 or -errno with @err set;
 * every stream is open all the same then, as with process_open_stdio(), until relay_end().
 */
must_check int fds_open(struct agent *agent, const struct guest_process *gp, int *ret_fds, struct err *err);

#endif
