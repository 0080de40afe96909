/* SPDX-License-Identifier: Apache-2.0 */
/* Signals: read from a descriptor, and as a new program finds them. */
#ifndef BASE_SIG_H
#define BASE_SIG_H

#include <signal.h>
#include <stdbool.h>

#include "base/base.h"

struct signalfd_siginfo;

/* Gives each signal its default action and unblocks all of them, for a child that is about to execute a program. */
void sig_reset(void);

/*
 * Blocks the signals of @set: these alone (@how: SIG_SETMASK), or these too (SIG_BLOCK). Returns a nonblocking signalfd(2)
 * that receives them, or -errno.
 */
must_check int sig_open(int how, const sigset_t *set);

/* Puts all signals into @set, also those that libc keeps for itself and leaves out of sigfillset(3). */
void sig_fill(sigset_t *set);

/*
 * As sigprocmask(2), for the calling thread, also for the signals that libc keeps for itself: its own functions leave
 * those unblocked. 0 or -errno.
 */
int sig_mask(int how, const sigset_t *set, sigset_t *ret_old);

/*
 * Whether somebody meant the signal @info for this process, or for one that this process stands for: not if it came from
 * the kernel or from this process itself, because a child has ended, a pipe has lost its reader, a terminal
 * has changed its size, or a job in the background has used it.
 */
bool sig_is_meant(const struct signalfd_siginfo *info);

#endif
