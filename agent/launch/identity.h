/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process is before it executes its program: ids, capabilities, limits.
 */
#ifndef AGENT_LAUNCH_IDENTITY_H
#define AGENT_LAUNCH_IDENTITY_H

#include <sys/types.h>

#include "sys/agent.h"

/*
 * What is inherited, and needs the VM's own root or its /proc: the oom score,
 * and hard limits as high as they are to be (identity_set() then sets them).
 */
must_check int identity_prepare(const struct guest_process *p, struct err *err);

/* Scheduling and I/O priority of the new process @pid, by who has the right: root of a user namespace has not. */
must_check int identity_schedule(const struct guest_process *p, pid_t pid, struct err *err);

/* All but what identity_set_last() does; ends in the working directory. */
must_check int identity_set(const struct guest_process *p, struct err *err);

/* The seccomp filter of a process without new privileges: nothing but execve comes after it. */
must_check int identity_set_last(const struct guest_process *p, struct err *err);

#endif
