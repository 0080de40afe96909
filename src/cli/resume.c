/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc resume`: let a paused container run again. */
#include "cli/commands.h"
#include "cli/notes.h"
#include "life/life.h"

static int resume_container(struct call *call, struct err *err)
{
	struct life_notes notes = LIFE_NOTES_INIT;
	struct settings settings;
	int r = global_settings(&call->global, &settings, err);

	if (r == 0)
		r = container_resume(&settings, call->argv[0], &notes, err);
	notes_say(&notes);
	return r;
}

const struct command command_resume = {
	.name = "resume",
	.args = "ID",
	.min_args = 1,
	.max_args = 1,
	.help = "let a paused container run again",
	.run = resume_container,
};
