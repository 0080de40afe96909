/* SPDX-License-Identifier: Apache-2.0 */
/* The help: see cli.h. Its headings and their order are runc's, since people and scripts look for them. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* Characters that help has for an option and the name of its value. */
#define HELP_COLUMN 30

/* A line for each option; the text of one that is wider than its column stands on a line of its own. */
static void help_options(const struct cli_option *options)
{
	for (const struct cli_option *o = options; o && o->name; o++) {
		char text[80], letter[] = "    ";
		int len;

		if (o->letter)
			(void)snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		len = snprintf(text, sizeof(text), "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
		if (len <= HELP_COLUMN)
			(void)printf("   %s%-*s %s\n", letter, HELP_COLUMN, text, o->help);
		else
			(void)printf("   %s%s\n%*s%s\n", letter, text, HELP_COLUMN + 8, "", o->help);
	}
}

static void help_command(const struct command *command)
{
	bool options = command->options && command->options->name;

	(void)printf("NAME:\n   vmrunc %s - %s\n\nUSAGE:\n   vmrunc %s%s%s%s\n", command->name, command->help,
		command->name, options ? " [options]" : "", *command->args ? " " : "", command->args);
	if (options)
		(void)printf("\nOPTIONS:\n");
	help_options(command->options);
	(void)printf("\nMORE:\n   \"man vmrunc-%s\"; the global options are in \"vmrunc --help\"\n", command->name);
}

void cli_help(const struct command *const commands[], const struct command *command)
{
	if (command) {
		help_command(command);
		return;
	}
	(void)printf(
		"NAME:\n   vmrunc - Open Container Initiative runtime, each container in a virtual machine of its own\n"
		"\nUSAGE:\n   vmrunc [global options] command [options] [arguments]\n\nCOMMANDS:\n");
	for (size_t i = 0; commands[i]; i++)
		(void)printf("   %-10s %s\n", commands[i]->name, commands[i]->help);
	(void)printf("   %-10s %s\n\nGLOBAL OPTIONS, before or after the command:\n", "help",
		"print the help of a command, or this");
	help_options(global_options);
}
