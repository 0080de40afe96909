/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what the completions of a shell need to know of the command line, as code of that shell: bash, zsh or fish. The
 * build puts it together with completion/completion.SHELL into the file that is installed.
 *
 * What is completed follows from how help calls a value or an argument: "a|b" are all the values, DIR, FILE and SOCKET
 * are paths, ID is a container that exists, NEW_ID one that does not, SIGNAL a signal, TOPIC a command of ours. Nothing
 * is known of others.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

/* Prints the arguments of @command as help has them, without the brackets of those that may be left out. */
static void print_arguments(const struct command *command)
{
	printf("%s", command->new_id ? "NEW_" : "");
	for (const char *c = command->args; *c; c++) {
		if (!strchr("[]", *c))
			putchar(*c);
	}
}

/* Prints @text as it stands between single quotes, with a backslash before the characters of @special. */
static void print_quoted(const char *text, const char *special)
{
	for (; *text; text++) {
		if (strchr(special, *text))
			putchar('\\');
		printf(*text == '\'' ? "'\\''" : "%c", *text);
	}
}

/* --- bash --- */

/* Options are words: --NAME of a flag, --NAME=KIND of one with a value, and the same for the letter. */
static void bash_options(const char *command, const struct cli_option *options)
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

/* The functions _vmrunc_commands, _vmrunc_options and _vmrunc_arguments, which print words. */
static void print_bash(void)
{
	printf("# Made from the table of commands by tools/print_completion: not to be edited.\n\n");
	printf("_vmrunc_commands() {\n\techo 'help");
	for (size_t i = 0; commands[i]; i++)
		printf(" %s", commands[i]->name);
	printf("'\n}\n\n_vmrunc_options() {\n\tcase $1 in\n");
	bash_options("", global_options);
	for (size_t i = 0; commands[i]; i++)
		bash_options(commands[i]->name, commands[i]->options);
	printf("\tesac\n}\n\n_vmrunc_arguments() {\n\tcase $1 in\n\thelp) echo TOPIC ;;\n");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t%s) echo '", commands[i]->name);
		print_arguments(commands[i]);
		printf("' ;;\n");
	}
	printf("\tesac\n}\n\n");
}

/* --- zsh --- */

/* The part of a specification of _arguments that says what is completed for a value. */
static void zsh_value(const char *value)
{
	putchar(':');
	print_quoted(value, ":");
	putchar(':');
	if (!strchr(value, '|')) {
		/* a name with other characters is none of those that something is known of */
		printf(strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == strlen(value) ? " _vmrunc_value %s" : " ",
			value);
		return;
	}
	putchar('(');
	for (const char *c = value; *c; c++)
		putchar(*c == '|' ? ' ' : *c);
	putchar(')');
}

/* Options are specifications of _arguments. */
static void zsh_options(const char *command, const struct cli_option *options)
{
	printf("\t'%s')\n\t\tspecs+=(\n", command);
	for (const struct cli_option *o = options; o && o->name; o++) {
		const char *equals = o->value ? "=" : "", *plus = o->value ? "+" : "";

		if (o->letter)
			printf("\t\t\t'(-%c --%s)'{-%c%s,--%s%s}'[", o->letter, o->name, o->letter, plus, o->name,
				equals);
		else
			printf("\t\t\t'--%s%s[", o->name, equals);
		print_quoted(o->help, "[]");
		putchar(']');
		if (o->value)
			zsh_value(o->value);
		printf("'\n");
	}
	printf("\t\t)\n\t\t;;\n");
}

/*
 * The functions _vmrunc_commands, _vmrunc_options, which adds to the array specs, and _vmrunc_arguments, which sets the
 * array kinds; and the array of global options that have a value.
 */
