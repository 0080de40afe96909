/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transient units of systemd: started and stopped over its D-Bus interface (org.freedesktop.systemd1(5)), through
 * libsystemd's sd-bus.
 *
 * Each call of ours opens a connection of its own. Starting or stopping a unit is a job of systemd: the answer to the
 * request names the job, and the signal JobRemoved says that it has ended. We subscribe to that signal before we send
 * the request, so that we cannot miss it. If vmrunc is built without libsystemd, each call fails with -ENOTSUP.
 */
#ifndef CGROUP_SYSTEMD_H
#define CGROUP_SYSTEMD_H

#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"
#include "cgroup/values.h"
#include "json/warnings.h"
#include "spec/spec.h"

#define SYSTEMD_PATH_MAX 4096 /* of systemd's own cgroup, with the NUL */

/* Whether vmrunc was built with libsystemd. */
bool systemd_built_in(void);

/* Whether systemd manages this host (sd_booted(3)). */
bool systemd_runs(void);

/* A unit to be started. All pointers are borrowed. */
struct systemd_unit {
	const char *name;  /* "NAME.scope" or "NAME.slice" */
	const char *slice; /* the slice that a scope is put into, and that a slice gets as a dependency (Wants=) */
	const char *description; /* systemd_stop_unit() recognizes our units by it */
	pid_t pid;               /* the first process of a scope; a slice has none */
	bool v2;                 /* the host has cgroup v2 alone */
	const struct cgroup_values *values;
	const struct spec_device_rules *devices; /* for v1; may be NULL */
	const struct spec_map *annotations;      /* org.systemd.property.NAME */
};

/*
 * Asks systemd for the cgroup in which it keeps its units. Writes its path to @path (@len bytes): "" for the
 * hierarchy's root. Returns 0, or -errno with an error.
 */
must_check int systemd_root(char *path, size_t len, struct err *err);

/*
 * Starts the unit @u and waits until it runs. Returns 0, or -errno with an error: -EEXIST if there is a unit of that
 * name already, -EINTR if @interrupt_fd (-1: none) became readable.
 */
must_check int systemd_start_unit(const struct systemd_unit *u, int interrupt_fd, struct err *err);

/* Gives the running unit @u->name the limits of u->values; nothing else of @u counts. 0, or -errno with an error. */
must_check int systemd_update_unit(const struct systemd_unit *u, struct err *err);

/*
 * Stops the unit @name and waits until systemd has unloaded it; if that takes too long after the unit has stopped,
 * adds a warning. Does nothing if there is no such unit, or if its description is not @description, since it is not
 * ours then. Returns 0, or -errno with an error.
 */
must_check int systemd_stop_unit(const char *name, const char *description, struct warnings *warnings, struct err *err);

#endif
