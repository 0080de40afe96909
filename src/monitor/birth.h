/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the monitor is born: two forks.
 *
 *   create --fork()--> birth ----fork()---> monitor: monitor_main()
 *                      settled by create    a session leader; process 1 of its pid namespace if that is new
 *                      cgroup_join()
 *                      ns_enter()
 *                      reports PID, exits
 *
 * The process between joins the container's cgroups and namespaces (a pid namespace takes effect for
 * children only), reports the monitor's pid as the host numbers it, and exits. That hands the monitor to the subreaper,
 * which is the engine's: no process of ours stands between the two.
 */
#ifndef MONITOR_BIRTH_H
#define MONITOR_BIRTH_H

#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"
#include "monitor/job.h"

/*
 * Starts the monitor for @job and blocks until the process between has exited. Returns 0 with the monitor's pid (in the
 * caller's pid namespace) and the report socket, which the caller owns; or -errno with an error, and no process left.
 */
must_check int birth_monitor(struct monitor_job *job, pid_t *ret_pid, int *ret_report, struct err *err);

#endif
