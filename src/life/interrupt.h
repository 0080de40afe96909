/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signals that end a command in order, so that none ends it at a bad moment: SIGINT, SIGTERM, SIGHUP and SIGQUIT.
 * Whoever waits for long looks at the descriptor as well.
 */
#ifndef LIFE_INTERRUPT_H
#define LIFE_INTERRUPT_H

#include "base/base.h"
#include "base/err.h"

/*
 * Blocks the signals, which stay so, and collects them: a nonblocking signalfd(2), the caller's, which has those, too,
 * that came while they were blocked before; or -errno with an error.
 */
must_check int interrupt_open(struct err *err);

/*
 * Takes one signal that has come to @fd: -EINTR with an error that has its exit status, 128 + n. 0, and @err untouched, if
 * there is none, or @fd is -1.
 */
must_check int interrupt_take(int fd, struct err *err);

#endif
