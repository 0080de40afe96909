/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's life, as the commands see it.
 *
 *   container_create()  -> created    (or nothing is left)
 *   container_start()   -> running
 *   container_kill()       a signal
 *   container_pause()   -> paused, and container_resume() back again
 *   container_delete()  -> gone
 *
 * create, start, pause, resume and delete work on the state directory under its lock; each returns when the change is complete. Errors
 * use runc's words where engines read them.
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
#include "json/warnings.h"

/* What a call has to say besides its result. The command prints it, whether the call fails or not. */
struct life_notes {
	struct warnings warnings; /* what the user should know */
	struct warnings details;  /* what somebody who asks for debug messages wants to know */
};

#define LIFE_NOTES_INIT                                             \
	{                                                           \
		.warnings = WARNINGS_INIT, .details = WARNINGS_INIT \
	}

/* Frees the sentences and makes @notes empty again. */
void life_notes_done(struct life_notes *notes);

/*
 * Descriptors of the caller that a process gets under the same numbers, from GIVEN_FDS_FIRST on. When the container has
 * been created they are closed here, so that the other ends of pipes and sockets see when the process closes its own.
 */
#define GIVEN_FDS_FIRST 3
struct given_fds {
	size_t listening; /* the first of them are those of socket activation, of which the process is told */
	size_t n;
};

struct create_request {
	const char *id;
	const char *bundle;       /* NULL: the current directory */
	const char *pid_file;     /* NULL: none */
	const char *pidfd_socket; /* path of --pidfd-socket; NULL: none */
	int console_fd;           /* the connected socket for the terminal's master, borrowed; -1: none */
	struct given_fds given;
	bool console_optional; /* no error if there is a socket, but process.terminal is not set */
	bool terminal_lf;      /* the terminal's output goes to no terminal: an LF stays one */
	enum cgroup_manager cgroups;
	struct timeline *timeline; /* may be NULL */
};

/* What create hands back to a caller that stays: `run`. */
struct created {
	pid_t pid;     /* of the monitor */
	int report;    /* the report socket, for further reports of the monitor; the caller's */
	bool terminal; /* process.terminal */
};

/*
 * Makes the container of @request: 0 with @ret, or -errno with an error, and nothing of it is left. SIGINT, SIGTERM,
 * SIGHUP and SIGQUIT end it in order, with -EINTR and err->exit_status 128 + n; they stay blocked after success.
 */
must_check int container_create(const struct settings *settings, const struct create_request *request,
	struct created *ret, struct life_notes *notes, struct err *err);

/*
 * Has the created container execute its program; blocks until it has, and poststart hooks have run. 0, or -errno with
 * an error; if a poststart hook has failed, the container is stopped then. A signal that comes to @cancel_fd, which is
 * interrupt_open()'s (-1: none), ends the waiting as an error, -EINTR with err->exit_status, and a hook that runs fails
 * of it; the caller deletes the container, whose program may run.
 */
must_check int container_start(
	const struct settings *settings, const char *id, int cancel_fd, struct life_notes *notes, struct err *err);

/*
 * Sends signal @signo to the container's init, or to @all of its processes (--all, which is content with a stopped
 * container). Blocks until it is delivered. 0, or -errno with an error (-ESRCH: the container does not run).
 */
must_check int container_kill(const struct settings *settings, const char *id, int signo, bool all,
	struct life_notes *notes, struct err *err);

/*
 * Removes the stopped container and all that was made for it, and runs its poststop hooks. @force: kills it first if
 * need be, and is content if there is no such container. Blocks until all is gone. 0, or -errno with an error.
 */
must_check int container_delete(
	const struct settings *settings, const char *id, bool force, struct life_notes *notes, struct err *err);

/*
 * Stops the container's vCPUs and freezes its cgroup; blocks until both is done. 0, or -errno with an error, and it
 * runs on.
 */
must_check int container_pause(const struct settings *settings, const char *id, struct err *err);

/* Lets a paused container run again; returns when its clock is right. 0, or -errno with an error. */
must_check int container_resume(
	const struct settings *settings, const char *id, struct life_notes *notes, struct err *err);

/*
 * Opens what the consoles of container @id's guest have said, for reading, and says in *@ret_status whether more can
 * come. A descriptor, which the caller closes, or -errno with an error.
 */
must_check int container_logs(
	const struct settings *settings, const char *id, enum status *ret_status, struct err *err);

/* Reads state and status of @id: 0, or -errno with an error. The caller ends @s with state_done() in any case. */
must_check int container_load(
	const struct settings *settings, const char *id, struct state *s, enum status *ret_status, struct err *err);

#endif
