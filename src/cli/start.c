/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc start`: lets the process of a created container run. */
#include "cli/commands.h"
#include "cli/notes.h"
#include "life/life.h"
#include "life/notify.h"

/* Starts the container; with NOTIFY_SOCKET it also waits until that is ready. */
static int start(struct call *call, struct err *err)
{
	struct settings settings;
	struct notify *notify = NULL;
	struct life_notes notes = LIFE_NOTES_INIT;
	int r = global_settings(&call->global, &settings, err);

	if (r == 0)
		r = notify_new(&settings, call->argv[0], &notify, err);
	if (r == 0)
		r = container_start(&settings, call->argv[0], -1, &notes, err);
	notes_say(&notes);
	if (r == 0)
		r = notify_wait(notify, -1, err);
	notify_free(notify);
	return r;
}

const struct command command_start = {
	.name = "start",
	.args = "ID",
	.min_args = 1,
	.max_args = 1,
	.help = "start the process of a created container",
	.run = start,
};
