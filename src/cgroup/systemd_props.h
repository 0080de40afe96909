/* SPDX-License-Identifier: Apache-2.0 */
/* The properties of a transient unit, as an argument of StartTransientUnit. */
#ifndef CGROUP_SYSTEMD_PROPS_H
#define CGROUP_SYSTEMD_PROPS_H

#include <systemd/sd-bus.h>

#include "base/base.h"
#include "base/err.h"
#include "cgroup/systemd.h"

/*
 * Appends the properties of @u to @m as "a(sv)": what makes the unit ours (description, slice, first process,
 * delegation, accounting), the limits that systemd has properties for in its version @version, and the properties that
 * annotations ask for. limit.c writes all limits to the cgroup's files later. Returns 0, or -errno with an error.
 */
must_check int systemd_props_append(
	sd_bus_message *m, const struct systemd_unit *u, unsigned int version, struct err *err);

/*
 * Appends the limits of @u alone to @m as "a(sv)": for a unit that runs. Returns 0, or -errno with an error.
 */
must_check int systemd_props_append_limits(
	sd_bus_message *m, const struct systemd_unit *u, unsigned int version, struct err *err);

#endif
