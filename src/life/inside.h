/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of src/life share; no other room includes this. */
#ifndef LIFE_INSIDE_H
#define LIFE_INSIDE_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "container/state.h"
#include "container/statedir.h"
#include "life/life.h"
#include "spec/spec.h"

/* The config as it was at create, in the state directory. */
#define LIFE_CONFIG "config.json"

/* What the guest's consoles said, bounded (vm/guestlog.h). */
#define LIFE_LOG "guest.log"

/*
 * Opens the state directory of @id, locks it if @lock, and reads the container's state and status: 0, or -errno with an
 * error (-ENOENT: there is no such container; -ENODATA: its state is not readable). The caller ends @dir and @s in any
 * case.
 */
must_check int life_open(const struct settings *settings, const char *id, bool lock, struct statedir *dir,
	struct state *s, enum status *ret_status, struct err *err);

/*
 * The hooks of the config in @dir; NULL: it has none. They belong to *@ret_spec, which the caller frees. A config that
 * cannot be read any more is only a warning, because start and delete must not depend on it.
 */
const struct spec_hooks *life_hooks(const struct statedir *dir, struct spec **ret_spec, struct life_notes *notes);

/* Writes @pid to the file @path of --pid-file, atomically: 0, or -errno with an error. */
must_check int life_write_pid_file(const char *path, pid_t pid, struct err *err);

/*
 * Sends a pidfd of the process @pid, which the caller knows to live, to the AF_UNIX stream socket @path of
 * --pidfd-socket: 0, or -errno with an error.
 */
must_check int life_send_pidfd(const char *path, pid_t pid, struct err *err);

/*
 * Kills the monitor @pidfd, and with it the VM, and waits until both are gone. Its cgroups are thawed for that. 0, or
 * -errno with an error.
 */
must_check int life_kill(int pidfd, const struct cgroups *cgroups, struct err *err);

/*
 * Gives the monitor @grace_ms to end by itself, then kills it, and with it the VM. Blocks until both are gone: 0, or
 * -errno with an error.
 */
must_check int life_kill_monitor(const struct state *s, int grace_ms, struct err *err);

#endif
