/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing the command line: see cli.h. */
#include "cli/cli.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value that getopt returns for the n-th option is OPTION_BASE + n, which no letter reaches. */
#define OPTION_BASE 256
#define OPTIONS_MAX 48 /* at one place of the command line */

static const struct command *command_find(const struct command *const commands[], const char *name)
{
	for (size_t i = 0; commands[i]; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

/* The options that are valid at one place of the command line, in the forms that getopt wants. */
struct option_set {
	const struct cli_option *known[OPTIONS_MAX];
	char *values[OPTIONS_MAX]; /* the struct that known[i] is stored in */
	struct option longs[OPTIONS_MAX + 1];
	char letters[3 + 2 * OPTIONS_MAX + 1];
	int n;
};

/* Whether an option of this kind stands alone, or has its value behind "=". */
static bool is_flag(enum cli_kind kind)
{
	return kind == CLI_FLAG || kind == CLI_SWITCH;
}

/* Adds the rows of @options (NULL: none), which are stored in the struct @values. */
static void set_add(struct option_set *set, const struct cli_option *options, void *values)
{
	for (const struct cli_option *o = options; o && o->name; o++) {
		size_t len = strlen(set->letters);

		assert(set->n < OPTIONS_MAX);
		set->known[set->n] = o;
		set->values[set->n] = values;
		set->longs[set->n] = (struct option){
			.name = o->name,
			/* scripts write --all=false, since runc's parser takes it */
			.has_arg = is_flag(o->kind) ? optional_argument : required_argument,
			.val = OPTION_BASE + set->n,
		};
		set->n++;
		if (o->letter) {
			set->letters[len] = o->letter;
			set->letters[len + 1] = is_flag(o->kind) ? '\0' : ':';
			set->letters[len + 2] = '\0';
		}
	}
}

/* The index of the option that getopt has found, or -1. */
static int set_find(const struct option_set *set, int value)
{
	if (value >= OPTION_BASE && value < OPTION_BASE + set->n)
		return value - OPTION_BASE;
	for (int i = 0; i < set->n; i++) {
		if (value != '\0' && set->known[i]->letter == value)
			return i;
	}
	return -1;
}

/* Reads a boolean in one of the words that runc's parser takes. Returns 0 or -EINVAL. */
static int parse_bool(const char *word, bool *ret)
{
	static const char *const words[2][6] = {
		{ "0", "f", "F", "false", "FALSE", "False" },
		{ "1", "t", "T", "true", "TRUE", "True" },
	};

	for (size_t i = 0; i < ARRAY_LEN(words) * ARRAY_LEN(words[0]); i++) {
		size_t value = i / ARRAY_LEN(words[0]);

		if (strcmp(word, words[value][i % ARRAY_LEN(words[0])]) == 0) {
			*ret = value;
			return 0;
		}
	}
	return -EINVAL;
}

/*
 * Whether getopt has taken a word for the option @o that is only the beginning of its name: it takes any that is
 * unambiguous, and scripts that rest on that would break with the next option.
 */
static bool is_abbreviation(const struct cli_option *o, char **argv)
{
	/* the word that was read last is the value if that stands on its own, so the option is the one before */
	const char *word = argv[optind - (optarg && optarg == argv[optind - 1] ? 2 : 1)];

	return strncmp(word, "--", 2) == 0 && strcspn(word + 2, "=") != strlen(o->name);
}

/* Adds the value that getopt has found to @list. */
static int strings_add(struct cli_strings *list, struct err *err)
{
	const char **v = reallocarray(list->v, list->n + 1, sizeof(*v));

	if (!v)
		return err_sys(err, ENOMEM, "command line");
	v[list->n++] = optarg;
	list->v = v;
	return 0;
}

/* Stores what getopt has found as a value of the option @o of the struct @values. */
static int option_store(const struct cli_option *o, char *values, struct err *err)
{
	char *field = values + o->offset;
	bool flag = true;

	if (o->kind == CLI_STRINGS)
		return strings_add((struct cli_strings *)(void *)field, err);
	if (o->kind == CLI_STRING) {
		*(const char **)(void *)field = optarg;
		return 0;
	}
	if (optarg && parse_bool(optarg, &flag) < 0)
		return err_set(err, EINVAL, "option \"--%s\": \"%s\" is neither true nor false", o->name, optarg);
	if (o->kind == CLI_SWITCH)
		*(struct cli_switch *)(void *)field = (struct cli_switch){ .given = true, .on = flag };
	else
		*(bool *)(void *)field = flag;
	return 0;
}

/*
 * Parses the options from optind on: the global ones, and those of @command if it is not NULL. @prefix is getopt's: "+"
 * stops at the first word that is no option.
 */
static int parse_part(
	int argc, char **argv, const char *prefix, const struct command *command, struct call *call, struct err *err)
{
	struct option_set set = { .n = 0 };
	int value, r;

	(void)snprintf(set.letters, sizeof(set.letters), "%s", prefix);
	/* the command's own options come first: they win if a global one has the same name (spec --rootless) */
	if (command)
		set_add(&set, command->options, call->options);
	set_add(&set, global_options, &call->global);
	opterr = 0;
	while ((value = getopt_long(argc, argv, set.letters, set.longs, NULL)) != -1) {
		int i = set_find(&set, value);

		if (value == ':')
			return err_set(err, EINVAL, "option \"%s\" needs a value", argv[optind - 1]);
		if (i < 0 && optopt > 0 && optopt < OPTION_BASE)
			return err_set(err, EINVAL, "unknown option \"-%c\"", optopt);
		if (i < 0)
			return err_set(err, EINVAL, "unknown option \"%s\"", argv[optind - 1]);
		if (value >= OPTION_BASE && is_abbreviation(set.known[i], argv))
			return err_set(
				err, EINVAL, "unknown option: \"--%s\" has to be written whole", set.known[i]->name);
		r = option_store(set.known[i], set.values[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Parses @argv, whose first word is the name of @command. */
static int parse_command(const struct command *command, int argc, char **argv, struct call *call, struct err *err)
{
	int r;

	if (command->options_size) {
		call->options = calloc(1, command->options_size);
		if (!call->options)
			return err_sys(err, ENOMEM, "command line");
	}
	optind = 0; /* tells getopt that this is another argv */
	call->command = command;
	r = parse_part(argc, argv, command->words ? "+:" : ":", command, call, err);
	if (r < 0)
		return r;
	call->argc = argc - optind;
	call->argv = argv + optind;
	if (call->global.help || call->global.version)
		return 0;
	if (call->argc < command->min_args ||
		(call->argc > command->max_args && command->max_args >= command->min_args))
		return err_set(err, EINVAL, "\"vmrunc %s\" needs %s: vmrunc %s [options] %s", command->name,
			call->argc < command->min_args ? "more arguments" : "fewer arguments", command->name,
			command->args);
	return 0;
}

/* Whether @word asks for help. */
static bool is_help(const char *word)
{
	return word && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0);
}

/*
 * The error for a command @name that is not in the table; @next is the word behind it. Engines ask for the help of
 * checkpoint in order to learn whether it can be called, so that has to fail as well.
 */
static int refuse_command(const char *name, const char *next, struct err *err)
{
	if (strcmp(name, "checkpoint") == 0 || strcmp(name, "restore") == 0)
		return err_set(
			err, ENOTSUP, "\"%s\" is not supported: the state of a virtual machine cannot be saved", name);
	if (is_help(next))
		return err_set(err, EINVAL, "No help topic for '%s'", name);
	return err_set(err, EINVAL, "unknown command \"%s\": see \"vmrunc --help\"", name);
}

/* Serves `vmrunc help [COMMAND]`; @topic is NULL if the command line names none. */
static int parse_help(const struct command *const commands[], const char *topic, struct call *call, struct err *err)
{
	call->global.help = true;
	call->command = topic && !is_help(topic) ? command_find(commands, topic) : NULL;
	if (topic && !is_help(topic) && !call->command)
		return refuse_command(topic, "--help", err);
	return 0;
}

int cli_parse(const struct command *const commands[], int argc, char **argv, struct call *call, struct err *err)
{
	const struct command *command;
	int r;

	*call = (struct call){ .command = NULL };
	optind = 0; /* getopt starts afresh: a test parses more than one command line */
	r = parse_part(argc, argv, "+:", NULL, call, err);
	if (r < 0 || optind >= argc)
		return r;
	if (strcmp(argv[optind], "help") == 0 || strcmp(argv[optind], "h") == 0)
		return parse_help(commands, argv[optind + 1], call, err);
	command = command_find(commands, argv[optind]);
	if (!command)
		return refuse_command(argv[optind], argv[optind + 1], err);
	return parse_command(command, argc - optind, argv + optind, call, err);
}

void cli_done(struct call *call)
{
	const struct cli_option *o = call->command ? call->command->options : NULL;

	for (; call->options && o && o->name; o++) {
		if (o->kind == CLI_STRINGS)
			free(((struct cli_strings *)(void *)((char *)call->options + o->offset))->v);
	}
	free(call->options);
	call->options = NULL;
}
