/* SPDX-License-Identifier: Apache-2.0 */
/* What config.json lets the guest do to the host's files. */
#ifndef JAIL_POLICY_H
#define JAIL_POLICY_H

#include "host/file_policy.h"
#include "jail/ns.h"
#include "spec/spec.h"

/*
 * The policy for the exports of a container: what its process could do under runc, by user, bounding set and user
 * namespace. @ns has the mappings of a user namespace by path.
 */
struct file_policy policy_of(const struct spec *spec, const struct ns_set *ns);

#endif
