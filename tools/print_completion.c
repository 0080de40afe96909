/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what completion/completion.bash needs to know of the command line, as functions of bash. The build puts both
 * together into the file that is installed.
 *
 * An option is printed as --NAME if it is a flag, and else as --NAME=KIND, where KIND is what help calls its value:
 * "a|b" are all the values, DIR, FILE and SOCKET are paths. An argument is ID (of a container that exists), NEW_ID, or
 * another word of the help.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

static void print_options(const char *command, const struct cli_option *options)
{
	printf("\t'%s') echo '", command);
	for (const struct cli_option *o = options; o && o->name; o++) {
		const char *equals = o->value ? "=" : "", *value = o->value ? o->value : "";

		printf("%s--%s%s%s", o == options ? "" : " ", o->name, equals, value);
		if (o->letter)
			printf(" -%c%s%s", o->letter, equals, value);
	}
	printf("' ;;\n");
}

/* Prints the arguments as help has them, without the brackets of those that may be left out. */
static void print_arguments(const struct command *command)
{
	printf("\t%s) echo '%s", command->name, command->new_id ? "NEW_" : "");
	for (const char *c = command->args; *c; c++) {
		if (!strchr("[]", *c))
			putchar(*c);
	}
	printf("' ;;\n");
}

int main(void)
{
	printf("# Made from the table of commands by tools/print_completion: not to be edited.\n\n");
	printf("_vmrunc_commands() {\n\techo 'help");
	for (size_t i = 0; commands[i]; i++)
		printf(" %s", commands[i]->name);
	printf("'\n}\n\n_vmrunc_options() {\n\tcase $1 in\n");
	print_options("", global_options);
	for (size_t i = 0; commands[i]; i++)
		print_options(commands[i]->name, commands[i]->options);
	printf("\tesac\n}\n\n_vmrunc_arguments() {\n\tcase $1 in\n\thelp) echo COMMAND ;;\n");
	for (size_t i = 0; commands[i]; i++)
		print_arguments(commands[i]);
	printf("\tesac\n}\n\n");
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fputs("print_completion: cannot write\n", stderr);
		return 1;
	}
	return 0;
}
