/* SPDX-License-Identifier: Apache-2.0 */
/* Which file a process executes, with what environment; the errors are worded as runc's, which engines look for. */
#ifndef AGENT_LAUNCH_PROGRAM_H
#define AGENT_LAUNCH_PROGRAM_H

#include "sys/agent.h"

#define PROGRAM_NOT_FOUND 127 /* exit statuses, as shells have them */
#define PROGRAM_NOT_EXECUTABLE 126

/*
 * Makes the environment of @p, with a NULL at its end; if it has no HOME, that is taken from the container's
 * /etc/passwd. It lives until execve(2). 0 or -errno with @err set.
 */
must_check int program_environment(const struct guest_process *p, char ***ret_env, struct err *err);

/* Looks p->args.at[0] up with the rights of the caller, who owns *@ret_path. 0 or -errno with @err set. */
must_check int program_find(const struct guest_process *p, char **env, char **ret_path, struct err *err);

/* Executes the program at @path with the arguments of @p. Returns only on failure: -errno with @err set. */
int program_execute(const struct guest_process *p, const char *path, char **env, struct err *err);

#endif
