/* SPDX-License-Identifier: Apache-2.0 */
/* What config.json lets the guest do to the host's files. */
#ifndef JAIL_POLICY_H
#define JAIL_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "host/file_policy.h"
#include "jail/ns.h"
#include "spec/spec.h"

/*
 * The policy for the exports of a container: what its process could do under runc, by user, bounding set and user
 * namespace. @ns has its mappings.
 */
struct file_policy policy_of(const struct spec *spec, const struct ns_set *ns);

/* The ids on the host of @uid and @gid in the container; UINT32_MAX: the mappings have it not. */
uint32_t policy_host_uid(const struct ns_set *ns, uint32_t uid);
uint32_t policy_host_gid(const struct ns_set *ns, uint32_t gid);

/*
 * Whether processes of the container could do to a file of the host's @uid and @gid what its mode forbids, by
 * capabilities of the bounding set, or as its owner.
 */
bool policy_overrides(const struct spec *spec, const struct ns_set *ns, uint32_t uid, uint32_t gid);

#endif
