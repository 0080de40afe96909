/* SPDX-License-Identifier: Apache-2.0 */
/* Copying between two terminals: see relay.h. */
#include "cli/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sig.h"

/* Bytes of one direction that wait until its slower side takes them. */
#define RELAY_BUFFER 65536

struct direction {
	int from, to;
	struct watch *in;  /* of @from; NULL: nothing more will be read, or @from is a file */
	struct watch *out; /* of @to; NULL: @to is a file, or its reader has gone */
	bool file;         /* @from is a file: reading never blocks, and epoll does not take it */
	size_t len;        /* bytes that wait in @data */
	char data[RELAY_BUFFER];
};

struct relay {
	int master;
	bool raw; /* our terminal is in raw mode, and was in @saved before */
	struct termios saved;
	struct direction input, output;
};

/* Nothing more is read; what waits is still written. */
static void direction_end(struct direction *d)
{
	watch_free(d->in);
	d->in = NULL;
}

/* Watches for what the buffer's state allows: input while there is room, output while bytes wait. Fills it from a file. */
static void direction_adjust(struct direction *d)
{
	int r = 0;

	if (d->file && d->len == 0) {
		ssize_t n = read(d->from, d->data, RELAY_BUFFER);

		d->len = n > 0 ? (size_t)n : 0;
		d->file = n > 0;
	}
	if (d->in)
		r = watch_set_events(d->in, d->len < RELAY_BUFFER ? EPOLLIN : 0);
	if (r == 0 && d->out)
		r = watch_set_events(d->out, d->len ? EPOLLOUT : 0);
	if (r < 0)
		direction_end(d);
}

/* Writes what waits, as far as the other side takes it. Returns false when the other side has gone. */
static bool direction_write(struct direction *d)
{
	while (d->len) {
		ssize_t n = write(d->to, d->data, d->len);

		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0 && errno != EINTR)
			return false;
		if (n > 0) {
			d->len -= (size_t)n;
			memmove(d->data, d->data + n, d->len);
		}
	}
	return true;
}

/* The reader has gone: the bytes that wait are dropped, and nothing more is read. */
static void direction_drop(struct direction *d)
{
	d->len = 0;
	direction_end(d);
	watch_free(d->out);
	d->out = NULL;
}

/* Reads once, and writes as much as the other side takes. */
static void direction_move(struct direction *d)
{
	ssize_t n;

	if (d->len < RELAY_BUFFER) {
		n = read(d->from, d->data + d->len, RELAY_BUFFER - d->len);
		if (n > 0)
			d->len += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			direction_end(d);
	}
	if (!direction_write(d))
		direction_drop(d);
	direction_adjust(d);
}

/* Reads only when epoll reports input: our standard input may be a blocking descriptor. */
static void on_in(void *arg, uint32_t events)
{
	if (events & EPOLLIN)
		direction_move(arg);
	else
		direction_end(arg);
}

static void on_out(void *arg, uint32_t events)
{
	struct direction *d = arg;

	if ((events & (EPOLLHUP | EPOLLERR)) || !direction_write(d))
		direction_drop(d);
	direction_adjust(d);
}

/* Begins to copy. A file, which epoll refuses with EPERM, needs no watch on either side, since it never blocks. */
static int direction_start(struct direction *d, struct loop *loop)
{
	int r = watch_new(loop, d->from, EPOLLIN, on_in, d, &d->in);

	d->file = r == -EPERM;
	if (r == 0 || d->file)
		r = watch_new(loop, d->to, 0, on_out, d, &d->out);
	if (r == -EPERM) /* the output is a file */
		r = 0;
	if (r == 0)
		direction_adjust(d);
	return r;
}

/* Puts our terminal, whose modes are saved, into raw mode: 0 or -errno. */
static int make_raw(const struct relay *relay)
{
	struct termios raw = relay->saved;

	cfmakeraw(&raw);
	return tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0 ? -errno : 0;
}

int relay_new(struct loop *loop, int master, struct relay **ret, struct err *err)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	int r;

	if (!relay) {
		fd_close(master);
		return err_sys(err, ENOMEM, "cannot relay the terminal");
	}
	relay->master = master;
	relay->input = (struct direction){ .from = STDIN_FILENO, .to = master };
	/* epoll takes a descriptor only once, and the first direction has the master: the second one watches a duplicate */
	relay->output = (struct direction){ .from = fcntl(master, F_DUPFD_CLOEXEC, 3), .to = STDOUT_FILENO };
	r = fd_set_nonblock(master, 1);
	if (r == 0 && relay->output.from < 0)
		r = -errno;
	if (r == 0 && tcgetattr(STDIN_FILENO, &relay->saved) == 0) {
		r = make_raw(relay);
		relay->raw = r == 0;
	}
	if (r == 0)
		r = direction_start(&relay->input, loop);
	if (r == 0)
		r = direction_start(&relay->output, loop);
	if (r < 0) {
		relay_free(relay);
		return err_sys(err, r, "cannot relay the terminal");
	}
	relay_resize(relay);
	*ret = relay;
	return 0;
}

void relay_resize(struct relay *relay)
{
	struct winsize size;

	/* if standard input is no terminal, there is no size to pass on */
	if (relay && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(relay->master, TIOCSWINSZ, &size);
}

void relay_stop(struct relay *relay)
{
	if (relay && relay->raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &relay->saved); /* the terminal may have gone */
	(void)kill(getpid(), SIGSTOP);
	relay_continue(relay);
}

void relay_continue(struct relay *relay)
{
	if (relay && relay->raw)
		(void)!make_raw(relay); /* if the terminal has gone, its end is read */
	relay_resize(relay);
}

void relay_free(struct relay *relay)
{
	if (!relay)
		return;
	/* the monitor has ended: read(2) returns what is left in the pty without waiting, and then EIO */
	while (relay->output.in) {
		direction_move(&relay->output);
		if (relay->output.len == 0 && relay->output.in) {
			struct pollfd p = { .fd = relay->output.from, .events = POLLIN };

			if (poll(&p, 1, 0) <= 0)
				break;
		}
	}
	if (relay->raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &relay->saved);
	watch_free(relay->input.in);
	watch_free(relay->input.out);
	watch_free(relay->output.in);
	watch_free(relay->output.out);
	fd_close(relay->output.from);
	fd_close(relay->master);
	free(relay);
}

int relay_take_signals(bool terminal, struct err *err)
{
	/* a write to a closed pipe, and the job control of the shell that runs us, are not the process's */
	static const int kept[] = { SIGPIPE, SIGTTIN, SIGTTOU, SIGTSTP, SIGCONT };
	sigset_t set;
	int fd;

	sig_fill(&set);
	for (size_t i = 0; i < ARRAY_LEN(kept) - (terminal ? 2 : 0); i++)
		(void)sigdelset(&set, kept[i]);
	fd = sig_open(SIG_SETMASK, &set);
	return fd < 0 ? err_sys(err, fd, "cannot receive signals") : fd;
}
