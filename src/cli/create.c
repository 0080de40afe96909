/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc create`: makes a container, up to the moment before its process runs. */
#include "cli/commands.h"
#include "cli/create_call.h"

static int create(struct call *call, struct err *err)
{
	struct create_call c;
	int r = create_call_begin(call, call->options, &c, err);

	if (r == 0)
		r = create_call_detached(&c, err);
	return create_call_end(&c, r, err);
}

static const struct cli_option create_options[] = { CREATE_OPTIONS, CLI_OPTIONS_END };

const struct command command_create = {
	.name = "create",
	.args = "ID",
	.min_args = 1,
	.max_args = 1,
	.new_id = true,
	.help = "make a container: its process is ready, but not started",
	.options = create_options,
	.options_size = sizeof(struct create_options),
	.run = create,
};
