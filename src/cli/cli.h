/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: runc's commands and options, and ours.
 *
 * A command is one row of a table in its cmd_*.c: name, options, function,
 * help. Global options may stand before or after the command's name, as
 * `--option value` and `--option=value`.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "base/err.h"

/* All that options can say. Strings are argv's. */
struct options {
	/* global */
	const char *root, *log, *log_format, *log_level;
	const char *cgroup_manager, *engine, *kernel, *timeline, *config;
	bool debug, systemd_cgroup, help, version;
	const char *rootless, *criu; /* runc's, of no use here */
	/* of commands */
	const char *bundle, *pid_file, *console_socket, *preserve_fds, *format;
	bool rootless_spec, no_pivot, no_new_keyring, detach, keep, force, all, quiet, no_subreaper;
};

enum cli_kind { CLI_FLAG, CLI_STRING };

struct cli_option {
	const char *name;
	char letter; /* 0: none */
	enum cli_kind kind;
	const char *value; /* what help calls the value */
	size_t offset;     /* into struct options: bool or const char * */
	const char *help;
};

#define CLI_FLAG_OPTION(name, letter, field, help)                                  \
	{                                                                           \
		name, letter, CLI_FLAG, NULL, offsetof(struct options, field), help \
	}
#define CLI_STRING_OPTION(name, letter, value, field, help)                            \
	{                                                                              \
		name, letter, CLI_STRING, value, offsetof(struct options, field), help \
	}
#define CLI_OPTIONS_END                          \
	{                                        \
		NULL, 0, CLI_FLAG, NULL, 0, NULL \
	}

/* One call of a command. */
struct call {
	const struct options *options;
	int argc;        /* positional arguments */
	char **argv;     /* NULL-terminated */
	int exit_status; /* what a successful run returns to the shell */
};

struct command {
	const char *name;
	const char *args; /* for help */
	int min_args, max_args;
	const char *help;
	const struct cli_option *options; /* ends with CLI_OPTIONS_END; NULL: none */
	int (*run)(struct call *call, struct err *err);
};

/* One table a file; each ends with a NULL name. */
extern const struct command cmd_run_table[];   /* run, create, start */
extern const struct command cmd_kill_table[];  /* kill, delete */
extern const struct command cmd_state_table[]; /* state, list */
extern const struct command cmd_info_table[];  /* spec, features, check */

/*
 * Reads the whole command line. *@ret_command is NULL where none was named
 * (then --help or --version was given, or nothing at all). Errors speak of the
 * option as it was written.
 */
must_check int cli_parse(int argc, char **argv, struct options *options, const struct command **ret_command,
	struct call *call, struct err *err);

/* Help of @command, or of the whole program (NULL), on stdout. */
void cli_help(const struct command *command);

#endif
