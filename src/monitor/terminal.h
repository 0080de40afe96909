/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's terminal, on the monitor's side.
 *
 * The container's terminal is a terminal of the guest: line discipline, echo and the signals of the keyboard happen
 * there. On the host, a raw pty carries its bytes. The monitor is the session leader on the slave side of that pty, so
 * that it gets a SIGWINCH when the engine resizes the master. The master is sent through the socket of --console-socket
 * (runc's protocol), or through a socket pair to `run`, which copies between the master and the terminal that it was
 * started in (cli/relay.h).
 */
#ifndef MONITOR_TERMINAL_H
#define MONITOR_TERMINAL_H

#include <sys/ioctl.h>

#include "base/base.h"
#include "base/err.h"

/* Connects to the AF_UNIX stream socket @path of --console-socket. Returns the descriptor, which the caller owns, or
 * -errno with an error. */
must_check int terminal_console_connect(const char *path, struct err *err);

/*
 * Makes a raw pty of @size (NULL: no size is set). Returns 0 with both ends in *@ret_master and *@ret_slave, which the
 * caller owns, or -errno with an error.
 */
must_check int terminal_open(const struct winsize *size, int *ret_master, int *ret_slave, struct err *err);

/* Sends @master, with its slave's name, through the connected socket @console: 0, or -errno with an error. */
must_check int terminal_send(int console, int master, struct err *err);

/*
 * Makes a raw pty of @size (NULL: no size is set), sends its master through the connected socket @console, and makes
 * the slave the controlling terminal of the caller, which must be a session leader without one. Returns 0 with the
 * slave in *@ret_slave, which the caller owns, or -errno with an error.
 */
must_check int terminal_make(int console, const struct winsize *size, int *ret_slave, struct err *err);

/*
 * Receives the master that terminal_make() sent into the other end of the socket pair @console; blocks until it comes.
 * Returns 0 with the master in *@ret_master, which the caller owns, or -errno with an error.
 */
must_check int terminal_receive(int console, int *ret_master, struct err *err);

#endif
