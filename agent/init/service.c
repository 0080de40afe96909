/* SPDX-License-Identifier: Apache-2.0 */
/* What the monitor asks of a container: see service.h. */
#include "init/service.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "init/answer.h"
#include "init/cgroup.h"
#include "init/container.h"
#include "init/files.h"
#include "init/process.h"
#include "init/proclist.h"
#include "init/procs.h"

#define CGROUP_TEXT_MAX (64 * 1024) /* what READ_CGROUP answers at most */

/* Container @cid, or NULL with @err set. */
static struct container *need(struct agent *agent, const char *cid, struct err *err)
{
	struct container *k = container_find(agent, cid);

	if (!k)
		(void)err_set(err, ENOENT, "container \"%s\" does not exist in this VM", cid);
	return k;
}

void service_delete(struct agent *agent, const char *cid, uint32_t seq)
{
	struct err err = ERR_INIT;
	struct container *k = need(agent, cid, &err);

	if (k && k->deleting)
		(void)err_set(&err, ENOENT, "container \"%s\" is being deleted already", cid);
	if (!k || k->deleting) {
		answer_refuse(agent, seq, &err);
		return;
	}
	k->deleting = true;
	k->delete_seq = seq;
	container_kill_all(k);
	k->processes++; /* keeps the record: the last process to settle would free it */
	process_settle_all(k);
	k->processes--;
	container_settle(k);
}

int service_update(struct agent *agent, const char *cid, const struct guest_values *values, struct err *err)
{
	struct container *k = need(agent, cid, err);

	return k ? cgroup_write_all(agent, k->cgroup_fd, values, err) : -ENOENT;
}

int service_list_processes(struct agent *agent, const char *cid, struct buf *out, struct err *err)
{
	struct container *k = need(agent, cid, err);
	int r;

	if (!k)
		return -ENOENT;
	r = proclist_put(agent, k->cgroup_fd, out);
	return r < 0 ? err_sys(err, r, "cannot list the processes") : 0;
}

int service_put_procs(struct agent *agent, const char *cid, uint32_t after, struct buf *out, struct err *err)
{
	struct container *k = need(agent, cid, err);
	int r;

	if (!k)
		return -ENOENT;
	r = procs_put(k->cgroup_fd, k->own_ns[GUEST_NS_PID], after, out);
	return r < 0 ? err_sys(err, r, "cannot list the processes") : 0;
}

int service_do_file(struct agent *agent, const char *cid, const struct guest_file *f, struct buf *out, struct err *err)
{
	struct container *k = need(agent, cid, err);
	int r;

	if (!k)
		return -ENOENT;
	r = files_do(k->files, f, out);
	return r < 0 ? err_sys(err, r, "file") : 0;
}

void service_close_file(struct agent *agent, const char *cid, uint64_t handle)
{
	struct container *k = container_find(agent, cid);

	if (k)
		files_close(k->files, handle);
}

int service_read_cgroup(struct agent *agent, const char *cid, const char *file, struct buf *out, struct err *err)
{
	struct container *k = need(agent, cid, err);
	autofree char *text = NULL;
	size_t len;
	int r;

	if (!k)
		return -ENOENT;
	if (k->cgroup_fd < 0 || strchr(file, '/'))
		return err_set(err, ENOENT, "the guest has no cgroup file \"%s\"", file);
	r = fd_read_file(k->cgroup_fd, file, CGROUP_TEXT_MAX, &text, &len);
	if (r < 0)
		return err_sys(err, r, "cannot read cgroup file \"%s\"", file);
	buf_put(out, text, len);
	return 0;
}
