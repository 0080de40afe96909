/* SPDX-License-Identifier: Apache-2.0 */
/* A container in the foreground: see foreground.h. */
#include "cli/foreground.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/log.h"
#include "app/progress.h"
#include "base/exit.h"
#include "base/sig.h"
#include "base/fd.h"
#include "base/loop.h"
#include "cli/notes.h"
#include "cli/relay.h"
#include "life/interrupt.h"
#include "life/notify.h"
#include "monitor/report.h"
#include "monitor/terminal.h"

/* A container may ignore Ctrl-C; the third one kills it. */
#define INTERRUPTS_MAX 3
/* What run exits with if the VM died: 1 could be the program's own word. The monitor exits with it, too. */
#define EXIT_VM_DIED 255

struct foreground {
	struct notify *notify; /* NULL: nobody wants to be told */
	struct watch *notify_watch;
	struct loop *loop;
	const struct settings *settings;
	const char *id;
	struct created created; /* the monitor, and the socket of its reports */
	struct relay *relay;    /* NULL: the container has no terminal */
	struct err failed;      /* why the VM has died, as the monitor reported after READY */
	int signal_fd;
	int interrupts; /* SIGINTs so far */
	int status;     /* the monitor's, as wait(2) gives it */
};

/* Collects children that have ended. Returns true as soon as the monitor is one of them, with its status in @f. */
static bool reap(struct foreground *f)
{
	pid_t pid;

	/* a subreaper also gets the orphans of its other descendants */
	while ((pid = waitpid(-1, &f->status, WNOHANG)) > 0) {
		if (pid == f->created.pid)
			return true;
	}
	return false;
}

/* Passes on the signals that have come; the end of the monitor ends the loop. */
static void on_signal(void *arg, uint32_t events)
{
	struct foreground *f = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(f->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int signo = (int)info.ssi_signo;

		if (signo == SIGCHLD) {
			if (!reap(f))
				continue;
			loop_stop(f->loop);
			return; /* nobody is there for further signals, and the pid may be another's by now */
		} else if (f->relay && signo == SIGTSTP) {
			relay_stop(f->relay);
		} else if (f->relay && signo == SIGCONT) {
			relay_continue(f->relay);
		} else if (signo == SIGWINCH && !sig_is_meant(&info)) {
			relay_resize(f->relay);
		} else {
			if (signo == SIGINT && ++f->interrupts == INTERRUPTS_MAX - 1)
				log_notice("the container does not end on Ctrl-C: once more kills it");
			else if (signo == SIGINT && f->interrupts >= INTERRUPTS_MAX)
				signo = SIGKILL;
			(void)kill(f->created.pid, signo); /* if the monitor has ended, its SIGCHLD follows */
		}
	}
}

/* Takes the reports that have come; the monitor sends them without waiting for us. */
static void on_report(void *arg, uint32_t events)
{
	struct foreground *f = arg;
	struct report report;

	(void)events;
	while (recv(f->created.report, &report, sizeof(report), MSG_DONTWAIT) == (ssize_t)sizeof(report)) {
		report.err.msg[sizeof(report.err.msg) - 1] = '\0';
		if (report.kind == REPORT_FAILED)
			f->failed = report.err;
		else if (report.kind == REPORT_WARNING || report.kind == REPORT_NOTICE)
			log_notice("%s", report.err.msg); /* a stream that broke has lost output, too */
	}
}

/* The container's messages for a service manager, until it is ready. */
static void on_notify(void *arg, uint32_t events)
{
	struct foreground *f = arg;

	(void)events;
	if (!notify_take(f->notify))
		return;
	watch_free(f->notify_watch);
	f->notify_watch = NULL;
}

/*
 * Starts the container. The signals that end a command are not passed on before there is a process to get them: one that
 * has come when the start is over is left for on_signal(), one that has come before ends it.
 */
static int start(struct foreground *f, struct err *err)
{
	autoclose int cancel = interrupt_open(err);
	struct life_notes notes = LIFE_NOTES_INIT;
	int r = cancel < 0 ? cancel : container_start(f->settings, f->id, cancel, &notes, err);

	notes_say(&notes);
	return r;
}

