/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the kernel's exec of /init to an open channel.
 */
#ifndef AGENT_INIT_BOOT_H
#define AGENT_INIT_BOOT_H

#include "sys/agent.h"

/* Makes the machine usable and opens the port: agent->channel_fd, shares, cgroup are set. 0 or -errno with @err. */
must_check int boot_machine(struct agent *agent, struct err *err);

/* In a test: only the directories. */
must_check int boot_native(struct agent *agent, struct err *err);

#endif
