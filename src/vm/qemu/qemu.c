/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The qemu engine: the machine of vm.h by qemu-system-x86_64 -M microvm.
 *
 *   vm_new        stager and QEMU are forked; QEMU starts up while the caller goes on
 *   vm_share_add  the stager mounts
 *   vm_start      QEMU's greeting is awaited, QEMU is locked into the stage, `cont` is sent
 *   running       events SHUTDOWN, STOP; the pidfd says that QEMU is gone
 *   vm_pause      `stop` is sent, and its reply awaited; vm_resume() does the same with `cont`. If no reply comes in time,
 *                 the other one of the two is sent behind it, since QEMU will carry out the first one later
 *   vm_free       SIGKILL and reap, at any point
 *
 * How the end of a guest shows (QEMU has -no-reboot): an orderly poweroff is the event SHUTDOWN with the reason
 * guest-shutdown; a reboot, a panic (panic=-1) and a triple fault are SHUTDOWN with guest-reset; an internal error of
 * KVM is STOP. QEMU's own death has no event; its last words on stderr are reported. What the guest wrote over 9P is in
 * the host's kernel when SHUTDOWN comes, so QEMU need not end in order.
 *
 * Trust: a guest may break into QEMU. QEMU runs in a mount namespace that holds nothing but the exports (stage.h), with
 * the capabilities of a file server, no_new_privs and its own seccomp filter; what it says over QMP is bounded.
 *
 * Invariants: the main thread alone works here, and QEMU dies with it (PDEATHSIG).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "vm/engine.h"
#include "vm/guestlog.h"
#include "vm/qemu/argv.h"
#include "vm/qemu/process.h"
#include "vm/qemu/program.h"
#include "vm/qemu/qmp.h"
#include "vm/qemu/stage.h"
#include "vm/qemu/tsc.h"

/* QEMU starts in 0.1 s; on a loaded machine that is emulated itself it was seen to take 10 s. */
#define START_TIMEOUT_MS 60000
#define COMMAND_TIMEOUT_MS 30000
#define ANSWER_TIMEOUT_MS 10000   /* of vm_config.answer_ms: vm_pause() promises not to block for longer */
#define SERIAL_REST_MAX (4 * MIB) /* bytes of the console that are still read when the guest has ended */
#define SERIAL_CHUNK 16384        /* bytes of the guest's console taken at a time: a flood does not keep the loop */
#define QMP_TURN 64               /* messages of QEMU's taken at a time, for the same reason */

struct qemu_vm {
	struct vm vm;
	struct stage stage;
	struct qemu_process process;
	struct qmp qmp;
	int agent_fd; /* our end of the channel to the agent */
	uint64_t mem_bytes;
	int serial_fd;        /* our end of the guest's serial port */
	struct guestlog *log; /* borrowed */

	struct watch *qmp_watch, *exit_watch, *stderr_watch, *serial_watch, *late_watch;
	struct vm_events events;
	bool running; /* vm_start() has succeeded, and on_exit was not called yet */
	bool paused;  /* we have sent `stop`, so that the event STOP says nothing new */
	/* of the command behind one that was not answered in time; 0: none. Until its reply, the event STOP is ours as well */
	unsigned int undo_id;
	int answer_ms; /* how long `stop` and `cont` are waited for */
	bool ended;    /* @how and @detail are set */
	enum vm_exit how;
	char detail[ERR_MSG_MAX];

	struct syscall_rule rules[3]; /* no name at the end */
	struct vm_calls calls[3];     /* no names at the end */
};

static struct qemu_vm *qemu_of(struct vm *vm)
{
	return container_of(vm, struct qemu_vm, vm);
}

static void qemu_mark(struct qemu_vm *q, const char *mark)
{
	if (q->events.on_mark)
		q->events.on_mark(q->events.arg, mark);
}

/* Remembers how and why the VM ended; the first reason counts. */
static void qemu_end(struct qemu_vm *q, enum vm_exit how, const char *detail)
{
	if (q->ended)
		return;
	q->ended = true;
	q->how = how;
	(void)snprintf(q->detail, sizeof(q->detail), "%s", detail); /* cutting is meant */
}

static void qemu_end_dead(struct qemu_vm *q)
{
	struct err err = ERR_INIT;

	qemu_process_last_words(&q->process, &err);
	qemu_end(q, VM_EXIT_FAILED, err.msg);
}

