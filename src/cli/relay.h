/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay: a foreground `run` copies between the container's terminal and the terminal that it was started in.
 *
 * The container's terminal is the master of a pty (monitor/terminal.h). Ours is standard input and standard output, which
 * need not be a terminal. While the relay lives, our terminal is in raw mode, so that each key reaches the guest, whose
 * line discipline interprets it. One buffer for each direction holds what the slower side has not taken yet; while it is
 * full, nothing more is read.
 */
#ifndef CLI_RELAY_H
#define CLI_RELAY_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"

struct relay;

/*
 * Starts to copy on @loop between @master and our standard input and output, with our terminal in raw mode and its size
 * passed on. Returns 0 with the relay in *@ret, which the caller ends with relay_free() before it frees @loop, or -errno
 * with an error. @master is owned by the relay from here on, and closed after an error as well.
 */
must_check int relay_new(struct loop *loop, int master, struct relay **ret, struct err *err);

/* Gives the container's terminal the size that ours has now: to be called on SIGWINCH. Does nothing if @relay is NULL. */
void relay_resize(struct relay *relay);

/*
 * Restores our terminal, stops this process as its caller's job control asks, and goes on when it is continued: to be
 * called on SIGTSTP, which must be blocked. Does nothing but stop if @relay is NULL.
 */
void relay_stop(struct relay *relay);

/* Makes our terminal raw again, which the caller's shell may have changed meanwhile: to be called on SIGCONT. */
void relay_continue(struct relay *relay);

/* Copies what is left of the container's output, without waiting, and restores our terminal. Accepts NULL. */
void relay_free(struct relay *relay);

/*
 * Blocks every signal that a foreground command can pass on, SIGCHLD included, and receives them through a descriptor; with
 * a @terminal also those that stop and continue, since its modes are to be restored meanwhile. Returns the descriptor, which
 * the caller closes, or -errno with an error.
 */
must_check int relay_take_signals(bool terminal, struct err *err);

#endif
