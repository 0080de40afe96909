/* SPDX-License-Identifier: Apache-2.0 */
/* The process that stands for a detached exec: see holder.h. */
#include "life/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/log.h"
#include "app/proctitle.h"
#include "base/exit.h"
#include "base/fd.h"
#include "base/sig.h"
#include "host/confine.h"
#include "monitor/exec.h"

/* What the command tells the holder; a descriptor comes with the first two. It answers with the word. */
enum { TELL_TERMINAL = 't', TELL_HANDLE = 'h', TELL_GO = 'g' };

struct telling {
	char word;
	char args[PROCTITLE_ARGS_MAX]; /* of TELL_HANDLE: what runs, with a NUL */
};

/* --- the holder's side --- */

struct holding {
	int sock;      /* to the command; -1 after TELL_GO */
	int signal_fd; /* of all signals */
	int slave;     /* of the terminal, or -1 */
	int handle;    /* the connection to the monitor */
	const char *id;
};

/* Gives up all rights but the few calls that it makes: 0 or -errno. */
static int drop(void)
{
	static const int calls[] = {
		SYS_read,                            /* the signals */
		SYS_recvfrom,                        /* what the monitor says, and the command's go */
		SYS_sendto,                          /* to the monitor */
		SYS_ppoll, SYS_close, SYS_getpid,    /* sig_is_meant() */
		SYS_exit_group, SYS_restart_syscall, /* of a ppoll(2) that SIGSTOP has interrupted */
	};

	return confine_self(calls, ARRAY_LEN(calls), TIOCGWINSZ);
}

/* Sends the monitor a word; if it has gone, that is seen where its words are read. */
static void say(const struct holding *h, const struct exec_word *word)
{
	(void)!send(h->handle, word, sizeof(*word), MSG_NOSIGNAL);
}

static void pass_size(const struct holding *h)
{
	struct exec_word word = { .kind = EXEC_SIZE };
	struct winsize size;

	if (ioctl(h->slave, TIOCGWINSZ, &size) < 0)
		return;
	word.rows = size.ws_row;
	word.cols = size.ws_col;
	say(h, &word);
}

/* Passes on the signals that have come. A change of the terminal's size is told as what it is. */
static void pass_signals(const struct holding *h)
{
	struct signalfd_siginfo info;

	while (read(h->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		const struct exec_word word = { .kind = EXEC_SIGNAL, .value = (int32_t)info.ssi_signo };

		if (h->slave >= 0 && info.ssi_signo == SIGWINCH)
			pass_size(h);
		if (sig_is_meant(&info))
			say(h, &word);
	}
}

/* Passes on until the process has ended: returns its exit status. */
static int attend(const struct holding *h)
{
	struct pollfd p[] = { { .fd = h->handle, .events = POLLIN }, { .fd = h->signal_fd, .events = POLLIN } };
	struct exec_word word;

	if (h->slave >= 0)
		pass_size(h); /* the engine may have set it before somebody looked */
	for (;;) {
		ssize_t n;

		if (ppoll(p, ARRAY_LEN(p), NULL, NULL) < 0)
			continue; /* EINTR: a stop, and its end */
		if (p[1].revents)
			pass_signals(h);
		if (!p[0].revents)
			continue;
		n = recv(h->handle, &word, sizeof(word), MSG_DONTWAIT);
		if (n == (ssize_t)sizeof(word) && word.kind == EXEC_EXITED)
			return exit_of_wait(word.value);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return exit_of_signal(SIGKILL); /* the container has ended, and everything in it was killed */
	}
}

/* Keeps nothing of the caller's, and has every signal told. 0 or -errno. */
static int leave(struct holding *h)
{
	sigset_t all;

	sig_fill(&all);
	h->signal_fd = sig_open(SIG_SETMASK, &all);
	return h->signal_fd < 0 ? h->signal_fd : confine_leave((int[]){ h->sock, h->signal_fd }, 2);
}

/* Takes what the command sends, until it says go: 0, or -errno if that will not come. */
static int be_told(struct holding *h)
{
	for (;;) {
		struct telling t = { .word = 0 };
		int fd = -1;
		size_t n = 0;
		ssize_t r = h->handle < 0 ? fd_recv(h->sock, &t, sizeof(t), &fd, 1, &n)
					  : recv(h->sock, &t, sizeof(t), 0); /* by the filter */

		if (r != (ssize_t)sizeof(t))
			return -ECONNRESET;
		if (t.word == TELL_GO)
			return h->handle < 0 ? -EPROTO : 0;
		if (t.word == TELL_TERMINAL && ioctl(fd, TIOCSCTTY, 0) < 0)
			return -errno;
		*(t.word == TELL_TERMINAL ? &h->slave : &h->handle) = fd;
		if (t.word == TELL_HANDLE) {
			proctitle_set("vmrunc: %s: exec: %s", h->id, t.args);
			r = drop();
			if (r < 0)
				return (int)r;
		}
		if (send(h->sock, &t.word, sizeof(t.word), MSG_NOSIGNAL) < 0)
			return -errno;
	}
}

static _Noreturn void holder_main(const char *id, int sock)
{
	struct holding h = { .sock = sock, .signal_fd = -1, .slave = -1, .handle = -1, .id = id };

	log_detach();
	if (leave(&h) < 0 || be_told(&h) < 0)
		_exit(1); /* the command notices the socket's end */
	fd_close(steal_fd(&h.sock));
	_exit(attend(&h));
}

/* --- the command's side --- */

int holder_new(const char *id, struct holder *h, struct err *err)
{
	int ends[2];

	*h = (struct holder){ .sock = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, errno, "cannot make a socket pair");
	h->sock = ends[0];
	(void)fflush(NULL);
	h->pid = fork();
	if (h->pid == 0) {
		fd_close(ends[0]);
		proctitle_set("vmrunc: %s: exec", id);
		proctitle_clear_environment();
		holder_main(id, ends[1]);
	}
	fd_close(ends[1]);
	return h->pid < 0 ? err_sys(err, errno, "cannot fork") : 0;
}

/* Tells the holder a word, with the descriptor @fd, and waits until it has done it. 0 or -errno with an error. */
static int tell(const struct holder *h, const struct telling *t, int fd, const char *what, struct err *err)
{
	int r = fd_send(h->sock, t, sizeof(*t), &fd, 1);
	char word;

	if (r == 0 && recv(h->sock, &word, sizeof(word), 0) != (ssize_t)sizeof(word))
		r = -ECONNRESET;
	return r < 0 ? err_sys(err, r, "the process that is to stand for the exec cannot take its %s", what) : 0;
}

int holder_terminal(struct holder *h, int slave, struct err *err)
{
	const struct telling t = { .word = TELL_TERMINAL };

	return tell(h, &t, slave, "terminal", err);
}

int holder_hold(struct holder *h, int handle, const struct spec_strv *args, struct err *err)
{
	struct telling t = { .word = TELL_HANDLE };

	proctitle_join(args, t.args, sizeof(t.args));
	return tell(h, &t, handle, "connection", err);
}

int holder_go(struct holder *h, struct err *err)
{
	const struct telling t = { .word = TELL_GO };

	if (send(h->sock, &t, sizeof(t), MSG_NOSIGNAL) < 0)
		return err_sys(err, errno, "the process that is to stand for the exec has died");
	fd_close(steal_fd(&h->sock));
	return 0;
}

void holder_done(struct holder *h)
{
	if (h->sock < 0)
		return;
	fd_close(steal_fd(&h->sock));
	if (h->pid > 0)
		(void)waitpid(h->pid, NULL, 0);
}
