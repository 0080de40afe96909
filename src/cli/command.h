/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command of the command line is, and what one call of it gets.
 *
 * Each command has a file of its name in src/cli, which defines `const struct command command_NAME`, and a row in the
 * table of commands.h. The values of its options are stored in a struct that is private to that file; a row of struct cli_option
 * for each option says where in it.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "base/err.h"
#include "cli/global.h"

/* One call of a command. */
struct call {
	const struct command *command; /* NULL: the command line names none */
	struct global_options global;
	void *options;   /* the struct of the command's own options; NULL: it has none */
	int argc;        /* number of arguments, without options */
	char **argv;     /* the arguments; ends with NULL */
	int exit_status; /* what the process exits with if the command does not fail; 0 unless the command sets it */
};

struct command {
	const char *name;
	const char *args;       /* the arguments, as help shows them */
	int min_args, max_args; /* a @max_args of 0 below @min_args: any number */
	bool words;             /* behind the first argument stands somebody else's command line: no options of ours */
	bool new_id;            /* the argument ID is chosen by the caller: it names no container that exists */
	const char *help;
	const struct cli_option *options; /* ends with CLI_OPTIONS_END; NULL: none */
	size_t options_size;              /* of the struct that the options are stored in */
	/* Carries the command out. Returns 0 with call->exit_status, or -errno with an error. */
	int (*run)(struct call *call, struct err *err);
};

#endif
