/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks on the host: see hooks.h. */
#include "container/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/hook.h"

/* A place with its working directory opened. */
struct opened {
	const struct hook_place *place;
	int dir_fd;
};

/* Runs in the child. It joins the mount namespace first, since that changes the working directory. */
static int enter_place(void *arg, struct err *err)
{
	const struct opened *o = arg;

	if (o->place->mount_ns >= 0 && setns(o->place->mount_ns, CLONE_NEWNS) < 0)
		return err_sys(err, errno, "cannot join the container's mount namespace");
	if (fchdir(o->dir_fd) < 0)
		return err_sys(err, errno, "cannot enter \"%s\"", o->place->dir);
	return 0;
}

/* Runs the hook @name[@index] with @state on its standard input: 0, or -errno with an error. */
static int run_one(const struct spec_hook *hook, const char *name, size_t index, const char *state, struct opened *o,
	struct err *err)
{
	autoclose int null = open("/dev/null", O_WRONLY | O_CLOEXEC), exec_fd = -1;
	char what[96];
	struct hook h = {
		.what = what,
		.path = hook->path,
		.exec_fd = -1,
		.args = hook->args.n ? hook->args.v : NULL,
		.env = hook->env.v ? hook->env.v : environ,
		.timeout_s = hook->timeout_s.set ? hook->timeout_s.v : 0,
		.state = state,
		.null_fd = null,
		.cancel_fd = o->place->cancel_fd,
		.prepare = enter_place,
		.arg = o,
	};

	/* runc's words, and the field of the config */
	(void)snprintf(what, sizeof(what), "error running %s hook #%zu: hooks.%s[%zu]", name, index, name, index);
	if (null < 0)
		return err_sys(err, errno, "%s: cannot open \"/dev/null\"", what);
	if (o->place->mount_ns >= 0) {
		h.exec_fd = exec_fd = open(hook->path, O_PATH | O_CLOEXEC);
		if (exec_fd < 0)
			return err_sys(err, errno, "%s: \"%s\"", what, hook->path);
	}
	return hook_run(&h, err);
}

bool hooks_at_create(const struct spec *spec)
{
	const struct spec_hooks *h = spec->hooks;

	return h && (h->prestart.n || h->create_runtime.n || h->create_container.n);
}

/* Opens the working directory of o->place, for hooks of @name. */
static int open_place(struct opened *o, const char *name, struct err *err)
{
	o->dir_fd = open(o->place->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return o->dir_fd < 0 ? err_sys(err, errno, "hooks.%s: \"%s\"", name, o->place->dir) : 0;
}

int hooks_run(const struct spec_hook_list *hooks, const char *name, const struct state *s, enum status status,
	const struct hook_place *place, struct err *err)
{
	struct opened o = { .place = place, .dir_fd = -1 };
	autofree char *state = NULL;
	int r;

	if (hooks->n == 0)
		return 0;
	r = state_json(s, status, false, &state, err);
	if (r == 0)
		r = open_place(&o, name, err);
	for (size_t i = 0; r == 0 && i < hooks->n; i++)
		r = run_one(&hooks->v[i], name, i, state, &o, err);
	fd_close(o.dir_fd);
	return r;
}

void hooks_run_all(const struct spec_hook_list *hooks, const char *name, const struct state *s, enum status status,
	struct warnings *warnings)
{
	const struct hook_place place = { .dir = s->bundle, .mount_ns = -1, .cancel_fd = -1 };
	struct opened o = { .place = &place, .dir_fd = -1 };
	autofree char *state = NULL;
	struct err err = ERR_INIT;

	if (hooks->n == 0)
		return;
	if (state_json(s, status, false, &state, &err) < 0 || open_place(&o, name, &err) < 0) {
		warnings_add(warnings, "hooks.%s: they are not run: %s", name, err.msg);
		return;
	}
	for (size_t i = 0; i < hooks->n; i++) {
		if (run_one(&hooks->v[i], name, i, state, &o, &err) < 0)
			warnings_add(warnings, "%s", err.msg);
	}
	fd_close(o.dir_fd);
}
