/* SPDX-License-Identifier: Apache-2.0 */
/* The commands kill and delete. */
#include <errno.h>
#include <signal.h>

#include "cli/cli.h"
#include "life/life.h"
#include "spec/signal.h"

static int cmd_kill(struct call *call, struct err *err)
{
	const char *name = call->argc > 1 ? call->argv[1] : "TERM";
	struct settings settings;
	int signo = signal_parse(name);
	int r = settings_load(&settings, call->options, err);

	if (r == 0 && signo < 0) {
		struct state s;
		enum status status;

		/* an unknown container is the graver mistake, as for runc */
		r = container_load(&settings, call->argv[0], &s, &status, err);
		state_done(&s);
		if (r == 0)
			r = err_set(err, EINVAL, "unknown signal \"%s\"", name);
	} else if (r == 0) {
		r = container_kill(&settings, call->argv[0], signo, call->options->all, err);
	}
	return r;
}

static int cmd_delete(struct call *call, struct err *err)
{
	struct settings settings;
	int r = settings_load(&settings, call->options, err);

	return r < 0 ? r : container_delete(&settings, call->argv[0], call->options->force, err);
}

static const struct cli_option kill_options[] = {
	CLI_FLAG_OPTION("all", 'a', all, "to all processes of the container"),
	CLI_OPTIONS_END,
};

static const struct cli_option delete_options[] = {
	CLI_FLAG_OPTION("force", 'f', force, "kill it first if it is not stopped"),
	CLI_OPTIONS_END,
};

const struct command cmd_kill_table[] = {
	{ "kill", "ID [SIGNAL]", 1, 2, "send a signal (default TERM) to the container's process", kill_options,
		cmd_kill },
	{ "delete", "ID", 1, 1, "remove a stopped container and all that was made for it", delete_options, cmd_delete },
	{ .name = NULL },
};
