/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands run, create and start.
 *
 * `run` in the foreground is create, start, wait and delete in one process.
 * It is the subreaper of the monitor and so gets its exit status; it passes
 * signals on, and has the container's terminal if there is one.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/log.h"
#include "base/exit.h"
#include "base/fd.h"
#include "base/loop.h"
#include "cli/cli.h"
#include "cli/relay.h"
#include "life/life.h"
#include "monitor/report.h"
#include "monitor/terminal.h"

/* Ctrl-C that the container does not obey: the third one kills it. */
#define INTERRUPTS_MAX 3

/* Options of runc that change nothing here, or cannot be had. */
static int check_options(const struct options *o, struct err *err)
{
	char *end;
	long n;

	if (o->cgroup_manager && strcmp(o->cgroup_manager, "cgroupfs") != 0 &&
		strcmp(o->cgroup_manager, "systemd") != 0 && strcmp(o->cgroup_manager, "disabled") != 0)
		return err_set(err, ENOTSUP, "--cgroup-manager: \"%s\" is none of cgroupfs, systemd and disabled",
			o->cgroup_manager);
	if (!o->preserve_fds)
		return 0;
	n = strtol(o->preserve_fds, &end, 10);
	if (*end || end == o->preserve_fds || n < 0)
		return err_set(err, EINVAL, "--preserve-fds: \"%s\" is not a number", o->preserve_fds);
	if (n > 0)
		return err_set(
			err, ENOTSUP, "--preserve-fds %ld: descriptors cannot be passed into a virtual machine", n);
	return 0;
}

/* crun's --cgroup-manager, and runc's --systemd-cgroup. */
static enum cgroup_manager cgroup_manager(const struct options *o)
{
	if (o->cgroup_manager && strcmp(o->cgroup_manager, "disabled") == 0)
		return CGROUPS_DISABLED;
	if (o->systemd_cgroup || (o->cgroup_manager && strcmp(o->cgroup_manager, "systemd") == 0))
		return CGROUPS_SYSTEMD;
	return CGROUPS_CGROUPFS;
}

static void fill_request(const struct call *call, struct create_request *request)
{
	const struct options *o = call->options;

	*request = (struct create_request){
		.id = call->argv[0],
		.bundle = o->bundle,
		.pid_file = o->pid_file,
		.console_fd = -1,
		.cgroups = cgroup_manager(o),
	};
}

/* Where create's error tells of no other exit status, it is runc's 1. */
static int cmd_create(struct call *call, struct err *err)
{
	struct create_request request;
	struct settings settings;
	struct created created;
	struct timeline *timeline = NULL;
	autoclose int console = -1;
	int r = check_options(call->options, err);

	fill_request(call, &request);
	if (r == 0)
		r = settings_load(&settings, call->options, err);
	if (r == 0 && call->options->timeline)
		r = timeline_new(&timeline, err);
	if (r == 0 && call->options->console_socket) {
		console = request.console_fd = terminal_console_connect(call->options->console_socket, err);
		r = console < 0 ? console : 0;
	}
	request.timeline = timeline;
	if (r == 0)
		r = container_create(&settings, &request, &created, err);
	if (r == 0)
		fd_close(created.report);
	if (r == 0 && timeline)
		r = timeline_write(timeline, call->options->timeline, err);
	timeline_free(timeline);
	return r;
}

static int cmd_start(struct call *call, struct err *err)
{
	struct settings settings;
	int r = settings_load(&settings, call->options, err);

	return r < 0 ? r : container_start(&settings, call->argv[0], err);
}

/* --- run --- */

struct run {
	struct loop *loop;
	const struct settings *settings;
	const char *id;
	struct created created;
	struct relay *relay;
	struct err failed; /* what the monitor reported after READY */
	int signal_fd;
	int interrupts;
	int status; /* of the monitor, as wait(2) gives it */
};

