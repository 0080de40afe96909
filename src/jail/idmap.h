/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id mappings of bind sources (mounts[].uidMappings, the options idmap and ridmap).
 *
 * They are put on the detached clones of a source before anything is served
 * from them (mount_setattr(2), MOUNT_ATTR_IDMAP): the guest's 9p cannot map ids,
 * and on the host both engines and the monitor's own root see the same.
 */
#ifndef JAIL_IDMAP_H
#define JAIL_IDMAP_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "spec/spec.h"

/*
 * A user namespace with the mappings of mount @m of @spec: its own ones, or
 * without them the container's (config.md, "mounts": idmap). An fd, or -errno;
 * 0 with *@ret_fd == -1 where the mount asks for none.
 */
must_check int idmap_open(const struct spec *spec, const struct spec_mount *m, int *ret_fd, struct err *err);

/* Maps the ids of the detached mount @fd, with ridmap of those below it too. 0 or -errno, as mount_setattr(2). */
must_check int idmap_apply(const struct spec_mount *m, int fd, int userns);

#endif