/*
 * Starts the container and waits for the monitor's end. The container's terminal, if it has one, comes through @console
 * (-1: it has none).
 */
static int attend(struct foreground *f, int console, struct err *err)
{
	struct watch *signals = NULL, *reports = NULL;
	int master = -1, r = 0;

	f->signal_fd = relay_take_signals(console >= 0, err);
	if (f->signal_fd < 0)
		r = f->signal_fd;
	if (r == 0 && console >= 0)
		r = terminal_receive(console, &master, err);
	if (r == 0 && (r = loop_new(&f->loop)) < 0)
		r = err_sys(err, r, "event loop");
	if (r == 0 && master >= 0)
		r = relay_new(f->loop, steal_fd(&master), &f->relay, err);
	fd_close(master);
	if (r < 0)
		return r;
	r = watch_new(f->loop, f->signal_fd, EPOLLIN, on_signal, f, &signals);
	if (r == 0)
		r = watch_new(f->loop, f->created.report, EPOLLIN, on_report, f, &reports);
	if (r < 0)
		return err_sys(err, r, "event loop");
	r = notify_new(f->settings, f->id, &f->notify, err);
	if (r == 0 && f->notify &&
		(r = watch_new(f->loop, notify_fd(f->notify), EPOLLIN, on_notify, f, &f->notify_watch)) < 0)
		r = err_sys(err, r, "event loop");
	if (r < 0)
		return r;
	r = start(f, err);
	if (r < 0)
		return r;
	/* if the monitor ended before SIGCHLD was blocked, that signal was ignored and will not come again */
	if (reap(f))
		return 0;
	r = loop_run(f->loop);
	return r < 0 ? err_sys(err, r, "event loop") : 0;
}

static void foreground_done(struct foreground *f)
{
	relay_free(f->relay);
	loop_free(f->loop);
	notify_free(f->notify);
	fd_close(f->signal_fd);
	fd_close(f->created.report);
}

/* Makes the socket pair through which the monitor sends the master of the container's terminal. */
static int console_pair(int *ret_ours, int *ret_theirs, struct err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, errno, "cannot make a socket pair");
	*ret_ours = ends[0];
	*ret_theirs = ends[1];
	return 0;
}

/* Starts the created container, waits for it, and turns its end into a result as foreground_run() returns it. */
static int foreground_end(struct foreground *f, int console, int *ret_status, struct err *err)
{
	int r = attend(f, console, err);

	if (r < 0)
		(void)kill(f->created.pid, SIGKILL); /* if that fails, the caller's container_delete() will not */
	on_report(f, 0);
	if (r == 0 && f->failed.errnum) {
		*err = f->failed;
		r = -err->errnum;
	}
	if (r < 0 && f->failed.errnum && !err->exit_status)
		err->exit_status = EXIT_VM_DIED;
	if (r < 0)
		return r;
	*ret_status = exit_of_wait(f->status);
	return 0;
}

int foreground_run(
	const struct settings *settings, struct create_request *request, bool keep, int *ret_status, struct err *err)
{
	struct foreground f = { .settings = settings, .id = request->id, .signal_fd = -1, .created = { .report = -1 } };
	autoclose int ours = -1, theirs = -1;
	struct life_notes notes = LIFE_NOTES_INIT;
	struct err delete_err = ERR_INIT;
	int r;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_sys(err, errno, "cannot become the subreaper");
	r = console_pair(&ours, &theirs, err);
	if (r < 0)
		return r;
	request->console_fd = theirs;
	request->console_optional = true;
	request->terminal_lf = !isatty(STDOUT_FILENO);
	r = container_create(settings, request, &f.created, &notes, err);
	notes_say(&notes);
	if (r < 0)
		return r;
	fd_close(steal_fd(&theirs));
	r = foreground_end(&f, f.created.terminal ? ours : -1, ret_status, err);
	foreground_done(&f);
	progress_hold(false);
	if (!keep && container_delete(settings, request->id, true, &notes, &delete_err) < 0)
		log_warning("%s", delete_err.msg);
	notes_say(&notes);
	return r;
}
