/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc run`: creates and starts a container; in the foreground it waits for the end and deletes it as well. */
#include "app/log.h"
#include "base/fd.h"
#include "cli/commands.h"
#include "cli/create_call.h"
#include "cli/foreground.h"
#include "cli/notes.h"
#include "life/interrupt.h"
#include "life/notify.h"

struct run_options {
	struct create_options create; /* first: see CREATE_OPTIONS */
	bool detach, keep;
	bool no_subreaper; /* an option of runc that means nothing here */
};

/*
 * Returns when the process runs, and has said that it is ready if somebody wants to be told. If it cannot be started, or
 * a signal interrupts that, the container is deleted again; one that runs stays when a signal ends the waiting, as with runc.
 */
static int run_detached(struct create_call *c, struct err *err)
{
	struct life_notes notes = LIFE_NOTES_INIT;
	struct err delete_err = ERR_INIT;
	struct notify *notify = NULL;
	autoclose int cancel = -1;
	int r = create_call_detached(c, err);

	if (r < 0)
		return r;
	cancel = interrupt_open(err);
	r = cancel < 0 ? cancel : notify_new(&c->settings, c->request.id, &notify, err);
	if (r == 0)
		r = container_start(&c->settings, c->request.id, cancel, &notes, err);
	if (r < 0 && container_delete(&c->settings, c->request.id, true, &notes, &delete_err) < 0)
		log_warning("%s", delete_err.msg);
	notes_say(&notes);
	if (r == 0)
		r = notify_wait(notify, cancel, err);
	notify_free(notify);
	return r;
}

/* --console-socket implies --detach: the terminal is somebody else's. */
static int run(struct call *call, struct err *err)
{
	const struct run_options *options = call->options;
	struct create_call c;
	int r = create_call_begin(call, &options->create, &c, err);

	if (r == 0 && (options->detach || c.console_socket))
		r = run_detached(&c, err);
	else if (r == 0)
		r = foreground_run(&c.settings, &c.request, options->keep, &call->exit_status, err);
	timeline_mark(c.request.timeline, "deleted");
	return create_call_end(&c, r, err);
}

static const struct cli_option run_options[] = {
	CREATE_OPTIONS,
	CLI_FLAG_OPTION(struct run_options, detach, "detach", 'd', "return when the process runs"),
	CLI_FLAG_OPTION(struct run_options, keep, "keep", 0, "do not delete the container when it has stopped"),
	CLI_FLAG_OPTION(
		struct run_options, no_subreaper, "no-subreaper", 0, "accepted as an option of runc; means nothing"),
	CLI_OPTIONS_END,
};

const struct command command_run = {
	.name = "run",
	.args = "ID",
	.min_args = 1,
	.max_args = 1,
	.new_id = true,
	.help = "create and start a container, and wait for its end",
	.options = run_options,
	.options_size = sizeof(struct run_options),
	.run = run,
};