/* GUEST: takes an event. A QEMU that the guest has broken into may send any at any time; all they do is end this VM. */
static void qemu_take_event(struct qemu_vm *q, const struct qmp_msg *msg)
{
	if (!strcmp(msg->event, "SHUTDOWN")) {
		if (!strcmp(msg->reason, "guest-shutdown"))
			qemu_end(q, VM_EXIT_POWEROFF, "the guest powered off");
		else if (!strcmp(msg->reason, "guest-reset"))
			qemu_end(q, VM_EXIT_RESET, "guest reset");
		else if (!strcmp(msg->reason, "guest-panic"))
			qemu_end(q, VM_EXIT_RESET, "guest kernel panicked");
		else
			qemu_end(q, VM_EXIT_FAILED, "qemu: shut down from outside");
	} else if (!strcmp(msg->event, "GUEST_PANICKED")) {
		qemu_end(q, VM_EXIT_RESET, "guest kernel panicked");
	} else if (!strcmp(msg->event, "STOP") && !q->paused && !q->undo_id) {
		/* QEMU itself stops a VM on an error of the accelerator only; its stderr says which. */
		qemu_process_read_stderr(&q->process);
		if (q->process.tail_len)
			qemu_end_dead(q);
		else
			qemu_end(q, VM_EXIT_FAILED, "qemu: stopped the guest on an internal error");
	}
}

/*
 * QEMU has not done a command in time, and may do it later: sends it @command, which undoes that, and does not wait. Both are
 * done in the order in which they were sent.
 */
static void qemu_undo(struct qemu_vm *q, const char *command)
{
	int r = qmp_send(&q->qmp, command, &q->undo_id);

	if (r < 0 && r != -EPIPE) /* -EPIPE: it has gone, and its process tells why */
		qemu_end(q, VM_EXIT_FAILED, "qemu: answers no commands, and takes no more of them");
}

/* Takes a reply, if it is the one to qemu_undo(). An internal error makes QEMU refuse to go on. */
static void qemu_take_reply(struct qemu_vm *q, const struct qmp_msg *msg)
{
	if (!q->undo_id || msg->id != q->undo_id)
		return;
	q->undo_id = 0;
	if (msg->kind == QMP_ERROR)
		qemu_end(q, VM_EXIT_FAILED, "qemu: cannot undo what it has not done in time");
}

/*
 * Takes the next message that QEMU has sent, and acts on it unless it is the reply that somebody waits for: 1 with *ret_msg, or
 * 0 if none has come. -errno: QEMU has gone, or sends what is no QMP, which ends the VM.
 */
static int qemu_next(struct qemu_vm *q, struct qmp_msg *ret_msg)
{
	int r = qmp_next(&q->qmp, ret_msg);

	if (r < 0 && r != -EPIPE)
		qemu_end(q, VM_EXIT_FAILED, "qemu: sent something that is not QMP");
	else if (r == 1 && ret_msg->kind == QMP_EVENT)
		qemu_take_event(q, ret_msg);
	else if (r == 1 && (ret_msg->kind == QMP_RETURN || ret_msg->kind == QMP_ERROR))
		qemu_take_reply(q, ret_msg);
	return r;
}

/* Takes what QEMU has sent, @max messages at most; no command is under way. As qemu_next(): 1, there may be more. */
static int qemu_take(struct qemu_vm *q, unsigned int max)
{
	struct qmp_msg msg;
	int r = 1;

	for (; r == 1 && max > 0; max--)
		r = qemu_next(q, &msg);
	return r;
}

/* QEMU has closed its end while somebody waits for it: its last words, which are the VM's, whether it can end or not. -EIO. */
static int qemu_lost(struct qemu_vm *q, struct err *err)
{
	int r = qemu_process_wait_last_words(&q->process, err);

	qemu_end(q, VM_EXIT_FAILED, err->msg);
	return r;
}

/*
 * Waits for the greeting (@id 0) or for the reply to the command @id. While the guest runs, nothing else of the loop is
 * served meanwhile; what ends the VM is remembered, and whoever calls has it reported by on_late().
 */
