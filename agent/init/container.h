/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container as the agent remembers it: from CREATE to DELETE.
 */
#ifndef AGENT_INIT_CONTAINER_H
#define AGENT_INIT_CONTAINER_H

#include "init/localhost.h"
#include "sys/agent.h"

#define CONTAINER_CID_MAX 255

struct container {
	LIST_ENTRY(container) link;
	struct agent *agent;
	char cid[CONTAINER_CID_MAX + 1];
	int cgroup_fd;        /* its cgroup's directory; -1: the guest has no cgroups */
	struct process *init; /* its first process; NULL once that has ended */
	int init_pidfd;       /* of the first process, for those that join its namespaces; -1 before it lives */
	struct guest_idmaps uids, gids; /* of the user namespace that it brings; empty if it brings none; owned */
	bool own_ns[GUEST_NS_COUNT];    /* which of its namespaces are not the VM's */
	struct localhost localhost; /* what stands for the loopback interface of the host's network, and its programs */
	unsigned int processes;     /* how many records of process.h point here */
	bool deleting;              /* DELETE has come, and is answered when no process is left */
	uint32_t delete_seq;        /* that request's number */
	struct files *files;        /* what the host sees of its tmpfs (files.h); NULL: nothing */
};

/* Makes the record and the cgroup for @c, whose memory is not needed afterwards. 0 or -errno with @err set. */
must_check int container_new(
	struct agent *agent, const struct guest_container *c, struct container **ret, struct err *err);

/* The container with id @cid, or NULL. */
struct container *container_find(struct agent *agent, const char *cid);

/* Whether @k (may be NULL) has a living first process, so that others can be added to it. */
bool container_is_running(const struct container *k);

/* Frees the record and removes the cgroup and staged devices. All processes of @k have ended. */
void container_free(struct container *k);

/* Kills every process of @k, with and without a record. */
void container_kill_all(struct container *k);

/* Looks whether a DELETE waits for @k and no process is left: then answers it and frees @k. */
void container_settle(struct container *k);

#endif
