/* SPDX-License-Identifier: Apache-2.0 */
/* Other limits for a container that is there. */
#ifndef LIFE_UPDATE_H
#define LIFE_UPDATE_H

#include <stddef.h>

#include "app/settings.h"
#include "base/base.h"
#include "base/err.h"
#include "life/life.h"

/*
 * Gives container @id the limits of @json (@len bytes), an object as linux.resources; what is 0 or not there stays as it
 * is. The guest's cgroup, the host's, the balloon and the config in the state directory are changed; blocks until that
 * is done, or has failed: then the config is the old one, and so are the limits as far as they can be taken back. 0, or
 * -errno with an error (-EINVAL: it is no such object, or no valid one with the limits that stay; or the container
 * cannot have that much memory; -EAGAIN: it is paused).
 */
must_check int container_update(const struct settings *settings, const char *id, const char *json, size_t len,
	struct life_notes *notes, struct err *err);

#endif
