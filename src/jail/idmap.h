/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id mappings of bind sources (mounts[].uidMappings, the options idmap and ridmap).
 *
 * A mapping is put on the detached clones of a source (mount_setattr(2), MOUNT_ATTR_IDMAP) before anything is served
 * from them. It has to be done on the host, because the guest's 9p cannot map ids; so engines that look into the
 * monitor's root see the same ids as the guest.
 */
#ifndef JAIL_IDMAP_H
#define JAIL_IDMAP_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "spec/spec.h"

/*
 * Opens a user namespace with the mappings of mount @m of @spec: its own, or where it has none the container's
 * (config.md, "mounts": idmap). 0 with the descriptor in *@ret_fd, which is the caller's, or with -1 if the mount asks
 * for no mapping; or -errno with an error.
 */
must_check int idmap_open(const struct spec *spec, const struct spec_mount *m, int *ret_fd, struct err *err);

/*
 * Maps the ids of the detached mount @fd by the user namespace @userns; with the option ridmap in @m also those of the
 * mounts below it. 0, or -errno of mount_setattr(2).
 */
must_check int idmap_apply(const struct spec_mount *m, int fd, int userns);

#endif
