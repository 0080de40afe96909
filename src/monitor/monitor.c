/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's life: see monitor.h for the drawing. What comes from the guest
 * has been checked by src/guest; here it only moves the container from one
 * state to the next.
 */
#include "monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/log.h"
#include "base/exit.h"
#include "base/fd.h"
#include "base/loop.h"
#include "container/hooks.h"
#include "guest/guest.h"
#include "jail/jail.h"
#include "monitor/control.h"
#include "monitor/report.h"
#include "monitor/terminal.h"
#include "vm/choose/choose.h"
#include "vm/guestlog.h"

/*
 * How long the guest may take to boot to its agent, and for its agent to make a
 * container. A loaded machine that emulates needs half a minute for Debian's
 * kernel; engines give create 240 s.
 */
#define BOOT_TIMEOUT_MS 180000
#define CREATE_TIMEOUT_MS 50000
/* A container that was sent SIGKILL and does not end by then has a guest that does not answer. */
#define KILL_GRACE_MS 5000
/* Lines of the guest's log in the error of a guest that died. */
#define LAST_WORDS 6

enum stage { STAGE_BOOTING, STAGE_CREATING, STAGE_CREATED, STAGE_STARTING, STAGE_RUNNING, STAGE_OVER };

struct monitor {
	struct monitor_job *job;
	struct loop *loop;
	struct vm *vm;
	struct guest *guest;
	struct guestlog *log;
	struct control *control;
	enum stage stage;
	int report; /* -1: create has what it wants */
	int signal_fd;
	int slave;        /* of the container's terminal, or -1; kept open: a resize is read from it */
	int null_fd;      /* /dev/null, opened before the jail */
	int proc_fd;      /* /proc/self/fd: jail_open_fds() */
	uint32_t process; /* the init's number on the channel */
	int exit_status;
	bool own_pids;
	struct watch *report_watch, *signal_watch, *boot_timer, *kill_timer;
	struct control_client *starter; /* START is under way for it */
};

static void tell(struct monitor *m, enum report_kind kind, const struct err *err)
{
	struct report r = { .kind = kind };

	if (err)
		r.err = *err;
	if (m->report >= 0 && report_send(m->report, &r) < 0) {
		watch_free(m->report_watch); /* create has gone */
		m->report_watch = NULL;
		fd_close(steal_fd(&m->report));
	}
}

/* The end: what the loop returns to. */
static void finish(struct monitor *m, int exit_status)
{
	m->stage = STAGE_OVER;
	m->exit_status = exit_status;
	loop_stop(m->loop);
}

/* The VM, the agent or the channel has failed: @err is what create, or the log, is told. */
static void fail(struct monitor *m, struct err *err)
{
	if (m->stage == STAGE_OVER)
		return;
	guestlog_say(m->log, "vmrunc: %s", err->msg);
	tell(m, REPORT_FAILED, err);
	if (m->starter)
		control_answer(steal_ptr(m->starter), err);
	finish(m, m->stage < STAGE_CREATED && err->exit_status ? err->exit_status : 255);
}

/* As fail(), for a guest that died: with its last words. */
static void fail_guest(struct monitor *m, const char *detail)
{
	struct err err = ERR_INIT;
	char words[640];

	if (m->stage == STAGE_OVER)
		return;
	guestlog_flush(m->log);
	guestlog_last(m->log, LAST_WORDS, words, sizeof(words));
	(void)err_set(&err, EIO, "the container's virtual machine has died: %s%s%s", detail,
		*words ? "; its last words: " : "", words);
	fail(m, &err);
}

/* --- the VM and the guest --- */

static void on_vm_mark(void *arg, const char *mark)
{
	struct monitor *m = arg;

	timeline_mark(m->job->timeline, mark);
}

static void on_vm_exit(void *arg, enum vm_exit how, const char *detail)
{
	(void)how;
	fail_guest(arg, detail);
}

static void on_guest_closed(void *arg, int error, const char *detail)
{
	struct monitor *m = arg;
	struct err err = ERR_INIT;

	if (error == -EPROTO) {
		(void)err_set(&err, EPROTO, "%s: its virtual machine is ended", detail);
		fail(m, &err);
	} else {
		fail_guest(m, detail);
	}
}

static void on_guest_log(void *arg, enum proto_log level, const char *text)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	struct monitor *m = arg;

	guestlog_say(m->log, "agent: %s: %s", level < ARRAY_LEN(names) ? names[level] : "?", text);
}

static void on_stream_broken(void *arg, uint32_t process, const char *text)
{
	struct monitor *m = arg;
	struct err err = ERR_INIT;

	if (process != m->process)
		return;
	(void)err_set(&err, EIO, "the container's %s", text);
	guestlog_say(m->log, "vmrunc: %s", err.msg);
	tell(m, REPORT_WARNING, &err);
}

