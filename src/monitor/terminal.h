/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terminals: the container's, and the one that `run` stands in.
 *
 * The container's terminal is the guest's; line discipline, echo and signals
 * of the keyboard happen there. On the host a raw pty carries its bytes: the
 * monitor is session leader on the slave side, so that a resize of the master
 * by the engine reaches it as SIGWINCH. The master goes through the console socket
 * (runc's protocol), or to `run`, which copies between it and its own terminal.
 */
#ifndef MONITOR_TERMINAL_H
#define MONITOR_TERMINAL_H

#include <stdbool.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"

/* Connects to the AF_UNIX socket of --console-socket: an fd, or -errno with an error. */
must_check int tty_console_connect(const char *path, struct err *err);

/*
 * Makes the pty and sends its master through @console. The caller, a session
 * leader without terminal, gets the slave as its controlling one. @size may be NULL.
 */
must_check int tty_make(int console, const struct winsize *size, int *ret_slave, struct err *err);

/* Receives the master on the other end of a socket pair. */
must_check int tty_receive(int console, int *ret_master, struct err *err);

/* What `run` does with its own terminal while the container has it. */
struct tty_relay;

/* Puts our terminal (if stdin is one) into raw mode and copies both ways. @master is owned from
 * here on. */
must_check int tty_relay_new(struct loop *loop, int master, struct tty_relay **ret, struct err *err);

/* Our terminal has a new size. */
void tty_relay_resize(struct tty_relay *relay);

/* Copies what is left of the container's output and restores the terminal. Accepts NULL. */
void tty_relay_free(struct tty_relay *relay);

#endif
