/* SPDX-License-Identifier: Apache-2.0 */
/* What a process is when it executes its program: ids, capabilities, limits, scheduling, seccomp filter. */
#ifndef AGENT_LAUNCH_IDENTITY_H
#define AGENT_LAUNCH_IDENTITY_H

#include <sys/types.h>

#include "sys/agent.h"

/*
 * Sets for the caller, the joiner, what the process inherits from it but may not set or reach itself: the OOM score,
 * and hard limits at least as high as they are to be. 0 or -errno with @err set.
 */
must_check int identity_prepare(const struct guest_process *p, struct err *err);

/*
 * Hides the caller, and what it forks, until execve(2): it is not dumpable, so that nobody without CAP_SYS_PTRACE in the
 * VM's own user namespace can trace it, read its memory, or open what its files in /proc lead to. Each of them is a way
 * out of the container, in which it is seen before it is no more than its program. Called again after each change of
 * user, at which the kernel takes the value of fs.suid_dumpable instead. 0 or -errno with @err set.
 */
must_check int identity_hide(struct err *err);

/*
 * Sets the scheduling and I/O priority of the new process @pid. The joiner calls it, since root of a user namespace has
 * no right to. 0 or -errno with @err set.
 */
must_check int identity_schedule(const struct guest_process *p, pid_t pid, struct err *err);

/*
 * Makes the caller what @p says, except for what identity_set_last() does, and changes into the working directory. 0 or
 * -errno with @err set.
 */
must_check int identity_set(const struct guest_process *p, struct err *err);

/*
 * Loads the seccomp filter of a process with no_new_privs: nothing but execve(2) comes after it. 0 or -errno with @err
 * set.
 */
must_check int identity_set_last(const struct guest_process *p, struct err *err);

#endif
