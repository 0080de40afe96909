/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's life, as the commands see it.
 *
 *   container_create  -> created    (or nothing is left)
 *   container_start   -> running
 *   container_kill       a signal
 *   container_delete  -> gone
 *
 * Each call works on the state directory under its lock and returns when the
 * change is complete. Errors use runc's words where engines read them.
 */
#ifndef LIFE_LIFE_H
#define LIFE_LIFE_H

#include <stdbool.h>
#include <sys/types.h>

#include "app/settings.h"
#include "app/timeline.h"
#include "base/base.h"
#include "base/err.h"
#include "cgroup/cgroup.h"
#include "container/state.h"

struct create_request {
	const char *id;
	const char *bundle;    /* NULL: the current directory */
	const char *pid_file;  /* NULL: none */
	int console_fd;        /* connected socket for the terminal's master, or -1; borrowed */
	bool console_optional; /* the socket is there in case that process.terminal is set */
	enum cgroup_manager cgroups;
	struct timeline *timeline;
};

/* What create hands back to a caller that stays: `run`. */
struct created {
	pid_t pid;
	int report; /* further reports of the monitor; -1 or owned by the caller */
	bool terminal;
};

/*
 * SIGINT, SIGTERM, SIGHUP and SIGQUIT end it in order, with err->exit_status
 * 128 + n; they stay blocked for a caller that got @ret.
 */
must_check int container_create(
	const struct settings *settings, const struct create_request *request, struct created *ret, struct err *err);

must_check int container_start(const struct settings *settings, const char *id, struct err *err);

/* @all: --all, which is content with a stopped container. */
must_check int container_kill(const struct settings *settings, const char *id, int signo, bool all, struct err *err);

/* @force: kills it first if need be, and is content if there is no such container. */
must_check int container_delete(const struct settings *settings, const char *id, bool force, struct err *err);

/* Reads state and status of @id. The caller ends @s with state_done(). */
must_check int container_load(
	const struct settings *settings, const char *id, struct state *s, enum status *ret_status, struct err *err);

#endif
