/* SPDX-License-Identifier: Apache-2.0 */
/* The startContainer hooks: see hooks.h. */
#include "launch/hooks.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/hook.h"
#include "launch/identity.h"

/* Called in the hook's process: does what the container's process does last before execve(2). */
static int hook_prepare(void *arg, struct err *err)
{
	return identity_set_last(arg, err);
}

/* An array of @strings with a NULL behind them, as execve(2) takes it; the caller frees it. NULL without memory. */
static char **strings_vector(const struct guest_strings *strings)
{
	char **v = calloc(strings->len + 1u, sizeof(*v));

	for (uint32_t i = 0; v && i < strings->len; i++)
		v[i] = (char *)(uintptr_t)strings->at[i];
	return v;
}

/* Runs start hook number @i with @state as its input. @process_env: as for hooks_run_start(). */
static int hook_run_one(
	const struct launch *l, uint32_t i, char *const *process_env, const char *state, int null_fd, struct err *err)
{
	const struct guest_hook *hook = &l->container->start_hooks.at[i];
	autofree char **args = strings_vector(&hook->args);
	autofree char **env = strings_vector(&hook->env);
	struct guest_process process = *l->process;
	char what[64];
	struct hook h = { .what = what,
		.path = hook->path,
		.exec_fd = -1,
		.args = hook->args.len ? args : NULL,
		.env = hook->inherits_env ? process_env : env,
		.timeout_s = hook->timeout_s,
		.state = state,
		.null_fd = null_fd,
		.prepare = hook_prepare,
		.arg = &process };

	(void)snprintf(
		what, sizeof(what), "error running startContainer hook #%u: hooks.startContainer[%u]", i, i); /* fits */
	if (!args || !env)
		return err_set(err, ENOMEM, "%s: no memory", what);
	return hook_run(&h, err);
}

int hooks_run_start(const struct launch *l, char *const *process_env, int null_fd, struct err *err)
{
	const struct guest_container *c = l->container;
	autofree char *state = NULL;
	int r = 0;

	if (c->start_hooks.len == 0)
		return 0;
	if (asprintf(&state, "%s%ld%s", c->hook_state_head, (long)getpid(), c->hook_state_tail) < 0) {
		state = NULL;
		return err_set(err, ENOMEM, "hooks.startContainer: no memory");
	}
	for (uint32_t i = 0; r == 0 && i < c->start_hooks.len; i++)
		r = hook_run_one(l, i, process_env, state, null_fd, err);
	return r;
}
