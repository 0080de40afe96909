/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a container as the guest's /proc shows them, for PS. */
#ifndef AGENT_INIT_PROCLIST_H
#define AGENT_INIT_PROCLIST_H

#include <stdint.h>

#include "base/base.h"
#include "base/buf.h"
#include "sys/agent.h"

/* Bytes of a process's status, whoever reads it: it lists up to 65536 groups. */
#define PROC_STATUS_MAX (1024 * 1024)

/*
 * Appends a proto_ps of the processes in the cgroup @fd and below to @out; of those that a message has no room for the
 * list says that they are missing. 0 or -ENOMEM.
 */
must_check int proclist_put(const struct agent *agent, int cgroup_fd, struct buf *out);

/*
 * The bytes that the process with the directory @dir ("/proc/7") has in memory. Its stat says @pages and @threads; of a small
 * process that number says next to nothing, so its pages are counted.
 */
uint64_t proclist_rss(const char *dir, long pages, long threads);

#endif
