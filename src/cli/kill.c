/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc kill`: sends a signal to the processes of a container. */
#include <errno.h>

#include "cli/commands.h"
#include "cli/notes.h"
#include "life/life.h"
#include "spec/signal.h"

struct kill_options {
	bool all;
};

/* An unknown signal is an error; but if the container does not exist either, the error names that, as with runc. */
static int refuse_signal(const struct settings *settings, const char *id, const char *name, struct err *err)
{
	struct state s;
	enum status status;
	int r = container_load(settings, id, &s, &status, err);

	state_done(&s);
	return r < 0 ? r : err_set(err, EINVAL, "unknown signal \"%s\"", name);
}

/* Sends the signal that the command line names, SIGTERM if it names none. */
static int send_signal(struct call *call, struct err *err)
{
	const struct kill_options *options = call->options;
	const char *id = call->argv[0], *name = call->argc > 1 ? call->argv[1] : "TERM";
	struct settings settings;
	struct life_notes notes = LIFE_NOTES_INIT;
	int signo = signal_parse(name);
	int r = global_settings(&call->global, &settings, err);

	if (r == 0 && signo < 0)
		r = refuse_signal(&settings, id, name, err);
	else if (r == 0)
		r = container_kill(&settings, id, signo, options->all, &notes, err);
	notes_say(&notes);
	return r;
}

static const struct cli_option kill_options[] = {
	CLI_FLAG_OPTION(struct kill_options, all, "all", 'a', "send it to all processes of the container"),
	CLI_OPTIONS_END,
};

const struct command command_kill = {
	.name = "kill",
	.args = "ID [SIGNAL]",
	.min_args = 1,
	.max_args = 2,
	.help = "send a signal (default TERM) to the container's process",
	.options = kill_options,
	.options_size = sizeof(struct kill_options),
	.run = send_signal,
};
