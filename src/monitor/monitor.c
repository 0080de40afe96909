/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's life: see monitor.h for the drawing. What comes from the guest has been checked by src/guest; here it
 * only moves the monitor and its members from one stage to the next.
 */
#include "monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/sig.h"
#include "base/fd.h"
#include "base/loop.h"
#include "guest/guest.h"
#include "jail/jail.h"
#include "monitor/commands.h"
#include "monitor/enclose.h"
#include "monitor/forgetting.h"
#include "monitor/member.h"
#include "monitor/network.h"
#include "monitor/oomsign.h"
#include "monitor/procview.h"
#include "monitor/tmpview.h"
#include "monitor/reporter.h"
#include "vm/choose/choose.h"
#include "vm/guestlog.h"

/* Lines of the guest's log in the error of a guest that died. */
#define LAST_WORDS 6
/* Containers in the VM. */
#define MEMBERS_MAX 1
/* The exit status of a monitor whose first member left none. */
#define EXIT_NO_STATUS 255
/* A machine that has not ended by then is held by something that may take any time. */
#define END_MS 2000

enum stage { STAGE_BOOTING, STAGE_SERVING, STAGE_OVER };

struct monitor {
	struct monitor_job *job;
	struct loop *loop;
	struct vm *vm;
	struct guest *guest;
	struct guestlog *log;
	struct commands commands;
	struct network *network; /* NULL: the container has none of its own */
	enum stage stage;
	struct member *members[MEMBERS_MAX]; /* [0]: the one that the process stands for */
	size_t members_len;
	struct reporter reporter;
	int signal_fd;
	int null_fd; /* /dev/null, opened before the jail */
	int proc_fd; /* jail_open_fds() */
	int exit_status;
	struct forgetting forgetting;
	struct enclose_view view;
	struct procview *procview; /* NULL: nothing is served there */
	struct enclose_tmpfs tmpfs;
	struct tmpview *tmpview; /* NULL: likewise */
	bool oom;                /* the guest's OOM killer has struck in a container */
	int oom_fd;              /* oomsign_start() */
	struct watch *signal_watch, *boot_timer;
};

static struct member *member_of(const struct monitor *m, uint32_t process)
{
	for (size_t i = 0; i < m->members_len; i++) {
		if (member_has_process(m->members[i], process))
			return m->members[i];
	}
	return NULL;
}

/* --- the end --- */

/* Ends all members. @err: why, if the reason is an error; else NULL. */
static void over(struct monitor *m, const struct err *err)
{
	m->stage = STAGE_OVER;
	m->commands.serving = false;
	for (size_t i = 0; i < m->members_len; i++)
		member_end(m->members[i], err);
}

/* The end in order: loop_run() returns. */
static void finish(struct monitor *m, int exit_status)
{
	over(m, NULL);
	m->exit_status = exit_status;
	loop_stop(m->loop);
}

/* The VM, the agent or the channel has failed: @err is what create, the log and who waits for a start are told. */
static void fail(struct monitor *m, const struct err *err)
{
	int exit_status = m->stage == STAGE_BOOTING && err->exit_status ? err->exit_status : EXIT_NO_STATUS;

	if (m->stage == STAGE_OVER)
		return;
	guestlog_say(m->log, "vmrunc: %s", err->msg);
	reporter_tell(&m->reporter, REPORT_FAILED, err);
	over(m, err);
	finish(m, exit_status);
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
	struct err err = ERR_INIT;
	struct monitor *m = arg;

	guestlog_say(m->log, "agent: %s: %s", level < ARRAY_LEN(names) ? names[level] : "?", text);
	/* while the container is being made: what it lacks */
	if (level == PROTO_LOG_WARN && m->stage == STAGE_BOOTING && !m->boot_timer &&
		err_set(&err, EOPNOTSUPP, "%s", text) < 0)
		reporter_tell(&m->reporter, REPORT_WARNING, &err);
}

static void on_stream_broken(void *arg, uint32_t process, const char *text)
{
	struct member *member = member_of(arg, process);

	if (member)
		member_stream_broken(member, process, text);
}

/* The guest's OOM killer has struck in the container. */
static void tell_oom(struct monitor *m)
{
	struct err err = ERR_INIT;

	if (oomsign_explain(m->job->spec, m->job->vm->mem_bytes, &err) == 0)
		return;
	guestlog_say(m->log, "vmrunc: %s", err.msg);
	reporter_tell(&m->reporter, REPORT_NOTICE, &err);
}

