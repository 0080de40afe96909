/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of linux.namespaces: those that the monitor stands in.
 *
 * The processes of the container have namespaces of the guest's kernel. On
 * the host the same list is applied to the monitor, because engines find them
 * there (/proc/PID/ns): the network is set up in its net namespace, pods are
 * recognised by it. Paths are opened, and their types checked, before anything
 * else is made. A type that is not listed is the caller's.
 *
 * Two are not entered with the others:
 * - mount: by the jail (jail.h), when the VM has what it needs of the host's tree;
 * - user: last of all, when everything is mounted and opened. Whether the
 *   config has a new one or one by path, the monitor gets one of its own
 *   (@user_fd) in which every id of the caller's is itself: file service has to act for
 *   any of them. The ids of one by path become the guest's (@uids, @gids).
 */
#ifndef JAIL_NS_H
#define JAIL_NS_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "spec/spec.h"

struct ns_set {
	bool fresh[SPEC_NS_COUNT]; /* a new one */
	int fd[SPEC_NS_COUNT];     /* to be joined; -1: not */
	int user_fd;               /* the monitor's own user namespace; -1: the caller's */
	/* the mappings of a user namespace by path as the caller sees them; owned, empty: none */
	struct spec_idmaps uids, gids;
	const struct spec_time_offsets *offsets; /* of a new time namespace; the spec's; NULL: none */
};

void ns_set_init(struct ns_set *set);
void ns_set_done(struct ns_set *set);

/* Opens and checks what @spec, which must outlive @set, lists; makes @user_fd. Single-threaded. */
must_check int ns_open(const struct spec *spec, struct ns_set *set, struct err *err);

/*
 * Puts the calling, single-threaded process into all of them but the mount and the user
 * namespace; new pid and time namespaces become its children's. A new net
 * namespace gets its loopback up.
 */
must_check int ns_enter(const struct ns_set *set, struct err *err);

/* Whether a child of a process that has entered @set is in another pid namespace than the caller. */
bool ns_other_pids(const struct ns_set *set);

#endif
