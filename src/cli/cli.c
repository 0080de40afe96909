/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: see cli.h. */
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* getopt's value of the n-th option: above every letter */
#define OPTION_BASE 256
#define OPTIONS_MAX 48

static const struct cli_option global_options[] = {
	CLI_STRING_OPTION("root", 0, "DIR", root, "where the state of containers is kept"),
	CLI_STRING_OPTION("log", 0, "FILE", log, "append messages to FILE"),
	CLI_STRING_OPTION("log-format", 0, "text|json", log_format, "format of that file"),
	CLI_STRING_OPTION("log-level", 0, "LEVEL", log_level, "error, warning, info or debug"),
	CLI_FLAG_OPTION("debug", 0, debug, "the same as --log-level debug"),
	CLI_FLAG_OPTION("systemd-cgroup", 0, systemd_cgroup, "cgroups as units of systemd"),
	CLI_STRING_OPTION("cgroup-manager", 0, "NAME", cgroup_manager, "cgroupfs, systemd or disabled"),
	CLI_STRING_OPTION("engine", 0, "auto|kvm|qemu", engine, "what runs the virtual machine"),
	CLI_STRING_OPTION("kernel", 0, "FILE", kernel, "the guest's kernel (vmlinux or bzImage)"),
	CLI_STRING_OPTION("timeline", 0, "FILE", timeline, "write when each phase of the start ended"),
	CLI_STRING_OPTION("config", 0, "FILE", config, "settings instead of /etc/vmrunc.json"),
	CLI_STRING_OPTION("rootless", 0, "VALUE", rootless, "accepted for runc's sake"),
	CLI_STRING_OPTION("criu", 0, "FILE", criu, "accepted for runc's sake"),
	CLI_FLAG_OPTION("help", 'h', help, "this help"),
	CLI_FLAG_OPTION("version", 'v', version, "version and spec version"),
	CLI_OPTIONS_END,
};

static const struct command *const tables[] = {
	cmd_run_table,
	cmd_kill_table,
	cmd_state_table,
	cmd_info_table,
};

static const struct command *command_find(const char *name)
{
	for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
		for (const struct command *c = tables[t]; c->name; c++) {
			if (strcmp(c->name, name) == 0)
				return c;
		}
	}
	return NULL;
}

/* The options that are valid at one place, in the forms that getopt wants. */
struct option_set {
	const struct cli_option *known[OPTIONS_MAX];
	struct option longs[OPTIONS_MAX + 1];
	char letters[3 + 2 * OPTIONS_MAX + 1];
	int n;
};

static void set_add(struct option_set *set, const struct cli_option *options)
{
	for (const struct cli_option *o = options; o && o->name && set->n < OPTIONS_MAX; o++) {
		size_t len = strlen(set->letters);

		set->known[set->n] = o;
		set->longs[set->n] = (struct option){
			.name = o->name,
			/* --all=false: scripts write it, as runc's parser takes it */
			.has_arg = o->kind == CLI_FLAG ? optional_argument : required_argument,
			.val = OPTION_BASE + set->n,
		};
		set->n++;
		if (o->letter) {
			set->letters[len] = o->letter;
			set->letters[len + 1] = o->kind == CLI_FLAG ? '\0' : ':';
			set->letters[len + 2] = '\0';
		}
	}
}

static const struct cli_option *set_find(const struct option_set *set, int value)
{
	if (value >= OPTION_BASE && value < OPTION_BASE + set->n)
		return set->known[value - OPTION_BASE];
	for (int i = 0; i < set->n; i++) {
		if (value != '\0' && set->known[i]->letter == value)
			return set->known[i];
	}
	return NULL;
}

/* The words that runc's parser takes for a boolean. */
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

