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

#include "monitor/job.h"

/* The monitor's own main, in the forked process. @report: its end of the report socket. */
_Noreturn void monitor_main(struct monitor_job *job, int report);

#endif
