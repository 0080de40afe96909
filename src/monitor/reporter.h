/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's end of the report socket (report.h), while its loop goes round.
 *
 *   waited for ── reporter_ready() ──> listened to ── a send that finds create gone, or the socket's end ──> gone
 *   waited for ── the socket's end: on_end() ──> gone
 *
 * A create that is killed before READY leaves a container that nobody will start or delete, so its end has to come to the
 * monitor. The socket's end is what says so, whatever else has failed before.
 */
#ifndef MONITOR_REPORTER_H
#define MONITOR_REPORTER_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "monitor/report.h"

struct reporter {
	int sock; /* -1: create, or run, has gone or wants to hear no more */
	bool ready;
	struct watch *watch;
	void (*on_end)(void *arg);
	void *arg;
};

/* Takes over @sock: that of a create that waits for READY, or -1. */
void reporter_init(struct reporter *r, int sock);

/* Has @on_end called on @loop when create goes before it was told READY; nothing is owed to it then. 0 or -errno. */
must_check int reporter_watch(struct reporter *r, struct loop *loop, void (*on_end)(void *arg), void *arg);

/*
 * Tells create, or run, something: WARNING, NOTICE or FAILED. It is not waited for. What does not reach it is lost, so it
 * stands in the guest's log as well.
 */
void reporter_tell(struct reporter *r, enum report_kind kind, const struct err *err);

/* Tells it READY: 0; or -errno: it has gone, and nobody knows that there is a container. */
must_check int reporter_ready(struct reporter *r);

#endif
