/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's way into its jail: which of the jail's steps a job needs, and the hooks of create between them.
 */
#ifndef MONITOR_ENCLOSE_H
#define MONITOR_ENCLOSE_H

#include "base/base.h"
#include "base/err.h"
#include "monitor/job.h"
#include "vm/vm.h"

/*
 * Prepares the monitor's own mount namespace, if it gets one: before anything that needs it is opened. 0, or -errno
 * with an error.
 */
must_check int enclose_mounts(const struct monitor_job *job, struct err *err);

/*
 * Encloses the process, for good: builds the mount tree, lets create run its hooks (@report: the report socket) and
 * runs the monitor's own, enters the tree, and gives up what the running @vm does not need. 0, or -errno with an error.
 */
must_check int enclose(const struct monitor_job *job, const struct vm *vm, int report, struct err *err);

#endif
