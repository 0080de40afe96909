/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc pause`: stop the processes of a container until it is resumed. */
#include "cli/commands.h"
#include "life/life.h"

static int pause_container(struct call *call, struct err *err)
{
	struct settings settings;
	int r = global_settings(&call->global, &settings, err);

	if (r == 0)
		r = container_pause(&settings, call->argv[0], err);
	return r;
}

const struct command command_pause = {
	.name = "pause",
	.args = "ID",
	.min_args = 1,
	.max_args = 1,
	.help = "stop the processes of a container until it is resumed",
	.run = pause_container,
};
