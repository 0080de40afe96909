/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmrunc: runs OCI containers, each in a virtual machine of its own.
 *
 * main() reads the command line, runs one command, and is the only place that
 * prints an error and turns it into an exit status.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/log.h"
#include "app/proctitle.h"
#include "base/fd.h"
#include "cli/cli.h"

/* The runtime specification that is implemented. */
#define SPEC_VERSION "1.2.1"

/* What runc's users expect of an error that says nothing else. */
#define EXIT_ERROR 1

static void print_version(void)
{
	(void)printf("vmrunc version %s\ncommit: %s\nspec: %s\n", PACKAGE_VERSION, PACKAGE_STRING, SPEC_VERSION);
}

/* Runs what the command line asks for. Returns the exit status, or a negative errno. */
static int run(int argc, char **argv, struct err *err)
{
	const struct command *command;
	struct options options;
	struct call call;
	int r = cli_parse(argc, argv, &options, &command, &call, err), log;

	/* the log is opened even after a wrong option: an engine reads there what was wrong */
	log = log_open(
		options.log, options.log_format, options.debug ? "debug" : options.log_level, r < 0 ? NULL : err);
	if (r < 0 || log < 0)
		return r < 0 ? r : log;
	if (options.version)
		print_version();
	else if (options.help || !command)
		cli_help(command);
	else
		r = command->run(&call, err);
	if (r == 0 && !command && !options.help && !options.version)
		call.exit_status = EXIT_ERROR;
	/* what filled stdio's buffer was written, or lost, before */
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		return err_set(err, EIO, "cannot write to standard output");
	return r < 0 ? r : call.exit_status;
}

/*
 * A caller may have closed a standard stream. Its number would go to the next
 * file that is opened, and the container would write into that: /dev/null
 * stands there instead, as with runc.
 */
static int fill_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	fd_close(fd);
	return fd < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	char **args = proctitle_init(argc, argv);
	int r;

	if (!args || fill_standard_streams() < 0)
		return EXIT_ERROR;
	/* a caller that has gone is an error of write(2), not our end */
	(void)signal(SIGPIPE, SIG_IGN);
	r = run(argc, args, &err);
	if (r < 0)
		log_error(*err.msg ? err.msg : "failed without a word");
	log_finish(r < 0);
	if (r < 0)
		return err.exit_status ? err.exit_status : EXIT_ERROR;
	return r;
}
