/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent cannot make in the root, and is made on the host before the guest gets it.
 *
 * The share of a root with root.readonly is read-only from its first moment: the guest's word is not asked. The agent
 * makes mount points, device nodes, the links of /dev, the console's file and the working directory in a root that can
 * be written; runc makes them on the host, and so they are made here. So are the device nodes of a config whose process
 * may make none: they are the runtime's to make.
 */
#ifndef JAIL_POINTS_H
#define JAIL_POINTS_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "guest/translate.h"
#include "spec/spec.h"

/*
 * Makes the nodes of @container's devices in the tree @root, where no mount of @spec covers them: plain files, in a user
 * namespace. What lies on a read-only file system is left out. 0, or -errno with an error.
 */
must_check int points_make_devices(
	int root, const struct spec *spec, const struct guest_container *container, struct err *err);

/*
 * Makes in the tree @root what the agent would have made for @container, beside the mount points: in what is no mount
 * of @spec. What lies on a read-only file system is left out. 0, or -errno with an error.
 */
must_check int points_make_rest(
	int root, const struct spec *spec, const struct guest_container *container, struct err *err);

/*
 * Makes the mount point of mount @index of @spec in the rootfs @root, where nothing is mounted yet, unless it lies on
 * another mount; @dir: as a directory, else as a file. 0, or -errno with an error.
 */
must_check int points_make_mount(int root, const struct spec *spec, size_t index, bool dir, struct err *err);

#endif