static int qemu_await(struct qemu_vm *q, unsigned int id, int timeout_ms, struct err *err)
{
	int64_t deadline = clock_now_ms() + timeout_ms;
	bool speaks = q->process.stderr_fd >= 0;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = q->qmp.fd, .events = POLLIN },
			{ .fd = q->process.stderr_fd, .events = POLLIN },
		};
		struct qmp_msg msg;
		int64_t left = deadline - clock_now_ms();
		int r = qemu_next(q, &msg);

		if (r == -EPIPE)
			return qemu_lost(q, err);
		if (r < 0)
			return err_sys(err, r, "qemu: its control socket");
		if (r == 1 && msg.kind == QMP_GREETING && id == 0)
			return 0;
		if (r == 1 && msg.id == id && msg.kind == QMP_RETURN)
			return 0;
		if (r == 1 && msg.id == id && msg.kind == QMP_ERROR)
			return err_set(err, EIO, "qemu: %s", msg.text);
		if (left <= 0) /* GUEST: also when a QEMU that it has broken into says other things all the time */
			return err_set(err, ETIMEDOUT, "qemu: no answer in %d s", timeout_ms / 1000);
		if (r == 1)
			continue;
		r = poll(fds, speaks ? 2 : 1, (int)left);
		if (r < 0 && errno != EINTR)
			return err_sys(err, errno, "qemu: poll");
		/* GUEST: a broken QEMU may close its stderr and stay, and poll() would return for that without a pause */
		speaks = speaks && qemu_process_read_stderr(&q->process) == 0;
	}
}

/* Sends @command and waits until QEMU has done it, for @timeout_ms at most. */
static int qemu_command(struct qemu_vm *q, const char *command, int timeout_ms, struct err *err)
{
	unsigned int id;
	int r = qmp_send(&q->qmp, command, &id);

	if (r < 0)
		return err_sys(err, r, "qemu: cannot send \"%s\"", command);
	r = qemu_await(q, id, timeout_ms, err);
	return r < 0 ? err_prefix(err, "%s", command) : 0;
}

