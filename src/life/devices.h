/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices of config.json and the virtual machine's.
 *
 * A device of linux.devices is a node in the container: opening it opens a device of the guest's kernel, never one of
 * the host. Some devices are a feature of a kernel (/dev/fuse, /dev/net/tun, loop devices): the guest's kernel gets the
 * module for those that a config names. The others are hardware, which the virtual machine does not have.
 */
#ifndef LIFE_DEVICES_H
#define LIFE_DEVICES_H

#include "json/warnings.h"
#include "spec/spec.h"

/* The modules that the container of @spec may use beside those of every guest: of enum modules_on_demand. */
unsigned int devices_modules(const struct spec *spec);

/*
 * Adds one warning that names the devices of @spec which the virtual machine does not have, if there are any, and one for
 * device nodes that are bind mounts.
 */
void devices_warn(const struct spec *spec, struct warnings *warnings);

#endif
