/* SPDX-License-Identifier: Apache-2.0 */
/* Signals for a process of process.h. */
#ifndef AGENT_INIT_SIGNALS_H
#define AGENT_INIT_SIGNALS_H

#include "init/process.h"

/*
 * Sends @signo (0 to 64) to @p, which lives, at once or as soon as its program can take it; signals.c says when that
 * is. 0 or -errno with @err set.
 */
must_check int signals_send(struct process *p, int signo, struct err *err);

/* From birth.c: @p has just executed its program. The time in which it may get ready begins. */
void signals_begin(struct process *p);

/* What @status, which wait(2) gave for @p, says to the monitor: the signal that ended it before its start is that one. */
int signals_status(const struct process *p, int status);

/* @p has ended: signals that wait for it are dropped. */
void signals_done(struct process *p);

#endif
