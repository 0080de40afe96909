/* SPDX-License-Identifier: Apache-2.0 */
/* Running one hook: see hook.h. */
#include "base/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit.h"
#include "base/fd.h"
#include "base/text.h"
#include "base/sig.h"

#define WORDS_MAX 512 /* bytes of a hook's standard error, its last ones, that an error quotes */

/*
 * How often the standard error of a hook that has ended is read, at most: for all that a pipe holds (pipe-max-size). A
 * child that the hook has left may go on writing.
 */
#define LAST_READS_MAX (1024 * 1024 / WORDS_MAX)

#define CLOSE_RANGE_CLOEXEC_FLAG (1u << 2) /* CLOSE_RANGE_CLOEXEC of linux/close_range.h, which musl need not have */

struct hook_process {
	pid_t pid;
	int pidfd;
	int in;  /* our end of its standard input; -1: all is written */
	int err; /* our end of its standard error; -1: the end has come */
	size_t words_len;
	char words[WORDS_MAX]; /* what it has said there, NUL-terminated */
};

/* --- the child --- */

/* Gives the hook its standard streams. 0 or -errno. */
static int set_stdio(const struct hook *hook, int in, int err)
{
	/* if @err is 0 or 1, the first two dup2(2) would overwrite it */
	if (err <= STDERR_FILENO && (err = fcntl(err, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) < 0)
		return -errno;
	if (dup2(in, STDIN_FILENO) < 0 || dup2(hook->null_fd, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		return -errno;
	return 0;
}

/* In the child: becomes the hook. If that fails, the reason goes to the standard error that the hook would have. */
static _Noreturn void become(const struct hook *hook, int in, int err_fd)
{
	static char *const nothing[] = { NULL };
	char *const alone[] = { (char *)(uintptr_t)hook->path, NULL }; /* execve(2) takes it so */
	char *const *args = hook->args ? hook->args : alone;
	char *const *env = hook->env ? hook->env : nothing;
	struct err err = ERR_INIT;
	char magic[] = "";

	sig_reset();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || set_stdio(hook, in, err_fd) < 0 ||
		syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC_FLAG) < 0 ||
		/* not CLOEXEC: if it is a script, its interpreter opens it as /dev/fd/N */
		(hook->exec_fd >= 0 && fcntl(hook->exec_fd, F_SETFD, 0) < 0)) {
		perror("vmrunc: hook");
		_exit(127);
	}
	if (hook->prepare && hook->prepare(hook->arg, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		_exit(127);
	}
	if (hook->exec_fd >= 0)
		(void)syscall(SYS_execveat, hook->exec_fd, magic, args, env, AT_EMPTY_PATH);
	else
		(void)execve(hook->path, args, env);
	(void)fprintf(stderr, "%s: %s\n", hook->path, strerror(errno));
	_exit(127);
}

/* --- the parent --- */

/* Forks the hook and fills @p; finish() is to be called in any case. 0 or -errno. */
static int start(const struct hook *hook, struct hook_process *p)
{
	int in[2], err[2];

	if (pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(err, O_CLOEXEC) < 0) {
		int r = -errno;

		fd_close(in[0]);
		fd_close(in[1]);
		return r;
	}
	(void)fflush(NULL);
	p->pid = fork();
	if (p->pid == 0)
		become(hook, in[0], err[1]);
	fd_close(in[0]);
	fd_close(err[1]);
	p->in = in[1];
	p->err = err[0];
	if (p->pid < 0)
		return -errno;
	p->pidfd = fd_open_pid(p->pid);
	return p->pidfd < 0 ? p->pidfd : fd_set_nonblock(p->in, 1);
}

/* Reads once from the hook's standard error; when the buffer is full, the oldest bytes make room. */
static void take_words(struct hook_process *p)
{
	char text[WORDS_MAX];
	ssize_t n = read(p->err, text, sizeof(text));

	if (n <= 0) {
		fd_close(steal_fd(&p->err));
		return;
	}
	if (p->words_len + (size_t)n >= sizeof(p->words)) {
		size_t excess = p->words_len + (size_t)n - (sizeof(p->words) - 1);

		excess = MIN(excess, p->words_len);
		memmove(p->words, p->words + excess, p->words_len - excess);
		p->words_len -= excess;
		n = MIN(n, (ssize_t)(sizeof(p->words) - 1 - p->words_len));
	}
	memcpy(p->words + p->words_len, text, (size_t)n);
	p->words_len += (size_t)n;
	p->words[p->words_len] = '\0';
}

/* Writes @state to the hook and reads its words until it ends: 0, -ETIMEDOUT, -EINTR or another -errno. */
static int attend(struct hook_process *p, const char *state, int cancel_fd, int64_t deadline)
{
	size_t len = strlen(state), sent = 0;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = p->pidfd, .events = POLLIN },
			{ .fd = p->err, .events = POLLIN },
			{ .fd = p->in, .events = POLLOUT },
			{ .fd = cancel_fd > 0 ? cancel_fd : -1, .events = POLLIN },
		};
		int64_t left = deadline < 0 ? -1 : MAX(deadline - clock_now_ms(), 0);

		if (poll(fds, ARRAY_LEN(fds), (int)MIN(left, INT32_MAX)) < 0) {
			if (errno != EINTR)
				return -errno;
			continue;
		}
		if (fds[1].revents)
			take_words(p);
		if (p->in >= 0 && fds[2].revents) {
			ssize_t n = write(p->in, state + sent, len - sent);

			/* a hook that has closed its input did not want the rest */
			sent = n > 0 ? sent + (size_t)n : n < 0 && errno == EAGAIN ? sent : len;
			if (sent == len)
				fd_close(steal_fd(&p->in));
		}
		if (fds[0].revents)
			return 0;
		if (fds[3].revents)
			return -EINTR;
		if (left == 0)
			return -ETIMEDOUT;
	}
}