static void print_zsh(void)
{
	printf("#compdef vmrunc\n# Made from the table of commands by tools/print_completion: not to be edited.\n\n");
	printf("_vmrunc_commands() {\n\tlocal -a commands=(\n\t\t'help:print the help of a command'\n");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t\t'%s:", commands[i]->name);
		print_quoted(commands[i]->help, ":");
		printf("'\n");
	}
	printf("\t)\n\t_describe -t commands command commands\n}\n\n_vmrunc_options() {\n\tcase $1 in\n");
	zsh_options("", global_options);
	for (size_t i = 0; commands[i]; i++)
		zsh_options(commands[i]->name, commands[i]->options);
	printf("\tesac\n}\n\n_vmrunc_arguments() {\n\tcase $1 in\n\thelp) kinds=(TOPIC) ;;\n");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t%s) kinds=(", commands[i]->name);
		print_arguments(commands[i]);
		printf(") ;;\n");
	}
	printf("\tesac\n}\n\n");
	printf("_vmrunc_valued=(");
	for (const struct cli_option *o = global_options; o->name; o++)
		printf(o->value ? " --%s" : "", o->name);
	printf(" )\n\n");
}

/* --- fish --- */

/* Each option is a call of complete; @command is "" for the global ones, which stand anywhere. */
static void fish_options(const char *command, const struct cli_option *options)
{
	for (const struct cli_option *o = options; o && o->name; o++) {
		printf("complete -c vmrunc");
		if (*command)
			printf(" -n '__vmrunc_is %s'", command);
		printf(" -l %s", o->name);
		if (o->letter)
			printf(" -s %c", o->letter);
		if (o->value)
			printf(" -x -a '(__vmrunc_values \"%s\")'", o->value);
		printf(" -d '");
		print_quoted(o->help, "");
		printf("'\n");
	}
}

static void fish_valued(const char *command, const struct cli_option *options)
{
	printf("\t\tcase '%s'\n\t\t\tprintf '%%s\\n'", command);
	for (const struct cli_option *o = options; o && o->name; o++) {
		if (o->value && o->letter)
			printf(" -%c", o->letter);
		if (o->value)
			printf(" --%s", o->name);
	}
	printf("\n");
}

/* The functions __vmrunc_valued and __vmrunc_arguments, and a call of complete for each command and option. */
static void print_fish(void)
{
	printf("# Made from the table of commands by tools/print_completion: not to be edited.\n\n");
	printf("function __vmrunc_valued\n\tswitch $argv[1]\n");
	fish_valued("", global_options);
	for (size_t i = 0; commands[i]; i++)
		fish_valued(commands[i]->name, commands[i]->options);
	printf("\tend\nend\n\nfunction __vmrunc_arguments\n\tswitch $argv[1]\n\t\tcase help\n\t\t\techo TOPIC\n");
	for (size_t i = 0; commands[i]; i++) {
		printf("\t\tcase %s\n\t\t\techo '", commands[i]->name);
		print_arguments(commands[i]);
		printf("'\n");
	}
	printf("\tend\nend\n\ncomplete -c vmrunc -e\ncomplete -c vmrunc -f\n");
	printf("complete -c vmrunc -n '__vmrunc_is \"\"; or __vmrunc_is help' -a help -d 'print the help of a "
	       "command'\n");
	for (size_t i = 0; commands[i]; i++) {
		printf("complete -c vmrunc -n '__vmrunc_is \"\"; or __vmrunc_is help' -a %s -d '", commands[i]->name);
		print_quoted(commands[i]->help, "");
		printf("'\n");
	}
	fish_options("", global_options);
	for (size_t i = 0; commands[i]; i++)
		fish_options(commands[i]->name, commands[i]->options);
	printf("complete -c vmrunc -n 'not __vmrunc_is \"\"' -a '(__vmrunc_argument)'\n\n");
}

int main(int argc, char **argv)
{
	const char *shell = argc == 2 ? argv[1] : "";

	if (strcmp(shell, "bash") == 0)
		print_bash();
	else if (strcmp(shell, "zsh") == 0)
		print_zsh();
	else if (strcmp(shell, "fish") == 0)
		print_fish();
	else {
		fputs("usage: print_completion bash|zsh|fish\n", stderr);
		return 1;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fputs("print_completion: cannot write\n", stderr);
		return 1;
	}
	return 0;
}
