/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd as the maker of cgroups: transient units by its D-Bus interface
 * (org.freedesktop.systemd1(5)), through libsystemd's sd-bus.
 *
 * Theory: a connection lives for one call of ours. Starting and stopping are
 * jobs of systemd; the answer to the call is the job's path, its end the signal
 * JobRemoved. The match for that signal stands before the call is made, so
 * that no end can be missed. Without libsystemd at build time each call is -ENOTSUP.
 */
#ifndef CGROUP_SYSTEMD_H
#define CGROUP_SYSTEMD_H

#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"
#include "cgroup/values.h"
#include "json/warnings.h"
#include "spec/spec.h"

#define SYSTEMD_PATH_MAX 4096

/* Whether vmrunc was built with it. */
bool systemd_built_in(void);

/* Whether systemd manages this host (sd_booted(3)). */
bool systemd_runs(void);

struct systemd_unit {
	const char *name;        /* with its suffix */
	const char *slice;       /* where a scope goes; a slice is told to want it */
	const char *description; /* by which systemd_stop_unit() knows its own */
	pid_t pid;               /* a scope's first process */
	bool v2;                 /* the host has cgroup v2 alone */
	const struct cgroup_values *values;
	const struct spec_device_rules *devices; /* v1 */
	const struct spec_map *annotations;      /* org.systemd.property.NAME */
};

/* The cgroup that systemd has for its root, as a path ("" for the hierarchy's root). */
must_check int systemd_root(char *path, size_t len, struct err *err);

/*
 * Makes the transient unit and waits until it stands. -EEXIST: there is one of
 * that name already. -EINTR: @interrupt_fd became readable (-1: none).
 */
must_check int systemd_start_unit(const struct systemd_unit *u, int interrupt_fd, struct err *err);

/*
 * Stops the unit and waits until systemd has forgotten it. A unit that is gone,
 * or whose description is not @description (not ours), is left alone.
 */
must_check int systemd_stop_unit(const char *name, const char *description, struct warnings *warnings, struct err *err);

#endif