static bool reap(struct run *run)
{
	pid_t pid;

	/* as subreaper we may get others' orphans too */
	while ((pid = waitpid(-1, &run->status, WNOHANG)) > 0) {
		if (pid == run->created.pid)
			return true;
	}
	return false;
}

static void on_run_signal(void *arg, uint32_t events)
{
	struct run *run = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(run->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int signo = (int)info.ssi_signo;

		if (signo == SIGCHLD) {
			if (reap(run))
				loop_stop(run->loop);
		} else if (signo == SIGWINCH) {
			relay_resize(run->relay);
		} else {
			if (signo == SIGINT && ++run->interrupts == INTERRUPTS_MAX - 1)
				log_warning("the container does not end on Ctrl-C: once more kills it");
			else if (signo == SIGINT && run->interrupts >= INTERRUPTS_MAX)
				signo = SIGKILL;
			(void)kill(run->created.pid, signo); /* it may be gone: SIGCHLD follows */
		}
	}
}

static void on_report(void *arg, uint32_t events)
{
	struct run *run = arg;
	struct report report;

	(void)events;
	while (recv(run->created.report, &report, sizeof(report), MSG_DONTWAIT) == (ssize_t)sizeof(report)) {
		report.err.msg[sizeof(report.err.msg) - 1] = '\0';
		if (report.kind == REPORT_FAILED)
			run->failed = report.err;
		else if (report.kind == REPORT_WARNING)
			log_warning("%s", report.err.msg);
	}
}

/* Everything that can be passed on; SIGCHLD for ourselves. */
static int take_run_signals(struct run *run, struct err *err)
{
	static const int kept[] = { SIGPIPE, SIGTTIN, SIGTTOU, SIGTSTP, SIGCONT };
	sigset_t set;

	(void)sigfillset(&set);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		(void)sigdelset(&set, kept[i]);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return err_sys(err, errno, "cannot block signals");
	run->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return run->signal_fd < 0 ? err_sys(err, errno, "signalfd") : 0;
}

/* From create to the monitor's end. */
static int attend(struct run *run, int console, struct err *err)
{
	struct watch *signals = NULL, *reports = NULL;
	int master = -1, r = take_run_signals(run, err);

	if (r == 0 && console >= 0)
		r = terminal_receive(console, &master, err);
	if (r == 0 && (r = loop_new(&run->loop)) < 0)
		r = err_sys(err, r, "event loop");
	if (r == 0 && master >= 0)
		r = relay_new(run->loop, steal_fd(&master), &run->relay, err);
	fd_close(master);
	if (r < 0)
		return r;
	r = watch_new(run->loop, run->signal_fd, EPOLLIN, on_run_signal, run, &signals);
	if (r == 0)
		r = watch_new(run->loop, run->created.report, EPOLLIN, on_report, run, &reports);
	if (r < 0)
		return err_sys(err, r, "event loop");
	r = container_start(run->settings, run->id, err);
	if (r < 0)
		return r;
	/* one that ended before its signals were blocked has sent a SIGCHLD that nobody got */
	if (reap(run))
		return 0;
	r = loop_run(run->loop);
	return r < 0 ? err_sys(err, r, "event loop") : 0;
}

static void run_done(struct run *run)
{
	relay_free(run->relay);
	loop_free(run->loop);
	fd_close(run->signal_fd);
	fd_close(run->created.report);
}

/* Makes the socket pair over which a foreground terminal comes. */
static int console_pair(int *ret_ours, int *ret_theirs, struct err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, errno, "cannot make a socket pair");
	*ret_ours = ends[0];
	*ret_theirs = ends[1];
	return 0;
}

