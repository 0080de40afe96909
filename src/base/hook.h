/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running one hook: a program that gets the container's state on its standard
 * input, and has to end well and in time (runtime-spec config.md, "POSIX-platform Hooks").
 *
 * The same for those on the host and those that the agent runs in the guest.
 * The hook has the caller's identity, namespaces and working directory, the
 * environment that it is given and nothing else; its standard output goes
 * nowhere, the end of its standard error into the error. It dies with the
 * caller's thread.
 */
#ifndef BASE_HOOK_H
#define BASE_HOOK_H

#include <stdint.h>

#include "base/base.h"
#include "base/err.h"

struct hook {
	const char *what;  /* begins an error: "hooks.prestart[0]" */
	const char *path;  /* absolute; what errors name */
	int exec_fd;       /* >= 0: executed instead of what is at @path by then */
	char *const *args; /* NULL at the end; NULL: @path alone */
	char *const *env;  /* NULL at the end; NULL: none */
	int64_t timeout_s; /* <= 0: none */
	const char *state; /* for its standard input */
	int null_fd;       /* its standard output; borrowed */
	int cancel_fd;     /* > 0: when it is readable, the hook is killed; borrowed, not read */
	/* In the child, last before execve(2): 0, or -errno with the error set. NULL: nothing. */
	int (*prepare)(void *arg, struct err *err);
	void *arg;
};

/*
 * 0 when it has ended with status 0; -ETIMEDOUT or -EINTR (it was killed: too late, or
 * cancelled) or -ECANCELED (it failed) or another -errno, with the error set. Blocks; nothing else of
 * the caller's may wait for this child.
 */
must_check int hook_run(const struct hook *hook, struct err *err);

#endif
