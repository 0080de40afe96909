/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report socket: the pair between create (or run) and the monitor that it has started.
 *
 *   birth, monitor --report_send()--> create: report_receive()   PID, then BUILT, READY, WARNING, NOTICE or FAILED
 *   create --report_go()--> monitor: report_wait_go()            the answer to BUILT
 *
 * It is a SEQPACKET socket: one message is one report. Its end is news as well: the monitor dies with create until it
 * has said READY, and create learns from the end that the monitor is dead.
 */
#ifndef MONITOR_REPORT_H
#define MONITOR_REPORT_H

#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"

enum report_kind {
	REPORT_PID,   /* from birth: the monitor's pid, as the host numbers it */
	REPORT_BUILT, /* where create has hooks to run: the mount tree stands, and the monitor waits for report_go() */
	REPORT_READY, /* the container stands ready in the guest */
	REPORT_WARNING, /* err says what went wrong beside the container's life */
	REPORT_NOTICE,  /* err says what the user must know of how the container has ended */
	REPORT_FAILED,  /* err says why: before READY there is no container, after it the VM has died */
};

/* One message of the report socket. */
struct report {
	enum report_kind kind;
	pid_t pid;      /* of REPORT_PID */
	struct err err; /* of REPORT_WARNING, REPORT_NOTICE and REPORT_FAILED */
};

/*
 * Sends @report over @sock, and never waits for a reader: 0, or -errno. -EPIPE: create has gone. -EAGAIN: it does not read, as a
 * `run` that was stopped, and the report is lost. Warnings and notices, of which a guest can cause any number, fill a quarter of
 * the socket at most, so that there is room for the few other reports.
 */
must_check int report_send(int sock, const struct report *report);

/* Waits for the next report: 0, or -errno with an error (-ECONNRESET: the monitor is gone). */
must_check int report_receive(int sock, struct report *ret, struct err *err);

/* create's answer to BUILT: the prestart and createRuntime hooks have run. 0, or -EPIPE: the monitor has gone. */
must_check int report_go(int sock);

/* Waits in the monitor for create's answer to BUILT: 0, or -EPIPE: create has gone. */
must_check int report_wait_go(int sock);

#endif