static void on_exited(void *arg, uint32_t process, int status, bool oom)
{
	struct monitor *m = arg;

	if (process != m->process)
		return;
	timeline_mark(m->job->timeline, "exit-seen");
	if (oom)
		guestlog_say(m->log, "vmrunc: the guest's OOM killer struck in the container");
	finish(m, exit_of_wait(status));
}

/* The container stands ready: from here on the monitor needs neither create nor its streams. */
static void on_created(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct monitor *m = arg;
	struct err failed;

	(void)payload;
	(void)len;
	if (m->stage == STAGE_OVER)
		return;
	if (err->errnum) {
		failed = *err;
		fail(m, &failed);
		return;
	}
	timeline_mark(m->job->timeline, "container-created");
	watch_free(m->boot_timer);
	m->boot_timer = NULL;
	m->stage = STAGE_CREATED;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)dup2(m->null_fd, fd); /* cannot fail: both are open */
	if (state_status_write(m->job->status_fd, STATUS_CREATED) < 0) {
		failed = (struct err)ERR_INIT;
		(void)err_set(&failed, ENOSPC, "cannot write the container's status");
		fail(m, &failed);
		return;
	}
	tell(m, REPORT_READY, NULL);
}

static void on_sandbox(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct monitor *m = arg;
	struct guest_container *c = guest_translation_container(m->job->translation);
	int stdio[3] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
	struct err failed = *err;
	struct winsize size;

	(void)payload;
	(void)len;
	if (m->stage == STAGE_OVER)
		return;
	if (failed.errnum) {
		fail(m, &failed);
		return;
	}
	timeline_mark(m->job->timeline, "shares-mounted");
	m->stage = STAGE_CREATING;
	m->process = guest_next_process(m->guest);
	c->process.id = m->process;
	if (m->slave >= 0) {
		stdio[0] = stdio[1] = m->slave;
		stdio[2] = -1;
		if (ioctl(m->slave, TIOCGWINSZ, &size) == 0 && (size.ws_row || size.ws_col)) {
			c->process.rows = size.ws_row;
			c->process.cols = size.ws_col;
		}
	}
	if (timer_set(m->boot_timer, CREATE_TIMEOUT_MS) < 0 ||
		guest_create(m->guest, c, stdio, on_created, m, &failed) < 0)
		fail(m, &failed);
}

static void on_guest_ready(void *arg, const struct proto_hello *hello)
{
	struct monitor *m = arg;
	struct utsname host;
	/* A container without a name of its own has that of the UTS namespace where it was
	 * started, or which it joins, as under any runtime. */
	struct guest_sandbox sandbox = { .hostname = uname(&host) == 0 ? host.nodename : "" };
	struct err err = ERR_INIT;

	guestlog_say(m->log, "vmrunc: the agent answers after %llu ms of kernel %s",
		(unsigned long long)(hello->uptime_us / 1000), hello->kernel);
	timeline_mark(m->job->timeline, "agent-ready");
	if (m->stage != STAGE_OVER && guest_sandbox(m->guest, &sandbox, on_sandbox, m, &err) < 0)
		fail(m, &err);
}

static void on_boot_timeout(void *arg)
{
	struct monitor *m = arg;

	fail_guest(m, m->stage == STAGE_BOOTING ? "it did not boot in time" : "its agent does not answer");
}

/* --- commands and signals --- */

static void on_started(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct monitor *m = arg;
	struct control_client *starter = steal_ptr(m->starter);

	(void)payload;
	(void)len;
	if (err->errnum == 0 && m->stage == STAGE_STARTING) {
		timeline_mark(m->job->timeline, "container-started");
		m->stage = STAGE_RUNNING;
		/* overwriting the word needs no new block: it cannot fail where creating it did not */
		if (state_status_write(m->job->status_fd, STATUS_RUNNING) < 0)
			guestlog_say(m->log, "vmrunc: cannot write the container's status");
	}
	if (starter)
		control_answer(starter, err);
}

static void control_start(struct monitor *m, struct control_client *client)
{
	struct err err = ERR_INIT;

	if (m->stage != STAGE_CREATED)
		(void)err_set(&err, EINVAL, "cannot start a container that has %s",
			m->stage < STAGE_CREATED ? "not been created yet" : "been started already");
	else if (guest_start(m->guest, m->process, on_started, m, &err) == 0) {
		m->stage = STAGE_STARTING;
		m->starter = client;
		return;
	}
	control_answer(client, &err);
}

static void on_kill_timeout(void *arg)
{
	struct monitor *m = arg;

	if (m->stage == STAGE_OVER)
		return;
	guestlog_say(m->log, "vmrunc: the guest does not carry out SIGKILL: its virtual machine is ended");
	finish(m, exit_of_signal(SIGKILL));
}

