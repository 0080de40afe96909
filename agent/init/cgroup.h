/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's cgroup (v2) in the guest: <mount point>/<cid>, with every controller that the guest's kernel has.
 *
 * In all functions @fd is a descriptor of its directory, or -1 where the guest has no cgroups.
 */
#ifndef AGENT_INIT_CGROUP_H
#define AGENT_INIT_CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "sys/agent.h"

/* Enables all controllers of the cgroup at @path for its children; one that cannot be enabled is a warning. */
void cgroup_enable_all(const struct agent *agent, const char *path);

/* Makes the cgroup of container @cid. The caller owns *@ret_fd, which may be -1. 0 or -errno with @err set. */
must_check int cgroup_create(const struct agent *agent, const char *cid, int *ret_fd, struct err *err);

/*
 * Writes @values to files of the cgroup, in order. A file that this kernel does not have is a warning; the first that
 * cannot be written is the result. 0 or -errno with @err set.
 */
must_check int cgroup_write_all(const struct agent *agent, int fd, const struct guest_values *values, struct err *err);

/*
 * The cgroup for a further process of container @cid: the one @below its own, or if that is "", the one that its first
 * process @init is in. An init that goes below does so to hand the controllers down, for which the kernel wants the
 * container's own cgroup to be without processes. The caller owns the descriptor in *@ret_fd, which is -1 if @fd is. 0 or
 * -errno with @err set.
 */
must_check int cgroup_for_exec(int fd, const char *cid, const char *below, pid_t init, int *ret_fd, struct err *err);

/* Attaches the device filter @prog (struct bpf_insn[]; empty: none) to the cgroup. 0 or -errno with @err set. */
must_check int cgroup_set_device_filter(int fd, const struct guest_blob *prog, struct err *err);

/* Sends @signo to each process in the cgroup and below, SIGKILL by cgroup.kill where the kernel has that. */
void cgroup_signal(int fd, int signo);

/* Whether the OOM killer has struck in the cgroup or below. */
bool cgroup_saw_oom(int fd);

/* Appends the pids in the cgroup and below to @out, each a u32 as wire_put_u32() writes it, and returns how many. */
uint32_t cgroup_pids(int fd, struct buf *out);

/* Removes the cgroup of container @cid and those that the container has made below. 0 or -errno. */
must_check int cgroup_remove(const struct agent *agent, const char *cid);

#endif
