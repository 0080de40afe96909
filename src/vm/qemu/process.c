/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The QEMU process: see process.h.
 *
 * Rights: QEMU's 9P server with security_model=passthrough works as root on the exports. So QEMU keeps the capabilities
 * of a file server and no others: none to mount, trace, load modules, bind low ports or change namespaces. Extended
 * attributes trusted.* would need CAP_SYS_ADMIN; the guest does without them.
 */
#include "vm/qemu/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/fd.h"
#include "base/sig.h"
#include "base/text.h"
#include "vm/qemu/filter.h"
#include "vm/qemu/undump.h"

#define LAST_WORDS_MS 1000 /* that a QEMU which has closed its sockets gets to end by itself */
#define KILLED_MS 1000     /* that it gets to be gone when it was killed: see qemu_process_kill() */
#define STDERR_BYTES MIB   /* taken at a time: what a pipe of an unprivileged process holds at most */

static const int file_server_caps[] = {
	CAP_CHOWN,
	CAP_DAC_OVERRIDE,
	CAP_FOWNER,
	CAP_FSETID,
	CAP_MKNOD,
	CAP_SETFCAP,
};

/* QEMU's server has no policy of its own: what it may do to files is what its capabilities let it. */
static bool cap_is_kept(int cap, const struct file_policy *files)
{
	if (files && ((cap == CAP_MKNOD && !files->devices) || (cap == CAP_SETFCAP && !files->file_caps)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(file_server_caps); i++) {
		if (file_server_caps[i] == cap)
			return true;
	}
	return false;
}

/*
 * Bounds the capabilities of the program that is executed next: root gets by execve(2) what is in the bounding set, and
 * the inheritable and ambient sets add nothing to that.
 */
static int process_bound_caps(const struct file_policy *files)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		if (!cap_is_kept(cap, files) && prctl(PR_CAPBSET_DROP, cap) < 0)
			return -errno;
	}
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ? -errno : 0;
}

/* Lets the program that is executed next have the bounded capabilities although its user is not the namespace's root. */
static int process_inherit_caps(const struct file_policy *files)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &header, caps) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_LEN(file_server_caps); i++) {
		if (cap_is_kept(file_server_caps[i], files))
			caps[CAP_TO_INDEX(file_server_caps[i])].inheritable |= CAP_TO_MASK(file_server_caps[i]);
	}
	if (syscall(SYS_capset, &header, caps) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_LEN(file_server_caps); i++) {
		if (cap_is_kept(file_server_caps[i], files) &&
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, file_server_caps[i], 0, 0) < 0)
			return -errno;
	}
	return 0;
}

/* Leaves @keep open for the program that is executed next, and nothing else but the standard streams. */
static int process_keep_fds(int *keep, size_t keep_len)
{
	int r = fd_close_others(keep, keep_len);

	for (size_t i = 0; r == 0 && i < keep_len; i++)
		if (fcntl(keep[i], F_SETFD, 0) < 0)
			r = -errno;
	return r;
}

/* Turns the child, a copy of the monitor, into QEMU. What goes wrong is told on stderr, as QEMU's last words. */
static _Noreturn void process_exec(char *const argv[], int *keep, size_t keep_len, int ns_pidfd, const char *dir,
	const struct qemu_rights *rights, pid_t parent)
{
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", locale[] = "LC_ALL=C";
	char *const env[] = { path, locale, NULL };
	const struct rlimit no_core = { 0, 0 }; /* the guest's memory would be in it */
	const char *what;

	sig_reset();
	what = "cannot join its mount namespace";
	if (setns(ns_pidfd, CLONE_NEWNS) < 0 || chdir(dir) < 0)
		goto fail;
	what = "cannot join its user namespace";
	errno = rights->owners ? -owners_enter(rights->owners, true, rights->user_ns) : 0;
	if (errno)
		goto fail;
	/* This comes after setns(2), which may change the credentials: a change of them clears the signal. */
	what = "cannot follow its parent";
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || (getppid() != parent && getppid() != 0))
		goto fail;
	what = "cannot give up capabilities";
	errno = -process_bound_caps(rights->files);
	if (errno == 0 && rights->owners)
		errno = -process_inherit_caps(rights->files);
	if (errno || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		goto fail;
	what = "cannot forbid core dumps";
	if (setrlimit(RLIMIT_CORE, &no_core) < 0)
		goto fail;
	what = "cannot hand over descriptors";
	errno = -process_keep_fds(keep, keep_len);
	if (errno)
		goto fail;
	what = "cannot load its system call filter";
	errno = -qemu_filter_load();
	if (errno)
		goto fail;
	what = argv[0];
	(void)execve(argv[0], argv, env); /* returns only if it fails */
fail:
	(void)dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno)); /* nobody else to tell */
	_exit(127);
}

