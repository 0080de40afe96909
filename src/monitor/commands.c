/* SPDX-License-Identifier: Apache-2.0 */
/* What commands ask of the monitor: see commands.h. */
#include "monitor/commands.h"

#include <errno.h>
#include <signal.h>

#include "base/fd.h"
#include "monitor/exec.h"
#include "monitor/query.h"

/* The guest's network is set up, or says why not: the first member starts, or its client is told. */
static void on_network(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct commands *c = arg;
	struct control_client *client = steal_ptr(c->starter);
	struct err failed = *err;

	(void)payload;
	(void)len;
	if (failed.errnum || member_start(c->members[0], client, &failed) < 0)
		control_answer(client, &failed, NULL);
}

/*
 * START: the guest gets its network first, as it is by now. A client that comes meanwhile is told so. Nothing is set up
 * for a container that is not there yet, or any more: member_start() says which.
 */
static void on_start(
	void *arg, const struct control_request *request, struct control_fds *fds, struct control_client *client)
{
	struct commands *c = arg;
	struct err err = ERR_INIT;
	int r;

	(void)request;
	(void)fds;
	if (c->starter) {
		(void)err_set(&err, EBUSY, "cannot start a container that is being started");
		control_answer(client, &err, NULL);
		return;
	}
	c->starter = client;
	r = c->serving ? network_tell(c->network, member_first_process(c->members[0]), on_network, c, &err) : 0;
	if (r > 0)
		return;
	c->starter = NULL;
	if (r < 0 || member_start(c->members[0], client, &err) < 0)
		control_answer(client, &err, NULL);
}

/* Has all members say whether the VM is @paused: 0 or -errno. */
static int set_members_paused(struct commands *c, bool paused)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->members_len; i++)
		r = member_set_paused(c->members[i], paused);
	return r;
}

/* Stops the VM, and says so in `status`. 0, or -errno with an error, and the VM runs. */
static int pause_vm(struct commands *c, struct err *err)
{
	struct err broken = ERR_INIT;
	int r = c->serving ? vm_pause(c->vm, err) : err_set(err, ESRCH, "container not running");

	if (r < 0)
		return r;
	r = set_members_paused(c, true);
	if (r == 0) {
		c->paused = true;
		c->on_paused(c->arg);
		return 0;
	}
	if (vm_resume(c->vm, &broken) < 0) /* it stands still, and nobody knows */
		c->on_broken(c->arg, &broken);
	return err_sys(err, r, "cannot write the container's status");
}

/* Lets the VM run again. 0, or -errno with an error. */
static int resume_vm(struct commands *c, struct err *err)
{
	int r = c->serving ? vm_resume(c->vm, err) : err_set(err, ESRCH, "container not running");

	if (r < 0)
		return r;
	c->paused = false;
	r = set_members_paused(c, false);
	return r < 0 ? err_sys(err, r, "cannot write the container's status") : 0;
}

static void on_signal_request(
	void *arg, const struct control_request *request, struct control_fds *fds, struct control_client *client)
{
	struct commands *c = arg;
	struct err err = ERR_INIT;

	(void)fds;
	if (member_signal(c->members[0], request->signal, request->all != 0, client, &err) < 0)
		control_answer(client, &err, NULL);
	/* the guest finds the signal as soon as it runs; a container that cannot be killed is one that nobody gets rid of */
	else if (request->signal == SIGKILL && c->paused && resume_vm(c, &err) < 0)
		c->on_broken(c->arg, &err);
}

static void on_pause(
	void *arg, const struct control_request *request, struct control_fds *fds, struct control_client *client)
{
	struct commands *c = arg;
	struct err err = ERR_INIT;

	(void)request;
	(void)fds;
	(void)!pause_vm(c, &err); /* the answer has the error */
	control_answer(client, &err, NULL);
}

/* The guest has set its clock. */
static void on_resumed(void *arg, const struct err *err, const void *payload, size_t len)
{
	(void)err;
	(void)payload;
	(void)len;
	control_answer(arg, NULL, NULL);
}

static void on_resume(
	void *arg, const struct control_request *request, struct control_fds *fds, struct control_client *client)
{
	struct commands *c = arg;
	struct err err = ERR_INIT, ignored;

	(void)request;
	(void)fds;
	if (resume_vm(c, &err) < 0 || guest_resumed(c->guest, on_resumed, client, &ignored) < 0)
		control_answer(client, &err, NULL);
}

static void on_exec(
	void *arg, const struct control_request *request, struct control_fds *fds, struct control_client *client)
{
	struct commands *c = arg;
	struct err err = ERR_INIT;

	if (member_exec(c->members[0], request, fds, client, &err) < 0)
		control_answer(client, &err, NULL);
}

/* A question for the guest. With new limits its cgroup gets them, and its balloon the size of its memory. */
static void on_query(
	void *arg, const struct control_request *request, struct control_fds *fds, struct control_client *client)
{
	struct commands *c = arg;
	struct err err = ERR_INIT;
	int r = member_query(c->members[0], request, fds, client, &err);

	if (r < 0)
		control_answer(client, &err, NULL);
	else if (request->memory_bytes && vm_set_memory(c->vm, request->memory_bytes, &err) < 0)
		guestlog_say(c->log, "vmrunc: %s", err.msg); /* the command sees that the memory stays */
}

/*
 * What a command can ask for. Orphans (control.h) of the others are bounded elsewhere: a container starts once, processes of
 * exec have their own bound (EXECS_MAX), and a signal or a resume must get through while the guest leaves other requests
 * unanswered, so that all of those together have a bound that is far away (GUEST_REQUESTS_MAX).
 */
static const struct control_handler handlers[CONTROL_OPS] = {
	[CONTROL_START] = { .fn = on_start },
	[CONTROL_SIGNAL] = { .fn = on_signal_request },
	[CONTROL_EXEC] = { .fn = on_exec, .fds_max = EXEC_FDS_MAX },
	[CONTROL_PS] = { .fn = on_query, .fds_max = QUERY_FDS_MAX, .orphans_max = QUERY_ORPHANS_MAX },
	[CONTROL_READ_CGROUP] = { .fn = on_query, .fds_max = QUERY_FDS_MAX, .orphans_max = QUERY_ORPHANS_MAX },
	[CONTROL_UPDATE] = { .fn = on_query, .fds_max = QUERY_FDS_MAX, .orphans_max = QUERY_ORPHANS_MAX },
	[CONTROL_PAUSE] = { .fn = on_pause },
	[CONTROL_RESUME] = { .fn = on_resume },
};

int commands_listen(struct commands *c, int listen_fd)
{
	return control_new(c->loop, listen_fd, handlers, c, &c->control);
}

void commands_done(struct commands *c)
{
	control_free(c->control);
}
