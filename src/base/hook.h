/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running one hook: a program that gets the container's state on its standard input, and has to end well and in time
 * (runtime-spec config.md, "POSIX-platform Hooks").
 *
 * The runtime runs the hooks on the host with it, the agent those in the guest. A hook has the caller's identity,
 * namespaces and working directory, and no environment but the one it is given. Its standard output is dropped; the end
 * of its standard error becomes part of the error. It is killed when the caller's thread ends.
 */
#ifndef BASE_HOOK_H
#define BASE_HOOK_H

#include <stdint.h>

#include "base/base.h"
#include "base/err.h"

struct hook {
	const char *what;  /* the field of config.json, with which errors begin: "hooks.prestart[0]" */
	const char *path;  /* absolute; errors name it */
	int exec_fd;       /* >= 0: the program, opened before; what is at @path by now is not executed */
	char *const *args; /* NULL at the end; NULL: @path alone */
	char *const *env;  /* NULL at the end; NULL: empty */
	int64_t timeout_s; /* after which the hook is killed; <= 0: never */
	const char *state; /* the text for its standard input */
	int null_fd;       /* open on /dev/null, for its standard output; borrowed */
	int cancel_fd;     /* > 0: the hook is killed when this is readable; borrowed, not read */
	/* Called in the child, last before execve(2): 0, or -errno with the error set. NULL: nothing to do. */
	int (*prepare)(void *arg, struct err *err);
	void *arg;
};

/*
 * Runs @hook and waits for its end. 0 if its exit status was 0. Else @err is set, and the result is -ETIMEDOUT or
 * -EINTR if it was killed for lack of time or by @cancel_fd, -ECANCELED if it failed by itself, another -errno if it
 * could not be run. Nobody else in the process may wait for this child.
 */
must_check int hook_run(const struct hook *hook, struct err *err);

#endif