/* Sets the child's descriptors 0, 1 and 2. @null_fd or @err_fd may be one of them, if nothing was there before. */
static int process_set_stdio(int null_fd, int err_fd)
{
	if (err_fd <= STDERR_FILENO && (err_fd = fcntl(err_fd, F_DUPFD_CLOEXEC, 3)) < 0)
		return -errno;
	if (null_fd <= STDERR_FILENO && (null_fd = fcntl(null_fd, F_DUPFD_CLOEXEC, 3)) < 0)
		return -errno;
	if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0 || dup2(err_fd, STDERR_FILENO) < 0)
		return -errno;
	return 0;
}

/*
 * The child's first step: it waits until its parent traces it, or has failed to. @word: a pipe, of which the parent
 * closes its end.
 */
static void process_await_parent(int word[2])
{
	char none;

	(void)close(word[1]);
	while (read(word[0], &none, 1) < 0 && errno == EINTR)
		;
}

/* Sees the child through execve(2). @word: the end of the pipe that it waits for, which is closed. */
static void process_see_executed(struct qemu_process *p, int word)
{
	bool ended = false;
	int r = undump_trace(p->pid);

	fd_close(word);
	p->undump_error = r < 0 ? r : undump_executed(p->pid, &ended, &p->status);
	if (ended) {
		p->reaped = true;
		(void)qemu_process_read_stderr(p); /* its last words */
	}
}

int qemu_process_start(struct qemu_process *p, char *const argv[], int *keep, size_t keep_len, int ns_pidfd,
	const char *dir, const struct qemu_rights *rights, struct err *err)
{
	autoclose int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC), err_fd = -1, word_fd = -1;
	pid_t parent = getpid();
	int pipes[2], word[2], r;

	if (null_fd < 0)
		return err_sys(err, errno, "qemu: /dev/null");
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(err, errno, "qemu: pipe");
	p->stderr_fd = pipes[0];
	err_fd = pipes[1];
	if (pipe2(word, O_CLOEXEC) < 0)
		return err_sys(err, errno, "qemu: pipe");
	word_fd = word[0];
	p->pid = fork();
	if (p->pid == 0) {
		process_await_parent(word);
		if (process_set_stdio(null_fd, err_fd) < 0)
			_exit(127);
		process_exec(argv, keep, keep_len, ns_pidfd, dir, rights, parent);
	}
	if (p->pid < 0) {
		r = err_sys(err, errno, "qemu: fork");
		p->pid = 0;
		fd_close(word[1]);
		return r;
	}
	fd_close(steal_fd(&err_fd));
	p->pidfd = fd_open_pid(p->pid);
	r = p->pidfd < 0 ? p->pidfd : fd_set_nonblock(p->stderr_fd, 1);
	if (r < 0) {
		fd_close(word[1]);
		return err_sys(err, r, "qemu: the new process");
	}
	process_see_executed(p, word[1]);
	return 0;
}

/* Kills the process by its descriptor, which stands for no other one ever: the jail lets no pid be killed. */
static void process_kill(const struct qemu_process *p)
{
	if (p->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0); /* it may have ended by itself */
	else
		(void)kill(p->pid, SIGKILL); /* not started in full: before the jail, and our unreaped child */
}

