/* SPDX-License-Identifier: Apache-2.0 */
/* What the VM has once for all of its containers: the shares, its name, its sysctls. */
#ifndef AGENT_SYS_SANDBOX_H
#define AGENT_SYS_SANDBOX_H

#include "base/tags.h"
#include "sys/agent.h"

/* The directories below agent->shares; boot.c makes them. */
#define SANDBOX_PRIVATE TAG_PRIVATE /* the shares are mounted at their tags */
#define SANDBOX_SHARED TAG_SHARED
#define SANDBOX_ROOT "root"    /* a container's root is bound here, in its own mount namespace */
#define SANDBOX_DEVICES "dev"  /* CID/N: device nodes staged for containers that cannot make any (devices_stage()) */
#define SANDBOX_RELAYS "relay" /* CID/N/NAME: sockets in the place of the host's (relay.h, which makes the directory) */
#define SANDBOX_SYSFS "sys"    /* a sysfs with nothing mounted in it (sandbox_stage_sysfs()) */

/* SANDBOX: mounts the shares, names the VM, sets its sysctls. 0 or -errno with @err set; a second call is -EALREADY. */
must_check int sandbox_setup(struct agent *agent, const struct guest_sandbox *s, struct err *err);

/*
 * Mounts a sysfs among the shares, unless it is there, to be copied by containers that may not mount one. A copy of the
 * VM's /sys would not do: all that is mounted there, such as the whole of the VM's cgroups, would have to come along. 0
 * or -errno with @err set.
 */
must_check int sandbox_stage_sysfs(const struct agent *agent, struct err *err);

/* What a sysctl belongs to, as a set of bits. */
enum sysctl_scope {
	SYSCTL_VM = 1,        /* what the kernel has once */
	SYSCTL_NET = 2,       /* net/: the caller's network namespace, for some of them the kernel */
	SYSCTL_CONTAINER = 4, /* the caller's ipc, uts or user namespace */
};

/*
 * Writes those of @values ("net.ipv4.ip_forward", or with slashes) that belong to one of @scopes (enum sysctl_scope). 0
 * or -errno with @err set.
 */
must_check int sysctl_write_all(const struct guest_values *values, unsigned int scopes, struct err *err);

#endif
