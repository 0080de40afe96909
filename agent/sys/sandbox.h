/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the VM has once for all of its containers: the shares, its name.
 */
#ifndef AGENT_SYS_SANDBOX_H
#define AGENT_SYS_SANDBOX_H

#include "base/tags.h"
#include "sys/agent.h"

/* The directories below agent->shares; boot.c makes them. */
#define SANDBOX_PRIVATE TAG_PRIVATE /* the shares are mounted at their tags */
#define SANDBOX_SHARED TAG_SHARED
#define SANDBOX_ROOT "root"   /* a container's root is bound here, in its own mount namespace */
#define SANDBOX_DEVICES "dev" /* CID/N: device nodes staged for containers that cannot make any (devices_stage()) */
#define SANDBOX_SYSFS "sys"   /* a sysfs with nothing mounted in it (sandbox_stage_sysfs()) */

/* 0 or -errno with @err set. A second call is -EALREADY. */
must_check int sandbox_setup(struct agent *agent, const struct guest_sandbox *s, struct err *err);

/*
 * Mounts a sysfs among the shares, to be copied by containers that may not mount one. Not the VM's /sys: all
 * that is mounted there, such as the whole of the VM's cgroups, would have to come along.
 */
must_check int sandbox_stage_sysfs(const struct agent *agent, struct err *err);

/* Where sysctls are, as a set of bits. */
enum sysctl_scope {
	SYSCTL_VM = 1,        /* what the kernel has once */
	SYSCTL_NET = 2,       /* the network's: of the caller's network namespace, and what is not namespaced of it */
	SYSCTL_CONTAINER = 4, /* what belongs to an ipc, uts or user namespace: the caller's own */
};

/* Writes those of @values ("net.ipv4.ip_forward" or with slashes) that are of one of @scopes. 0 or -errno. */
must_check int sysctl_write_all(const struct guest_values *values, unsigned int scopes, struct err *err);

#endif
