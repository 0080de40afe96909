/* SPDX-License-Identifier: Apache-2.0 */
/* The way out of the machine. */
#ifndef AGENT_SYS_POWER_H
#define AGENT_SYS_POWER_H

#include "sys/agent.h"

/*
 * Writes back what is dirty and powers the machine off: for a guest whose host is gone, or asks for it. In a test on
 * the host the process exits with 0.
 */
_Noreturn void power_off(const struct agent *agent);

#endif
