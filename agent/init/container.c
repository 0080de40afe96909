/* SPDX-License-Identifier: Apache-2.0 */
/* A container as the agent remembers it: see container.h. */
#include "init/container.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/wire.h"
#include "init/cgroup.h"
#include "init/channel.h"
#include "init/process.h"
#include "launch/devices.h"
#include "sys/log.h"

#define CGROUP_TEXT_MAX (64 * 1024) /* what READ_CGROUP answers at most */

struct container *container_find(struct agent *agent, const char *cid)
{
	struct container *k;

	LIST_FOREACH (k, &agent->containers, link) {
		if (strcmp(k->cid, cid) == 0)
			return k;
	}
	return NULL;
}

static int idmaps_copy(const struct guest_idmaps *from, struct guest_idmaps *to)
{
	to->at = calloc(from->len + 1u, sizeof(*to->at));
	if (!to->at)
		return -ENOMEM;
	memcpy(to->at, from->at, from->len * sizeof(*to->at));
	to->len = from->len;
	return 0;
}

/* What the record keeps of @c. 0 or -ENOMEM. */
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

static void container_forget(struct container *k)
{
	fd_close(k->cgroup_fd);
	fd_close(k->init_pidfd);
	free(k->uids.at);
	free(k->gids.at);
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
	r = container_remember(k, c) < 0 ? err_set(err, ENOMEM, "no memory for a container")
					 : cgroup_create(agent, k->cid, &k->cgroup_fd, err);
	if (r < 0) {
		container_forget(k);
		return r;
	}
	LIST_INSERT_HEAD(&agent->containers, k, link);
	r = cgroup_write_all(k->cgroup_fd, &c->cgroup, err);
	if (r == 0)
		r = cgroup_set_device_filter(k->cgroup_fd, &c->device_filter, err);
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
		log_write(PROTO_LOG_WARN, "cannot remove the cgroup of \"%s\": %s", k->cid, strerror(-r));
	devices_unstage(k->agent, k->cid);
	LIST_REMOVE(k, link);
	container_forget(k);
}

void container_kill_all(struct container *k)
{
	struct process *p;

	cgroup_signal(k->cgroup_fd, SIGKILL);
	if (k->cgroup_fd >= 0)
		return;
	LIST_FOREACH (p, &k->agent->processes, link) {
		if (p->container == k && p->pid > 0)
			(void)kill(p->pid, SIGKILL); /* it may have ended by now */
	}
}

void container_settle(struct container *k)
{
	if (!k->deleting || k->processes > 0)
		return;
	channel_reply(k->agent, k->delete_seq, NULL, 0);
	container_free(k);
}

void container_delete(struct agent *agent, const char *cid, uint32_t seq)
{
	struct container *k = container_find(agent, cid);
	struct err err = ERR_INIT;

	if (!k || k->deleting) {
		(void)err_set(&err, ENOENT, "container \"%s\" does not exist in this VM", cid);
		channel_refuse(agent, seq, &err);
		return;
	}
	k->deleting = true;
	k->delete_seq = seq;
	container_kill_all(k);
	k->processes++; /* held: the last of them would free it */
	process_settle_all(k);
	k->processes--;
	container_settle(k);
}

static struct container *container_need(struct agent *agent, const char *cid, struct err *err)
{
	struct container *k = container_find(agent, cid);

	if (!k)
		(void)err_set(err, ENOENT, "container \"%s\" does not exist in this VM", cid);
	return k;
}

int container_update(struct agent *agent, const char *cid, const struct guest_values *values, struct err *err)
{
	struct container *k = container_need(agent, cid, err);

	return k ? cgroup_write_all(k->cgroup_fd, values, err) : -ENOENT;
}

int container_list_pids(struct agent *agent, const char *cid, struct buf *out, struct err *err)
{
	struct container *k = container_need(agent, cid, err);
	autobuf pids = BUF_INIT;
	uint32_t n;

	if (!k)
		return -ENOENT;
	n = cgroup_pids(k->cgroup_fd, &pids);
	/* A list longer than a message is cut: an answer of 60000 pids is of use to nobody, but must not fail. */
	n = MIN(n, (uint32_t)((PROTO_TO_HOST_MAX - KIB) / sizeof(uint32_t)));
	wire_put_u32(out, n);
	buf_put(out, pids.data, n * sizeof(uint32_t));
	return buf_error(&pids);
}

int container_read_cgroup(struct agent *agent, const char *cid, const char *file, struct buf *out, struct err *err)
{
	struct container *k = container_need(agent, cid, err);
	autofree char *text = NULL;
	size_t len;
	int r;

	if (!k)
		return -ENOENT;
	if (k->cgroup_fd < 0 || strchr(file, '/'))
		return err_set(err, ENOENT, "cgroup file \"%s\": there is none", file);
	r = fd_read_file(k->cgroup_fd, file, CGROUP_TEXT_MAX, &text, &len);
	if (r < 0)
		return err_sys(err, r, "cannot read cgroup file \"%s\"", file);
	buf_put(out, text, len);
	return 0;
}
