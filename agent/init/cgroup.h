/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's cgroup (v2) in the guest.
 *
 * <mount point>/<cid>, with every controller that the guest's kernel has.
 */
#ifndef AGENT_INIT_CGROUP_H
#define AGENT_INIT_CGROUP_H

#include <stdbool.h>

#include "base/buf.h"
#include "sys/agent.h"

/* Gives all controllers of the cgroup at @path to its children, as far as the kernel does. */
void cgroup_enable_all(const struct agent *agent, const char *path);

/* Makes a container's cgroup; *@ret_fd (-1 without cgroups) is its directory, the caller's. 0 or -errno. */
must_check int cgroup_create(const struct agent *agent, const char *cid, int *ret_fd, struct err *err);

/* Writes files in order; one that this kernel has not is a warning. -errno at the first that is not taken. */
must_check int cgroup_write_all(const struct agent *agent, int fd, const struct guest_values *values, struct err *err);

/* Attaches a device filter (struct bpf_insn[]), instead of an earlier one. */
must_check int cgroup_set_device_filter(int fd, const struct guest_blob *prog, struct err *err);

/* Sends @signo to each process in it and below; SIGKILL by cgroup.kill where there is one. */
void cgroup_signal(int fd, int signo);

bool cgroup_is_empty(int fd);
bool cgroup_saw_oom(int fd); /* whether its OOM killer has struck */

/* Appends the pids in it and below as u32s, and returns how many. */
uint32_t cgroup_pids(int fd, struct buf *out);

/* Removes it and what the container made below. 0 or -errno. */
must_check int cgroup_remove(const struct agent *agent, const char *cid);

#endif
