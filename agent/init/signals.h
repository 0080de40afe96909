/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals for a process of process.h.
 */
#ifndef AGENT_INIT_SIGNALS_H
#define AGENT_INIT_SIGNALS_H

#include "init/process.h"

/* Sends @signo to @p, now or when it can take it (signals.c). @p lives. 0 or -errno with @err set. */
must_check int signals_send(struct process *p, int signo, struct err *err);

/* @p's program has just been executed: the time in which it may get ready begins. */
void signals_begin(struct process *p);

/* @p has ended: what waited for it is dropped. */
void signals_done(struct process *p);

#endif
