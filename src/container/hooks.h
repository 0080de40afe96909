/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks on the host (runtime-spec config.md, "POSIX-platform Hooks").
 *
 *   hook             is run by  when                                     in the working directory
 *   prestart         create     the container's mount tree stands in     the bundle
 *   createRuntime    create     the monitor's mount namespace, and the   the bundle
 *   createContainer  monitor    monitor has not pivoted into it yet      the root file system
 *   startContainer   the agent  in the guest: agent/launch/hooks.h       process.cwd
 *   poststart        start      the program has been executed            the bundle
 *   poststop         delete     nothing of the container is left         the bundle
 *
 * The first three run one after another in this order. Each hook gets the container's state as JSON on its standard
 * input, the environment that the config gives it, and nothing else (base/hook.h). A hook whose config has no env has the
 * environment of who called vmrunc, as with runc and crun; "env": [] is an empty one. The pid in the state is the
 * monitor's, as the hook sees it: for createContainer, its number in the monitor's own pid namespace.
 */
#ifndef CONTAINER_HOOKS_H
#define CONTAINER_HOOKS_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "container/state.h"
#include "json/warnings.h"
#include "spec/spec.h"

/* Where hooks are run. */
struct hook_place {
	const char *dir; /* the working directory */
	int mount_ns;  /* the hook joins this mount namespace, but its program comes from ours; -1: it stays in ours */
	int cancel_fd; /* when this is readable, the running hook is killed and fails with -EINTR; -1: there is none */
};

/* Whether @spec has hooks that run at create on the host: prestart, createRuntime or createContainer. */
bool hooks_at_create(const struct spec *spec);

/*
 * Runs @hooks one after another. @name is the field's name ("prestart") for errors and @status goes into the state.
 * Returns 0, or -errno with an error at the first hook that fails or exceeds its timeout; the error quotes the end of
 * what that hook wrote to stderr. Blocks.
 */
must_check int hooks_run(const struct spec_hook_list *hooks, const char *name, const struct state *s,
	enum status status, const struct hook_place *place, struct err *err);

/* Runs all of @hooks in the bundle of @s, as hooks_run() does, even if some fail: a failure is added to @warnings. */
void hooks_run_all(const struct spec_hook_list *hooks, const char *name, const struct state *s, enum status status,
	struct warnings *warnings);

#endif
