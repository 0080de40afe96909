/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: the long-lived process that is the container on the host.
 *
 *   create --fork--> birth ----fork---> monitor (session leader, pid 1 of its
 *                    settled by create,  pid namespace)
 *                    joins cgroups,         |
 *                    namespaces; exits      |  mounts, VM built
 *                                           |  BUILT to create: prestart and
 *                                           |  createRuntime hooks; GO;
 *                                           |  createContainer hooks here
 *                                           |  jail
 *                                           |  vm_start: the guest boots
 *                                        [booting]    on_ready
 *                                           |  sandbox, create in the guest
 *                                        [creating]   on_created: READY to create
 *                                        [created]    control START
 *                                           |  start in the guest
 *                                        [running]    on_exited
 *                                           |  VM ended, status written
 *                                         exit (the container's code, 128 + n)
 *
 * Invariants:
 * 1. When birth has exited, the monitor is a child of create's subreaper (the
 *    engine's), with no process of ours between.
 * 2. Until READY it lives only as long as create: the report socket's end is its end.
 * 3. Standard streams of create are the container's and nothing else's: once
 *    the guest's streams are connected, the monitor itself has /dev/null.
 * 4. `stopped` is visible only after the last byte of output is written.
 * 5. Every signal that can be caught is the container's. SIGKILL takes the VM along.
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "app/timeline.h"
#include "base/base.h"
#include "base/err.h"
#include "container/state.h"
#include "guest/translate.h"
#include "jail/binds.h"
#include "jail/ns.h"
#include "spec/spec.h"
#include "vm/vm.h"

/*
 * What is to be done, in create, with the process that the monitor will be the
 * child of, before that process joins the cgroups: 0 or -errno.
 */
struct monitor_settle {
	int (*fn)(void *arg, pid_t pid, struct err *err); /* NULL: nothing */
	void *arg;
};

/* What create has prepared. All of it is inherited by fork; create ends its own copies. */
struct monitor_job {
	const char *id;
	const char *rootfs; /* absolute */
	const struct spec *spec;
	const struct state *state; /* the cgroups */
	struct monitor_settle settle;
	const struct ns_set *ns;
	struct binds *binds;
	struct vm_config *vm; /* log_fd is set by the monitor */
	struct guest_translation *translation;
	struct timeline *timeline; /* may be NULL */
	int status_fd;             /* the file `status` */
	int listen_fd;             /* control.sock */
	int log_fd;                /* guest.log */
	size_t log_max;            /* bytes that it may have */
	int console_fd;            /* connected console socket, or -1 */
};

enum report_kind {
	REPORT_PID,     /* from birth: the monitor's pid */
	REPORT_BUILT,   /* where create has hooks to run: the mount tree stands; the monitor waits for monitor_go() */
	REPORT_READY,   /* the process stands ready in the guest */
	REPORT_WARNING, /* err says what went wrong beside the container's life */
	REPORT_FAILED,  /* err says why: before READY there is no container, after it the VM has died
			*/
};

/* One message of the report socket (SEQPACKET). */
struct report {
	enum report_kind kind;
	pid_t pid;
	struct err err;
};

/*
 * Starts the monitor: 0 with its pid (in the caller's pid namespace) and the
 * report socket, which the caller owns. Blocks until birth has exited.
 */
must_check int monitor_spawn(struct monitor_job *job, pid_t *ret_pid, int *ret_report, struct err *err);

/* Reads the next report: 0, or -errno with an error (-ECONNRESET: the monitor is gone). */
must_check int monitor_report(int report, struct report *ret, struct err *err);

/* To create's answer on BUILT, from either side: prestart and createRuntime have run. 0, or -EPIPE: the other is gone. */
#define MONITOR_GO 'g'
must_check int monitor_go(int report);
must_check int monitor_wait_go(int report);

/* Whether create has hooks to run between BUILT and GO, or the monitor after it. */
bool monitor_has_create_hooks(const struct spec *spec);

/* The monitor's own main, called in the forked process (monitor.c). */
_Noreturn void monitor_main(struct monitor_job *job, int report);

#endif
