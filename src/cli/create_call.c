/* SPDX-License-Identifier: Apache-2.0 */
/* What `create` and `run` have in common: see create_call.h. */
#include "cli/create_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/log.h"
#include "app/timeline.h"
#include "base/fd.h"
#include "cli/given.h"
#include "cli/notes.h"
#include "monitor/terminal.h"

/* Reads --cgroup-manager, which is crun's option, and --systemd-cgroup, which is runc's. */
static int read_cgroup_manager(const struct global_options *o, enum cgroup_manager *ret, struct err *err)
{
	const char *name = o->cgroup_manager;

	*ret = o->systemd_cgroup ? CGROUPS_SYSTEMD : CGROUPS_CGROUPFS;
	if (!name || strcmp(name, "cgroupfs") == 0)
		return 0;
	if (strcmp(name, "systemd") == 0)
		*ret = CGROUPS_SYSTEMD;
	else if (strcmp(name, "disabled") == 0)
		*ret = CGROUPS_DISABLED;
	else
		return err_set(
			err, ENOTSUP, "--cgroup-manager: \"%s\" is none of cgroupfs, systemd and disabled", name);
	return 0;
}

int create_call_begin(
	const struct call *call, const struct create_options *options, struct create_call *c, struct err *err)
{
	int r;

	*c = (struct create_call){
		.request = {
			.id = call->argv[0],
			.bundle = options->bundle,
			.pid_file = options->pid_file,
			.pidfd_socket = options->pidfd_socket,
			.console_fd = -1,
		},
		.console_socket = options->console_socket,
		.timeline_path = call->global.timeline,
	};
	log_share_stderr();
	r = read_cgroup_manager(&call->global, &c->request.cgroups, err);
	if (r == 0)
		r = given_read(options->preserve_fds, true, &c->request.given, err);
	if (r == 0)
		r = global_settings(&call->global, &c->settings, err);
	if (r == 0 && c->timeline_path)
		r = timeline_new(&c->request.timeline, err);
	return r;
}

int create_call_detached(struct create_call *c, struct err *err)
{
	struct created created;
	struct life_notes notes = LIFE_NOTES_INIT;
	autoclose int console = -1;
	int r;

	if (c->console_socket) {
		console = c->request.console_fd = terminal_console_connect(c->console_socket, err);
		if (console < 0)
			return console;
	}
	r = container_create(&c->settings, &c->request, &created, &notes, err);
	notes_say(&notes);
	c->request.console_fd = -1;
	if (r == 0)
		fd_close(created.report);
	return r;
}

int create_call_end(struct create_call *c, int r, struct err *err)
{
	if (r == 0 && c->request.timeline)
		r = timeline_write(c->request.timeline, c->timeline_path, err);
	timeline_free(c->request.timeline);
	c->request.timeline = NULL;
	return r;
}
