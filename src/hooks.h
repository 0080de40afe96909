/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks on the host (runtime-spec config.md, "POSIX-platform Hooks").
 *
 * Each is executed with the container's state as JSON on its standard input,
 * the bundle as working directory, and the environment that the config gives it, nothing
 * else. Those in the container's namespaces (createContainer, startContainer)
 * would have to run in the guest: a config that has them is refused.
 */
#ifndef HOOKS_H
#define HOOKS_H

#include "base/base.h"
#include "base/err.h"
#include "spec/spec.h"
#include "state.h"

/*
 * Runs @hooks in order; the first that fails, or exceeds its timeout (and is
 * killed), ends it with an error that has the end of what it wrote to stderr. @name: "prestart" ...
 */
must_check int hooks_run(const struct spec_hook_list *hooks, const char *name,
	const struct state *s, enum status status, struct err *err);

/* The same for hooks whose failure is only a warning: all of them are run. */
void hooks_run_all(const struct spec_hook_list *hooks, const char *name, const struct state *s,
	enum status status);

#endif
