/* SPDX-License-Identifier: Apache-2.0 */
/* What the monitor asks of a container that exists, other than to run a process in it. */
#ifndef AGENT_INIT_SERVICE_H
#define AGENT_INIT_SERVICE_H

#include "base/buf.h"
#include "sys/agent.h"

/* DELETE: kills what is left of container @cid, and answers @seq when all of it is gone and the id is free. */
void service_delete(struct agent *agent, const char *cid, uint32_t seq);

/* UPDATE: writes @values to files of the container's cgroup, in order. 0 or -errno with @err set. */
must_check int service_update(struct agent *agent, const char *cid, const struct guest_values *values, struct err *err);

/*
 * PROCS: appends a proto_procs of the container's processes behind the guest's number @after. 0 or -errno with @err set.
 */
must_check int service_put_procs(
	struct agent *agent, const char *cid, uint32_t after, struct buf *out, struct err *err);

/* PS: appends a proto_ps of the container's processes. 0 or -errno with @err set. */
must_check int service_list_processes(struct agent *agent, const char *cid, struct buf *out, struct err *err);

/* READ_CGROUP: appends the text of @file, a name in the container's cgroup. 0 or -errno with @err set. */
must_check int service_read_cgroup(
	struct agent *agent, const char *cid, const char *file, struct buf *out, struct err *err);

/* FILE: does @f, and appends a proto_file. 0 or -errno with @err set. */
must_check int service_do_file(
	struct agent *agent, const char *cid, const struct guest_file *f, struct buf *out, struct err *err);

/* FILE_CLOSE: the host needs a handle no more. */
void service_close_file(struct agent *agent, const char *cid, uint64_t handle);

#endif