static int signal_container(struct monitor *m, int signo, bool all, guest_done_fn *done, void *arg, struct err *err)
{
	if (m->stage < STAGE_CREATED || m->stage == STAGE_OVER)
		return err_set(err, ESRCH, "container not running");
	if (signo == SIGKILL && !m->kill_timer &&
		timer_new(m->loop, KILL_GRACE_MS, on_kill_timeout, m, &m->kill_timer) < 0)
		finish(m, exit_of_signal(SIGKILL));
	return guest_signal(m->guest, m->process, signo, all, done, arg, err);
}

static void on_signalled(void *arg, const struct err *err, const void *payload, size_t len)
{
	(void)payload;
	(void)len;
	control_answer(arg, err);
}

static void on_control(void *arg, const struct control_request *request, struct control_client *client)
{
	struct monitor *m = arg;
	struct err err = ERR_INIT;

	switch (request->op) {
	case CONTROL_START:
		control_start(m, client);
		return;
	case CONTROL_SIGNAL:
		if (signal_container(m, request->signal, request->all != 0, on_signalled, client, &err) == 0)
			return;
		break;
	default:
		(void)err_set(&err, EINVAL, "the monitor is of another version of vmrunc");
	}
	control_answer(client, &err);
}

static void on_signal(void *arg, uint32_t events)
{
	struct monitor *m = arg;
	struct signalfd_siginfo info;
	struct winsize size;

	(void)events;
	while (read(m->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int signo = (int)info.ssi_signo;
		struct err ignored;

		if (signo == SIGWINCH) {
			if (m->slave >= 0 && m->process && ioctl(m->slave, TIOCGWINSZ, &size) == 0 &&
				guest_winsize(m->guest, m->process, size.ws_row, size.ws_col) < 0)
				guestlog_say(m->log, "vmrunc: the terminal's new size was lost");
			continue;
		}
		/* a sender of kill(2) gets no answer: a container that is not there yet or any more
		 * loses it */
		if (signal_container(m, signo, false, NULL, NULL, &ignored) < 0 && m->stage < STAGE_CREATED &&
			(signo == SIGTERM || signo == SIGINT))
			finish(m, exit_of_signal(signo));
	}
}

/* create has gone: before READY nobody will ever start or delete this container. */
static void on_report_closed(void *arg, uint32_t events)
{
	struct monitor *m = arg;

	if (!(events & (EPOLLHUP | EPOLLERR)))
		return;
	watch_free(m->report_watch);
	m->report_watch = NULL;
	fd_close(steal_fd(&m->report));
	if (m->stage < STAGE_CREATED)
		finish(m, 1);
}

/* --- setting up --- */

/* Signals that are not the container's: SIGCHLD and SIGPIPE are our own, faults stay deadly. */
static int take_signals(struct monitor *m, struct err *err)
{
	static const int ours[] = { SIGCHLD, SIGPIPE, SIGTTIN, SIGTTOU };
	sigset_t set;

	(void)sigfillset(&set);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		(void)sigdelset(&set, ours[i]);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGTTIN, SIG_IGN) == SIG_ERR ||
		signal(SIGTTOU, SIG_IGN) == SIG_ERR || sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return err_sys(err, errno, "cannot block signals");
	m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return m->signal_fd < 0 ? err_sys(err, errno, "signalfd") : 0;
}

/* Every open file of the guest is one of ours. */
static void raise_nofile(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* fewer open files then */
	}
}

/* The container's terminal; its slave replaces create's standard streams. */
static int make_terminal(struct monitor *m, struct err *err)
{
	const struct spec_process *p = m->job->spec->process;
	struct winsize size = { .ws_row = 0 };

	if (!p->terminal)
		return 0;
	if (p->console_size) {
		size.ws_row = (unsigned short)p->console_size->height;
		size.ws_col = (unsigned short)p->console_size->width;
	}
	return terminal_make(m->job->console_fd, &size, &m->slave, err);
}

/*
 * The hooks of create, in their order: create runs those of the host while this
 * process waits, with the mount tree built and not entered. The guest boots after
 * them: nothing of it runs before the jail, and the jail is a pivot that hooks come before.
 */
static int run_hooks(struct monitor *m, struct err *err)
{
	const struct monitor_job *job = m->job;
	const struct hook_place place = { .dir = job->rootfs, .mount_ns = job->ns->fd[SPEC_NS_MOUNT], .cancel_fd = -1 };
	struct state as_seen_here = *job->state;

	if (!hooks_at_create(job->spec))
		return 0;
	tell(m, REPORT_BUILT, NULL);
	if (report_wait_go(m->report) < 0)
		return err_set(err, ECANCELED, "create has gone");
	as_seen_here.pid = getpid();
	return hooks_run(
		&job->spec->hooks->create_container, "createContainer", &as_seen_here, STATUS_CREATING, &place, err);
}

