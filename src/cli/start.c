/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc start`: lets the process of a created container run. */
#include "cli/commands.h"
#include "life/life.h"

static int start(struct call *call, struct err *err)
{
	struct settings settings;
	int r = global_settings(&call->global, &settings, err);

	return r < 0 ? r : container_start(&settings, call->argv[0], err);
}

const struct command command_start = {
	.name = "start",
	.args = "ID",
	.min_args = 1,
	.max_args = 1,
	.help = "start the process of a created container",
	.run = start,
};
