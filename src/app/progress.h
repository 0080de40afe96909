/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command says of itself to somebody who waits at a terminal: a line on stderr, which appears when the command has
 * taken more than a second, tells what it is doing and for how long, and goes away when that is done.
 *
 * It is there only if stderr is a terminal and there is no --log. A child process writes the line, so that the command may
 * block wherever it likes; the child ends with the command, however that ends.
 */
#ifndef APP_PROGRESS_H
#define APP_PROGRESS_H

#include <stdbool.h>

#include "base/base.h"

/* @wanted: whether the command line leaves stderr to people. Called once, while there is one thread; without, nothing is said. */
void progress_allow(bool wanted);

/*
 * From now on the command does @words ("booting the virtual machine"), which are cut to the width of the terminal. The
 * first call starts the child, so it must come before the process has threads or shares its stderr with a container.
 */
void progress_say(const char *words);

/*
 * The same for a command that says nothing of what is mostly done at once, and has been at it for @elapsed_ms by now: no
 * child is started for what takes no second.
 */
void progress_say_late(const char *words, int elapsed_ms);

/*
 * Waits with poll(2) for @events of @fd for at most @timeout_ms (-1: without a bound), and says @words meanwhile (NULL:
 * nothing) if that takes more than a second. Returns as poll(2) does, but never for a signal: > 0, 0 after @timeout_ms, or
 * -errno. -EINTR: @cancel_fd (-1: none; it is not read) has become readable, and @fd has nothing.
 */
must_check int progress_poll(int fd, short events, int cancel_fd, int timeout_ms, const char *words);

/*
 * While @held, nothing is said: a process of a container may write to the terminal at any time, and the end of the line would
 * take its words away.
 */
void progress_hold(bool held);

/* Takes the line away, and waits until it is gone; another may begin later. Does nothing if there is none. */
void progress_end(void);

/* Takes away what stands in the line now, for a message that is written to stderr; the line comes back below it. */
void progress_make_room(void);

#endif
