/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks on the host: see hooks.h. */
#include "hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "log.h"

/* The end of a hook's stderr goes into the error. */
#define WORDS_MAX 512

struct hook_process {
	pid_t pid;
	int pidfd;
	int in;  /* its standard input */
	int err; /* its standard error */
	size_t words_len;
	char words[WORDS_MAX];
};

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* In the child: becomes the hook. */
static _Noreturn void become(const struct spec_hook *hook, const char *bundle, int in, int err)
{
	static char *const nothing[] = {NULL};
	char *const alone[] = {hook->path, NULL};
	int null = open("/dev/null", O_WRONLY);
	sigset_t none;

	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || signal(SIGPIPE, SIG_DFL) == SIG_ERR ||
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || null < 0 ||
		dup2(in, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
		dup2(err, STDERR_FILENO) < 0 || chdir(bundle) < 0) {
		perror("vmrunc: hook");
		_exit(127);
	}
	(void)execve(hook->path, hook->args.n ? hook->args.v : alone,
		hook->env.v ? hook->env.v : nothing);
	(void)fprintf(stderr, "%s: %s\n", hook->path, strerror(errno));
	_exit(127);
}

static int start(const struct spec_hook *hook, const char *bundle, struct hook_process *p)
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
		become(hook, bundle, in[0], err[1]);
	fd_close(in[0]);
	fd_close(err[1]);
	p->in = in[1];
	p->err = err[0];
	if (p->pid < 0)
		return -errno;
	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	return p->pidfd < 0 ? -errno : fd_set_nonblock(p->in, 1);
}

static void take_words(struct hook_process *p)
{
	char text[WORDS_MAX];
	ssize_t n = read(p->err, text, sizeof(text));

	if (n <= 0) {
		fd_close(steal_fd(&p->err));
		return;
	}
	/* the last words count: older ones make room */
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

/* Feeds the hook and reads it until it ends: 0, -ETIMEDOUT or another -errno. */
static int attend(struct hook_process *p, const char *state, int64_t deadline)
{
	size_t len = strlen(state), sent = 0;

	for (;;) {
		struct pollfd fds[] = {
			{.fd = p->pidfd, .events = POLLIN},
			{.fd = p->err, .events = POLLIN},
			{.fd = p->in, .events = POLLOUT},
		};
		int64_t left = deadline < 0 ? -1 : MAX(deadline - now_ms(), 0);

		if (poll(fds, ARRAY_LEN(fds), (int)MIN(left, INT32_MAX)) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			take_words(p);
		if (p->in >= 0 && fds[2].revents) {
			ssize_t n = write(p->in, state + sent, len - sent);

			/* a hook need not read its input */
			sent = n > 0 ? sent + (size_t)n : n < 0 && errno == EAGAIN ? sent : len;
			if (sent == len)
				fd_close(steal_fd(&p->in));
		}
		if (fds[0].revents)
			return 0;
		if (left == 0)
			return -ETIMEDOUT;
	}
}

/* Waits for the hook, which has ended or is killed here. Returns its status as wait(2) gives it. */
static int finish(struct hook_process *p, bool force)
{
	struct pollfd fd = {.fd = p->err, .events = POLLIN};
	int status = 0;

	if (p->pid > 0) {
		if (force)
			(void)kill(p->pid, SIGKILL);
		while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
			;
		while (p->err >= 0 && (fd.fd = p->err, poll(&fd, 1, 0)) > 0)
			take_words(p);
	}
	fd_close(p->pidfd);
	fd_close(p->in);
	fd_close(p->err);
	while (p->words_len && p->words[p->words_len - 1] == '\n')
		p->words[--p->words_len] = '\0';
	for (size_t i = 0; i < p->words_len; i++) {
		if (p->words[i] == '\n')
			p->words[i] = ' ';
	}
	return status;
}

static int run_one(const struct spec_hook *hook, const char *name, size_t index, const char *state,
	const char *bundle, struct err *err)
{
	struct hook_process p = {.pidfd = -1, .in = -1, .err = -1};
	int64_t deadline = hook->timeout_s.set ? now_ms() + hook->timeout_s.v * 1000 : -1;
	int r = start(hook, bundle, &p), status;

	if (r == 0)
		r = attend(&p, state, deadline);
	status = finish(&p, r < 0);
	if (r == -ETIMEDOUT)
		return err_set(err, ETIMEDOUT, "hooks.%s[%zu]: \"%s\" did not end within %lld s",
			name, index, hook->path, (long long)hook->timeout_s.v);
	if (r < 0)
		return err_sys(err, r, "hooks.%s[%zu]: cannot run \"%s\"", name, index, hook->path);
	if (status != 0)
		return err_set(err, ECANCELED, "hooks.%s[%zu]: \"%s\" %s %d%s%s", name, index,
			hook->path,
			WIFSIGNALED(status) ? "was killed by signal" : "failed with exit status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
			*p.words ? ": " : "", p.words);
	return 0;
}

int hooks_run(const struct spec_hook_list *hooks, const char *name, const struct state *s,
	enum status status, struct err *err)
{
	autofree char *state = NULL;
	int r;

	if (hooks->n == 0)
		return 0;
	r = state_json(s, status, false, &state, err);
	for (size_t i = 0; r == 0 && i < hooks->n; i++)
		r = run_one(&hooks->v[i], name, i, state, s->bundle, err);
	return r;
}

void hooks_run_all(const struct spec_hook_list *hooks, const char *name, const struct state *s,
	enum status status)
{
	autofree char *state = NULL;
	struct err err = ERR_INIT;

	if (hooks->n == 0)
		return;
	if (state_json(s, status, false, &state, &err) < 0) {
		log_warning("hooks.%s: %s", name, err.msg);
		return;
	}
	for (size_t i = 0; i < hooks->n; i++) {
		if (run_one(&hooks->v[i], name, i, state, s->bundle, &err) < 0)
			log_warning("%s", err.msg);
	}
}
