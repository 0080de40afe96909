/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file a process executes, with what environment, and runc's words when
 * it cannot.
 */
#ifndef AGENT_LAUNCH_PROGRAM_H
#define AGENT_LAUNCH_PROGRAM_H

#include "sys/agent.h"

#define PROGRAM_NOT_FOUND 127 /* exit status: as a shell has them */
#define PROGRAM_NOT_EXECUTABLE 126

/* The environment of @p, NULL at its end, with HOME from the container's passwd where it has none. */
must_check int program_environment(const struct guest_process *p, char ***ret_env, struct err *err);

/* Looks args[0] up as the process's user: *@ret_path is the caller's. */
must_check int program_find(const struct guest_process *p, char **env, char **ret_path, struct err *err);

/* Becomes the program at @path. Returns only on failure: -errno with @err set. */
int program_execute(const struct guest_process *p, const char *path, char **env, struct err *err);

#endif
