/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc delete`: removes a stopped container, and with --force any container. */
#include "cli/commands.h"
#include "life/life.h"

struct delete_options {
	bool force;
};

static int delete (struct call *call, struct err *err)
{
	const struct delete_options *options = call->options;
	struct settings settings;
	int r = global_settings(&call->global, &settings, err);

	return r < 0 ? r : container_delete(&settings, call->argv[0], options->force, err);
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
