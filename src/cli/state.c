/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc state`: prints the state of a container. */
#include <stdio.h>

#include "base/fd.h"
#include "cli/commands.h"
#include "life/life.h"

/* Prints the state as the runtime specification describes it, in JSON. */
static int print_state(struct call *call, struct err *err)
{
	struct settings settings;
	autostate s = { .id = NULL };
	autofree char *text = NULL;
	enum status status;
	int r = global_settings(&call->global, &settings, err);

	if (r == 0)
		r = container_load(&settings, call->argv[0], &s, &status, err);
	if (r == 0)
		r = state_json(&s, status, true, &text, err);
	if (r == 0)
		(void)fputs(text, stdout); /* main() checks stdout at the end */
	return r;
}

const struct command command_state = {
	.name = "state",
	.args = "ID",
	.min_args = 1,
	.max_args = 1,
	.help = "print the container's state as JSON",
	.run = print_state,
};
