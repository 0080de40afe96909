/* SPDX-License-Identifier: Apache-2.0 */
/* Signals: read from a descriptor, and as a new program finds them. */
#ifndef BASE_SIG_H
#define BASE_SIG_H

#include <signal.h>

#include "base/base.h"

/* Gives each signal its default action and unblocks all of them, for a child that is about to execute a program. */
void sig_reset(void);

/*
 * Blocks the signals of @set: these alone (@how: SIG_SETMASK), or these too (SIG_BLOCK). Returns a nonblocking signalfd(2)
 * that receives them, or -errno.
 */
must_check int sig_open(int how, const sigset_t *set);

#endif
