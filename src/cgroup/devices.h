/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources.devices in the hierarchy "devices" of cgroup v1. In v2 the guest alone enforces them. */
#ifndef CGROUP_DEVICES_H
#define CGROUP_DEVICES_H

#include "base/base.h"
#include "base/err.h"
#include "cgroup/set.h"
#include "spec/spec.h"

/*
 * Writes @rules in their order to devices.allow and devices.deny of @c, and then allows what the monitor itself opens.
 * Does nothing if there are no rules, or if the host has no such hierarchy: the guest enforces the rules in any case.
 * Returns 0, or -errno with an error.
 */
must_check int cgroup_devices_limit(const struct cgroups *c, const struct spec_device_rules *rules, struct err *err);

/* The devices that the monitor itself opens, as *@ret_n rules in static memory. */
const struct spec_device_rule *cgroup_devices_own(size_t *ret_n);

#endif
