/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The startContainer hooks (runtime-spec config.md, "StartContainer Hooks").
 *
 * Run by the container's first process, after START and before it executes its
 * program: in all of the container's namespaces, its root and its cgroup, with the
 * process's user, capabilities, limits and working directory, and with its
 * seccomp filter. The state's pid is this process's as its pid namespace counts.
 */
#ifndef AGENT_LAUNCH_HOOKS_H
#define AGENT_LAUNCH_HOOKS_H

#include "launch/launch.h"

/* @null_fd: their standard output; the container need not have a /dev/null. The first that fails ends it. */
must_check int hooks_run_start(const struct launch *l, int null_fd, struct err *err);

#endif
