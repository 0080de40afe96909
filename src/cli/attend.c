/* SPDX-License-Identifier: Apache-2.0 */
/* A process of exec in the foreground: see attend.h. */
#include "cli/attend.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/log.h"
#include "base/exit.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/sig.h"
#include "cli/relay.h"
#include "monitor/exec.h"

struct attendance {
	struct loop *loop;
	struct relay *relay; /* NULL: the process has no terminal */
	int handle;
	int signal_fd;
	int status; /* the exit status; -1: it has not come */
};

static void say(const struct attendance *a, const struct exec_word *word)
{
	/* a monitor that has gone is seen where its words are read */
	(void)!send(a->handle, word, sizeof(*word), MSG_NOSIGNAL);
}

/* Gives the terminal of the process the size that ours has. */
static void pass_size(const struct attendance *a)
{
	struct exec_word word = { .kind = EXEC_SIZE };
	struct winsize size;

	relay_resize(a->relay);
	if (!a->relay || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	word.rows = size.ws_row;
	word.cols = size.ws_col;
	say(a, &word);
}

/* Passes on the signals that have come. */
static void on_signal(void *arg, uint32_t events)
{
	struct attendance *a = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(a->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		const struct exec_word word = { .kind = EXEC_SIGNAL, .value = (int32_t)info.ssi_signo };

		if (a->relay && info.ssi_signo == SIGTSTP) {
			relay_stop(a->relay);
			continue;
		}
		if (a->relay && info.ssi_signo == SIGCONT) {
			relay_continue(a->relay);
			continue;
		}
		if (info.ssi_signo == SIGWINCH)
			pass_size(a);
		if (sig_is_meant(&info))
			say(a, &word);
	}
}

/* Takes what the monitor says; the exit status is its last word, and without one the container has ended. */
static void on_word(void *arg, uint32_t events)
{
	struct attendance *a = arg;
	struct exec_word word;
	ssize_t n = recv(a->handle, &word, sizeof(word), MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != (ssize_t)sizeof(word)) {
		a->status = exit_of_signal(SIGKILL); /* everything in the container was killed */
		loop_stop(a->loop);
	} else if (word.kind == EXEC_BROKEN) {
		word.text[sizeof(word.text) - 1] = '\0';
		log_notice("the process's %s", word.text); /* output has been lost */
	} else if (word.kind == EXEC_EXITED) {
		a->status = exit_of_wait(word.value);
		loop_stop(a->loop);
	}
}

/* Passes on until the process has ended. @master: its terminal's, owned; -1: it has none. */
static int run(struct attendance *a, int master, struct err *err)
{
	struct watch *signals = NULL, *words = NULL;
	int r = 0;

	a->signal_fd = relay_take_signals(master >= 0, err);
	if (a->signal_fd < 0)
		r = a->signal_fd;
	if (r == 0 && (r = loop_new(&a->loop)) < 0)
		r = err_sys(err, r, "event loop");
	if (r == 0 && master >= 0)
		r = relay_new(a->loop, steal_fd(&master), &a->relay, err);
	fd_close(master);
	if (r < 0)
		return r;
	pass_size(a);
	r = watch_new(a->loop, a->signal_fd, EPOLLIN, on_signal, a, &signals);
	if (r == 0)
		r = watch_new(a->loop, a->handle, EPOLLIN, on_word, a, &words);
	if (r == 0)
		r = loop_run(a->loop);
	return r < 0 ? err_sys(err, r, "event loop") : 0;
}

int attend(const struct exec_started *x, int *ret_status, struct err *err)
{
	struct attendance a = { .handle = x->handle, .signal_fd = -1, .status = -1 };
	int r = run(&a, x->master, err);

	relay_free(a.relay);
	loop_free(a.loop);
	fd_close(a.signal_fd);
	fd_close(a.handle);
	if (r == 0)
		*ret_status = a.status;
	return r;
}