static int option_store(const struct cli_option *o, struct options *options, struct err *err)
{
	char *field = (char *)options + o->offset;
	bool flag = true;

	if (o->kind == CLI_STRING) {
		*(const char **)(void *)field = optarg;
		return 0;
	}
	if (optarg && parse_bool(optarg, &flag) < 0)
		return err_set(err, EINVAL, "option \"--%s\": \"%s\" is neither true nor false", o->name, optarg);
	*(bool *)(void *)field = flag;
	return 0;
}

/* Parses from optind on; @prefix is getopt's: "+" stops at the first word that is no option. */
static int parse_part(int argc, char **argv, const char *prefix, const struct cli_option *more, struct options *options,
	struct err *err)
{
	struct option_set set = { .n = 0 };
	int value;

	(void)snprintf(set.letters, sizeof(set.letters), "%s", prefix);
	set_add(&set, more); /* first: of one name, the command's own option counts (spec --rootless) */
	set_add(&set, global_options);
	opterr = 0;
	while ((value = getopt_long(argc, argv, set.letters, set.longs, NULL)) != -1) {
		const struct cli_option *o = set_find(&set, value);

		if (value == ':')
			return err_set(err, EINVAL, "option \"%s\" needs a value", argv[optind - 1]);
		if (!o && optopt > 0 && optopt < OPTION_BASE)
			return err_set(err, EINVAL, "unknown option \"-%c\"", optopt);
		if (!o)
			return err_set(err, EINVAL, "unknown option \"%s\"", argv[optind - 1]);
		if (option_store(o, options, err) < 0)
			return -EINVAL;
	}
	return 0;
}

int cli_parse(int argc, char **argv, struct options *options, const struct command **ret_command, struct call *call,
	struct err *err)
{
	const struct command *command;
	int r;

	memset(options, 0, sizeof(*options));
	*call = (struct call){ .options = options };
	*ret_command = NULL;
	optind = 0; /* a fresh start, in a test for the second time */
	r = parse_part(argc, argv, "+:", NULL, options, err);
	if (r < 0 || optind >= argc)
		return r;
	if (strcmp(argv[optind], "help") == 0) {
		options->help = true;
		*ret_command = optind + 1 < argc ? command_find(argv[optind + 1]) : NULL;
		return 0;
	}
	command = command_find(argv[optind]);
	if (!command)
		return err_set(err, EINVAL, "unknown command \"%s\": see \"vmrunc --help\"", argv[optind]);
	argc -= optind;
	argv += optind;
	optind = 0; /* tells getopt that this is another argv */
	r = parse_part(argc, argv, ":", command->options, options, err);
	if (r < 0)
		return r;
	call->argc = argc - optind;
	call->argv = argv + optind;
	*ret_command = command;
	if (options->help || options->version)
		return 0;
	if (call->argc < command->min_args || call->argc > command->max_args)
		return err_set(err, EINVAL, "\"vmrunc %s\" needs %s: vmrunc %s [options] %s", command->name,
			call->argc < command->min_args ? "more arguments" : "fewer arguments", command->name,
			command->args);
	return 0;
}

static void help_options(const struct cli_option *options)
{
	for (const struct cli_option *o = options; o && o->name; o++) {
		char text[80];

		(void)snprintf(text, sizeof(text), "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
		if (o->letter)
			(void)printf("  -%c, %-30s %s\n", o->letter, text, o->help);
		else
			(void)printf("      %-30s %s\n", text, o->help);
	}
}

void cli_help(const struct command *command)
{
	if (command) {
		(void)printf("vmrunc %s [options] %s\n  %s\n", command->name, command->args, command->help);
		if (command->options && command->options->name)
			(void)printf("\nOptions:\n");
		help_options(command->options);
		return;
	}
	(void)printf("vmrunc [options] command [options] [arguments]\n"
		     "  runs OCI containers, each in a virtual machine of its own\n\nCommands:\n");
	for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
		for (const struct command *c = tables[t]; c->name; c++)
			(void)printf("  %-10s %s\n", c->name, c->help);
	}
	(void)printf("\nOptions, before or after the command:\n");
	help_options(global_options);
}
