/* SPDX-License-Identifier: Apache-2.0 */
/* A process's terminal: a pty of the container's devpts. */
#ifndef AGENT_LAUNCH_TTY_H
#define AGENT_LAUNCH_TTY_H

#include "launch/launch.h"

/*
 * Opens a pty in the devpts that the container has at /dev/pts below @root, and sends the master to the agent. The
 * caller owns *@ret_slave. 0 or -errno with @err set.
 */
must_check int tty_open(const struct launch *l, int root, int *ret_slave, struct err *err);

/* Binds the slave over /dev/console below @root. 0 or -errno with @err set. */
must_check int tty_bind_console(int root, int slave, struct err *err);

/* Makes the terminal that is descriptor 0 the caller's controlling terminal. 0 or -errno with @err set. */
must_check int tty_make_controlling(struct err *err);

#endif