/* GUEST: takes what its console says, any bytes, into the log. False: there is nothing more for now. */
static bool qemu_read_serial(struct qemu_vm *q)
{
	char chunk[SERIAL_CHUNK];
	ssize_t n = recv(q->serial_fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (n > 0)
		guestlog_put(q->log, chunk, (size_t)n);
	return n > 0;
}

static void qemu_unwatch(struct qemu_vm *q)
{
	watch_free(q->qmp_watch);
	watch_free(q->exit_watch);
	watch_free(q->stderr_watch);
	watch_free(q->serial_watch);
	watch_free(q->late_watch);
	q->qmp_watch = q->exit_watch = q->stderr_watch = q->serial_watch = q->late_watch = NULL;
}

/* Reports the VM's end, if it has ended. The callback may free @q, so the caller must not touch it any more. */
static void qemu_report(struct qemu_vm *q)
{
	if (!q->running || !q->ended)
		return;
	q->running = false;
	qemu_unwatch(q);
	for (size_t taken = 0; taken < SERIAL_REST_MAX && qemu_read_serial(q); taken += SERIAL_CHUNK)
		guestlog_flush(q->log);
	guestlog_flush(q->log); /* an unfinished line that was there before */
	if (q->how == VM_EXIT_RESET)
		guestlog_explain_reset(q->log, q->detail, sizeof(q->detail));
	q->events.on_exit(q->events.arg, q->how, q->detail);
}

/* The loop's callback: QEMU has sent something, or has closed its end. */
static void on_qmp(void *arg, unused uint32_t events)
{
	struct qemu_vm *q = arg;
	int r = qemu_take(q, QMP_TURN);

	if (r == 1) /* the rest may be in memory, where nothing would wake the loop for it */
		r = timer_set(q->late_watch, 1) < 0 ? -EIO : 0;
	if (r == -EPIPE && q->qmp_watch) {
		/* It is dying: the pidfd will say so, and by then its stderr is complete. */
		watch_free(q->qmp_watch);
		q->qmp_watch = NULL;
	}
	qemu_report(q);
}

/*
 * Takes what came together with the reply to a command: it is not in the socket any more, so nothing would wake the
 * loop.
 */
static void on_late(void *arg)
{
	on_qmp(arg, EPOLLIN);
}

static void on_stderr(void *arg, unused uint32_t events)
{
	struct qemu_vm *q = arg;

	if (qemu_process_read_stderr(&q->process) == 0)
		return;
	watch_free(q->stderr_watch);
	q->stderr_watch = NULL;
}

static void on_serial(void *arg, uint32_t events)
{
	struct qemu_vm *q = arg;

	if (qemu_read_serial(q) || !(events & (EPOLLHUP | EPOLLERR)))
		return;
	watch_free(q->serial_watch);
	q->serial_watch = NULL;
}

static void on_process_exit(void *arg, unused uint32_t events)
{
	struct qemu_vm *q = arg;

	(void)qemu_take(q, UINT_MAX); /* QEMU's last event says more than its exit status; what it has sent ends */
	qemu_process_reap(&q->process);
	qemu_end_dead(q);
	qemu_report(q);
}

static bool qemu_end_process(struct vm *vm, int timeout_ms)
{
	return qemu_process_kill(&qemu_of(vm)->process, timeout_ms);
}

static void qemu_free(struct vm *vm)
{
	struct qemu_vm *q = qemu_of(vm);

	qemu_unwatch(q);
	stage_done(&q->stage);
	qemu_process_done(&q->process);
	qmp_done(&q->qmp);
	fd_close(q->agent_fd);
	fd_close(q->serial_fd);
	free(q);
}

/*
 * Returns @fd, which it takes, if the file may be opened by everybody; else a descriptor of a copy in memory, which nobody
 * can change. QEMU opens its images once more, and is not root in a user namespace. Or -errno with an error.
 */
static int qemu_image_for_all(const char *what, const char *path, int fd, struct err *err)
{
	autoclose int from = fd, to = -1;
	struct stat st;
	ssize_t n;

	if (fstat(from, &st) < 0)
		return err_sys(err, errno, "vm: %s \"%s\"", what, path);
	if (st.st_mode & S_IROTH)
		return steal_fd(&from);
	to = memfd_create(what, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (to < 0)
		return err_sys(err, errno, "vm: %s \"%s\": memfd_create", what, path);
	for (off_t left = st.st_size; left > 0; left -= n) {
		n = sendfile(to, from, NULL, (size_t)left);
		if (n <= 0)
			return err_sys(err, n < 0 ? errno : EIO, "vm: %s \"%s\": cannot copy it", what, path);
	}
	if (fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0 ||
		fchmod(to, 0444) < 0)
		return err_sys(err, errno, "vm: %s \"%s\": cannot seal its copy", what, path);
	return steal_fd(&to);
}

/*
 * Opens @path on a read-only mount of its own: what QEMU gets is open for reading, and cannot be opened again for writing
 * through /proc/self/fd, whoever the file belongs to. All containers boot from the same kernel. An fd or -errno.
 */
static int qemu_open_image(const char *what, const char *path, const struct owner_maps *owners, struct err *err)
{
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	autoclose int clone = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	char again[64];
	int fd;

	if (clone < 0)
		return err_sys(err, errno, "vm: %s \"%s\"", what, path);
	if (mount_setattr(clone, "", AT_EMPTY_PATH, &readonly, sizeof(readonly)) < 0)
		return err_sys(err, errno, "vm: %s \"%s\": cannot make its mount read-only", what, path);
	(void)snprintf(again, sizeof(again), "/proc/self/fd/%d", clone); /* fits */
	fd = open(again, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(err, errno, "vm: %s \"%s\"", what, path);
	return owners ? qemu_image_for_all(what, path, fd, err) : fd;
}

static int qemu_socketpair(int *ret_ours, int *ret_theirs, struct err *err)
{
	int socks[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks) < 0)
		return err_sys(err, errno, "qemu: socketpair");
	*ret_ours = socks[0];
	*ret_theirs = socks[1];
	r = fd_set_nonblock(socks[0], 1);
	return r < 0 ? err_sys(err, r, "qemu: socketpair") : 0;
}

/* Opens what QEMU gets, and forks QEMU. */
static int qemu_launch(struct qemu_vm *q, const struct vm_config *cfg, struct err *err)
{
	struct tsc_sample tsc = tsc_sample();
	autoclose int kernel_fd = -1, initrd_fd = -1, qmp_fd = -1, agent_fd = -1, serial_fd = -1;
	struct qemu_plan plan = { .cfg = cfg };
	struct qemu_rights rights = { .user_ns = -1, .owners = cfg->owners, .files = cfg->files };
	autoclose int user_ns = -1;
	char program[4096];
	int keep[VM_NICS_MAX * VM_NIC_PAIRS_MAX + 5];
	size_t keep_len = 0;
	autofree char **argv = NULL;
	int r = qemu_program_find(cfg->qemu_path, program, sizeof(program));

	if (r < 0)
		return err_sys(err, r, "qemu: cannot run \"%s\" (package qemu-system-x86)",
			cfg->qemu_path ? cfg->qemu_path : "qemu-system-x86_64");
	/* Its file server says the ids of the guest's requests to the host as they are. */
	if (cfg->owners && (user_ns = owners_new_namespace(cfg->owners, true)) < 0)
		return err_sys(err, user_ns, "qemu: cannot make its user namespace");
	if ((kernel_fd = qemu_open_image("kernel", cfg->kernel_path, cfg->owners, err)) < 0)
		return kernel_fd;
	if ((initrd_fd = qemu_open_image("initrd", cfg->initrd_path, cfg->owners, err)) < 0)
		return initrd_fd;
	if ((r = qemu_socketpair(&q->qmp.fd, &qmp_fd, err)) < 0 ||
		(r = qemu_socketpair(&q->agent_fd, &agent_fd, err)) < 0 ||
		(r = qemu_socketpair(&q->serial_fd, &serial_fd, err)) < 0 ||
		(r = stage_open(&q->stage, cfg->runtime_dir, cfg->owners && cfg->kvm_usable, err)) < 0)
		return r;

	plan.program = program;
	plan.kvm = cfg->kvm_usable;
	plan.tsc_khz = cfg->kvm_usable ? 0 : tsc_khz_since(tsc);
	keep[keep_len++] = plan.kernel_fd = kernel_fd;
	keep[keep_len++] = plan.initrd_fd = initrd_fd;
	keep[keep_len++] = plan.qmp_fd = qmp_fd;
	keep[keep_len++] = plan.agent_fd = agent_fd;
	keep[keep_len++] = plan.serial_fd = serial_fd;
	for (unsigned int i = 0; i < cfg->nics_len; i++) {
		for (unsigned int k = 0; k < cfg->nics[i].pairs; k++)
			keep[keep_len++] = cfg->nics[i].fds[k];
	}
	argv = qemu_argv_make(&plan);
	if (!argv)
		return err_sys(err, ENOMEM, "qemu");
	rights.user_ns = user_ns;
	return qemu_process_start(&q->process, argv, keep, keep_len, q->stage.pidfd, cfg->runtime_dir, &rights, err);
}

/* What this room calls from vm_start() on, beside base_syscalls. */
static const char *const qemu_syscalls[] = {
	"poll",     /* qemu_await(), qemu_process_kill(), qemu_process_wait_last_words() */
	"recvfrom", /* [recv] of QMP and of the serial port */
	"sendto",   /* [send] of QMP */
	"wait4",    /* [waitpid] */
	NULL,
};

/* The one signal that is sent from then on: SIGKILL to QEMU or to the stager, by the descriptors that stand for them. */
static void qemu_add_calls(struct qemu_vm *q)
{
	const int pidfds[] = { q->process.pidfd, q->stage.pidfd };

	for (size_t i = 0; i < ARRAY_LEN(pidfds); i++) {
		q->rules[i] = (struct syscall_rule){
			.name = "pidfd_send_signal",
			.tests = { { 0, SYSCALL_INT, (uint32_t)pidfds[i] }, { 1, SYSCALL_INT, SIGKILL } },
		};
	}
	q->calls[0] = (struct vm_calls){ .names = qemu_syscalls, .rules = q->rules };
	q->calls[1] = (struct vm_calls){ .names = guestlog_syscalls };
}

/* vm_new() of this engine (engine.h). */
static int qemu_new(const struct vm_config *cfg, struct vm **ret_vm, struct err *err)
{
	struct qemu_vm *q = calloc(1, sizeof(*q));
	int r;

	if (!q) {
		vm_config_close_fds(cfg);
		return err_sys(err, ENOMEM, "qemu");
	}
	q->vm.ops = &qemu_vm_ops;
	q->stage = (struct stage)STAGE_INIT;
	q->process = (struct qemu_process)QEMU_PROCESS_INIT;
	q->agent_fd = q->serial_fd = -1;
	q->log = cfg->log;
	q->mem_bytes = cfg->mem_bytes;
	q->answer_ms = cfg->answer_ms ? (int)cfg->answer_ms : ANSWER_TIMEOUT_MS;
	qmp_init(&q->qmp, -1);
	r = qemu_launch(q, cfg, err);
	vm_config_close_fds(cfg); /* QEMU has its own copies */
	if (r < 0) {
		qemu_free(&q->vm);
		return r;
	}
	qemu_add_calls(q);
	if (q->process.undump_error)
		guestlog_say(q->log,
			"vmrunc: other processes of root may read QEMU's memory, which could not be made undumpable: %s",
			strerror(-q->process.undump_error));
	*ret_vm = &q->vm;
	return 0;
}

static int qemu_share_add(
	struct vm *vm, enum vm_share share, const char *name, int fd, unsigned int flags, struct err *err)
{
	int r = stage_add(&qemu_of(vm)->stage, share, name, fd, flags, err);

	fd_close(fd);
	return r;
}

static int qemu_channel_fd(const struct vm *vm)
{
	return container_of(vm, const struct qemu_vm, vm)->agent_fd;
}

/* vm_start() of this engine (engine.h). */
static int qemu_start(struct vm *vm, struct loop *loop, const struct vm_events *events, struct err *err)
{
	struct qemu_vm *q = qemu_of(vm);
	int r;

	q->events = *events;
	/*
	 * A thread of QEMU's sends the greeting early. Commands are served when the machine is complete, so the reply
	 * to the first one says that QEMU has opened all that it needs.
	 */
	if ((r = qemu_await(q, 0, START_TIMEOUT_MS, err)) < 0 ||
		(r = qemu_command(q, "qmp_capabilities", COMMAND_TIMEOUT_MS, err)) < 0)
		return r;
	qemu_mark(q, "vm-built");
	if ((r = stage_seal(&q->stage, q->process.pid, err)) < 0)
		return r;
	if ((r = watch_new(loop, q->qmp.fd, EPOLLIN, on_qmp, q, &q->qmp_watch)) < 0 ||
		(r = watch_new(loop, q->process.pidfd, EPOLLIN, on_process_exit, q, &q->exit_watch)) < 0 ||
		(r = watch_new(loop, q->process.stderr_fd, EPOLLIN, on_stderr, q, &q->stderr_watch)) < 0 ||
		(r = watch_new(loop, q->serial_fd, EPOLLIN, on_serial, q, &q->serial_watch)) < 0 ||
		(r = timer_new(loop, 1, on_late, q, &q->late_watch)) < 0)
		return err_sys(err, r, "qemu: event loop");
	if ((r = qemu_command(q, "cont", COMMAND_TIMEOUT_MS, err)) < 0)
		return r;
	qemu_mark(q, "kernel-entered");
	q->running = true;
	return 0;
}

/* Has QEMU stop the guest or continue it, while the VM runs: 0, or -errno with a message, and the guest is as it was. */
static int qemu_set_paused(struct qemu_vm *q, bool paused, struct err *err)
{
	static const char *const commands[] = { "cont", "stop" };
	bool before = q->paused;
	unsigned int id;
	int r;

	if (!q->running || paused == before)
		return q->running ? 0 : err_set(err, ESRCH, "qemu: the virtual machine has ended");
	r = qmp_send(&q->qmp, commands[paused], &id);
	if (r < 0)
		return err_sys(err, r, "qemu: cannot send \"%s\"", commands[paused]);
	q->paused = true; /* the event STOP comes before the reply */
	r = qemu_await(q, id, q->answer_ms, err);
	q->paused = r < 0 ? before : paused;
	if (r < 0 && r != -EIO) /* it has neither refused nor died */
		qemu_undo(q, commands[before]);
	if (timer_set(q->late_watch, 1) < 0)
		guestlog_say(q->log, "vmrunc: qemu: no timer: an event may be seen late");
	return r < 0 ? err_prefix(err, "%s", commands[paused]) : 0;
}

static int qemu_pause(struct vm *vm, struct err *err)
{
	return qemu_set_paused(qemu_of(vm), true, err);
}

static int qemu_resume(struct vm *vm, struct err *err)
{
	return qemu_set_paused(qemu_of(vm), false, err);
}

/* The reply says nothing but whether the guest has a driver; what it does with the wish shows in its memory. */
static int qemu_set_memory(struct vm *vm, uint64_t bytes, struct err *err)
{
	struct qemu_vm *q = qemu_of(vm);
	unsigned int id;
	int r = qmp_send_number(&q->qmp, "balloon", "value", MIN(bytes, q->mem_bytes), &id);

	return r < 0 ? err_sys(err, r, "qemu: cannot send \"balloon\"") : 0;
}

static const struct vm_calls *qemu_calls(const struct vm *vm)
{
	return container_of(vm, const struct qemu_vm, vm)->calls;
}

const struct vm_ops qemu_vm_ops = {
	.name = "qemu",
	.new = qemu_new,
	.share_add = qemu_share_add,
	.channel_fd = qemu_channel_fd,
	.start = qemu_start,
	.pause = qemu_pause,
	.resume = qemu_resume,
	.set_memory = qemu_set_memory,
	.end = qemu_end_process,
	.free = qemu_free,
	.calls = qemu_calls,
};
