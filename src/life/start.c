/* SPDX-License-Identifier: Apache-2.0 */
/* container_start(): the program of a created container is executed. */
#include "life/life.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>

#include "base/fd.h"
#include "container/hooks.h"
#include "life/inside.h"
#include "life/interrupt.h"
#include "monitor/control.h"
#include "net/attach.h"

/*
 * How long start may take besides the startContainer hooks. It returns when execve(2) has succeeded in the guest, which
 * reads the program over 9P, on an emulated CPU perhaps.
 */
#define START_TIMEOUT_MS 60000

/* How long start with these hooks may take, in ms; -1: without a bound, since one of the hooks has none. */
static int start_timeout(const struct spec_hooks *hooks)
{
	int64_t ms = START_TIMEOUT_MS;

	for (size_t i = 0; hooks && i < hooks->start_container.n; i++) {
		const struct opt_i64 *timeout_s = &hooks->start_container.v[i].timeout_s;

		if (!timeout_s->set)
			return -1;
		ms = MIN(ms + timeout_s->v * 1000, (int64_t)INT32_MAX);
	}
	return (int)ms;
}

/*
 * Lets the container's quota of CPU time begin. A container that has ended meanwhile needs none, and a scope of systemd
 * has gone with it.
 */
static int throttle(const struct statedir *dir, const struct state *s, const struct spec *spec, struct err *err)
{
	enum status status = STATUS_RUNNING;
	struct err ignored = ERR_INIT;
	int r = cgroup_throttle(&s->cgroups, spec, true, err);

	if (r == 0 || (state_status(dir, s, &status, &ignored) == 0 && status != STATUS_STOPPED))
		return r;
	*err = (struct err)ERR_INIT;
	return 0;
}

/* Ties the interfaces that the container has by now to its virtual machine. */
static int connect_network(const struct state *s, struct err *err)
{
	autoclose int monitor = state_pidfd(s), ns = -1;
	struct pollfd ended = { .fd = monitor, .events = POLLIN };
	char path[64];
	int error;

	if (monitor < 0) /* control_call() says it in its words */
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%ld/ns/net", (long)s->pid); /* fits */
	ns = open(path, O_RDONLY | O_CLOEXEC);
	error = errno;
	/* what the pid is, or is not, says nothing if the monitor has ended; control_call() says that, too */
	if (poll(&ended, 1, 0) != 0)
		return 0;
	if (ns < 0)
		return err_sys(err, error, "network: cannot open the container's network namespace");
	return attach_all(ns, s->id, err);
}

int container_start(
	const struct settings *settings, const char *id, int cancel_fd, struct life_notes *notes, struct err *err)
{
	const struct control_request request = { .op = CONTROL_START };
	struct hook_place place = { .mount_ns = -1, .cancel_fd = cancel_fd };
	struct err ignored = ERR_INIT;
	const struct spec_hooks *hooks;
	autostatedir dir = STATEDIR_NONE;
	autostate s = { .id = NULL };
	autospec struct spec *spec = NULL;
	enum status status = STATUS_STOPPED;
	int r = life_open(settings, id, true, &dir, &s, &status, err);

	if (r < 0)
		return r;
	if (status == STATUS_STOPPED)
		return err_set(err, EINVAL, "cannot start a container that has stopped");
	if (status == STATUS_PAUSED)
		return err_set(err, EINVAL, "cannot start a container in the paused state");
	if (status != STATUS_CREATED)
		return err_set(err, EINVAL, "cannot start an already running container");
	place.dir = s.bundle;
	/* The quota of CPU time is the container's, which begins behind execve: reading the program is not in it. */
	hooks = life_hooks(&dir, &spec, notes);
	if (spec) {
		r = cgroup_throttle(&s.cgroups, spec, false, err);
		if (r < 0)
			return r;
	}
	r = connect_network(&s, err);
	if (r < 0)
		return r;
	r = control_call_cancellable(&dir, &request, start_timeout(hooks), cancel_fd, err);
	if (r == -EINTR)
		(void)!interrupt_take(cancel_fd, err); /* with a signal, the error says which */
	if (r == 0 && spec)
		r = throttle(&dir, &s, spec, err);
	if (r < 0 || !hooks)
		return r;
	r = hooks_run(&hooks->poststart, "poststart", &s, STATUS_RUNNING, &place, err);
	/* Ctrl-C at a terminal is the hook's as well, which may have ended of it before we look */
	if (r < 0 && interrupt_take(cancel_fd, err) < 0)
		r = -EINTR;
	/* runtime.md, "Lifecycle", step 10: the container is stopped then, and the caller deletes it */
	if (r < 0 && life_kill_monitor(&s, 0, &ignored) < 0)
		warnings_add(&notes->warnings, "%s", ignored.msg);
	return r;
}