/* Makes one line of what the hook has written, without control characters. */
static void tidy_words(struct hook_process *p)
{
	while (p->words_len && p->words[p->words_len - 1] == '\n')
		p->words[--p->words_len] = '\0';
	text_clean(p->words, p->words_len);
}

/* Waits for the hook, which is killed before if @force. Returns its status, as wait(2) gives it. */
static int finish(struct hook_process *p, bool force)
{
	struct pollfd fd = { .events = POLLIN };
	int status = 0;

	if (p->pid > 0) {
		if (force)
			(void)kill(p->pid, SIGKILL); /* our unreaped child: the pid is its own */
		(void)exit_wait(p->pid, &status);
		/* reads what is in the pipe by now; children of the hook that hold it open are not waited for */
		for (int i = 0; i < LAST_READS_MAX && p->err >= 0 && (fd.fd = p->err, poll(&fd, 1, 0)) > 0; i++)
			take_words(p);
	}
	fd_close(p->pidfd);
	fd_close(p->in);
	fd_close(p->err);
	tidy_words(p);
	return status;
}

/* Says in @err what became of the hook: @r is attend()'s result, @status what wait(2) gave. 0 or -errno. */
static int judge(const struct hook *hook, const struct hook_process *p, int r, int status, struct err *err)
{
	if (r == -ETIMEDOUT)
		return err_set(err, ETIMEDOUT, "%s: \"%s\" did not end within %lld s", hook->what, hook->path,
			(long long)hook->timeout_s);
	if (r == -EINTR)
		return err_set(err, EINTR, "%s: \"%s\" was interrupted", hook->what, hook->path);
	if (r < 0)
		return err_sys(err, r, "%s: cannot run \"%s\"", hook->what, hook->path);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return err_set(err, ECANCELED, "%s: \"%s\" was killed by its seccomp filter: bad system call",
			hook->what, hook->path);
	if (status != 0)
		return err_set(err, ECANCELED, "%s: \"%s\" %s %d%s%s", hook->what, hook->path,
			WIFSIGNALED(status) ? "was killed by signal" : "failed with exit status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), *p->words ? ": " : "", p->words);
	return 0;
}

int hook_run(const struct hook *hook, struct err *err)
{
	struct hook_process p = { .pidfd = -1, .in = -1, .err = -1 };
	int64_t deadline = hook->timeout_s > 0 ? clock_now_ms() + hook->timeout_s * 1000 : -1;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	int r, status;

	if (sigaction(SIGPIPE, &ignore, &before) < 0)
		return err_sys(err, errno, "%s: cannot run \"%s\"", hook->what, hook->path);
	r = start(hook, &p);
	if (r == 0)
		r = attend(&p, hook->state, hook->cancel_fd, deadline);
	status = finish(&p, r < 0);
	(void)sigaction(SIGPIPE, &before, NULL); /* cannot fail: it was so before */
	return judge(hook, &p, r, status, err);
}