static int run_foreground(
	struct call *call, const struct settings *settings, struct create_request *request, struct err *err)
{
	struct run run = { .settings = settings, .id = request->id, .signal_fd = -1, .created = { .report = -1 } };
	autoclose int ours = -1, theirs = -1;
	struct err delete_err = ERR_INIT;
	int r;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_sys(err, errno, "cannot become the subreaper");
	r = console_pair(&ours, &theirs, err);
	if (r < 0)
		return r;
	request->console_fd = theirs;
	request->console_optional = true;
	r = container_create(settings, request, &run.created, err);
	if (r < 0)
		return r;
	fd_close(steal_fd(&theirs));
	r = attend(&run, run.created.terminal ? ours : -1, err);
	if (r < 0)
		(void)kill(run.created.pid, SIGKILL); /* by delete below, at the latest */
	on_report(&run, 0);
	run_done(&run);
	if (r == 0 && run.failed.errnum) {
		*err = run.failed;
		r = -err->errnum;
	} else if (r == 0) {
		call->exit_status = exit_of_wait(run.status);
	}
	if (!call->options->keep && container_delete(settings, request->id, true, &delete_err) < 0)
		log_warning("%s", delete_err.msg);
	return r;
}

static int run_detached(
	struct call *call, const struct settings *settings, struct create_request *request, struct err *err)
{
	struct err delete_err = ERR_INIT;
	struct created created;
	autoclose int console = -1;
	int r;

	if (call->options->console_socket) {
		console = request->console_fd = terminal_console_connect(call->options->console_socket, err);
		if (console < 0)
			return console;
	}
	r = container_create(settings, request, &created, err);
	if (r < 0)
		return r;
	fd_close(created.report);
	r = container_start(settings, request->id, err);
	if (r < 0 && container_delete(settings, request->id, true, &delete_err) < 0)
		log_warning("%s", delete_err.msg);
	return r;
}

static int cmd_run(struct call *call, struct err *err)
{
	struct create_request request;
	struct settings settings;
	struct timeline *timeline = NULL;
	int r = check_options(call->options, err);

	fill_request(call, &request);
	if (r == 0)
		r = settings_load(&settings, call->options, err);
	if (r == 0 && call->options->timeline)
		r = timeline_new(&timeline, err);
	request.timeline = timeline;
	if (r == 0 && (call->options->detach || call->options->console_socket))
		r = run_detached(call, &settings, &request, err);
	else if (r == 0)
		r = run_foreground(call, &settings, &request, err);
	timeline_mark(timeline, "deleted");
	if (r == 0 && timeline)
		r = timeline_write(timeline, call->options->timeline, err);
	timeline_free(timeline);
	return r;
}

#define CREATE_OPTIONS                                                                                  \
	CLI_STRING_OPTION("bundle", 'b', "DIR", bundle, "the bundle (default: the current directory)"), \
		CLI_STRING_OPTION("pid-file", 0, "FILE", pid_file, "write the monitor's pid there"),    \
		CLI_STRING_OPTION("console-socket", 0, "SOCKET", console_socket,                        \
			"AF_UNIX socket that gets the terminal's master"),                              \
		CLI_FLAG_OPTION("no-pivot", 0, no_pivot, "accepted for runc's sake"),                   \
		CLI_FLAG_OPTION("no-new-keyring", 0, no_new_keyring, "accepted for runc's sake"),       \
		CLI_STRING_OPTION("preserve-fds", 0, "N", preserve_fds, "only 0: nothing passes into a VM")

static const struct cli_option create_options[] = { CREATE_OPTIONS, CLI_OPTIONS_END };

static const struct cli_option run_options[] = {
	CREATE_OPTIONS,
	CLI_FLAG_OPTION("detach", 'd', detach, "return when the process runs"),
	CLI_FLAG_OPTION("keep", 0, keep, "do not delete the container when it has stopped"),
	CLI_FLAG_OPTION("no-subreaper", 0, no_subreaper, "accepted for runc's sake"),
	CLI_OPTIONS_END,
};

const struct command cmd_run_table[] = {
	{ "run", "ID", 1, 1, "create and start a container, and wait for its end", run_options, cmd_run },
	{ "create", "ID", 1, 1, "make a container: its process is ready, but not started", create_options, cmd_create },
	{ "start", "ID", 1, 1, "start the process of a created container", NULL, cmd_start },
	{ .name = NULL },
};
