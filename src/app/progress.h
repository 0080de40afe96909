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

/* @wanted: whether the command line leaves stderr to people. Called once, while there is one thread; without, nothing is said. */
void progress_allow(bool wanted);

/*
 * From now on the command does @words ("booting the virtual machine"), which are cut to the width of the terminal. The
 * first call starts the child, so it must come before the process has threads or shares its stderr with a container.
 */
void progress_say(const char *words);

/* Takes the line away, and waits until it is gone; another may begin later. Does nothing if there is none. */
void progress_end(void);

/* Takes away what stands in the line now, for a message that is written to stderr; the line comes back below it. */
void progress_make_room(void);

#endif
