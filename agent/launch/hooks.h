/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The startContainer hooks (runtime-spec config.md, "StartContainer Hooks").
 *
 * The container's first process runs them, after START and before it executes its program. So they are in all of the
 * container's namespaces, its root and its cgroup, and have the process's user, capabilities, limits, working directory
 * and seccomp filter. The pid in the state that they get is that process's, as its pid namespace counts.
 */
#ifndef AGENT_LAUNCH_HOOKS_H
#define AGENT_LAUNCH_HOOKS_H

#include "launch/launch.h"

/*
 * Runs the hooks of l->container one after the other, up to the first that fails.
 * @null_fd is open on the VM's /dev/null, since the container need not have one;
 * it becomes their standard output. @process_env is the environment that the
 * process itself will have: a hook that the config gives none gets that one. 0 or -errno with @err set.
 */
must_check int hooks_run_start(const struct launch *l, char *const *process_env, int null_fd, struct err *err);

#endif
