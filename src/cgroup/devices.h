/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources.devices on the host's cgroup (v1). */
#ifndef CGROUP_DEVICES_H
#define CGROUP_DEVICES_H

#include "base/base.h"
#include "base/err.h"
#include "cgroup/set.h"
#include "spec/spec.h"

/*
 * Writes the rules in their order to devices.allow and devices.deny, and behind
 * them what the monitor itself opens. Does nothing without rules, or where the
 * host has no v1 devices hierarchy: the guest enforces them in any case.
 */
must_check int cgroup_devices_limit(const struct cgroups *c, const struct spec_device_rules *rules, struct err *err);

/* What the monitor itself opens, as rules; not to be changed. */
struct spec_device_rules cgroup_devices_own(void);

#endif