static void on_exited(void *arg, uint32_t process, int status, bool oom)
{
	struct member *member = member_of(arg, process);

	if (member && oom) {
		((struct monitor *)arg)->oom = true;
		tell_oom(arg);
	}
	if (member)
		member_exited(member, process, status, oom);
}

/* The host has changed files that the guest may have cached. */
static void on_stale(void *arg)
{
	struct monitor *m = arg;

	if (m->stage == STAGE_OVER)
		return;
	m->forgetting.vm = m->vm;
	m->forgetting.guest = m->guest;
	forgetting_go(&m->forgetting);
}

/* The shares are mounted in the guest: the first container can be made. */
static void on_sandbox(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct monitor *m = arg;
	struct err failed = *err;

	(void)payload;
	(void)len;
	if (m->stage == STAGE_OVER)
		return;
	watch_free(m->boot_timer);
	m->boot_timer = NULL;
	if (failed.errnum == 0)
		timeline_mark(m->job->timeline, "shares-mounted");
	if (failed.errnum || member_create(m->members[0], m->loop, m->guest, &failed) < 0)
		fail(m, &failed);
}

/* The agent answers. */
static void on_ready(void *arg, const struct proto_hello *hello)
{
	struct monitor *m = arg;
	struct utsname host;
	/* a container without a name has that of the UTS namespace where it was started, or which it joins */
	struct guest_sandbox sandbox = {
		.hostname = uname(&host) == 0 ? host.nodename : "",
		.lock_kinds = m->job->vm->engine == VM_ENGINE_KVM,
	};
	struct err err = ERR_INIT;

	guestlog_say(m->log, "vmrunc: the agent answers after %llu ms of kernel %s",
		(unsigned long long)(hello->uptime_us / 1000), hello->kernel);
	timeline_mark(m->job->timeline, "agent-ready");
	if (m->stage != STAGE_OVER && guest_sandbox(m->guest, &sandbox, on_sandbox, m, &err) < 0)
		fail(m, &err);
}

static void on_boot_timeout(void *arg)
{
	fail_guest(arg, "it did not boot in time");
}

/* --- the members --- */

/* The container stands ready: from here on the monitor needs neither create nor its streams. */
static void on_member_created(void *arg, struct member *member)
{
	struct monitor *m = arg;

	(void)member;
	m->stage = STAGE_SERVING;
	m->commands.serving = true;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)dup2(m->null_fd, fd); /* cannot fail: both are open */
	if (reporter_ready(&m->reporter) < 0)
		finish(m, 1);
}

static void on_member_ended(void *arg, struct member *member, int exit_status)
{
	(void)member;
	finish(arg, exit_status);
}

static void on_member_failed(void *arg, struct member *member, const struct err *err)
{
	(void)member;
	fail(arg, err);
}

static void on_member_silence(void *arg, struct member *member, bool killed)
{
	struct monitor *m = arg;

	(void)member;
	if (!killed) {
		fail_guest(m, "its agent does not answer");
		return;
	}
	guestlog_say(m->log, "vmrunc: the guest does not carry out SIGKILL: its virtual machine is ended");
	finish(m, exit_of_signal(SIGKILL));
}

static void on_member_warning(void *arg, struct member *member, const struct err *err)
{
	(void)member;
	reporter_tell(&((struct monitor *)arg)->reporter, REPORT_WARNING, err);
}

/* --- signals, and the end of create --- */

/*
 * A signal was sent to this process: it is the first member's. The sender of a kill(2) gets no answer, so a container
 * that is not there yet, or any more, loses it; but one that is still being made can be given up.
 */
static void on_signal(void *arg, uint32_t events)
{
	struct monitor *m = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(m->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int signo = (int)info.ssi_signo;
		struct err ignored;

		if (signo == SIGWINCH) {
			for (size_t i = 0; i < m->members_len; i++)
				member_resize(m->members[i]);
		}
		if (!sig_is_meant(&info))
			continue;
		if (member_signal(m->members[0], signo, false, NULL, &ignored) < 0 && m->stage == STAGE_BOOTING &&
			(signo == SIGTERM || signo == SIGINT))
			finish(m, exit_of_signal(signo));
	}
}

