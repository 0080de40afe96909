/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line for somebody who waits: see progress.h.
 *
 * The command sends words over a pipe, each message a write of at most PIPE_BUF bytes that ends with a NUL. The child
 * begins to show them SHOW_AFTER_MS after the command has begun with them, and counts seconds. It takes the line away at an empty message and at
 * the end of the pipe. The monitor has been forked from the command as well, but it closes what is not its own, so that
 * the end of the pipe comes also if the command is killed.
 */
#include "app/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit.h"
#include "base/fd.h"

#define SHOW_AFTER_MS 1000
#define TICK_MS 1000
#define WORDS_MAX 200
#define COLUMNS 80 /* of a terminal that does not say */

#define CLEAR_LINE "\r\033[K"

static struct {
	bool allowed, held;
	pid_t child; /* 0: none */
	int pipe;
} state = { .pipe = -1 };

void progress_allow(bool wanted)
{
	state.allowed = wanted && isatty(STDERR_FILENO);
}

void progress_hold(bool held)
{
	state.held = held;
}

/* --- the child --- */

/* Writes the line as of now, cut so that it needs no second one. */
static void show(const char *words, int64_t elapsed_ms)
{
	char line[WORDS_MAX + 64];
	struct winsize size;
	int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : COLUMNS;
	int len = snprintf(line, sizeof(line), "vmrunc: %s ... %d s", words, (int)(elapsed_ms / 1000));

	len = MIN(len, columns - 1);
	dprintf(STDERR_FILENO, CLEAR_LINE "%.*s", MAX(len, 0), line);
}

/* Reads the messages that have come: the last one is left in @words. Returns false at the end of the pipe. */
static bool take_words(int from, char words[WORDS_MAX])
{
	char buf[PIPE_BUF + 1];
	ssize_t n = read(from, buf, PIPE_BUF);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	buf[n] = '\0';
	for (const char *at = buf; at < buf + n; at += strlen(at) + 1)
		(void)snprintf(words, WORDS_MAX, "%.*s", WORDS_MAX - 1, at);
	return *words != '\0';
}

/* The child's life: shows the words that come, until none are left. The first have been true since @started. */
static void serve(int from, int64_t started)
{
	struct pollfd p = { .fd = from, .events = POLLIN };
	char words[WORDS_MAX] = "";
	bool shown = false;

	for (;;) {
		int64_t elapsed = clock_now_ms() - started;
		int wait = elapsed < SHOW_AFTER_MS ? (int)(SHOW_AFTER_MS - elapsed) : TICK_MS;
		int n = poll(&p, 1, wait);

		if (n > 0 && !take_words(from, words))
			break;
		elapsed = clock_now_ms() - started;
		if (elapsed >= SHOW_AFTER_MS && *words) {
			show(words, elapsed);
			shown = true;
		}
	}
	if (shown)
		dprintf(STDERR_FILENO, CLEAR_LINE);
}

/*
 * Becomes the child's process. It holds nothing of the command's open, and Ctrl-C does not end it: whether that ends the
 * command is the command's decision, and the line has to go away in any case.
 */
static _Noreturn void be_child(int from, int64_t started)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE };
	int keep[] = { from };

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
	if (fd_close_others(keep, ARRAY_LEN(keep)) == 0)
		serve(from, started);
	_exit(0);
}

/* --- the command --- */

/* Starts the child for what began at @started. A command that cannot have one says nothing. */
static void begin(int64_t started)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		(void)close(ends[1]);
		be_child(ends[0], started);
	}
	(void)close(ends[0]);
	if (pid < 0) {
		(void)close(ends[1]);
		return;
	}
	state.child = pid;
	state.pipe = ends[1];
}

void progress_say_late(const char *words, int elapsed_ms)
{
	char message[WORDS_MAX];
	int len = snprintf(message, sizeof(message), "%s", words);

	if (!state.allowed || state.held)
		return;
	if (!state.child)
		begin(clock_now_ms() - elapsed_ms);
	/* a child that has gone or does not read leaves the user without the line, which is no error of the command */
	if (state.child)
		(void)!write(state.pipe, message, (size_t)MIN(len, WORDS_MAX - 1) + 1);
}

void progress_say(const char *words)
{
	progress_say_late(words, 0);
}

/*
 * Waits for the first of @p, or the second, which cancels that, until the clock says @until (-1: without a bound): as
 * progress_poll().
 */
static int poll_until(struct pollfd p[2], int64_t until)
{
	int r;

	do
		r = poll(p, 2, until < 0 ? -1 : (int)MAX(until - clock_now_ms(), 0));
	while (r < 0 && errno == EINTR);
	if (r > 0 && !p[0].revents)
		return -EINTR;
	return r < 0 ? -errno : r;
}

int progress_poll(int fd, short events, int cancel_fd, int timeout_ms, const char *words)
{
	struct pollfd p[2] = { { .fd = fd, .events = events }, { .fd = cancel_fd, .events = POLLIN } };
	const int64_t now = clock_now_ms(), until = timeout_ms < 0 ? -1 : now + timeout_ms;
	bool ours = words && !state.child && (timeout_ms < 0 || timeout_ms > SHOW_AFTER_MS);
	int r = ours ? poll_until(p, now + SHOW_AFTER_MS) : 0;

	if (r != 0)
		return r;
	if (ours)
		progress_say_late(words, SHOW_AFTER_MS);
	r = poll_until(p, until);
	if (ours)
		progress_end();
	return r;
}

void progress_end(void)
{
	if (!state.child)
		return;
	(void)!write(state.pipe, "", 1);
	(void)close(state.pipe);
	state.pipe = -1;
	(void)exit_wait(state.child, NULL);
	state.child = 0;
}

void progress_make_room(void)
{
	if (state.child)
		dprintf(STDERR_FILENO, CLEAR_LINE);
}
