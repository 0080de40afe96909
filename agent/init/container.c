/* SPDX-License-Identifier: Apache-2.0 */
/* A container as the agent remembers it: see container.h. */
#include "init/container.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/answer.h"
#include "init/cgroup.h"
#include "init/files.h"
#include "init/process.h"
#include "init/relay.h"
#include "launch/devices.h"
#include "sys/idmaps.h"
#include "sys/log.h"

struct container *container_find(struct agent *agent, const char *cid)
{
	struct container *k;

	LIST_FOREACH (k, &agent->containers, link) {
		if (strcmp(k->cid, cid) == 0)
			return k;
	}
	return NULL;
}

bool container_is_running(const struct container *k)
{
	return k && k->init && k->init->pid > 0 && k->init_pidfd >= 0 && !k->deleting;
}

/* Copies into the record what is needed of @c after CREATE. 0 or -ENOMEM. */
static int container_remember(struct container *k, const struct guest_container *c)
{
	int r = 0;

	strcpy(k->cid, c->cid);
	for (size_t i = 0; i < GUEST_NS_COUNT; i++)
		k->own_ns[i] = c->ns[i].mode != GUEST_NS_VM;
	if (c->ns[GUEST_NS_USER].mode == GUEST_NS_NEW)
		r = idmaps_copy(&c->uids, &k->uids);
	if (c->ns[GUEST_NS_USER].mode == GUEST_NS_NEW && r == 0)
		r = idmaps_copy(&c->gids, &k->gids);
	return r;
}

/* Frees the record, which is in no list. */
static void container_forget(struct container *k)
{
	localhost_done(&k->localhost);
	fd_close(k->cgroup_fd);
	fd_close(k->init_pidfd);
	idmaps_done(&k->uids);
	idmaps_done(&k->gids);
	files_free(k->files);
	free(k);
}

int container_new(struct agent *agent, const struct guest_container *c, struct container **ret, struct err *err)
{
	struct container *k;
	int r;

	if (*c->cid == '\0' || *c->cid == '.' || strlen(c->cid) > CONTAINER_CID_MAX || strchr(c->cid, '/'))
		return err_set(err, EINVAL, "\"%s\" cannot be a container's id", c->cid);
	if (container_find(agent, c->cid))
		return err_set(err, EEXIST, "container \"%s\" exists in this VM", c->cid);
	k = calloc(1, sizeof(*k));
	if (!k)
		return err_set(err, ENOMEM, "no memory for a container");
	k->agent = agent;
	k->init_pidfd = k->cgroup_fd = -1;
	localhost_init(&k->localhost);
	r = container_remember(k, c) < 0 ? err_set(err, ENOMEM, "no memory for a container")
					 : cgroup_create(agent, k->cid, &k->cgroup_fd, err);
	if (r < 0) {
		container_forget(k);
		return r;
	}
	LIST_INSERT_HEAD(&agent->containers, k, link);
	r = cgroup_write_all(agent, k->cgroup_fd, &c->cgroup, err);
	if (r == 0)
		r = cgroup_set_device_filter(k->cgroup_fd, &c->device_filter, err);
	if (r == 0)
		r = relay_begin(agent, c->process.id, &c->relays, err);
	if (r < 0) {
		container_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

void container_free(struct container *k)
{
	int r = cgroup_remove(k->agent, k->cid);

	if (r < 0)
		log_write(k->agent, PROTO_LOG_WARN, "cannot remove the cgroup of \"%s\": %s", k->cid, strerror(-r));
	devices_unstage(k->agent, k->cid);
	LIST_REMOVE(k, link);
	container_forget(k);
}

void container_kill_all(struct container *k)
{
	struct process *p;

	if (k->cgroup_fd >= 0) {
		cgroup_signal(k->cgroup_fd, SIGKILL);
		return;
	}
	LIST_FOREACH (p, &k->agent->processes, link) {
		if (p->container == k && p->pid > 0)
			(void)kill(p->pid, SIGKILL); /* it may have ended by now */
	}
}

void container_settle(struct container *k)
{
	if (!k->deleting || k->processes > 0)
		return;
	answer_done(k->agent, k->delete_seq, NULL, 0);
	container_free(k);
}