static int enter_jail(struct monitor *m, struct err *err)
{
	struct monitor_job *job = m->job;
	bool own_mounts = job->ns->fresh[SPEC_NS_MOUNT];
	struct jail_root *root = NULL;
	int r = 0;

	if (own_mounts)
		r = jail_build(job->spec, job->rootfs, job->binds, m->own_pids, &root, err);
	else
		binds_close_jail(job->binds);
	if (r == 0)
		r = run_hooks(m, err);
	if (r == 0)
		r = own_mounts ? jail_pivot(root, err) : jail_chroot(job->ns->fd[SPEC_NS_MOUNT], err);
	jail_root_free(root);
	if (r == 0 && job->ns->user_fd >= 0)
		r = jail_enter_user(job->ns->user_fd, err);
	if (r == 0)
		r = jail_drop(err);
	if (r == 0)
		r = jail_seccomp(m->vm, err);
	return r;
}

/* Everything that needs the host's paths, then the jail. */
static int build(struct monitor *m, struct err *err)
{
	struct monitor_job *job = m->job;
	int r = 0;

	raise_nofile();
	if (job->ns->fresh[SPEC_NS_MOUNT])
		r = jail_enter_mounts(m->own_pids, err);
	if (r < 0)
		return r;
	job->vm->proc_fd = m->proc_fd = jail_open_fds(err);
	if (m->proc_fd < 0)
		return m->proc_fd;
	job->vm->user_ns_fd = job->ns->user_fd;
	m->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (m->null_fd < 0)
		return err_sys(err, errno, "cannot open /dev/null");
	r = guestlog_new(job->log_fd, job->log_max, &m->log);
	if (r < 0)
		return err_sys(err, r, "guest log");
	job->vm->log = m->log;
	timeline_mark(job->timeline, "host-set-up");
	r = vm_new(job->vm, &m->vm, err);
	if (r == 0)
		r = binds_share(job->binds, m->vm, err);
	if (r == 0)
		r = make_terminal(m, err);
	if (r == 0)
		r = enter_jail(m, err);
	timeline_mark(job->timeline, "jailed");
	return r;
}

/* The loop and all that it serves. */
static int assemble(struct monitor *m, struct err *err)
{
	const struct guest_events guest_events = {
		.on_ready = on_guest_ready,
		.on_exited = on_exited,
		.on_log = on_guest_log,
		.on_stream_broken = on_stream_broken,
		.on_closed = on_guest_closed,
		.arg = m,
	};
	const struct vm_events vm_events = { .on_exit = on_vm_exit, .on_mark = on_vm_mark, .arg = m };
	int r = loop_new(&m->loop);

	if (r == 0)
		r = guestlog_watch(m->log, m->loop);
	if (r == 0)
		r = control_new(m->loop, m->job->listen_fd, on_control, m, &m->control);
	if (r == 0)
		r = watch_new(m->loop, m->signal_fd, EPOLLIN, on_signal, m, &m->signal_watch);
	if (r == 0)
		r = watch_new(m->loop, m->report, 0, on_report_closed, m, &m->report_watch);
	if (r == 0)
		r = timer_new(m->loop, BOOT_TIMEOUT_MS, on_boot_timeout, m, &m->boot_timer);
	if (r < 0)
		return err_sys(err, r, "cannot set up the monitor's loop");
	r = vm_start(m->vm, m->loop, &vm_events, err);
	if (r < 0)
		return r;
	r = guest_new(m->loop, vm_channel_fd(m->vm), &guest_events, &m->guest, err);
	if (r == 0)
		guest_use_proc(m->guest, m->proc_fd);
	return r;
}

_Noreturn void monitor_main(struct monitor_job *job, int report)
{
	struct monitor m = { .job = job, .report = report, .signal_fd = -1, .slave = -1, .null_fd = -1, .proc_fd = -1 };
	struct err err = ERR_INIT;
	int r;

	m.own_pids = ns_other_pids(job->ns);
	r = take_signals(&m, &err);
	if (r == 0)
		r = build(&m, &err);
	if (r == 0)
		r = assemble(&m, &err);
	if (r == 0)
		r = loop_run(m.loop);
	else
		tell(&m, REPORT_FAILED, &err);
	if (r < 0 && m.stage != STAGE_OVER)
		m.exit_status = 255;
	m.stage = STAGE_OVER;
	guest_free(m.guest);
	vm_free(m.vm);
	guestlog_free(m.log);
	/* the word that is there has its length: overwriting it needs nothing; and our end says the
	 * same */
	if (state_status_write(job->status_fd, STATUS_STOPPED) < 0)
		m.exit_status = m.exit_status ? m.exit_status : 255;
	control_free(m.control);
	_exit(m.exit_status);
}
