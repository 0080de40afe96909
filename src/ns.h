/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of linux.namespaces: those that the monitor stands in.
 *
 * The processes of the container have namespaces of the guest's kernel. On
 * the host the same list is applied to the monitor, because engines find them
 * there (/proc/PID/ns): the network is set up in its net namespace, pods are
 * recognised by it. Paths are opened, and their types checked, before anything
 * else is made.
 */
#ifndef NS_H
#define NS_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "spec/spec.h"

struct ns_set {
	bool fresh[SPEC_NS_COUNT]; /* a new one */
	int fd[SPEC_NS_COUNT];     /* to be joined; -1: not */
};

void ns_set_init(struct ns_set *set);
void ns_set_done(struct ns_set *set);

/* Opens and checks what @spec lists. */
must_check int ns_open(const struct spec *spec, struct ns_set *set, struct err *err);

/*
 * Puts the calling, single-threaded process into all of them but the mount
 * namespace; a pid namespace becomes its children's. A new net namespace gets its loopback up.
 */
must_check int ns_enter(const struct ns_set *set, struct err *err);

#endif
