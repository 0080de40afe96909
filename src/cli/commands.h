/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands. The parser, the help, the completions of shells and the check of the manual all read it.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command.h"

/* One row for each command, in the order of the help. X(run) stands for command_run, which run.c defines. */
#define COMMANDS(X) \
	X(run)      \
	X(create)   \
	X(start)    \
	X(exec)     \
	X(kill)     \
	X(delete)   \
	X(ps)       \
	X(pause)    \
	X(resume)   \
	X(update)   \
	X(events)   \
	X(logs)     \
	X(state)    \
	X(list)     \
	X(spec)     \
	X(features) \
	X(check)

#define COMMANDS_DECLARE(name) extern const struct command command_##name;
/* Each command, defined in its own file. */
COMMANDS(COMMANDS_DECLARE)
#undef COMMANDS_DECLARE

/* All commands; ends with NULL. */
extern const struct command *const commands[];

#endif
