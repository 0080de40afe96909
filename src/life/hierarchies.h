/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's cgroup hierarchies among the bind mounts of config.json.
 *
 * An init like systemd looks for its own cgroup at /sys/fs/cgroup, and engines bind what of the host's it needs there
 * (`podman run --systemd=always` on a host with cgroup v1, `docker run -v /sys/fs/cgroup:/sys/fs/cgroup:ro`). In the
 * guest the processes are in cgroups of the guest's kernel, which has cgroup v2: the host's files would tell of other
 * processes.
 */
#ifndef LIFE_HIERARCHIES_H
#define LIFE_HIERARCHIES_H

#include "base/err.h"
#include "json/warnings.h"
#include "spec/spec.h"

/*
 * Changes the bind mounts of @spec that put a hierarchy of the host where the container has its own. One at
 * /sys/fs/cgroup becomes a mount of the guest's hierarchy; one below it a remount of that, with the bind's options: what
 * the container could have written to stays writable. Adds to @warnings what was changed. 0, or -ENOMEM with an error.
 */
must_check int hierarchies_to_guest(struct spec *spec, struct warnings *warnings, struct err *err);

#endif
