/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container as the agent remembers it: from CREATE to DELETE.
 */
#ifndef AGENT_INIT_CONTAINER_H
#define AGENT_INIT_CONTAINER_H

#include "base/buf.h"
#include "sys/agent.h"

#define CONTAINER_CID_MAX 255

struct container {
	LIST_ENTRY(container) link;
	struct agent *agent;
	char cid[CONTAINER_CID_MAX + 1];
	int cgroup_fd;                  /* -1: the guest has no cgroups */
	struct process *init;           /* NULL once it has ended */
	int init_pidfd;                 /* for those who join its namespaces; -1 before it lives */
	struct guest_idmaps uids, gids; /* of its user namespace; empty: it has none of its own; owned */
	bool own_ns[GUEST_NS_COUNT];    /* which namespaces are not the VM's */
	unsigned int processes;         /* records of process.h that point here */
	bool deleting;
	uint32_t delete_seq;
};

/* Makes the record and the cgroup. 0 or -errno with @err set. */
must_check int container_new(
	struct agent *agent, const struct guest_container *c, struct container **ret, struct err *err);

struct container *container_find(struct agent *agent, const char *cid);

/* Forgets it and removes its cgroup; its processes have ended. */
void container_free(struct container *k);

void container_kill_all(struct container *k);

/* A process of it has ended and is forgotten: a DELETE that waits for that is answered. */
void container_settle(struct container *k);

must_check int container_update(
	struct agent *agent, const char *cid, const struct guest_values *values, struct err *err);
must_check int container_list_pids(struct agent *agent, const char *cid, struct buf *out, struct err *err);
must_check int container_read_cgroup(
	struct agent *agent, const char *cid, const char *file, struct buf *out, struct err *err);

/* Kills what is left, and answers @seq when all of it is gone. */
void container_delete(struct agent *agent, const char *cid, uint32_t seq);

#endif
