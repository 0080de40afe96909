/* SPDX-License-Identifier: Apache-2.0 */
/* From the kernel's execve(2) of /init to an open port. */
#ifndef AGENT_INIT_BOOT_H
#define AGENT_INIT_BOOT_H

#include "sys/agent.h"

/*
 * Makes the machine usable and opens the channel's port: sets agent->channel_fd, ->shares and ->cgroup. 0 or -errno
 * with @err set.
 */
must_check int boot_machine(struct agent *agent, struct err *err);

/* The same in a test: makes only the directories below agent->shares. 0 or -errno with @err set. */
must_check int boot_native(struct agent *agent, struct err *err);

#endif
