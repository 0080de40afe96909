/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One more process in a container: `exec`.
 *
 * The caller, or with --detach a process of its own (holder.h), holds the connection that stands for the process
 * (monitor/exec.h): it hears of the process's end on it, and the process ends when the connection is closed.
 *
 *   container_exec()           loads the config, translates the process, asks the monitor; the connection is the caller's
 *   container_exec_detached()  the same, and hands the connection to a holder
 */
#ifndef LIFE_EXEC_H
#define LIFE_EXEC_H

#include <stdbool.h>
#include <sys/types.h>

#include "app/settings.h"
#include "base/base.h"
#include "base/err.h"
#include "life/life.h"
#include "spec/exec.h"

struct holder;

struct exec_request {
	const char *id;
	const char *process_file;      /* of --process; NULL: as @words say */
	const struct spec_exec *words; /* what the command line says, without --process */
	const char *console_socket;    /* path of --console-socket; NULL: none */
	const char *pid_file;          /* NULL: none */
	const char *pidfd_socket;      /* path of --pidfd-socket, which is for a detached process; NULL: none */
	const char *cgroup;            /* of --cgroup: below the container's in the guest; NULL: the container's own */
	size_t given;                  /* descriptors from 3 on that the process gets as well (--preserve-fds) */
	bool detach;
	bool ignore_paused; /* also in a paused container, in which it runs when that is resumed */
};

/* What the caller has of the process that runs now. */
struct exec_started {
	int handle; /* the connection to the monitor; the caller's */
	int master; /* of the process's terminal, if it has one and is not detached; else -1 */
};

/*
 * Runs the process of @request with the caller's standard streams; blocks until its program is executed. 0 with *@ret, or
 * -errno with an error: -EINVAL, the container is stopped or paused, or the process is wrong; err->exit_status as the
 * guest hints (126, 127).
 */
must_check int container_exec(const struct settings *settings, const struct exec_request *request,
	struct exec_started *ret, struct life_notes *notes, struct err *err);

/*
 * The same, detached: when it returns 0, a process of its own stands for the one in the guest, and its pid is in
 * --pid-file. After an error nothing of either is left.
 */
must_check int container_exec_detached(
	const struct settings *settings, const struct exec_request *request, struct life_notes *notes, struct err *err);

#endif
