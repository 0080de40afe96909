/* SPDX-License-Identifier: Apache-2.0 */
/* The properties of a transient unit, as an argument of StartTransientUnit. */
#ifndef CGROUP_SYSTEMD_PROPS_H
#define CGROUP_SYSTEMD_PROPS_H

#include <systemd/sd-bus.h>

#include "base/base.h"
#include "base/err.h"
#include "cgroup/systemd.h"

/*
 * Appends "a(sv)" to @m: what makes the unit ours (description, slice, first
 * process, delegation, accounting), the limits that systemd has properties for
 * in its version @version, and those that annotations ask for. What it has none
 * for is written to the cgroup's files afterwards, with all the rest.
 */
must_check int systemd_props_append(
	sd_bus_message *m, const struct systemd_unit *u, unsigned int version, struct err *err);

#endif
