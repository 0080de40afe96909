/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc logs`: prints what the consoles of a container's guest have said. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/commands.h"
#include "life/life.h"

/* How often --follow looks for more. */
#define FOLLOW_NS 100000000

struct logs_options {
	bool follow;
};

/* Prints what is behind the offset of @fd. The log has been cleaned for terminals. 0, or -errno with an error. */
static int print_rest(int fd, struct err *err)
{
	struct stat st;
	char chunk[16384];
	ssize_t n;

	/* the log has begun anew, when it reached its bound */
	if (fstat(fd, &st) == 0 && st.st_size < lseek(fd, 0, SEEK_CUR) && lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, errno, "cannot read the guest's log");
	while ((n = fd_read_full(fd, chunk, sizeof(chunk))) > 0)
		(void)fwrite(chunk, 1, (size_t)n, stdout);
	if (n < 0)
		return err_sys(err, (int)n, "cannot read the guest's log");
	return fflush(stdout) != 0 || ferror(stdout) ? err_set(err, EIO, "cannot write to standard output") : 0;
}

/* Prints the log, and with --follow what is added to it until nothing can be. */
static int logs(struct call *call, struct err *err)
{
	const struct logs_options *options = call->options;
	const struct timespec pause = { .tv_nsec = FOLLOW_NS };
	enum status status = STATUS_STOPPED;
	autoclose int fd = -1;
	struct settings settings;
	struct err gone = ERR_INIT;
	int r = global_settings(&call->global, &settings, err);

	if (r < 0)
		return r;
	fd = container_logs(&settings, call->argv[0], &status, err);
	r = fd < 0 ? fd : print_rest(fd, err);
	while (r == 0 && options->follow && status != STATUS_STOPPED) {
		autoclose int again = -1;

		(void)nanosleep(&pause, NULL);
		again = container_logs(&settings, call->argv[0], &status, &gone);
		if (again < 0) /* it was deleted, which is an end, too */
			status = STATUS_STOPPED;
		r = print_rest(fd, err); /* behind the look at the status: what was said before the end is printed */
	}
	return r;
}

static const struct cli_option logs_options[] = {
	CLI_FLAG_OPTION(struct logs_options, follow, "follow", 'f', "wait for more until the container has stopped"),
	CLI_OPTIONS_END,
};

const struct command command_logs = {
	.name = "logs",
	.args = "ID",
	.min_args = 1,
	.max_args = 1,
	.help = "print what the consoles of a container's guest have said",
	.options = logs_options,
	.options_size = sizeof(struct logs_options),
	.run = logs,
};
