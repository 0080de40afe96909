/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: `vmrunc [global options] COMMAND [options] [arguments]`, with runc's options and ours.
 *
 * An option is written `--option value` or `--option=value`, a flag also `--flag=true` or `--flag=false`. Options of a
 * command may stand behind its arguments, and global options anywhere.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/base.h"
#include "base/err.h"
#include "cli/command.h"

/*
 * Reads the whole command line into @call; @commands is the table of commands (commands.h). call->command is NULL if the
 * command line names no command, as beside --help or --version. Returns 0, or -errno with an error that quotes the
 * option or command as it was written; call->global holds what stood before the mistake even then. @argv, which getopt reorders,
 * must live as long as @call. The caller ends @call with cli_done(), after an error as well.
 */
must_check int cli_parse(
	const struct command *const commands[], int argc, char **argv, struct call *call, struct err *err);

/* Frees what cli_parse() has allocated. */
void cli_done(struct call *call);

/* Prints the help of @command, or of the whole program if it is NULL, to standard output. */
void cli_help(const struct command *const commands[], const struct command *command);

#endif