/* create has gone before READY: nobody will ever start or delete this container. */
static void on_create_gone(void *arg)
{
	struct monitor *m = arg;

	if (m->stage != STAGE_OVER)
		finish(m, 1);
}

/* --- setting up --- */

/* Every open file of the guest is one of ours. */
static void raise_nofile(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* if this fails, the guest can open fewer files */
	}
}

/* The first member, whose streams are create's. */
static int make_first(struct monitor *m, struct err *err)
{
	const struct monitor_job *job = m->job;
	const struct member_config config = {
		.container = guest_translation_container(job->translation),
		.process = job->spec->process,
		.stdio = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
		.sockets = job->sockets,
		.console_fd = job->console_fd,
		.status_fd = job->status_fd,
		.log = m->log,
		.timeline = job->timeline,
	};
	const struct member_events events = {
		.on_created = on_member_created,
		.on_ended = on_member_ended,
		.on_failed = on_member_failed,
		.on_silence = on_member_silence,
		.on_warning = on_member_warning,
		.arg = m,
	};
	int r = member_new(&config, &events, &m->members[0], err);

	if (r == 0)
		m->members_len = 1;
	return r;
}

/* Everything that needs the host's paths, then the jail. */
static int build(struct monitor *m, struct err *err)
{
	struct monitor_job *job = m->job;
	struct landlock landlock = LANDLOCK_NONE;
	sigset_t all;
	int r;

	sig_fill(&all); /* those that somebody sends are the container's; faults stay deadly */
	m->signal_fd = sig_open(SIG_SETMASK, &all);
	r = m->signal_fd < 0 ? err_sys(err, m->signal_fd, "cannot receive signals") : 0;

	m->oom_fd = oomsign_start(
		&job->state->cgroups, job->ns); /* without it an engine does not see that memory ran out */
	if (r == 0)
		r = enclose_mounts(job, err);
	if (r < 0)
		return r;
	raise_nofile();
	job->vm->proc_fd = m->proc_fd = jail_open_fds(err);
	if (m->proc_fd < 0)
		return m->proc_fd;
	job->vm->owners = job->ns->user_fd >= 0 ? &job->ns->owners : NULL;
	m->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (m->null_fd < 0)
		return err_sys(err, errno, "cannot open /dev/null");
	r = guestlog_new(job->log_fd, job->log_max, &m->log);
	if (r < 0)
		return err_sys(err, r, "cannot make the guest's log");
	job->vm->log = m->log;
	m->forgetting = (struct forgetting){ .log = m->log, .binds = job->binds, .sockets = job->sockets };
	r = network_new(job, &m->network, err);
	if (r < 0)
		return r;
	timeline_mark(job->timeline, "host-set-up");
	r = vm_new(job->vm, &m->vm, err);
	if (r == 0)
		r = landlock_new(&landlock, err);
	if (r == 0)
		r = binds_share(job->binds, job->spec, job->vm->files, &landlock, m->vm, err);
	if (r == 0)
		r = make_first(m, err);
	landlock_enforce(&landlock);
	if (r == 0)
		r = enclose(job, m->vm, m->reporter.sock, &m->view, &m->tmpfs, err);
	timeline_mark(job->timeline, "jailed");
	return r;
}

/* As commands.h has it: the machine cannot go on. */
static void on_broken(void *arg, const struct err *err)
{
	fail(arg, err);
}

/* Likewise: it stands still, and no reader on the host waits for it. */
static void on_paused(void *arg)
{
	const struct monitor *m = arg;

	procview_abandon(m->procview);
	tmpview_abandon(m->tmpview);
}

/* From here on commands are answered; those that need the guest say so until it stands ready. */
static int listen_to_commands(struct monitor *m)
{
	m->commands = (struct commands){
		.id = m->job->id,
		.loop = m->loop,
		.vm = m->vm,
		.log = m->log,
		.network = m->network,
		.members = m->members,
		.members_len = m->members_len,
		.on_broken = on_broken,
		.on_paused = on_paused,
		.arg = m,
	};
	return commands_listen(&m->commands, m->job->listen_fd);
}

/* Engines find the container's processes at /proc; a host without FUSE has this process there, which is no error. */
static int show_processes(struct monitor *m)
{
	const struct procview_config config = {
		.fd = m->view.fd,
		.pid_ns = m->view.pid_ns,
		.container = guest_translation_container(m->job->translation),
		.commands = &m->commands,
		.loop = m->loop,
	};

	if (m->view.fd >= 0)
		return procview_new(&config, &m->procview);
	if (m->view.why.errnum)
		guestlog_say(m->log, "vmrunc: engines see none of the container's processes: %s", m->view.why.msg);
	return 0;
}

