/* SPDX-License-Identifier: Apache-2.0 */
/* Id maps of a user namespace: from ids in the container to ids of the VM (user_namespaces(7)). */
#ifndef AGENT_SYS_IDMAPS_H
#define AGENT_SYS_IDMAPS_H

#include <sys/types.h>

#include "base/base.h"
#include "channel/proto.h"

/* Copies @from into *@to, which idmaps_done() frees. 0 or -ENOMEM, with *@to empty. */
must_check int idmaps_copy(const struct guest_idmaps *from, struct guest_idmaps *to);

/* Frees a copy and leaves it empty. */
void idmaps_done(struct guest_idmaps *map);

/* The VM's id for @id of the container; @id itself if the map, which may be empty, does not have it. */
uint32_t idmaps_to_vm(const struct guest_idmaps *map, uint32_t id);

/*
 * Writes @map to /proc/@pid/@file ("uid_map" or "gid_map"), which the kernel takes once; an empty map is not written. 0
 * or -errno.
 */
must_check int idmaps_write(const struct guest_idmaps *map, pid_t pid, const char *file);

#endif
