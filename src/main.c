/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmrunc: runs OCI containers, each in a virtual machine of its own.
 *
 * main() reads the command line, runs one command, and is the only place that prints an error and turns it into an exit
 * status.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/log.h"
#include "app/ownfile.h"
#include "app/proctitle.h"
#include "app/progress.h"
#include "base/fd.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "host/privilege.h"
#include "spec/spec.h"

/* The exit status after an error that asks for no other one; runc's callers expect it. */
#define EXIT_ERROR 1

static void print_version(void)
{
	(void)printf("vmrunc version %s\ncommit: %s\nspec: %s\n", PACKAGE_VERSION, PACKAGE_STRING, SPEC_VERSION);
}

/* Does what the command line asks for. Returns the exit status, or a negative errno with an error. */
static int execute(struct call *call, struct err *err)
{
	const struct global_options *global = &call->global;
	int r = 0;

	if (global->version)
		print_version();
	else if (global->help || !call->command)
		cli_help(commands, call->command);
	else
		r = call->command->run(call, err);
	if (r == 0 && !call->command && !global->help && !global->version)
		call->exit_status = EXIT_ERROR;
	/* an earlier write, when the buffer of stdio was full, may have failed without a word */
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		return err_set(err, EIO, "cannot write to standard output");
	return r < 0 ? r : call->exit_status;
}

/*
 * Of a command that makes a monitor, before anything else: an ordinary user gets into a user namespace of his own, where
 * mounts and namespaces can be made. 0, or -errno with an error.
 */
static int enter(const struct call *call, struct err *err)
{
	bool makes_monitor = call->command && call->command->new_id && !call->global.help;

	return makes_monitor ? privilege_enter(err) : 0;
}

/* Of a command that makes a monitor: puts the program's file out of the reach of what might break into that. */
static void protect(char **argv)
{
	int r = ownfile_protect(argv);

	if (r < 0)
		log_warning(
			"cannot run from a read-only mount, so a monitor that is broken into could change vmrunc's own file: %s",
			strerror(-r));
}

/* Reads the command line, opens the log, and executes. Returns as execute() does. */
static int run(int argc, char **argv, struct err *err)
{
	struct call call;
	int r = cli_parse(commands, argc, argv, &call, err), log;
	const struct global_options *global = &call.global;

	/* the log is opened even after a wrong option, since engines look there for what was wrong */
	log = log_open(
		global->log, global->log_format, global->debug ? "debug" : global->log_level, r < 0 ? NULL : err);
	if (r == 0)
		r = log;
	if (r == 0)
		r = enter(&call, err);
	if (r == 0 && call.command && call.command->new_id && !global->help)
		protect(argv);
	progress_allow(!global->log);
	if (r == 0)
		r = execute(&call, err);
	progress_end();
	cli_done(&call);
	return r;
}

/*
 * A caller may have closed a standard stream. The next file that is opened would get its number, and the container would
 * write into that file. So /dev/null takes the number, as in runc.
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
	/*
	 * a caller that ignores SIGCHLD hands that on, and then the kernel keeps no exit status of a hook, of the monitor
	 * (for run) or of QEMU, and tells nobody of their ends
	 */
	(void)signal(SIGCHLD, SIG_DFL);
	/* a write to a caller that has gone fails, and does not end this process */
	(void)signal(SIGPIPE, SIG_IGN);
	r = run(argc, args, &err);
	if (r < 0)
		log_error(*err.msg ? err.msg : "failed without a word");
	log_finish(r < 0);
	if (r < 0)
		return err.exit_status ? err.exit_status : EXIT_ERROR;
	return r;
}
