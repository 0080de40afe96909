/* SPDX-License-Identifier: Apache-2.0 */
/* Why a program cannot be executed, where the errno of execve(2) names the wrong thing. */
#ifndef AGENT_LAUNCH_UNABLE_H
#define AGENT_LAUNCH_UNABLE_H

#include "base/base.h"
#include "base/err.h"

/*
 * Sets @err for execve(2) of @path with @argv and @env, which has failed with @error (above 0): ENOENT of a file that
 * is there means its interpreter or loader, and E2BIG what is too long. Returns -@error. Reads the file, which is the
 * container's, and trusts nothing in it.
 */
must_check int unable_explain(struct err *err, int error, const char *path, char **argv, char **env);

#endif
