/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of linux.namespaces: the namespaces that the monitor is in.
 *
 * The processes of the container have namespaces of the guest's kernel. On the host the same list is applied to the
 * monitor, because engines look there (/proc/PID/ns): they set up the network in its net namespace, and recognise a pod
 * by that namespace. The namespaces that the config names by path are opened, and their types checked, before anything
 * else is made. A type that the config does not list stays the caller's. A new network namespace belongs to the user
 * namespace of the monitor, if it has one of its own.
 *
 * Two types are not entered with the others:
 * - mount: the jail (jail.h) enters it, when the VM has what it needs of the host's tree;
 * - user: it is entered last, when everything is mounted and opened. Whether the config has a new one or one by path,
 *   the monitor gets one of its own (@user_fd). It has the mappings of the config's, or those of the namespace at the
 *   path (@uids, @gids), which the guest gets as well: so file service reaches no owner that the container's processes
 *   could not be, whatever the guest says. What is a mapping to the guest's kernel is two numbers of one owner to file
 *   service (@owners).
 */
#ifndef JAIL_NS_H
#define JAIL_NS_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "host/owners.h"
#include "spec/spec.h"

struct ns_set {
	bool fresh[SPEC_NS_COUNT]; /* a new namespace is to be made, or has been */
	int fd[SPEC_NS_COUNT];     /* the namespace to join; -1: none */
	int user_fd;               /* the monitor's own user namespace; -1: the caller's */
	/* the mappings of the user namespace as the caller sees them, owned; empty: it is the caller's */
	struct spec_idmaps uids, gids;
	/* what the UTS namespace of the config is called; borrowed from the spec; NULL: it keeps its own */
	const char *hostname, *domainname;
	struct owner_maps owners;                /* the same for file service, with who the process of the config is */
	const struct spec_time_offsets *offsets; /* for a new time namespace; borrowed from the spec; NULL: none */
};

/* Makes @set empty: every namespace stays the caller's. */
void ns_set_init(struct ns_set *set);

/* Closes and frees what @set has, and makes it empty again. */
void ns_set_done(struct ns_set *set);

/*
 * Opens and checks the namespaces that @spec lists, and makes @user_fd if the monitor needs it. @spec must outlive
 * @set. The process must be single-threaded. 0, or -errno with an error.
 */
must_check int ns_open(const struct spec *spec, struct ns_set *set, struct err *err);

/*
 * Moves the calling, single-threaded process into all namespaces of @set but the mount and the user namespace. Pid and
 * time namespaces take effect for its children. In a new net namespace, the loopback interface is brought up; a UTS
 * namespace that the config lists gets its names, which those see who join it later: the other containers of a pod. 0,
 * or -errno with an error.
 */
must_check int ns_enter(const struct ns_set *set, struct err *err);

/*
 * Whether the interfaces of @spec's network namespace are the container's own: it is new, or one by a path, open as
 * @fd, that neither is the caller's nor is that of another process (below /proc).
 */
bool ns_own_network(const struct spec *spec, int fd);

/* Whether a child of a process that has entered @set is in another pid namespace than the caller of ns_enter(). */
bool ns_other_pids(const struct ns_set *set);

#endif
