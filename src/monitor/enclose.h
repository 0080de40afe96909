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

/* What the monitor serves at /proc of its mount tree (procview.h). */
struct enclose_view {
	int fd;          /* of /dev/fuse; -1: it serves nothing there, because of @why */
	char pid_ns[32]; /* the link /proc/self/ns/pid */
	struct err why;  /* errnum 0: it has no mount namespace of its own */
};

/* The tmpfs of the container that the monitor serves (tmpview.h): descriptors of /dev/fuse, in the order of their places. */
struct enclose_tmpfs {
	int fds[PROTO_FILE_PLACES_MAX];
	size_t len;
};

/*
 * Encloses the process, for good: builds the mount tree, lets create run its hooks (@report: the report socket) and
 * runs the monitor's own, enters the tree, and gives up what the running @vm does not need. 0 with *@view and *@tmpfs,
 * whose descriptors are the caller's; or -errno with an error.
 */
must_check int enclose(const struct monitor_job *job, const struct vm *vm, int report, struct enclose_view *view,
	struct enclose_tmpfs *tmpfs, struct err *err);

#endif
