/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc delete`: removes a stopped container, and with --force any container. */
#include "cli/commands.h"
#include "cli/notes.h"
#include "life/life.h"

struct delete_options {
	bool force;
};

static int delete (struct call *call, struct err *err)
{
	const struct delete_options *options = call->options;
	struct settings settings;
	struct life_notes notes = LIFE_NOTES_INIT;
	int r = global_settings(&call->global, &settings, err);

	if (r == 0)
		r = container_delete(&settings, call->argv[0], options->force, &notes, err);
	notes_say(&notes);
	return r;
}

static const struct cli_option delete_options[] = {
	CLI_FLAG_OPTION(struct delete_options, force, "force", 'f', "kill the container first if it is not stopped"),
	CLI_OPTIONS_END,
};

const struct command command_delete = {
	.name = "delete",
	.args = "ID",
	.min_args = 1,
	.max_args = 1,
	.help = "remove a stopped container and all that was made for it",
	.options = delete_options,
	.options_size = sizeof(struct delete_options),
	.run = delete,
};
