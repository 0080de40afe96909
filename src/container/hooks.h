/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks on the host (runtime-spec config.md, "POSIX-platform Hooks").
 *
 *   hook             run by    when                                   working directory
 *   prestart         create    the container's mount tree stands in   the bundle
 *   createRuntime    create    the monitor's mount namespace, before  the bundle
 *   createContainer  monitor   its pivot; in this order               the root file system
 *   startContainer   (agent)   in the guest: agent/launch/hooks.h            process.cwd
 *   poststart        start     the program has been executed          the bundle
 *   poststop         delete    all of the container is gone           the bundle
 *
 * Each gets the container's state as JSON on its standard input, and the
 * environment that the config gives it, nothing else (base/hook.h). pid in the state is
 * the container's as the hook would see it: in createContainer that of the
 * monitor's pid namespace.
 */
#ifndef CONTAINER_HOOKS_H
#define CONTAINER_HOOKS_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "container/state.h"
#include "spec/spec.h"

/* Where hooks are run. */
struct hook_place {
	const char *dir; /* the working directory */
	int mount_ns;  /* executed in that mount namespace, with the program that the caller's has; -1: the caller's */
	int cancel_fd; /* when it is readable, the hook is killed and has failed with -EINTR; -1: none */
};

/* Whether @spec has hooks that run at create on the host: prestart, createRuntime or createContainer. */
bool hooks_at_create(const struct spec *spec);

/*
 * Runs @hooks in order; the first that fails, or exceeds its timeout (and is
 * killed), ends it with an error that has the end of what it wrote to stderr. @name: "prestart" ...
 */
must_check int hooks_run(const struct spec_hook_list *hooks, const char *name, const struct state *s,
	enum status status, const struct hook_place *place, struct err *err);

/* The same in the bundle for hooks whose failure is only a warning: all of them are run. */
void hooks_run_all(const struct spec_hook_list *hooks, const char *name, const struct state *s, enum status status);

#endif
