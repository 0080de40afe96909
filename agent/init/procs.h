/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a container as a /proc in it would show them, for PROCS. */
#ifndef AGENT_INIT_PROCS_H
#define AGENT_INIT_PROCS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/buf.h"

/*
 * Appends a proto_procs of the processes in the cgroup @fd and below to @out, of those behind the guest's number @after as
 * many as a message has room for. @own_pids: they are in a pid namespace of the container, which counts them anew. 0 or
 * -ENOMEM.
 */
must_check int procs_put(int cgroup_fd, bool own_pids, uint32_t after, struct buf *out);

#endif