/* Adds to the tail, which keeps the last QEMU_TAIL_MAX bytes. */
static void process_keep_tail(struct qemu_process *p, const char *data, size_t len)
{
	size_t drop = p->tail_len + len > sizeof(p->tail) ? p->tail_len + len - sizeof(p->tail) : 0;

	memmove(p->tail, p->tail + drop, p->tail_len - drop);
	p->tail_len -= drop;
	memcpy(p->tail + p->tail_len, data, len);
	p->tail_len += len;
}

int qemu_process_read_stderr(struct qemu_process *p)
{
	char chunk[QEMU_TAIL_MAX / 4]; /* never more than the tail holds */
	size_t room = STDERR_BYTES;
	ssize_t n;

	if (p->stderr_fd < 0)
		return -EPIPE;
	while ((n = read(p->stderr_fd, chunk, sizeof(chunk))) > 0) {
		process_keep_tail(p, chunk, (size_t)n);
		room -= MIN(room, (size_t)n);
		if (room == 0) /* GUEST: a QEMU that it has broken into may write without an end */
			return 0;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPIPE;
}

void qemu_process_reap(struct qemu_process *p)
{
	if (!p->pid || p->reaped)
		return;
	(void)exit_wait(p->pid, &p->status);
	p->reaped = true;
	(void)qemu_process_read_stderr(p); /* what it wrote is complete now, and it is no news that it is closed */
}

/* Finds the last line of the tail that is not empty, without QEMU's name in front: its length. */
static size_t process_last_line(const struct qemu_process *p, const char **ret_line)
{
	static const char name[] = "qemu-system-x86_64: ";
	const char *end = p->tail + p->tail_len, *line;
	size_t len;

	while (end > p->tail && (end[-1] == '\n' || end[-1] == '\r' || end[-1] == ' '))
		end--;
	for (line = end; line > p->tail && line[-1] != '\n'; line--)
		;
	len = (size_t)(end - line);
	if (len >= sizeof(name) - 1 && !memcmp(line, name, sizeof(name) - 1)) {
		line += sizeof(name) - 1;
		len -= sizeof(name) - 1;
	}
	*ret_line = line;
	return len;
}

int qemu_process_last_words(struct qemu_process *p, struct err *err)
{
	char clean[512];
	const char *line;
	size_t len = MIN(process_last_line(p, &line), sizeof(clean) - 1);

	memcpy(clean, line, len);
	text_clean(clean, len); /* GUEST: a guest may have a say in what QEMU prints */
	clean[len] = '\0';
	if (len)
		return err_set(err, EIO, "qemu: %s", clean);
	if (p->reaped && WIFSIGNALED(p->status))
		return err_set(err, EIO, "qemu: killed by signal %d", WTERMSIG(p->status));
	if (p->reaped)
		return err_set(err, EIO, "qemu: ended with status %d", WEXITSTATUS(p->status));
	return err_set(err, EIO, "qemu: failed, and did not say why");
}

bool qemu_process_kill(const struct qemu_process *p, int timeout_ms)
{
	struct pollfd pfd = { .fd = p->pidfd, .events = POLLIN };

	if (!p->pid || p->reaped)
		return true;
	process_kill(p);
	return p->pidfd < 0 || poll(&pfd, 1, timeout_ms) != 0;
}

int qemu_process_wait_last_words(struct qemu_process *p, struct err *err)
{
	struct pollfd pfd = { .fd = p->pidfd, .events = POLLIN };
	bool ended = poll(&pfd, 1, LAST_WORDS_MS) > 0;

	if (!ended) {
		process_kill(p);
		ended = poll(&pfd, 1, KILLED_MS) > 0;
	}
	if (!ended) /* GUEST: a QEMU that it has broken into may have a thread wait for a file system that hangs */
		return err_set(err, EIO,
			"qemu: has closed its sockets, and cannot end: does the file system of a volume not answer?");
	qemu_process_reap(p);
	return qemu_process_last_words(p, err);
}

void qemu_process_done(struct qemu_process *p)
{
	if (p->pid && !p->reaped) {
		process_kill(p);
		qemu_process_reap(p);
	}
	fd_close(p->pidfd);
	fd_close(p->stderr_fd);
	*p = (struct qemu_process)QEMU_PROCESS_INIT;
}