/* And those of its tmpfs that can be shown at their places. */
static int show_tmpfs(struct monitor *m)
{
	const struct tmpview_config config = {
		.fds = m->tmpfs.fds,
		.len = m->tmpfs.len,
		.cid = guest_translation_container(m->job->translation)->cid,
		.commands = &m->commands,
		.loop = m->loop,
	};

	return m->tmpfs.len ? tmpview_new(&config, &m->tmpview) : 0;
}

/* The loop and all that it serves. From vm_start() on the guest runs. */
static int assemble(struct monitor *m, struct err *err)
{
	const struct guest_events guest_events = {
		.on_ready = on_ready,
		.on_exited = on_exited,
		.on_log = on_guest_log,
		.on_stream_broken = on_stream_broken,
		.on_closed = on_guest_closed,
		.arg = m,
	};
	const struct vm_events vm_events = {
		.on_exit = on_vm_exit, .on_mark = on_vm_mark, .on_stale = on_stale, .arg = m
	};
	int r = loop_new(&m->loop);

	if (r == 0)
		r = guestlog_watch(m->log, m->loop);
	if (r == 0)
		r = listen_to_commands(m);
	if (r == 0)
		r = show_processes(m);
	if (r == 0)
		r = show_tmpfs(m);
	if (r == 0)
		r = watch_new(m->loop, m->signal_fd, EPOLLIN, on_signal, m, &m->signal_watch);
	if (r == 0)
		r = reporter_watch(&m->reporter, m->loop, on_create_gone, m);
	if (r == 0)
		r = timer_new(m->loop, m->job->boot_ms, on_boot_timeout, m, &m->boot_timer);
	if (r < 0)
		return err_sys(err, r, "cannot set up the monitor's loop");
	r = vm_start(m->vm, m->loop, &vm_events, err);
	if (r == 0)
		r = jail_seccomp_loop(err); /* all threads run */
	if (r < 0)
		return r;
	r = guest_new(m->loop, vm_channel_fd(m->vm), &guest_events, &m->guest, err);
	m->commands.guest = m->guest;
	if (r == 0)
		guest_use_proc(m->guest, m->proc_fd);
	if (r == 0)
		r = network_follow(m->network, m->loop, m->guest, m->log, err);
	return r;
}

/*
 * Ends the machine, and waits for as long as that takes. Where that is long, since QEMU cannot end while a file system of a
 * volume does not answer, the container has stopped all the same: commands that see it do not ask here, where nobody answers.
 */
static void end_machine(struct monitor *m)
{
	if (m->vm && !vm_end(m->vm, END_MS)) {
		guestlog_say(m->log,
			"vmrunc: the machine's process cannot end: does the file system of a volume not answer?");
		for (size_t i = 0; i < m->members_len; i++)
			(void)!member_stopped(m->members[i]); /* it is said again below */
	}
	vm_free(m->vm);
}

_Noreturn void monitor_main(struct monitor_job *job, int report)
{
	struct monitor m = {
		.job = job, .signal_fd = -1, .null_fd = -1, .proc_fd = -1, .oom_fd = -1, .view = { .fd = -1 }
	};
	struct err err = ERR_INIT;
	int r;

	reporter_init(&m.reporter, report);
	r = build(&m, &err);
	if (r == 0)
		r = assemble(&m, &err);
	if (r == 0)
		r = loop_run(m.loop);
	else
		reporter_tell(&m.reporter, REPORT_FAILED, &err);
	if (r < 0 && m.stage != STAGE_OVER)
		m.exit_status = EXIT_NO_STATUS;
	over(&m, NULL);
	guest_free(m.guest);
	procview_free(m.procview);
	tmpview_free(m.tmpview);
	end_machine(&m);
	if (m.oom)
		oomsign_give(m.oom_fd);
	guestlog_free(m.log);
	for (size_t i = 0; i < m.members_len; i++) {
		if (member_stopped(m.members[i]) < 0 && m.exit_status == 0)
			m.exit_status = EXIT_NO_STATUS;
	}
	commands_done(&m.commands);
	network_free(m.network);
	_exit(m.exit_status);
}
